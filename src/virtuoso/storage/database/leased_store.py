"""Reads and writes for one identity and market, under the lease: what a monitor keeps, and its outbox."""

from collections.abc import Mapping

from virtuoso.model.alerts.added_rule import AddedRule
from virtuoso.model.alerts.incident import Incident
from virtuoso.model.alerts.outcome import Outcome
from virtuoso.storage.database.lease.lease import Lease
from virtuoso.storage.database.leased_outbox import LeasedOutbox
from virtuoso.storage.database.queries import LastLabel
from virtuoso.storage.database.records import (
    AlertInputs,
    Changes,
    LivedKey,
    LivedRow,
    LivedSums,
    StateRecord,
    TransitionRecord,
)
from virtuoso.storage.database.store import Database


class LeasedStore(LeasedOutbox):
    """Everything raises `StoreUnavailable` when it cannot be done now."""

    def __init__(self, database: Database, lease: Lease, identity: str, exchange: str) -> None:
        super().__init__(database, lease, identity)
        self._store = database
        self._exchange = exchange

    async def commit(self, changes: Changes) -> None:
        """Store all changes in one transaction, or none, while the lease is held."""
        await self._guard.during(lambda term: self._store.commit(term, changes))

    async def state(self, key: str) -> StateRecord | None:
        """Read what this identity stored under a name; `None` when nothing was."""
        return await self._store.state(self._identity, key)

    async def incidents(self, limit: int, notified_since_ms: int) -> tuple[Incident, ...]:
        """The latest incidents, and all that are open, undecided, or notified since then; newest first."""
        latest = await self._store.incidents(limit, identity=self._identity)
        resumed = await self._store.resumable(self._identity, notified_since_ms)
        found = {incident.id: incident for incident in (*latest, *resumed)}
        return tuple(sorted(found.values(), key=lambda each: (each.fired_ms, each.id), reverse=True))

    async def outcomes(self, now_ms: int) -> tuple[Outcome, ...]:
        """What followed the alerts of the year before `now_ms`, newest first."""
        return await self._store.outcomes(self._identity, now_ms)

    async def lived(
        self, since_ms: int, *, after: LivedKey | None = None, horizon_min: int | None = None
    ) -> tuple[LivedRow, ...]:
        """What was said from `since_ms` on and what came of it, in order, 100 at a time."""
        return await self._store.lived(self._identity, self._exchange, since_ms, after=after, horizon_min=horizon_min)

    async def lived_sums(self, since_day: int) -> tuple[LivedSums, ...]:
        """The sums of days from `since_day` (since 1970) on, the oldest first."""
        return await self._store.lived_sums(self._identity, self._exchange, since_day)

    async def alert_inputs(self, now_ms: int) -> AlertInputs:
        """Silences in force or to come, and who acknowledged which open incident."""
        return await self._store.alert_inputs(self._identity, now_ms)

    async def added_rules(self) -> tuple[AddedRule, ...]:
        """The rules that people added, the oldest first."""
        return await self._store.added_rules(self._identity)

    async def crashes(self, since_ms: int) -> int:
        """Runs of this monitor that ended at or after `since_ms` without having been stopped."""
        return await self._store.crashes(self._identity, since_ms)

    async def last_labels(self) -> Mapping[str, LastLabel]:
        """By symbol, the latest signal that this monitor kept."""
        return await self._store.last_labels(self._exchange, self._identity)

    async def transitions(self, limit: int) -> tuple[TransitionRecord, ...]:
        """The latest transitions, newest first."""
        return await self._store.transitions(self._exchange, limit)

"""The stores of one monitor, opened: what it may write, and only while it holds its lease."""

from collections.abc import Mapping
from dataclasses import dataclass

from virtuoso.model.alert import Incident
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.cache.publisher import Publisher
from virtuoso.storage.database.lease import Lease
from virtuoso.storage.database.reading import LastLabel
from virtuoso.storage.database.records import AlertInputs, Changes, StateRecord, TransitionRecord
from virtuoso.storage.database.store import Database
from virtuoso.storage.lease import Superseded
from virtuoso.storage.status import StoreStatus
from virtuoso.storage.timeseries.protocol import TimeSeries


@dataclass(frozen=True, slots=True)
class Stores:
    """Opened, and closed, by whoever made them. `series` is `None` where nothing is to be kept."""

    database: Database
    lease: Lease
    series: TimeSeries | None
    publisher: Publisher

    def statuses(self) -> tuple[StoreStatus, ...]:
        """How each is now."""
        series = () if self.series is None else (self.series.status(),)
        return (*self.publisher.statuses(), *series, self.database.status())


class LeasedBooks:
    """Implements `keeper.Books`: the database under the lease, for one exchange and identity."""

    def __init__(self, database: Database, lease: Lease, identity: str, exchange: str) -> None:
        self._database = database
        self._lease = lease
        self._identity = identity
        self._exchange = exchange

    async def commit(self, changes: Changes) -> None:
        """Keep all of it, or nothing."""
        if not self._lease.may_publish():
            raise StoreUnavailable("the lease is not ours for sure; nothing is written until it is")
        try:
            await self._database.commit(self._lease.term, changes)
        except Superseded as found:
            self._lease.superseded(found.epoch, found.holder)
            raise StoreUnavailable(str(found)) from found

    async def state(self, key: str) -> StateRecord | None:
        """What was kept under a name."""
        return await self._database.state(self._identity, key)

    async def incidents(self, limit: int, told_since_ms: int) -> tuple[Incident, ...]:
        """The latest incidents, and all that are open, undecided, or told since then; newest first."""
        latest = await self._database.incidents(limit, identity=self._identity)
        resumed = await self._database.resumable(self._identity, told_since_ms)
        found = {incident.id: incident for incident in (*latest, *resumed)}
        return tuple(sorted(found.values(), key=lambda each: (each.fired_ms, each.id), reverse=True))

    async def alert_inputs(self, now_ms: int) -> AlertInputs:
        """Silences in force or to come, and who acknowledged which open incident."""
        return await self._database.alert_inputs(self._identity, now_ms)

    async def crashes(self, since_ms: int) -> int:
        """Runs of this monitor that ended at or after `since_ms` without having been stopped."""
        return await self._database.crashes(self._identity, since_ms)

    async def last_labels(self) -> Mapping[str, LastLabel]:
        """By symbol, the latest signal that this monitor kept."""
        return await self._database.last_labels(self._exchange, self._identity)

    async def transitions(self, limit: int) -> tuple[TransitionRecord, ...]:
        """The latest transitions, newest first."""
        return await self._database.transitions(self._exchange, limit)

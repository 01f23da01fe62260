"""The database as the rest of the program uses it."""

from typing import Any

import structlog
from sqlalchemy import Connection

from virtuoso.model.alerts.added_rule import AddedRule
from virtuoso.model.alerts.incident import Incident, Silence
from virtuoso.model.alerts.notice import Delivery
from virtuoso.model.alerts.outbox import ChannelState, Count, DeliveryPage
from virtuoso.model.alerts.outcome import Outcome
from virtuoso.model.clock import Clock
from virtuoso.model.signal import Label
from virtuoso.storage.database import alerts, lived, outbox, past_cones, queries, signal_outcomes, writing
from virtuoso.storage.database.connection.calls import Calls
from virtuoso.storage.database.connection.durability import durability_warning
from virtuoso.storage.database.damage import Usable
from virtuoso.storage.database.from_webs import added_rules, wrong_tokens
from virtuoso.storage.database.lease.rows import guard
from virtuoso.storage.database.queries import LastLabel
from virtuoso.storage.database.records import (
    Acknowledgement,
    AlertInputs,
    Changes,
    IncidentFilter,
    IncidentPage,
    LivedKey,
    LivedRow,
    LivedSums,
    SignalFilter,
    SignalPage,
    SignalRecord,
    StateRecord,
    TransitionRecord,
    WrongTokens,
)
from virtuoso.storage.lease import Term

log = structlog.get_logger(__name__)

_MOST_TOLD = 1_000


class Database(Calls):
    """SQLite (`sqlite:///path`) or PostgreSQL (`postgresql://…`), used on one event loop; `start` it first.

    Every method raises `StoreUnavailable` within `timeout_s` when the database is down, slow, locked or full
    (`StoreFull`). The one that writes for an identity uses one thread; readers may use several, and should follow a
    file that was put in the place of another.
    """

    def __init__(
        self, url: str, clock: Clock, *, threads: int = 1, timeout_s: float = 3.0, follows: bool = False
    ) -> None:
        super().__init__(url, clock, threads=threads, timeout_s=timeout_s, follows=follows)
        self._told: set[str] = set()

    async def commit(self, term: Term, changes: Changes) -> None:
        """Keep all of `changes` or nothing; on the disk when this returns.

        Raises `Superseded` when another holder has a higher epoch. After `StoreUnavailable` it may have been kept or
        not: repeat it, nothing is kept twice.
        """
        rows = writing.Writing(term, changes)

        def write(connection: Connection) -> None:
            guard(connection, term)
            rows.write(connection)

        await self.run(write, writing=True)

    async def signals(self, wanted: SignalFilter, *, limit: int = 100, cursor: str | None = None) -> SignalPage:
        """Signals, newest first, `limit` (1–1000) at a time; a page begins where its `cursor` says.

        Raises `ValueError` for a limit or a cursor that cannot be.
        """
        query = queries.signals_query(wanted, limit, cursor)
        return await self.run(lambda c: queries.signals(c, query, limit), writing=False)

    async def signal(self, signal_id: str) -> SignalRecord | None:
        """Return the signal with this id, or `None`; raises `DamagedRow`."""
        return await self.run(lambda c: queries.signal(c, signal_id), writing=False)

    async def signal_outcomes(self, identity: str, signal: SignalRecord) -> signal_outcomes.SignalOutcomes:
        """What came of a BUY or SELL as far as it is written, the nearest horizon first; what is damaged is named."""
        of = signal.exchange, signal.symbol, signal.close_ms, 1 if signal.label is Label.BUY else -1
        return await self.run(lambda c: signal_outcomes.signal_outcomes(c, identity, *of), writing=False)

    async def last_labels(self, exchange: str, identity: str) -> dict[str, LastLabel]:
        """By symbol, the label of the latest signal that this identity kept, and since which close."""
        return await self.run(lambda c: queries.last_labels(c, exchange, identity), writing=False)

    async def incidents(self, limit: int, *, identity: str | None = None) -> tuple[Incident, ...]:
        """The latest, newest first; at most 1000. Of all identities where none is named."""
        most = min(limit, queries.MOST)
        return self._whole(
            await self.run(lambda c: queries.incidents(c, most, only_open=False, identity=identity), writing=False)
        )

    async def open_incidents(self, *, identity: str | None = None) -> tuple[Incident, ...]:
        """Those that are not resolved, newest first; at most 1000. Of all identities where none is named."""
        return self._whole(
            await self.run(
                lambda c: queries.incidents(c, queries.MOST, only_open=True, identity=identity), writing=False
            )
        )

    async def transitions(self, exchange: str, limit: int) -> tuple[TransitionRecord, ...]:
        """The latest changes of regime, newest first; at most 1000."""
        return self._whole(
            await self.run(lambda c: queries.transitions(c, exchange, min(limit, queries.MOST)), writing=False)
        )

    async def state(self, identity: str, key: str) -> StateRecord | None:
        """What was kept last under this name; `None` at the very first start."""
        return await self.run(lambda c: queries.state(c, identity, key), writing=False)

    async def silences(self, after_ms: int) -> tuple[Silence, ...]:
        """Those that end after `after_ms` (epoch ms), the last to end first; at most 1000."""
        return self._whole(await self.run(lambda c: queries.silences(c, after_ms, queries.MOST), writing=False))

    async def add_silence(self, silence: Silence) -> bool:
        """Make it, or again; `False` when 500 are in force or to come already. Those of a month ago are forgotten."""
        return await self.run(lambda c: alerts.add_silence(c, silence), writing=True)

    async def end_silence(self, silence_id: str, now_ms: int) -> bool:
        """It withholds nothing after `now_ms` (epoch ms); whether there is one of this id."""
        return await self.run(lambda c: alerts.end_silence(c, silence_id, now_ms), writing=True)

    async def add_rule(self, identity: str, rule: AddedRule) -> str | None:
        """Let the monitor of this identity judge by a rule more; says why not, where it cannot."""
        return await self.run(lambda c: added_rules.add(c, identity, rule), writing=True)

    async def added_rules(self, identity: str) -> tuple[AddedRule, ...]:
        """The rules that were added for the monitor of this identity, the oldest first."""
        return self._whole(await self.run(lambda c: added_rules.added_rules(c, identity), writing=False))

    async def remove_rule(self, identity: str, name: str) -> bool:
        """Let it judge by this added rule no longer; whether there was one of this name."""
        return await self.run(lambda c: added_rules.remove(c, identity, name), writing=True)

    async def history(self, wanted: IncidentFilter, *, limit: int = 100, cursor: str | None = None) -> IncidentPage:
        """Incidents, newest first, `limit` (1–1000) at a time; a page begins where its `cursor` says.

        Raises `ValueError` for a limit or a cursor that cannot be.
        """
        query = alerts.incidents_query(wanted, limit, cursor)
        return await self.run(lambda c: alerts.history(c, query, limit), writing=False)

    async def incident(self, incident_id: str) -> Incident | None:
        """Return the incident with this id, or `None`."""
        return await self.run(lambda c: alerts.incident(c, incident_id), writing=False)

    async def acknowledge(self, incident_id: str, said: Acknowledgement) -> Incident | None:
        """The incident, acknowledged: by the first who did. `None` where there is none."""
        return await self.run(lambda c: alerts.acknowledge(c, incident_id, said), writing=True)

    async def alert_inputs(self, identity: str, now_ms: int) -> AlertInputs:
        """Silences that end after `now_ms` (epoch ms), and who acknowledged which open incident of this monitor."""
        found = await self.run(lambda c: alerts.inputs(c, identity, now_ms), writing=False)
        self._whole(Usable((), found.damaged))
        return found

    async def resumable(self, identity: str, since_ms: int) -> tuple[Incident, ...]:
        """What a restart goes on with: those open, undecided, or notified since then; newest first, at most 10,000."""
        return self._whole(await self.run(lambda c: alerts.resumable(c, identity, since_ms), writing=False))

    async def outcomes(self, identity: str, now_ms: int) -> tuple[Outcome, ...]:
        """What followed the alerts of the year before `now_ms` (epoch ms), newest first; at most 20,000."""
        return self._whole(await self.run(lambda c: alerts.outcomes(c, identity, now_ms), writing=False))

    async def outcomes_of(self, incident_id: str) -> tuple[Outcome, ...]:
        """What followed one incident, the nearest horizon first."""
        return self._whole(await self.run(lambda c: alerts.outcomes_of(c, incident_id), writing=False))

    async def lived(
        self, identity: str, exchange: str, since_ms: int, *, after: LivedKey | None = None,
        horizon_min: int | None = None,
    ) -> tuple[LivedRow, ...]:  # fmt: skip
        """What was said at closes from `since_ms` on (epoch ms) and what came of it, in order, 100 at a time.

        A page begins after the key `after`; horizon 0 is what was said.
        """
        return self._whole(
            await self.run(lambda c: lived.rows(c, identity, exchange, after, since_ms, horizon_min), writing=False)
        )

    async def past_cones(self, identity: str, symbol: str, horizon_min: int, most: int) -> Usable:
        """Cones of a symbol that do not overlap, newest first, 48 at most; what is damaged is named."""
        return await self.run(
            lambda c: past_cones.past_cones(c, identity, symbol, horizon_min, min(most, past_cones.MOST)), writing=False
        )

    async def lived_sums(self, identity: str, exchange: str, since_day: int) -> tuple[LivedSums, ...]:
        """The sums of days from `since_day` (since 1970) on, the oldest first."""
        return self._whole(await self.run(lambda c: lived.sums(c, identity, exchange, since_day), writing=False))

    async def note_wrong_tokens(self, identity: str, process: str, wrong: WrongTokens) -> None:
        """Let the monitor of this identity know what the web process of this name was given."""
        await self.run(lambda c: wrong_tokens.note(c, identity, process, wrong), writing=True)

    async def crashes(self, identity: str, since_ms: int) -> int:
        """Runs of this identity that ended at or after `since_ms` (epoch ms) without having been stopped."""
        return await self.run(lambda c: alerts.crashes(c, identity, since_ms), writing=False)

    async def deliveries(
        self,
        identity: str,
        *,
        channel: str | None = None,
        state: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> DeliveryPage:
        """What is in the outbox, newest first, `limit` (1–1000) at a time; a page begins where its `cursor` says.

        Raises `ValueError` for a limit or a cursor that cannot be.
        """
        query = outbox.page_of(identity, channel, state, limit, cursor)
        return await self.run(lambda c: outbox.page(c, query, limit), writing=False)

    async def resend(self, delivery_id: str, now_ms: int) -> Delivery | None:
        """A dead or expired delivery waits again, with its whole time to live; `None` where there is no such one.

        The monitor sends it within a few seconds: before everything younger of its channel.
        """
        return await self.run(lambda c: outbox.resend(c, delivery_id, now_ms), writing=True)

    async def delivery_counts(self, identity: str) -> tuple[Count, ...]:
        """Rows of the outbox by channel and state."""
        return await self.run(lambda c: outbox.counts(c, identity, None), writing=False)

    async def channel_states(self, identity: str) -> dict[str, ChannelState]:
        """How each channel was last, by name."""
        return await self.run(lambda c: outbox.states(c, identity), writing=False)

    async def durability_warning(self) -> str | None:
        """What would be lost when the machine fails, and what to change; `None` = nothing."""
        return await self.run(durability_warning, writing=True)

    def _whole(self, read: Usable) -> tuple[Any, ...]:
        """What could be read; what could not is logged once."""
        for damaged in read.damaged:
            if damaged not in self._told and len(self._told) < _MOST_TOLD:
                self._told.add(damaged)
                log.warning("a damaged row of the database is left out", row=damaged)
        return read.found

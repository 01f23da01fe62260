"""What must outlive the process: collected by the cycle, committed to the database, and gone on from at the start."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec
import structlog

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.analysis.percentile import DAYS, PastDay
from virtuoso.analysis.regimes.dwell import Transition
from virtuoso.analysis.regimes.regime import Regime
from virtuoso.model.alerts.incident import Incident
from virtuoso.model.alerts.notice import Delivery
from virtuoso.model.alerts.outcome import Outcome
from virtuoso.model.errors import StoreUnavailable
from virtuoso.monitor.persistence.arrays import NAMES
from virtuoso.monitor.persistence.recalled import LivedRows, Recalled, RestartState, StateStore
from virtuoso.storage.database.records import Changes, SignalRecord, StateRecord, TransitionRecord

log = structlog.get_logger(__name__)

_T = TypeVar("_T")
_PERIOD_S = 1.0
_MOST = 10_000
_MOST_INCIDENTS = 100_000
_AT_ONCE = 1_000
_TRANSITIONS = 200
_TRIES = 5


class Committer:
    """Used on the event loop. What cannot be committed now waits, bounded, and is committed when the database is back.

    Without a database (a replay, a look at one symbol) nothing is kept. Incidents and what is to be told of them are
    one transaction: a process that ends between the two would have lost an alert.

    Args:
        store: the database.
        exchange: whose state it is.
        incidents: where changed ones are taken from.
        wait_s: between attempts to read at the start.
        decide: what is to be sent now; asked before each commit, unless too much waits already.
        committed: called when something to be sent is in the database.
        outcomes: what followed alerts and changed since it was last asked.
        alert_state: what alerting goes on from after a restart, as a text; stored with what was decided by it.
        lived: what was said and what came of it.
    """

    def __init__(
        self,
        store: StateStore | None,
        exchange: str,
        incidents: IncidentLog,
        wait_s: float = 1.0,
        *,
        decide: Callable[[], tuple[Delivery, ...]] = tuple,
        committed: Callable[[], None] | None = None,
        alert_state: Callable[[], str | None] = lambda: None,
        outcomes: Callable[[], tuple[Outcome, ...]] = tuple,
        lived: LivedRows | None = None,
    ) -> None:
        self._store = store
        self._exchange = exchange
        self._wait_s = wait_s
        self._key = f"monitor {exchange}"
        self._incidents = incidents
        self._signals: deque[SignalRecord] = deque(maxlen=_MOST)
        self._transitions: deque[TransitionRecord] = deque(maxlen=_MOST)
        self._unstored: dict[str, Incident] = {}
        self._deliveries: dict[str, Delivery] = {}
        self._decide = decide
        self._on_deliveries = committed
        self._alerts, self._alerts_stored = alert_state, ""
        self._followed = outcomes
        self._lived = lived
        self._outcomes: dict[str, Outcome] = {}
        self._alerts_key = f"alerts {exchange}"
        self._state: RestartState | None = None
        self._past: dict[int, PastDay] = {}
        self._outlook: dict[str, str] = {}
        self._wake = asyncio.Event()
        self.committed_close_ms = 0
        """The base close whose signals and state are in the database."""

    @property
    def keeps(self) -> bool:
        """Whether there is a database at all."""
        return self._store is not None

    def close(
        self,
        kept: RestartState,
        signals: tuple[SignalRecord, ...],
        transitions: tuple[Transition, ...],
        past: tuple[PastDay, ...] = (),
        outlook: Mapping[str, str] | None = None,
    ) -> None:
        """Take a base close that was analysed; `past` are days of the scores' past, `outlook` what of it changed."""
        self._state = kept
        self._past.update((day.day % DAYS, day) for day in past)
        self._outlook.update(outlook or {})
        self._signals.extend(signals)
        for t in transitions:
            self._transitions.append(
                TransitionRecord(
                    exchange=self._exchange, symbol=t.symbol, before=str(t.before), after=str(t.after), at_ms=t.at_ms
                )
            )
        self._wake.set()

    def wake(self) -> None:
        """Something changed: commit it now."""
        self._wake.set()

    async def run(self) -> None:
        """Commit what there is: at once after a close or a change of an incident, and each second, for ever."""
        while True:
            try:
                async with asyncio.timeout(_PERIOD_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            await self.commit()

    async def commit(self) -> None:
        """Commit everything that waits; failing, it goes on waiting."""
        self._collect()
        while self._store is not None and self._waits():
            signals, transitions = tuple(self._signals)[:_AT_ONCE], tuple(self._transitions)[:_AT_ONCE]
            # The state belongs to the last of the signals: it goes with them.
            whole = len(signals) == len(self._signals) and len(transitions) == len(self._transitions)
            state = self._state if whole else None
            alerts = self._alert_records()
            changes = Changes(
                signals=signals,
                transitions=transitions,
                incidents=tuple(self._unstored.values()),
                deliveries=tuple(self._deliveries.values()),
                outcomes=tuple(self._outcomes.values()),
                lived=None if self._lived is None else self._lived.take(),
                state=(
                    *alerts,
                    *(() if state is None else (self._record(state), *self._records(state.close_ms))),
                ),
            )
            try:
                await self._store.commit(changes)
            except StoreUnavailable as error:
                log.debug("nothing could be committed", error=str(error))
                return
            self._alerts_stored = alerts[0].body if alerts else self._alerts_stored
            self._committed(changes, state)

    def _alert_records(self) -> tuple[StateRecord, ...]:
        """What alerting goes on from, where it is another than was kept last."""
        body = self._alerts()
        if body is None or body == self._alerts_stored:
            return ()
        return (StateRecord(key=self._alerts_key, close_ms=self.committed_close_ms, body=body),)

    def _collect(self) -> None:
        """Decide, and take what changed, in one go: what was decided of an incident stands in it.

        While too much waits nothing is decided: then it stays in the log of incidents, undecided.
        """
        if len(self._deliveries) >= _MOST:
            return
        self._deliveries.update((delivery.id, delivery) for delivery in self._decide())
        self._unstored.update((incident.id, incident) for incident in self._incidents.take_changed())
        self._outcomes.update((outcome.id, outcome) for outcome in self._followed())
        for waiting in (self._unstored, self._outcomes):
            for identity in list(waiting)[:-_MOST_INCIDENTS]:
                del waiting[identity]

    def _waits(self) -> bool:
        waiting = (self._signals, self._transitions, self._unstored, self._deliveries, self._outcomes)
        lived = self._lived is not None and self._lived.waiting > 0
        return any(waiting) or lived or self._state is not None

    def _committed(self, changes: Changes, state: RestartState | None) -> None:
        _drop(self._signals, changes.signals)
        _drop(self._transitions, changes.transitions)
        for incident in changes.incidents:
            if self._unstored.get(incident.id) is incident:
                del self._unstored[incident.id]
        for outcome in changes.outcomes:
            if self._outcomes.get(outcome.id) is outcome:
                del self._outcomes[outcome.id]
        if self._lived is not None and changes.lived is not None:
            self._lived.kept(changes.lived)
        for delivery in changes.deliveries:
            self._deliveries.pop(delivery.id, None)
        if changes.deliveries and self._on_deliveries is not None:
            self._on_deliveries()
        if state is not None:
            self.committed_close_ms = state.close_ms
            if self._state is state:
                self._state = None
                self._past.clear()
                self._outlook.clear()

    async def recall(self, notified_since_ms: int) -> Recalled:
        """Read what earlier runs stored, trying a few times.

        Of incidents, the latest, and all that are open, undecided, or notified since `notified_since_ms` (epoch ms).
        """
        if self._store is None:
            return Recalled()
        for left in reversed(range(_TRIES)):  # forgetting is worse than a start that is a little late
            try:
                record = await self._store.state(self._key)
                transitions = await self._store.transitions(_TRANSITIONS)
                incidents = await self._store.incidents(self._incidents.keep, notified_since_ms)
                labels = await self._store.last_labels()
                alerts = await self._store.state(self._alerts_key)
                outcomes = await self._store.outcomes(notified_since_ms)
                added = await self._store.added_rules()
                days = [await self._store.state(self._past_key(slot)) for slot in range(DAYS)]
                outlook = {name: await self._store.state(self._outlook_key(name)) for name in NAMES}
                break
            except StoreUnavailable as error:
                log.warning("what earlier runs kept could not be read", error=str(error), tries_left=left)
                if not left:
                    return Recalled()
                await asyncio.sleep(self._wait_s)
        kept = None
        if record is not None:
            try:
                kept = msgspec.json.decode(record.body, type=RestartState)
            except msgspec.MsgspecError as error:
                log.warning("the kept state is of another version; labels and regimes begin anew", error=str(error))
        past = tuple(_past(record for record in days if record is not None))
        return Recalled(
            kept, tuple(_transitions(transitions)), tuple(reversed(incidents)), labels, past,
            outlook=_bodies(outlook), alerts=None if alerts is None else alerts.body,
            outcomes=tuple(reversed(outcomes)), rules=added,
        )  # fmt: skip

    def _record(self, kept: RestartState) -> StateRecord:
        return StateRecord(key=self._key, close_ms=kept.close_ms, body=msgspec.json.encode(kept).decode())

    def _past_key(self, slot: int) -> str:
        """A record for each day that is counted; a new day takes the place of the oldest."""
        return f"scores {self._exchange} {slot}"

    def _outlook_key(self, name: str) -> str:
        return f"{name} {self._exchange}"

    def _records(self, close_ms: int) -> Iterator[StateRecord]:
        """Of the past of scores and of the outlook."""
        for name, body in self._outlook.items():
            yield StateRecord(key=self._outlook_key(name), close_ms=close_ms, body=body)
        for slot, day in self._past.items():
            yield StateRecord(key=self._past_key(slot), close_ms=close_ms, body=msgspec.json.encode(day).decode())

    @property
    def waiting(self) -> Mapping[str, int]:
        """By kind, how many changes are not committed yet."""
        return {
            "signals": len(self._signals), "transitions": len(self._transitions), "incidents": len(self._unstored),
            "deliveries": len(self._deliveries), "lived": 0 if self._lived is None else self._lived.waiting,
        }  # fmt: skip


def _drop(waiting: deque[_T], kept: tuple[_T, ...]) -> None:
    """Take what was kept off the front; what overflowed meanwhile is gone already."""
    for each in kept:
        if waiting and waiting[0] is each:
            waiting.popleft()


def _bodies(records: Mapping[str, StateRecord | None]) -> dict[str, str]:
    return {name: record.body for name, record in records.items() if record is not None}


def _past(records: Iterable[StateRecord]) -> Iterator[PastDay]:
    """The days of the past of scores that this program can read."""
    for record in records:
        try:
            day = msgspec.json.decode(record.body, type=PastDay)
            day.table()
        except (msgspec.MsgspecError, ValueError) as error:
            log.warning("a kept day of scores is left out", key=record.key, error=str(error))
            continue
        yield day


def _transitions(records: Sequence[TransitionRecord]) -> Iterator[Transition]:
    """Those whose regimes this program knows."""
    for record in records:
        try:
            before, after = Regime(record.before), Regime(record.after)
        except ValueError as error:
            log.warning("a kept change of regime is left out", symbol=record.symbol, error=str(error))
            continue
        yield Transition(symbol=record.symbol, before=before, after=after, at_ms=record.at_ms)

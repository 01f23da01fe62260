"""A recording played through the same adapter, market, analysis and cycle as live data, by its own clock."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from hashlib import sha256
from math import inf
from typing import Any

import msgspec
import numpy as np

from virtuoso.exchange.bybit import Bybit, paths
from virtuoso.exchange.offset import ClockOffset
from virtuoso.model.catalogue.documents import document_of
from virtuoso.model.clock import ManualClock
from virtuoso.monitor.alerting.root import AlertRoot
from virtuoso.monitor.beats import Beats
from virtuoso.monitor.cycle.alert_context import AlertContext
from virtuoso.monitor.cycle.statements import Say
from virtuoso.monitor.documents.publication import Publication
from virtuoso.monitor.kernel import Kernel, Source
from virtuoso.monitor.persistence.committer import Committer
from virtuoso.monitor.schedule import FixedRate
from virtuoso.monitor.status import StatusReport
from virtuoso.monitor.vitals import Vitals
from virtuoso.monitor.watching.slow_data import FUNDING, RATIO
from virtuoso.operations.health import HealthState
from virtuoso.playback.recorded import GOOD, RecordedRest, RecordedStream
from virtuoso.recording.records import Answer, ClockRead, Closed, FitPutOff, Frame, Record
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.wiring.monitor import MonitorParts

_POLLED = {paths.ACCOUNT_RATIO: RATIO, paths.FUNDING: FUNDING}
"""Answers that were asked for time and again while it ran: each is taken when it came."""
_UNSEEN_S = 1.0
"""Between two publications of what is passed over, at most."""
_UNSEEN_NS = 2_000_000_000
"""So long before a pass all that is published once a second is made: the pass looks at it. A beat comes once more
before it, and the clock's offset may move by the rest."""
_WEEK_INTERVAL = "5"


class Replay:
    """Plays records; `digest` is the SHA-256 of every document published, in order. `say` is told of each statement."""

    def __init__(self, parts: MonitorParts, say: Say | None = None) -> None:
        rng = np.random.default_rng(0)
        self.clock = clock = ManualClock()
        self._offset = ClockOffset()
        self._rest = RecordedRest(clock, rng)
        depth = parts.kernel.depth
        exchange = Bybit(
            rest_url="recording:", stream_url="recording:", category=parts.category, depth=depth, clock=clock, rng=rng,
            rest=self._rest, offset=self._offset,
        )  # fmt: skip
        self.stream = RecordedStream(parts.category, depth, self._offset, clock)
        self._alerts = AlertRoot(parts.alerting, clock, exchange.name, _nothing, None)
        interval_s, incidents = parts.kernel.interval_s, self._alerts.incidents
        self._kernel = kernel = Kernel(
            replace(parts.kernel, slow_pass_s=inf, polled=False), Source(exchange, self.stream), clock,
            Publication(MemoryCache(clock), 1, interval_s, ages=False), alerting=self._alerts.alerting,
            committer=Committer(None, parts.kernel.market, incidents), audited=False, say=say,
            health=HealthState(clock, interval_s, "embedded"),
        )  # fmt: skip
        self._alerts.context = AlertContext(kernel.market, kernel.cycle, kernel.exchange)
        self._market, self._watch, self.cycle = kernel.market, kernel.watch, kernel.cycle
        self._refresh, self._detection, self.cache = kernel.refresh, kernel.detection, kernel.cache
        status = StatusReport(kernel, parts, Vitals(FixedRate(interval_s), state="replaying"))
        self._beats = Beats(kernel, status).all
        self._beat_ns = dict.fromkeys(self._beats, 0)
        self._next_beat_ns = 0
        self._interval_ns = int(interval_s * 1e9)
        self._due_ns: int | None = None
        self._quiet_ns = 0
        """Receive time before which neither a beat nor a pass is due."""
        self._wanted = False
        """Whether a pass goes on with an answer that it had asked for."""
        self._hash = sha256()
        self._first_ns: int | None = None
        self.records = 0

    @property
    def digest(self) -> str:
        """SHA-256 of all documents so far."""
        return self._hash.hexdigest()

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that are watched at this point of the recording."""
        return tuple(self._market.rows)

    @property
    def span_s(self) -> float:
        """Seconds of recorded time that were played."""
        return 0.0 if self._first_ns is None else (self.clock.now_ns() - self._first_ns) / 1e9

    async def play(self, records: Iterable[Record], pace: Callable[[int], Awaitable[None]] | None = None) -> None:
        """Play records in order, then let the worker go; `pace` is awaited with the receive time of each frame."""
        try:
            for record in records:
                self.records += 1
                if pace is not None and isinstance(record, Frame):
                    await pace(record.received_ns)
                if type(record) is not Frame or self._due_ns is None:
                    await self._take(record)
                elif self._is_due(record):
                    await self._do_due()
            await self._show()
        finally:
            self._kernel.close()

    async def _take(self, record: Any) -> None:
        match record:
            case Answer():
                self.clock.advance_to(record.received_ns)
                self._rest.offer(record)
                symbol = record.query.get("symbol", "")
                if record.path in _POLLED:
                    await self._take_polled(record.path, symbol)
                elif record.path == paths.TRADES and symbol in self._market:
                    await self._watch.loader.fill_tape([symbol])  # a gap in the tape was filled while it ran
                elif record.path == paths.BARS and self._of_week(record):
                    await self._kernel.weeks.fetch(symbol)
                elif record.path == paths.BARS and self._compared(record):
                    await self._kernel.audit.check(symbol)
                elif record.path == paths.BARS and record.status == GOOD and self._refresh.answered(symbol):
                    self._wanted = True  # the pass that asked for it goes on with it
                    if not self._refresh.waiting:
                        await self._run_cycle()
            case ClockRead() | Closed() | FitPutOff():
                self.clock.advance_to(record.at_ns)
                await self._note(record)
            case Frame():
                self.clock.advance_to(record.received_ns)
                if self._due_ns is None:
                    await self._start()
                if self._is_due(record):
                    await self._do_due()
                return
        self._quiet_ns = 0  # it may have moved the clock's offset, or what is waited for

    def _is_due(self, frame: Frame) -> bool:
        """Hand a frame to its feed; whether a beat or a pass may be due by then. Most are asked nothing more."""
        self.clock.advance_to(frame.received_ns)
        self.stream.take(frame)
        return self._wanted or frame.received_ns >= self._quiet_ns

    async def _do_due(self) -> None:
        """Do what is due beside the cycle, then run a pass if one is."""
        now_ns = self.clock.now_ns()
        self._kernel.publication.unseen = now_ns + _UNSEEN_NS <= self._pass_ns() and not self._refresh.waiting
        await self._keep_beats()
        if self._wanted or now_ns >= (self._due_ns or 0) or self._refresh.due(self.cycle.analysed_ms):
            await self._run_cycle()
        self._quiet_ns = min(self._next_beat_ns, self._pass_ns())

    async def _show(self) -> None:
        """Make what was passed over, for whoever looks at the documents now."""
        if self._kernel.publication.unseen:
            self._kernel.publication.unseen = False
            for beat in self._beats:
                if beat.period_s <= _UNSEEN_S:
                    await beat.work()

    def _pass_ns(self) -> int:
        """The earliest receive time of the next pass, as far as it is known."""
        idle_ns = self.clock.now_ns() + 1_000_000 * self._refresh.idle_ms(self.cycle.analysed_ms)
        return min(self._due_ns or 0, idle_ns)

    async def _note(self, record: ClockRead | Closed | FitPutOff) -> None:
        """Take what was noted of the run itself."""
        match record:
            case ClockRead():
                self._offset.believe(record.offset_ms)
            case Closed():
                self.stream.closed(record.connection)
            case FitPutOff():
                await self.cycle.refits.put_off(record.known_ms, record.from_ms)

    def _of_week(self, answer: Answer) -> bool:
        """Whether older bars of 5m were asked for, after the start."""
        query = answer.query
        if self._due_ns is None or answer.status != GOOD or query.get("interval") != _WEEK_INTERVAL:
            return False
        return self._kernel.weeks.wanted(query.get("symbol", "")) == (int(query["start"]), int(query["end"]))

    def _compared(self, answer: Answer) -> bool:
        """Whether minutes were asked for that were held already: they were compared."""
        query, symbol = answer.query, answer.query.get("symbol", "")
        if self._due_ns is None or query.get("interval") != "1" or symbol not in self._watch.ready:
            return False
        return int(query.get("end", "0")) < (self._market[symbol].history.base.next_ms or 0)

    async def _start(self) -> None:
        """The first frame: everything that was asked before it is there."""
        self._due_ns = self._first_ns = self.clock.now_ns()
        await self._watch.adopt(await self._watch.choose())
        self.stream.watch(self._detection.sinks(self._market, self.clock.now_ns()), self._watch.detailed)
        for symbol in self._market.rows:
            for path in _POLLED:
                await self._take_polled(path, symbol)
        self._rest.begun = True

    async def _take_polled(self, path: str, symbol: str) -> None:
        if symbol in self._market:
            for _ in range(self._rest.waiting(path, symbol)):
                await self._kernel.slow.ask(symbol, _POLLED[path])

    async def _keep_beats(self) -> None:
        """Do what is due beside the cycle, by the recorded clock."""
        now_ns = self.clock.now_ns()
        if now_ns < self._next_beat_ns:
            return
        for beat, due_ns in self._beat_ns.items():
            if now_ns >= due_ns:
                self._beat_ns[beat] = now_ns + int(beat.period_s * 1e9)
                await beat.work()
        self._next_beat_ns = min(self._beat_ns.values(), default=now_ns)

    async def _run_cycle(self) -> None:
        self._wanted, now_ns = False, self.clock.now_ns()
        if self._due_ns is not None and now_ns >= self._due_ns:
            self._due_ns += self._interval_ns * (1 + (now_ns - self._due_ns) // self._interval_ns)
        self._detection.sweep(now_ns)
        await self.cycle.run()
        self._alerts.alerting.decide()
        if self._watch.restarts.unlinked:
            self.stream.forget(self._watch.restarts.unlinked)
            self._watch.restarts.unlinked = set()
            self.stream.watch(self._detection.sinks(self._market, self.clock.now_ns()), self._watch.detailed)
        for name in sorted(self.cache.names()):
            document = self.cache.get(name)
            if document is not None:
                self._hash.update(name.encode() + b"\0" + _of_market(name, document.body) + b"\n")


def _of_market(name: str, body: bytes) -> bytes:
    """A document without what tells of the process that plays it."""
    left_out = document_of(name).of_process
    if not left_out:
        return body
    fields = {} if "*" in left_out else msgspec.json.decode(body)
    return msgspec.json.encode({field: value for field, value in fields.items() if field not in left_out})


def _nothing() -> None:
    """Nobody waits for incidents to be kept."""

"""A recording played through the same adapter, market, analysis and cycle as live data, by its own clock."""

from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any, TypeVar

import numpy as np

from virtuoso.alerts.conditions import FeedOutage
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.config import Settings
from virtuoso.exchange.bybit import Bybit
from virtuoso.exchange.bybit.feeds import Feed, feeds_for, topic_of
from virtuoso.exchange.bybit.rest import Rest
from virtuoso.exchange.limits import RateBudget
from virtuoso.exchange.offset import ClockOffset
from virtuoso.market.state import MarketState
from virtuoso.model.clock import ManualClock
from virtuoso.model.errors import ExchangeUnavailable
from virtuoso.model.feed import FeedStatus, SymbolSink
from virtuoso.monitor.aftermath import Aftermath
from virtuoso.monitor.alerting import untold
from virtuoso.monitor.bar_archive import BarArchive
from virtuoso.monitor.bar_audit import BarAudit
from virtuoso.monitor.configured import engine_for, universe_rules
from virtuoso.monitor.cycle import TTL_S, Cycle
from virtuoso.monitor.detect import Detection, fast_rules
from virtuoso.monitor.keeper import Keeper
from virtuoso.monitor.refresh import Refresh
from virtuoso.monitor.slow import FUNDING, RATIO, SlowData
from virtuoso.monitor.watch import Watch
from virtuoso.operations.health import HealthBoard
from virtuoso.recording.records import Answer, ClockRead, Closed, Frame, Record
from virtuoso.storage.cache.memory import MemoryCache

_T = TypeVar("_T")
_Key = tuple[str, str | None, str | None]
_POLLED = {"/v5/market/account-ratio": RATIO, "/v5/market/funding/history": FUNDING}
"""Answers that were asked for time and again while it ran: each is taken when it came."""
_TRADES, _BARS = "/v5/market/recent-trade", "/v5/market/kline"


def _ignore(_: object) -> None:
    """What is asked for anew, and what is announced, stands in the recording."""


class RecordedRest(Rest):
    """Answers with what was answered then, each once and in order; what was not asked then is unavailable."""

    def __init__(self, clock: ManualClock, rng: np.random.Generator) -> None:
        budget = RateBudget(clock, 1, 1.0, 1)
        super().__init__(url="recording:", budget=budget, clock=clock, rng=rng, on_origin=_ignore)
        self._answers: dict[_Key, deque[Answer]] = defaultdict(deque)

    def offer(self, answer: Answer) -> None:
        """Keep an answer for whoever asks."""
        query = answer.query
        self._answers[answer.path, query.get("symbol"), query.get("interval")].append(answer)

    def waiting(self, path: str, symbol: str) -> int:
        """How many good answers about a symbol nobody has asked for yet."""
        return sum(answer.status == 200 for answer in self._answers[path, symbol, None])

    async def get(
        self, path: str, result: type[_T], *, most_bytes: int = 0, **parameters: str | int | None
    ) -> tuple[_T, int]:
        """The next recorded answer to this question."""
        symbol, interval = parameters.get("symbol"), parameters.get("interval")
        kept = self._answers[path, None if symbol is None else str(symbol), None if interval is None else str(interval)]
        while kept and kept[0].status != 200:
            kept.popleft()
        if not kept:
            raise ExchangeUnavailable(f"GET {path}: not in the recording")
        return self._judge(path, kept.popleft().body, {}, result)


class RecordedStream:
    """Implements `exchange.protocol.Stream`: hands recorded frames to the same handlers."""

    def __init__(self, category: str, depth: int, offset: ClockOffset) -> None:
        self.unknown_frames = self.frames = 0
        self._category = category
        self._depth = depth
        self._offset = offset
        self._feeds: dict[bytes, Feed] = {}
        self._carrier: dict[bytes, int] = {}
        self._alive_ns: dict[int, int] = {}

    def watch(self, sinks: Mapping[str, SymbolSink], detailed: Collection[str] | None = None) -> None:
        """Take frames of these symbols."""
        for symbol, sink in sinks.items():
            own = detailed is None or symbol in detailed
            for feed in feeds_for(symbol, sink, self._category, self._depth, _ignore, detailed=own):
                if feed.topic.encode() not in self._feeds:
                    self._feeds[feed.topic.encode()] = feed

    def forget(self, symbols: Collection[str]) -> None:
        """Take no frames of these symbols until they are watched again."""
        for topic in [topic for topic, feed in self._feeds.items() if feed.symbol in symbols]:
            del self._feeds[topic]

    async def run(self) -> None:
        """Frames come by `take`."""

    def take(self, frame: Frame) -> None:
        """Hand one frame on."""
        topic = topic_of(frame.payload)
        feed = None if topic is None else self._feeds.get(topic)
        self._alive_ns[frame.connection] = frame.received_ns
        if feed is None or topic is None:
            self.unknown_frames += 1
            return
        self.frames += 1
        feed.acked = True
        self._carrier[topic] = frame.connection
        feed.take(frame.payload, frame.received_ns)

    def closed(self, connection: int) -> None:
        """What hung on this connection may not be computed from."""
        self._alive_ns.pop(connection, None)
        for topic, carrier in self._carrier.items():
            if carrier == connection:
                self._feeds[topic].acked = False
                self._feeds[topic].sink.book_invalid()

    def feeds(self) -> Sequence[FeedStatus]:
        """State of every topic."""
        found = []
        for topic, feed in self._feeds.items():
            alive_ns = self._alive_ns.get(self._carrier.get(topic, -1))
            found.append(feed.status(alive_ns is not None, alive_ns, self._offset.ms or 0.0))
        return found

    @property
    def missing(self) -> Mapping[str, int]:
        """How often frames left a field empty."""
        return sum((feed.missing for feed in self._feeds.values()), Counter[str]())


class Replay:
    """Plays records; `digest` is the SHA-256 of every document published, in order."""

    def __init__(self, settings: Settings) -> None:
        rng = np.random.default_rng(0)
        self.clock = ManualClock()
        self._offset = ClockOffset()
        self._rest = RecordedRest(self.clock, rng)
        exchange = settings.exchange
        self._exchange = Bybit(
            rest_url="recording:", stream_url="recording:", category=exchange.category, depth=exchange.depth,
            clock=self.clock, rng=rng, rest=self._rest, offset=self._offset,
        )  # fmt: skip
        self._worker = ThreadPoolExecutor(1, "analysis")
        frames = settings.analysis.timeframes.weights()
        self._market = MarketState(list(frames), depth=exchange.depth, clock_offset_ms=lambda: self._offset.ms)
        engine = engine_for(settings)
        self._watch = Watch(
            exchange=self._exchange, market=self._market, engine=engine, worker=self._worker,
            rules=universe_rules(settings), clock=self.clock, archive=(archive := BarArchive(None, self._market)),
        )  # fmt: skip
        self.stream = RecordedStream(exchange.category, exchange.depth, self._offset)
        self._audit = BarAudit(self._exchange, self._market, self._watch, archive, routine=False)
        self._refresh = Refresh(self._exchange, self._market, self._watch)
        self._cache = MemoryCache(self.clock)
        incidents = IncidentLog(settings.monitoring.alerts.keep)
        self._detection = Detection(fast_rules(settings.monitoring.alerts), incidents, self._watch.contained)
        self.cycle = Cycle(
            exchange=self._exchange, stream=self.stream, market=self._market, engine=engine, watch=self._watch,
            refresh=self._refresh, worker=self._worker, cache=self._cache,
            alerting=untold(incidents, self.clock), outage=FeedOutage(self._exchange.name),
            slow_s=float("inf"), stale_after_s=settings.websocket.stale_after, epoch=1,
            health=HealthBoard(self.clock, settings.monitoring.interval, "embedded"), fresh_s=TTL_S,
            aftermath=Aftermath(archive, Keeper(None, self._exchange.name, incidents), None, self._exchange.name),
        )  # fmt: skip
        self._slow = SlowData(
            self._exchange, self._market, self.clock,
            min_interval_s=settings.smart_intervals.min_interval, max_interval_s=settings.smart_intervals.max_interval,
        )  # fmt: skip
        self._interval_ns = int(settings.monitoring.interval * 1e9)
        self._due_ns: int | None = None
        self._hash = sha256()
        self._first_ns: int | None = None
        self.records = 0

    @property
    def digest(self) -> str:
        """SHA-256 of all documents so far."""
        return self._hash.hexdigest()

    @property
    def span_s(self) -> float:
        """Seconds of frames played."""
        return 0.0 if self._first_ns is None else (self.clock.now_ns() - self._first_ns) / 1e9

    async def play(self, records: Iterable[Record], pace: Callable[[int], Awaitable[None]] | None = None) -> None:
        """Play records in order, then let the worker go; `pace` is awaited with the receive time of each frame."""
        try:
            for record in records:
                self.records += 1
                if pace is not None and isinstance(record, Frame):
                    await pace(record.received_ns)
                await self._take(record)
        finally:
            self._worker.shutdown(wait=True)

    async def _take(self, record: Any) -> None:
        match record:
            case Answer():
                self.clock.advance_to(record.received_ns)
                self._rest.offer(record)
                symbol = record.query.get("symbol", "")
                if record.path in _POLLED:
                    await self._take_polled(record.path, symbol)
                elif record.path == _TRADES and symbol in self._market:
                    await self._watch.fill_tape([symbol])  # a gap in the tape was filled while it ran
                elif record.path == _BARS and self._compared(record):
                    await self._audit.check(symbol)
                elif record.path == _BARS and self._refresh.answered(symbol):
                    self._due_ns = self.clock.now_ns()  # the pass that asked for it goes on with it
                    if not self._refresh.waiting:
                        await self._run_cycle()
            case ClockRead():
                self.clock.advance_to(record.at_ns)
                self._offset.believe(record.offset_ms)
            case Closed():
                self.clock.advance_to(record.at_ns)
                self.stream.closed(record.connection)
            case Frame():
                self.clock.advance_to(record.received_ns)
                if self._due_ns is None:
                    await self._start()
                self.stream.take(record)
                if self.clock.now_ns() >= (self._due_ns or 0) or self._refresh.due(self.cycle.analysed_ms):
                    await self._run_cycle()

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

    async def _take_polled(self, path: str, symbol: str) -> None:
        if symbol in self._market:
            for _ in range(self._rest.waiting(path, symbol)):
                await self._slow.ask(symbol, _POLLED[path])

    async def _run_cycle(self) -> None:
        now_ns = self.clock.now_ns()
        if self._due_ns is not None and now_ns >= self._due_ns:
            self._due_ns += self._interval_ns * (1 + (now_ns - self._due_ns) // self._interval_ns)
        self._detection.sweep(now_ns)
        await self.cycle.run()
        if self._watch.unlinked:
            self.stream.forget(self._watch.unlinked)
            self._watch.unlinked = set()
            self.stream.watch(self._detection.sinks(self._market, self.clock.now_ns()), self._watch.detailed)
        for name in sorted(self._cache.names()):
            document = self._cache.get(name)
            if document is not None and name != "health":  # it tells ages of the process, not of the market
                self._hash.update(name.encode() + b"\0" + document.body + b"\n")

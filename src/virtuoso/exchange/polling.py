"""Asking for what a stream would push: the whole of it (poll mode), or only what a stream does not deliver."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog

from virtuoso.exchange.protocol import BudgetStatus, Exchange, PollStatus, Stream, StreamEvent
from virtuoso.model.clock import Clock
from virtuoso.model.errors import ExchangeError, ExchangeRejected, MalformedMessage, NotOffered, UsageError
from virtuoso.model.feed import FeedStatus, Refusal, SymbolSink
from virtuoso.model.feed_kind import POLLED, POLLED_PLAIN, FeedKind
from virtuoso.model.text.duration import written
from virtuoso.model.timeframe import Timeframe

log = structlog.get_logger(__name__)

_TRADES = 1_000
_BACK_MS = 2 * Timeframe.M1.ms
_FALLBACK_AFTER_NS = 5_000_000_000
_REPAIRS_A_MINUTE = 2
_AGAIN_CAP_S, _MOST_DOUBLINGS = 15.0, 10
_LACKING_AGAIN_S = 600.0
"""What the exchange does not have is asked for again now and then: some say so of one answer alone."""
NO_LAST, NO_BARS = "last: not in the answer", "bars: none in the answer"
NO_TRADES = "no trades in the answer"
_UNREADABLE, _RAISED, _SAID_CHARS = "answer: cannot be read", "answer: could not be taken", 200
_PER_ROUND, _PER_SYMBOL = 2, 3


def largest_universe(capacity: int, window_s: float, interval_s: float) -> int:
    """How many symbols can be polled every `interval_s` within a budget of `capacity` requests per `window_s`.

    A round costs one request for all tickers and one to spare, each symbol one for bars, book and trades, and each
    closed minute two more for its repair.
    """
    affordable = capacity / window_s * interval_s - _PER_ROUND
    return max(0, int(affordable / (_PER_SYMBOL + _REPAIRS_A_MINUTE * interval_s / 60)))


def pollable(budget: BudgetStatus, interval_s: float) -> int:
    """`largest_universe` of an exchange's budget.

    Raises:
        UsageError: not even one symbol can be polled in time.
    """
    largest = largest_universe(budget.capacity, budget.window_s, interval_s)
    if largest == 0:
        raise UsageError(
            f"monitoring.interval = {written(interval_s)}: too short to poll even one symbol; make it longer"
        )
    return largest


@dataclass(slots=True)
class _Topic:
    """One kind of data of one symbol, as it is polled."""

    kind: FeedKind
    symbol: str
    fetched_ns: int | None = None
    fetches: int = 0
    failed_on: int = 0
    """Failures since it was last fetched."""
    again_ns: int = 0
    """When it may be asked for again (monotonic)."""
    lacking: str | None = None
    refused_ns: int | None = None
    refusal: str | None = None
    refused_in_row: int = 0
    refusals: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Symbol:
    sink: SymbolSink
    topics: dict[FeedKind, _Topic] = field(default_factory=dict)


class Polling:
    """Implements `exchange.protocol.Stream` over the asked half of any exchange.

    With a `stream` under it, only topics that it has not delivered for 5 s are asked for: the last step of the ladder
    resubscribe → reconnect → poll. Without one, everything is. All symbols are asked at once, within the exchange's
    budget; one that fails neither delays nor fails the others.
    """

    def __init__(
        self,
        exchange: Exchange,
        clock: Clock,
        *,
        interval_s: float,
        depth: int,
        on_event: Callable[[StreamEvent], None],
        stream: Stream | None = None,
    ) -> None:
        self.rounds = PollStatus()
        self._exchange = exchange
        self._clock = clock
        self._interval_s = interval_s
        self._depth = depth
        self._on_event = on_event
        self._stream = stream
        self._reached: bool | None = None
        self._symbols: dict[str, _Symbol] = {}
        self._down_ns: dict[tuple[str, FeedKind], int] = {}

    def watch(self, sinks: Mapping[str, SymbolSink], detailed: Collection[str] | None = None) -> None:
        """Set the whole set of symbols wanted; those not in `detailed` without book and trades."""
        if self._stream is not None:
            self._stream.watch(sinks, detailed)
        old, self._symbols = self._symbols, {}
        for symbol, sink in sinks.items():
            kinds = POLLED if detailed is None or symbol in detailed else POLLED_PLAIN
            kept = old[symbol].topics if symbol in old else {}
            self._symbols[symbol] = _Symbol(sink, {kind: kept.get(kind) or _Topic(kind, symbol) for kind in kinds})

    async def run(self) -> None:
        """Poll on a fixed grid (and stream) until cancelled."""
        async with asyncio.TaskGroup() as group:
            if self._stream is not None:
                group.create_task(self._stream.run(), name="streamed half")
            due_s = self._clock.monotonic_ns() / 1e9
            while True:
                if wanted := self._wanted():
                    await self.poll(wanted)
                due_s = max(due_s + self._interval_s, self._clock.monotonic_ns() / 1e9)
                await asyncio.sleep(due_s - self._clock.monotonic_ns() / 1e9)

    def feeds(self, kind: FeedKind | None = None) -> Sequence[FeedStatus]:
        """State of every topic, or of one kind: the streamed ones, in place of those that are down the polled ones."""
        streamed = [] if self._stream is None else self._stream.feeds(kind)
        polled = {} if self._stream is not None and not self._down_ns else self._polled()
        if self._stream is None:
            return [feed for feed in polled.values() if kind in (None, feed.kind)]
        return [self._joined(f, polled.get((f.symbol, f.kind))) for f in streamed]

    def _joined(self, streamed: FeedStatus, polled: FeedStatus | None) -> FeedStatus:
        """A streamed topic that is polled for now: as fresh as the request, as mute and garbled as the stream.

        What was ever counted of it stays counted, polled or not: a count that falls and rises again would seem news.
        """
        state = self._symbols.get(streamed.symbol)
        topic = None if state is None else state.topics.get(streamed.kind)
        if topic is not None and topic.fetches + topic.refusals.total():
            streamed = msgspec.structs.replace(
                streamed,
                messages=streamed.messages + topic.fetches,
                rejected=streamed.rejected + topic.refusals.total(),
                refusals=Counter(streamed.refusals) + topic.refusals,
            )
        if polled is None:
            return streamed
        return msgspec.structs.replace(
            streamed,
            connected=polled.connected,
            acked=polled.acked,
            alive_ns=polled.alive_ns,
            received_ns=polled.received_ns,
            event_ms=polled.event_ms,
            lag_ms=polled.lag_ms,
            refused_ns=max(streamed.refused_ns or 0, polled.refused_ns or 0) or None,
            refusal=streamed.refusal or polled.refusal,
            refused_in_row=max(streamed.refused_in_row, polled.refused_in_row),
            polled_s=polled.polled_s,
            lacking=polled.lacking,
        )

    def agreed_offset_ms(self) -> float | None:
        """Exchange clock less local clock as most topics of the stream tell it (ms); polling has none."""
        return None if self._stream is None else self._stream.agreed_offset_ms()

    @property
    def unknown_frames(self) -> int:
        """Frames that no topic took; polling has none."""
        return 0 if self._stream is None else self._stream.unknown_frames

    @property
    def missing(self) -> Mapping[str, int]:
        """How often frames left a field empty."""
        return Counter() if self._stream is None else self._stream.missing

    def _polled(self) -> dict[tuple[str, FeedKind], FeedStatus]:
        found = {}
        for symbol, state in self._symbols.items():
            for kind, topic in state.topics.items():
                if self._stream is not None and ((symbol, kind) not in self._down_ns or topic.fetched_ns is None):
                    continue
                found[symbol, kind] = FeedStatus(
                    kind=kind,
                    topic=f"{kind}.{symbol}",
                    symbol=symbol,
                    connected=topic.fetched_ns is not None,
                    acked=topic.fetched_ns is not None,
                    alive_ns=topic.fetched_ns,
                    received_ns=topic.fetched_ns,
                    messages=topic.fetches,
                    rejected=topic.refusals.total(),
                    refused_ns=topic.refused_ns,
                    refusal=topic.refusal,
                    refused_in_row=topic.refused_in_row,
                    refusals=dict(topic.refusals),
                    polled_s=self._interval_s,
                    lacking=topic.lacking,
                )
        return found

    def _wanted(self) -> dict[str, Sequence[FeedKind]]:
        """Kinds to ask for now, by symbol."""
        if self._stream is None:
            return {symbol: tuple(state.topics) for symbol, state in self._symbols.items()}
        now_ns = self._clock.now_ns()
        down = {
            (f.symbol, f.kind)
            for f in self._stream.feeds()
            if (f.mute or not f.connected or not f.acked or f.alive_ns is None) and f.kind in POLLED
        }
        self._down_ns = {key: self._down_ns.get(key, now_ns) for key in down}
        wanted: dict[str, list[FeedKind]] = {}
        for (symbol, kind), since_ns in self._down_ns.items():
            if now_ns - since_ns >= _FALLBACK_AFTER_NS and symbol in self._symbols:
                wanted.setdefault(symbol, []).append(kind)
        return dict(wanted)

    async def poll(self, wanted: Mapping[str, Sequence[FeedKind]]) -> None:
        """Poll one round: all tickers in one call, and bars, book and trades of each symbol, all at once."""
        began = time.perf_counter()
        failed: set[str] = set()
        asked: list[Coroutine[Any, Any, None]] = []
        if symbols := [symbol for symbol, kinds in wanted.items() if FeedKind.TICKER in kinds]:
            asked.append(self._tickers(symbols, failed))
        for symbol, kinds in wanted.items():
            asked += [self._ask(symbol, kind, failed) for kind in kinds if kind is not FeedKind.TICKER]
        await asyncio.gather(*asked)
        status = self.rounds
        status.rounds += 1
        status.symbols, status.failed = len(wanted), len(failed)
        status.seconds = time.perf_counter() - began
        if self._stream is None:
            self._report(reached=len(failed) < len(wanted))
        log.debug("polled", seldom=True, symbols=len(wanted), failed=len(failed), seconds=round(status.seconds, 3))

    def _report(self, *, reached: bool) -> None:
        """Say when a round first brings nothing at all, and when one brings something again."""
        if reached == self._reached:
            return
        self._reached = reached
        kind, reason = ("connected", "polled") if reached else ("disconnected", "no symbol could be polled")
        self._on_event(StreamEvent(kind=kind, reason=reason, connection=0, symbols=tuple(self._symbols)))

    async def _tickers(self, symbols: Sequence[str], failed: set[str]) -> None:
        try:
            tickers = await self._exchange.tickers()
        except Exception as error:  # noqa: BLE001 - see `_ask`
            log.warning("tickers could not be polled", error=str(error))
            failed.update(symbols)
            for symbol in symbols:
                self._note(symbol, FeedKind.TICKER, error)
            return
        now_ns, now_ms = self._clock.now_ns(), self._exchange_ms()
        for symbol in symbols:
            if (state := self._symbols.get(symbol)) is None:
                continue
            if (update := tickers.get(symbol)) is None:
                failed.add(symbol)
                self._note(symbol, FeedKind.TICKER, ExchangeError("not in the exchange's list of tickers"))
                continue
            told = update.last is not msgspec.UNSET and update.last is not None
            try:
                refusal = state.sink.ticker(now_ms, now_ns, update) if told else NO_LAST
            except Exception as error:  # noqa: BLE001 - see `_ask`
                failed.add(symbol)
                self._note(symbol, FeedKind.TICKER, error)
            else:
                self._answered(symbol, FeedKind.TICKER, refusal)

    async def _ask(self, symbol: str, kind: FeedKind, failed: set[str]) -> None:
        ask: Callable[[str], Coroutine[Any, Any, Refusal]] = {
            FeedKind.BAR: self._bars, FeedKind.BOOK: self._book, FeedKind.TRADE: self._trades,
        }[kind]  # fmt: skip
        state = self._symbols.get(symbol)
        if state is None or (topic := state.topics.get(kind)) is None:
            return
        if self._clock.monotonic_ns() < topic.again_ns:
            if topic.lacking is None:
                failed.add(symbol)
            return
        try:
            refusal = await ask(symbol)
        except Exception as error:  # noqa: BLE001 - whatever it is: it may not reach the other topics and symbols
            failed.add(symbol)
            self._note(symbol, kind, error)
        else:
            self._answered(symbol, kind, refusal)

    async def _bars(self, symbol: str) -> Refusal:
        now_ms = self._exchange_ms()
        bars = await self._exchange.bars(symbol, Timeframe.M1, Timeframe.M1.floor(now_ms) - _BACK_MS, now_ms)
        if not bars:
            return NO_BARS
        state = self._symbols.get(symbol)
        return None if state is None else state.sink.bars(self._clock.now_ns(), bars)

    async def _book(self, symbol: str) -> Refusal:
        book = await self._exchange.book(symbol, self._depth)
        if (state := self._symbols.get(symbol)) is None:
            return None
        return state.sink.book_fetched(book.update_id, book.event_ms, self._clock.now_ns(), book.bids, book.asks)

    async def _trades(self, symbol: str) -> Refusal:
        trades = await self._exchange.trades(symbol, _TRADES)
        if (state := self._symbols.get(symbol)) is None:
            return None
        return state.sink.trades_fetched(self._clock.now_ns(), trades) if trades else NO_TRADES

    def _answered(self, symbol: str, kind: FeedKind, refusal: Refusal) -> None:
        """An answer that is refused makes nothing fresh."""
        state = self._symbols.get(symbol)
        if state is None or (topic := state.topics.get(kind)) is None:
            return
        if refusal is None:
            topic.fetched_ns = self._clock.now_ns()
            topic.fetches += 1
            topic.failed_on = topic.again_ns = topic.refused_in_row = 0
            topic.lacking = None
        elif refusal == NO_TRADES:  # nothing is wrong with what was never traded, and nothing is fresh
            topic.lacking = refusal
            topic.failed_on = topic.again_ns = topic.refused_in_row = 0
        else:
            self._refuse(topic, refusal, refusal)

    def _refuse(self, topic: _Topic, reason: str, said: str) -> None:
        topic.refused_ns, topic.refusal = self._clock.now_ns(), said
        topic.refused_in_row += 1
        topic.refusals[reason] += 1

    def _note(self, symbol: str, kind: FeedKind, error: Exception) -> None:
        state = self._symbols.get(symbol)
        if state is None or (topic := state.topics.get(kind)) is None:
            return
        topic.failed_on += 1
        if isinstance(error, ExchangeRejected):  # it was answered: asking again at once will not change the answer
            wait_s = min(_AGAIN_CAP_S, self._interval_s * 2 ** min(topic.failed_on, _MOST_DOUBLINGS))
            topic.again_ns = self._clock.monotonic_ns() + int(wait_s * 1e9)
        if isinstance(error, MalformedMessage):
            self._refuse(topic, _UNREADABLE, f"{_UNREADABLE}: {error}"[:_SAID_CHARS])
        if not isinstance(error, ExchangeError):
            said = f"{_RAISED}: {type(error).__name__}: {error}"[:_SAID_CHARS]
            if topic.refusal != said:
                log.error("could not be polled; the others go on", symbol=symbol, kind=kind, reason=said)
            self._refuse(topic, _RAISED, said)
        if isinstance(error, NotOffered):
            topic.lacking = str(error)
            topic.again_ns = self._clock.monotonic_ns() + int(_LACKING_AGAIN_S * 1e9)
        log.debug("could not be polled", seldom=True, symbol=symbol, kind=kind, error=str(error))

    def _exchange_ms(self) -> int:
        return int(self._clock.now_ns() / 1e6 + (self._exchange.clock_offset_ms or 0.0))

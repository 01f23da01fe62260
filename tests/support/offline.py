"""The whole path without sockets: the history's frames through the adapter's handlers into market and engine."""

from collections.abc import Iterator, Sequence

from virtuoso.analysis.engine import Engine
from virtuoso.analysis.readings.evaluation import Evaluation
from virtuoso.exchange.bybit.feeds import Feed, feeds_for
from virtuoso.market.state import MarketState, Qualities
from virtuoso.market.symbol import SymbolState
from virtuoso.model.market import AccountRatio, Bar, FundingRate, OpenInterest
from virtuoso.model.quality import DataQuality
from virtuoso.model.timeframe import Timeframe
from virtuoso.simulator.history import open_history

MINUTE_MS = 60_000
FRAMES = (Timeframe.M1, Timeframe.M5, Timeframe.M30, Timeframe.H4)
INTERVALS = {Timeframe.M1: "1", Timeframe.M5: "5", Timeframe.M30: "30", Timeframe.H4: "240"}
LIVE = Qualities(*[DataQuality.LIVE] * 4)


class Offline:
    """Some symbols of the history from `start_ms` (a minute's start) on."""

    def __init__(self, symbols: Sequence[str], start_ms: int, seed: int = 1) -> None:
        self.source = open_history(seed, start_ms)
        self.market = MarketState(FRAMES)
        self.engine = Engine()
        self.resyncs: list[str] = []
        self.now_ms = start_ms
        self._feeds: dict[str, Feed] = {}
        self.source.advance(start_ms, ())
        for symbol in symbols:
            self._add(symbol)
        self.engine.warm_up(self.market.warm_up(symbols, start_ms))
        self.wanted = [("linear", topic) for topic in self._feeds]
        for category, topic in self.wanted:
            if (frame := self.source.snapshot(category, topic)) is not None:
                self._feeds[topic].take(frame, start_ms * 1_000_000)

    def _add(self, symbol: str) -> None:
        self.engine.add(symbol, self.market.add(symbol))
        state = self.market[symbol]
        for timeframe in reversed(FRAMES):
            first = self.now_ms - 1000 * timeframe.ms
            rows = self.source.klines("linear", symbol, INTERVALS[timeframe], "trade", first, self.now_ms)
            bars = [
                Bar(int(at), *map(float, values), confirmed=int(at) + timeframe.ms <= self.now_ms)
                for at, *values in rows
            ]
            state.history.load(timeframe, bars)
        self._ask_slowly(symbol, state)
        for feed in feeds_for(symbol, state, "linear", 50, lambda feed: self.resyncs.append(feed.topic)):
            self._feeds[feed.topic] = feed

    def _ask_slowly(self, symbol: str, state: SymbolState) -> None:
        """What no stream carries, as the monitor asks for it at the start."""
        span = (self.now_ms - 30 * 86_400_000, self.now_ms)
        ratios = self.source.account_ratio("linear", symbol, "5min", *span)[-500:]
        state.take_ratios(
            [AccountRatio(int(r["timestamp"]), float(r["buyRatio"]), float(r["sellRatio"])) for r in ratios]
        )
        rates = self.source.funding("linear", symbol, *span)[-200:]
        state.take_rates([FundingRate(int(r["fundingRateTimestamp"]), float(r["fundingRate"])) for r in rates])
        interest = self.source.open_interest("linear", symbol, "5min", *span)[-200:]
        state.take_interest([OpenInterest(int(r["timestamp"]), float(r["openInterest"])) for r in interest])

    def minutes(self, count: int) -> Iterator[Evaluation]:
        """Play minute after minute; the evaluation of each close."""
        for _ in range(count):
            close_ms = self.now_ms - self.now_ms % MINUTE_MS + MINUTE_MS
            self.now_ms = close_ms + 2_000
            for push in self.source.advance(self.now_ms, self.wanted):
                self._feeds[push.topic].take(push.payload, push.at_ms * 1_000_000)
            yield self.engine.step(self.market.cut(close_ms, dict.fromkeys(self.market.rows, LIVE)))

"""Fast detection: every event goes on to the market state, and is judged as it comes."""

from collections.abc import Mapping, Sequence

from virtuoso.alerts.fast.cones.bands import Bands
from virtuoso.alerts.fast.findings import Findings
from virtuoso.alerts.fast.liquidation import MarketCascade
from virtuoso.alerts.fast.market_move import MarketMove
from virtuoso.alerts.fast.symbol import SymbolDetectors
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.market.series import VOLUME
from virtuoso.market.state import MarketState
from virtuoso.market.symbol import SymbolState
from virtuoso.model.alerts.incident import Incident
from virtuoso.model.catalogue.detectors import DETECTED, FastParameters
from virtuoso.model.feed import Refusal, SymbolSink
from virtuoso.model.market import Bar, Levels, Liquidation, TickerUpdate, Trade
from virtuoso.monitor.containment import Contained

SAMPLE_MS = 1_000
"""How often a book is looked at, in event time."""
_KINDS = frozenset(kind.name for kind in DETECTED)
_RESUMED_QUIET_MS = 300_000
"""How long what an earlier run found stays open unless it is found again: funding is looked at once in minutes."""


class Detection:
    """The detectors of all watched symbols, each behind the sink of its symbol; `contained` takes what they raise."""

    def __init__(self, parameters: FastParameters, log: IncidentLog, contained: Contained | None = None) -> None:
        self._parameters = parameters
        self._findings = Findings(log)
        self._market_cascade = MarketCascade(parameters.cascade.symbols, self._findings)
        self._market_move = MarketMove(parameters.market_move, self._findings)
        self._sinks: dict[str, DetectingSink] = {}
        self._contained = contained
        self._guarded: dict[str, SymbolSink] = {}

    def detect_by(self, parameters: FastParameters, now_ns: int) -> None:
        """Detect by other parameters: detectors learn the history anew when the sinks are next asked for.

        What is open stays open, and is over when it is not found again within five minutes.
        """
        self._findings.doubt(now_ns, _RESUMED_QUIET_MS)
        self._parameters = parameters
        self._market_cascade = MarketCascade(parameters.cascade.symbols, self._findings)
        self._market_move = MarketMove(parameters.market_move, self._findings)
        self._sinks.clear()
        self._guarded.clear()

    def sinks(self, market: MarketState, now_ns: int) -> Mapping[str, SymbolSink]:
        """The sink of each watched symbol, for the adapter; a newcomer's detectors learn from the history it has.

        What was known of symbols that are no longer watched is dropped, and their incidents are resolved.
        """
        self.meet(market, now_ns, len(market.rows))
        return {symbol: self._guarded[symbol] for symbol in market.rows}

    def meet(self, market: MarketState, now_ns: int, at_most: int) -> bool:
        """Forget who left and get to know so many newcomers; whether more are waiting.

        Learning the history of one takes milliseconds: whoever has many need not hold up the loop for all at once.
        """
        states = market.sinks()
        for symbol in [symbol for symbol, sink in self._sinks.items() if states.get(symbol) is not sink.state]:
            del self._sinks[symbol], self._guarded[symbol]
            self._findings.forget(symbol, now_ns)
            self._market_cascade.forget(symbol)
            self._market_move.forget(symbol)
        new = [symbol for symbol in states if symbol not in self._sinks]
        for symbol in new[:at_most]:
            sink = self._sinks[symbol] = self._sink(symbol, states[symbol], now_ns)
            self._guarded[symbol] = sink if self._contained is None else self._contained.sink(symbol, sink)
        return len(new) > at_most

    def forecast(self, bands: Mapping[str, Bands], now_ns: int) -> None:
        """What the last close said of these symbols; of the others it stays as it was, until it is too old."""
        for symbol, said in bands.items():
            if (sink := self._sinks.get(symbol)) is not None:
                sink.detectors.forecast(said, now_ns)

    def resume(self, incidents: Sequence[Incident], now_ns: int) -> None:
        """Take over what was open in an earlier run: it is not found a second time."""
        self._findings.resume([i for i in incidents if i.kind in _KINDS], now_ns, _RESUMED_QUIET_MS)

    def sweep(self, now_ns: int) -> None:
        """Resolve what has been quiet for long enough."""
        self._findings.sweep(now_ns)

    def _sink(self, symbol: str, state: SymbolState, now_ns: int) -> "DetectingSink":
        detectors = SymbolDetectors(
            symbol, self._parameters, self._findings, self._market_cascade, self._market_move, state.denomination
        )
        sink = DetectingSink(state, detectors)
        if self._contained is None:
            sink.learn(now_ns)
        else:
            self._contained.attempt(symbol, "learning its history", sink.learn, now_ns)
        return sink


class DetectingSink:
    """Implements `model.feed.SymbolSink`: a symbol's state first, then its detectors."""

    __slots__ = (
        "_add_trades",
        "_apply",
        "_detectors",
        "_judge_trades",
        "_sample_ms",
        "_sampled_ms",
        "_seen_ns",
        "detectors",
        "state",
    )

    def __init__(self, state: SymbolState, detectors: SymbolDetectors) -> None:
        self.state = state
        self._apply, self._add_trades, self._judge_trades = state.book_delta, state.trades, detectors.trades
        self._detectors = self.detectors = detectors
        self._sampled_ms = self._sample_ms = 0
        self._seen_ns = 0

    def book_delta(self, update_id: int, event_ms: int, received_ns: int, bids: Levels, asks: Levels) -> Refusal:
        """Apply changed levels; now and then look at the book."""
        if (refusal := self._apply(update_id, event_ms, received_ns, bids, asks)) is not None:
            self._detectors.book_gone(received_ns)
            return refusal
        if not self._sampled_ms <= event_ms < self._sample_ms:
            self._sample(event_ms, received_ns)
        return None

    def book_snapshot(self, update_id: int, event_ms: int, received_ns: int, bids: Levels, asks: Levels) -> Refusal:
        """Replace the whole book, then let the detectors look at it."""
        return self._replaced(
            self.state.book_snapshot(update_id, event_ms, received_ns, bids, asks), event_ms, received_ns
        )

    def book_fetched(self, update_id: int, event_ms: int, received_ns: int, bids: Levels, asks: Levels) -> Refusal:
        """A whole book that was asked for."""
        return self._replaced(
            self.state.book_fetched(update_id, event_ms, received_ns, bids, asks), event_ms, received_ns
        )

    def _replaced(self, refusal: Refusal, event_ms: int, received_ns: int) -> Refusal:
        if refusal is None:
            self._sample(event_ms, received_ns)
        else:
            self._detectors.book_gone(received_ns)
        return refusal

    def book_invalid(self) -> None:
        """Pass on that the feed is gone; what lasted did so until it was last heard of."""
        self.state.book_invalid()
        self._detectors.feed_gone(self._seen_ns)

    def time(self, event_ms: int, received_ns: int) -> Refusal:
        """Judge the time of a frame, of which nothing else is kept."""
        return self.state.time(event_ms, received_ns)

    def touch(self, event_ms: int, received_ns: int, bid: tuple[float, float], ask: tuple[float, float]) -> Refusal:
        """Pass best bid and ask to the symbol's state; the detectors do not use them."""
        return self.state.touch(event_ms, received_ns, bid, ask)

    def trades(self, received_ns: int, trades: Sequence[Trade]) -> Refusal:
        """Take public trades, oldest first, and hand those that were believed to the detectors."""
        if (refusal := self._add_trades(received_ns, trades)) is not None:
            return refusal
        self._seen_ns = received_ns
        self._judge_trades(self.state.told, received_ns)
        return None

    def trades_fetched(self, received_ns: int, trades: Sequence[Trade]) -> Refusal:
        """Take trades that were asked for by REST."""
        if (refusal := self.state.trades_fetched(received_ns, trades)) is None:
            self._detectors.trades_fetched(self.state.told, received_ns)
        return refusal

    def ticker(self, event_ms: int, received_ns: int, update: TickerUpdate) -> Refusal:
        """Take a ticker snapshot or delta, and hand what was believed to the detectors."""
        if (refusal := self.state.ticker(event_ms, received_ns, update)) is None:
            self._seen_ns = received_ns
            self._detectors.ticker(event_ms, self.state.believed, received_ns)
        return refusal

    def bars(self, received_ns: int, bars: Sequence[Bar]) -> Refusal:
        """Take 1m bars from the stream and judge the minutes that are complete and the one still forming."""
        if (refusal := self.state.bars(received_ns, bars)) is not None:
            return refusal
        for bar in bars:
            if bar.confirmed:
                self.take_minutes(received_ns)
            elif bar is self.state.history.forming:  # else it was not believed
                self._detectors.forming(bar, received_ns)
        return None

    def liquidations(self, received_ns: int, liquidations: Sequence[Liquidation]) -> Refusal:
        """Take liquidations, oldest first, and hand those that were believed to the detectors."""
        if (refusal := self.state.liquidations(received_ns, liquidations)) is None:
            self._detectors.liquidations(liquidations, received_ns)
        return refusal

    def learn(self, now_ns: int) -> None:
        """Let the detectors take what was before: nothing of it is judged."""
        stats = self.state.stats
        self._detectors.learn(
            self.state.tape.recent, stats.values["funding_interval_h"], stats.funding_history,
            stats.open_interest_history,
        )  # fmt: skip
        self.take_minutes(now_ns)

    def take_minutes(self, now_ns: int) -> None:
        """Hand on the closed minutes that the history has and the detectors have not: also those repaired."""
        open_ms, rows = self.state.history.base.since(self._detectors.next_ms)
        if len(rows):
            self._detectors.minutes(open_ms, rows[:, : VOLUME + 1].tolist(), now_ns)

    def _sample(self, event_ms: int, received_ns: int) -> None:
        self._sampled_ms, self._sample_ms, self._seen_ns = event_ms, event_ms + SAMPLE_MS, received_ns
        book = self.state.book
        if book.valid:
            self._detectors.book(event_ms, book.bid_price, book.ask_price, book.bids, book.asks, received_ns)
        else:
            self._detectors.book_gone(received_ns)

"""Feeds all fast detectors of one symbol with its events."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from msgspec import UNSET

from virtuoso.alerts.fast.baseline import Minutes
from virtuoso.alerts.fast.cones.bands import Bands
from virtuoso.alerts.fast.cones.large import LargeMoveLikely
from virtuoso.alerts.fast.cones.thin import ThinBook
from virtuoso.alerts.fast.cones.touch import ConeTouch
from virtuoso.alerts.fast.findings import Findings
from virtuoso.alerts.fast.funding import FundingExtreme
from virtuoso.alerts.fast.interest import InterestSurge
from virtuoso.alerts.fast.liquidation import Liquidations, MarketCascade
from virtuoso.alerts.fast.market_move import MarketMove
from virtuoso.alerts.fast.move import SuddenMove
from virtuoso.alerts.fast.spread import SpreadBlowout
from virtuoso.alerts.fast.tails import MoveTails
from virtuoso.alerts.fast.volume import VolumeSpike
from virtuoso.alerts.fast.wall import BookWalls
from virtuoso.alerts.fast.whale import WhaleTrades
from virtuoso.model.catalogue.detectors import FastParameters
from virtuoso.model.market import Bar, Liquidation, TickerUpdate, Trade
from virtuoso.model.text.numbers import PLAIN, Denomination

_MINUTE_MS = 60_000
_TRADES_LEAD_MS = 2_000
_LATE = 3
"""Minutes that come so many at once are history: they are learnt from and not judged."""


class SymbolDetectors:
    """The fast detectors of a symbol. Methods take events in the order received, with the receive time (epoch ns)."""

    __slots__ = ("_closes", "_forecast", "_funding", "_interest", "_interval_h", "_large", "_liquidations",
                 "_minutes", "_move", "_spread", "_tails", "_thin", "_touch", "_traded_ms", "_volume", "_walls",
                 "_whales")  # fmt: skip

    def __init__(
        self,
        symbol: str,
        parameters: FastParameters,
        findings: Findings,
        cascade: MarketCascade,
        market: MarketMove,
        denomination: Denomination = PLAIN,
    ) -> None:
        self._minutes = Minutes()
        self._closes: deque[float] = deque(maxlen=parameters.sudden_move.window_minutes + 1)
        self._whales = WhaleTrades(symbol, parameters.whale_trade, findings, denomination)
        self._liquidations = Liquidations(
            symbol, parameters.liquidation, parameters.cascade, findings, cascade, denomination
        )
        self._move = SuddenMove(symbol, parameters.sudden_move, findings, market, denomination)
        market.watch(symbol)
        self._tails = MoveTails(parameters.sudden_move.window_minutes, parameters.sudden_move.once_in_hours)
        self._spread = SpreadBlowout(symbol, parameters.spread, findings)
        self._walls = BookWalls(symbol, parameters.book_wall, findings, denomination)
        self._volume = VolumeSpike(symbol, parameters.volume_spike, findings)
        self._funding = FundingExtreme(symbol, parameters.funding, findings)
        self._interest = InterestSurge(symbol, parameters.open_interest, findings)
        self._thin = ThinBook(symbol, parameters.thin_break, findings)
        self._touch = ConeTouch(symbol, parameters.cone_touch, findings, self._thin, denomination)
        self._large = LargeMoveLikely(symbol, parameters.large_move, findings)
        self._forecast = False
        self._interval_h: float | None = None
        self._traded_ms = 0

    @property
    def next_ms(self) -> int:
        """Open time of the closed minute that `minutes` expects next; 0 before the first."""
        return self._minutes.next_ms

    def learn(
        self,
        trades: Sequence[Trade],
        interval_h: float | None,
        funding: Iterable[tuple[int, float]],
        interest: Iterable[tuple[int, float]],
    ) -> None:
        """Learn from what was before the start, oldest first, without judging it. Rates are per `interval_h` hours."""
        self._whales.learn(trades)
        self._interval_h = interval_h
        if interval_h is not None:
            for event_ms, rate in funding:
                self._funding.learn(event_ms, rate, interval_h)
        for event_ms, value in interest:
            self._interest.learn(event_ms, value)

    def trades(self, trades: Sequence[Trade], now_ns: int) -> None:
        """Judge trades of the stream, oldest first."""
        if not trades:
            return
        self._whales.take(trades, now_ns)
        last, move = trades[-1], self._move
        self._traded_ms = event_ms = last.event_ms
        price = last.price
        if move.begin_ms <= event_ms < move.end_ms and move.low < price < move.high:
            move.last = price  # as `see` does, without a call
        else:
            move.see(event_ms, price, now_ns)
        touch = self._touch
        if not touch.lower < price < touch.upper:
            touch.see(event_ms, price, now_ns)

    def trades_fetched(self, trades: Sequence[Trade], now_ns: int) -> None:
        """Judge trades that were asked for, oldest first, of which none came before."""
        self._whales.take_fetched(trades, now_ns)

    def liquidations(self, liquidations: Sequence[Liquidation], now_ns: int) -> None:
        """Judge liquidations, oldest first."""
        self._liquidations.take(liquidations, now_ns)

    def ticker(self, event_ms: int, update: TickerUpdate, now_ns: int) -> None:
        """Judge a ticker snapshot or delta. Its price counts where there are no trades."""
        if event_ms - self._traded_ms > _TRADES_LEAD_MS:
            last = update.last
            if last is UNSET or last is None:
                last = self._move.last
            if last is not None:
                self._move.see(event_ms, last, now_ns)
                self._touch.see(event_ms, last, now_ns)
        interest = update.open_interest
        if interest is not UNSET and interest is not None:
            self._interest.take(event_ms, interest, now_ns)
        if update.funding_interval_h is not UNSET:
            self._interval_h = update.funding_interval_h
        rate = update.funding_rate
        if rate is not UNSET and rate is not None and self._interval_h is not None:
            self._funding.take(event_ms, rate, self._interval_h, now_ns)

    def forming(self, bar: Bar, now_ns: int) -> None:
        """Judge the volume of the minute that is still running."""
        self._volume.forming(bar.open_ms, bar.volume, bar.close - bar.open, now_ns)

    def minutes(self, open_ms: int, bars: Sequence[Sequence[float]], now_ns: int) -> None:
        """Take closed minutes in order from `open_ms` on, without a gap among them.

        Each is open, high, low, close, volume (base units).
        """
        judged = len(bars) <= _LATE and self._minutes.next_ms == open_ms
        if open_ms != self._minutes.next_ms:
            self._closes.clear()
            self._tails.gap()
            self._volume.over(now_ns)
        for opened, high, low, close, amount in bars:
            if judged:
                self._volume.closed(open_ms, amount, close - opened, now_ns)
            else:
                self._volume.learn(open_ms, amount)
            self._tails.learn(open_ms, high, low, close, self._minutes.sigma)
            self._minutes.learn(open_ms, close, amount)
            self._closes.append(close)
            open_ms += _MINUTE_MS
        self._liquidations.turnover = self._minutes.typical_turnover
        self._move.baseline(self._minutes.sigma, self._closes, open_ms, self._tails.minute, self._tails.window)

    def book(
        self,
        event_ms: int,
        bid: float,
        ask: float,
        bids: Mapping[float, float],
        asks: Mapping[float, float],
        now_ns: int,
    ) -> None:
        """Judge a valid book, once a second: best prices, and sizes by price."""
        self._spread.observe(event_ms, bid, ask, now_ns)
        self._walls.observe(event_ms, bid, ask, bids, asks, now_ns)
        if self._forecast:
            self._thin.observe(event_ms, bid, ask, bids, asks)

    def forecast(self, bands: Bands | None, now_ns: int) -> None:
        """Take the forecast of the last close; `None` where nothing is known."""
        self._forecast = self._forecast or bands is not None
        self._touch.forecast(bands)
        self._large.forecast(bands, now_ns)

    def book_gone(self, now_ns: int) -> None:
        """End what the spread and wall detectors found, because there is no valid book."""
        self._spread.gone(now_ns)
        self._walls.gone(now_ns)
        self._thin.gone()

    def feed_gone(self, now_ns: int) -> None:
        """Count what lasts as unknown, because the connection is lost."""
        self.book_gone(now_ns)
        self._move.restart(now_ns)

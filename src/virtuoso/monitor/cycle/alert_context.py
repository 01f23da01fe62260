"""What is known of a symbol when an alert about it goes out: for whoever must decide, and for the chart."""

from virtuoso.delivery.chart import Mark, Picture
from virtuoso.exchange.protocol import Exchange
from virtuoso.market.state import MarketState
from virtuoso.model.alerts.incident import Incident
from virtuoso.model.alerts.notice import Candles, Context, FactorScore, Notice, PriceLevel
from virtuoso.model.quality import DataQuality
from virtuoso.model.signal import Entry, Reading
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.cycle.cycle import Cycle

_CANDLES = 90
_WHY = 5


class AlertContext:
    """Used on the event loop that owns the market."""

    def __init__(self, market: MarketState, cycle: Cycle, exchange: Exchange) -> None:
        self._market = market
        self._exchange = exchange
        self._cycle = cycle

    def of(self, incident: Incident) -> Context | None:
        """Of the symbol of an incident, as of now; `None` when it is about none, or not watched."""
        symbol = incident.symbol
        if symbol is None or symbol not in self._market:
            return None
        evaluation, quality = self._cycle.evaluations.get(symbol), self._cycle.qualities.get(symbol)
        reading = None if evaluation is None else evaluation.reading(symbol)
        regime = None if evaluation is None else evaluation.regime(symbol).regime
        state = self._market[symbol]
        book = state.book
        return Context(
            symbol=symbol,
            price=state.stats.values["last"],
            signal=self._cycle.label(symbol),
            score=None if reading is None else reading.score,
            agreement=None if reading is None else reading.agreement,
            regime=None if regime is None else str(regime),
            factors=() if reading is None else _factors(reading),
            why=() if reading is None else reading.why[:_WHY],
            spread_bp=_spread_bp(book.bid_price, book.ask_price) if book.valid else None,
            slippage_bp=None if reading is None else _slippage_bp(reading.entry),
            levels=() if reading is None else _levels(reading.entry),
            data_quality=str(DataQuality.UNAVAILABLE if quality is None else quality.joined),
            data_source=None if self._cycle.source is None else str(self._cycle.source),
            denomination=state.denomination,
        )

    def picture(self, notice: Notice) -> Picture | None:
        """The latest closed minutes of the symbol charted, its levels and its incident; `None` when it has none."""
        symbol = notice.charted
        if symbol is None or symbol not in self._market:
            return None
        bars = self._market[symbol].history.series[Timeframe.M1].last(_CANDLES)
        if not bars:
            return None
        candles = Candles(
            timeframe=str(Timeframe.M1),
            open_ms=tuple(bar.open_ms for bar in bars),
            open=tuple(bar.open for bar in bars),
            high=tuple(bar.high for bar in bars),
            low=tuple(bar.low for bar in bars),
            close=tuple(bar.close for bar in bars),
            volume=tuple(bar.volume for bar in bars),
        )
        return Picture(
            title=f"{symbol} · {notice.kind.replace('_', ' ')}",
            candles=candles,
            levels=() if notice.context is None else notice.context.levels,
            marks=(Mark(self._by_exchange(notice.lines[0].fired_ms), notice.kind.replace("_", " "), _favours(notice)),),
            source=str(self._cycle.source or "unknown"),
            denomination=self._market[symbol].denomination,
        )

    def _by_exchange(self, at_ms: int) -> int:
        """A time of ours by the exchange's clock, which its bars go by."""
        return at_ms + int(self._exchange.clock_offset_ms or 0.0)


def _favours(notice: Notice) -> bool | None:
    """In whose favour it is: the buyers', the sellers', nobody's."""
    return {"buy": True, "up": True, "sell": False, "down": False}.get(notice.labels.get("side", "").lower())


def _factors(reading: Reading) -> tuple[FactorScore, ...]:
    ordered = sorted(reading.factors, key=lambda factor: -factor.weight)
    return tuple(FactorScore(factor.name, factor.score, factor.weight) for factor in ordered)


def _spread_bp(bid: float, ask: float) -> float | None:
    return 10_000 * (ask - bid) / ((ask + bid) / 2) if 0 < bid < ask else None


def _slippage_bp(entry: Entry) -> float | None:
    return entry.slippage.sell_bp if entry.side == "short" else entry.slippage.buy_bp


def _levels(entry: Entry) -> tuple[PriceLevel, ...]:
    named = [
        ("entry", entry.price),
        ("stop", entry.stop),
        *((f"target {i}", t) for i, t in enumerate(entry.targets, 1)),
    ]
    return tuple(PriceLevel(name, price) for name, price in named if price is not None)

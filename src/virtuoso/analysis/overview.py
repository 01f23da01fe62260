"""The market as a whole: breadth, dominance, turnover, volatility, movers; from tickers, regimes and closed bars."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from virtuoso.analysis.breadth import (
    CORRELATION_BARS,
    EMA_WINDOW,
    MarketHistory,
    above_ema50_pct,
    average_correlation,
    dispersion,
    new_extremes,
)
from virtuoso.analysis.regimes.dwell import Held
from virtuoso.analysis.regimes.regime import LONG_BARS, REGIMES, Regime, SymbolRegime
from virtuoso.model.instrument import seniority

NEUTRAL_BAND_PCT = 0.1
"""A 24 h change smaller than this (in %) neither advances nor declines."""
SENTIMENT_BAND = 0.15
LONG_SHARE = 0.5
"""Share of the turnover whose long average of volatility must be known for the market's to be."""


class MarketItem(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol's ticker: price in quote units, 24 h change in %, 24 h turnover in quote units.

    A `dated` future never stands for its coin; of others the one listed longest (`launch_ms`, epoch ms) does.
    """

    symbol: str
    base: str
    price: float | None
    change_24h_pct: float | None
    turnover_24h: float | None
    dated: bool = False
    launch_ms: int | None = None


class Breadth(msgspec.Struct, frozen=True, kw_only=True):
    """How many symbols rose, fell or did neither over 24 h; those without a value are not in `total`."""

    advancing: int
    declining: int
    neutral: int
    total: int


class Mover(msgspec.Struct, frozen=True, kw_only=True):
    """A symbol by its 24 h change in %."""

    symbol: str
    change: float
    price: float


class MarketOverview(msgspec.Struct, frozen=True, kw_only=True):
    """The market at a glance; `None` is unknown and `reasons` says why, by field.

    `trend_strength` (ADX) and `momentum_score` 0–100, `volatility` and `avg_volatility` in % a day, all weighted by
    turnover; `btc_dominance` is BTC's share of the universe's 24 h turnover in %; `avg_market_change` the plain mean
    24 h change in %; `probabilities` of the regimes sum to 1; `regime_since_ms` is the close at which the regime was
    entered. `dispersion` and `dispersion_robust` in %, the rest as in `virtuoso.analysis.breadth`.
    """

    regime: Regime | None
    regime_since_ms: int | None
    probabilities: dict[Regime, float] | None
    trend_strength: float | None
    volatility: float | None
    avg_volatility: float | None
    btc_dominance: float | None
    total_volume: float | None
    market_sentiment: Regime | None
    momentum_score: float | None
    btc_price: float | None
    btc_change: float | None
    eth_price: float | None
    avg_market_change: float | None
    above_ema50_pct: float | None
    new_highs_24h: int | None
    new_lows_24h: int | None
    dispersion: float | None
    dispersion_robust: float | None
    avg_correlation_btc: float | None
    breadth: Breadth
    reasons: dict[str, str] = {}


def market_overview(
    items: Sequence[MarketItem],
    regimes: Sequence[SymbolRegime],
    held: Held | None = None,
    history: MarketHistory | None = None,
) -> MarketOverview:
    """The overview of the universe; regimes of symbols without turnover do not count.

    `held` is what `MarketRegime` made of the `market_probabilities` at the last close; without it the regime is the
    likeliest. `history` is what breadth is computed from beside the tickers.
    """
    turnover = _turnover(items)
    total = sum(turnover.values())
    weighted = [(turnover[r.symbol], r) for r in regimes if r.symbol in turnover]
    changes = [item.change_24h_pct for item in items if item.change_24h_pct is not None]
    probabilities = market_probabilities(items, regimes)
    counts = breadth(items)
    momentum = _mean([(w, r.momentum) for w, r in weighted])
    btc, eth = _first(items, "BTC"), _first(items, "ETH")
    likeliest = max(probabilities, key=probabilities.__getitem__) if probabilities else None
    spread = dispersion(np.array(changes, dtype=np.float64))
    values = {
        "regime": likeliest if held is None else held.regime,
        "trend_strength": _mean([(w, r.trend_strength) for w, r in weighted]),
        "volatility": _mean([(w, r.volatility) for w, r in weighted]),
        "avg_volatility": _long_average(weighted),
        "momentum_score": momentum,
        "btc_dominance": 100.0 * _of_base(items, "BTC") / total if btc and total else None,
        "total_volume": total or None,
        "market_sentiment": sentiment(counts, momentum),
        "btc_price": btc.price if btc else None,
        "btc_change": btc.change_24h_pct if btc else None,
        "eth_price": eth.price if eth else None,
        "avg_market_change": sum(changes) / len(changes) if changes else None,
        "dispersion": spread[0] if spread else None,
        "dispersion_robust": spread[1] if spread else None,
        **_participation(history, btc),
    }
    reasons = {name: _REASONS[name] for name, value in values.items() if value is None}
    extra = {
        "regime_since_ms": held.since_ms if held else None, "probabilities": probabilities, "breadth": counts,
        "reasons": reasons,
    }  # fmt: skip
    return msgspec.convert(values | extra, MarketOverview)


_WAITING = "not enough closed bars yet"
_REASONS = {
    "regime": _WAITING,
    "trend_strength": _WAITING,
    "volatility": _WAITING,
    "avg_volatility": f"needs {LONG_BARS + 1} bars of the regime's timeframe of symbols with half the turnover",
    "momentum_score": _WAITING,
    "market_sentiment": _WAITING,
    "btc_dominance": "BTC or its turnover is not in the universe",
    "total_volume": "no turnover received yet",
    "btc_price": "no perpetual or spot pair of BTC is in the universe, or it has no price yet",
    "btc_change": "no perpetual or spot pair of BTC is in the universe, or it has no 24 h change yet",
    "eth_price": "no perpetual or spot pair of ETH is in the universe, or it has no price yet",
    "avg_market_change": "no 24 h change received yet",
    "above_ema50_pct": f"needs {EMA_WINDOW} closed bars of the regime's timeframe",
    "new_highs_24h": "no 24 h high and low, or no closed minutes of the last hour, received yet",
    "new_lows_24h": "no 24 h high and low, or no closed minutes of the last hour, received yet",
    "dispersion": "needs the 24 h change of two symbols",
    "dispersion_robust": "needs the 24 h change of two symbols",
    "avg_correlation_btc": f"needs {CORRELATION_BARS + 1} closed bars of the regime's timeframe of BTC and another",
}


def market_probabilities(items: Sequence[MarketItem], regimes: Sequence[SymbolRegime]) -> dict[Regime, float] | None:
    """The symbols' probabilities weighted by their 24 h turnover; `None` when no symbol has both."""
    turnover = _turnover(items)
    known = [
        (turnover[r.symbol], r.probabilities) for r in regimes if r.symbol in turnover and r.probabilities is not None
    ]
    total = sum(weight for weight, _ in known)
    if not total:
        return None
    return {regime: sum(weight * p[regime] for weight, p in known) / total for regime in REGIMES}


def breadth(items: Sequence[MarketItem]) -> Breadth:
    """Advancing and declining symbols by their 24 h change, with a neutral band."""
    changes = [item.change_24h_pct for item in items if item.change_24h_pct is not None]
    advancing = sum(change >= NEUTRAL_BAND_PCT for change in changes)
    declining = sum(change <= -NEUTRAL_BAND_PCT for change in changes)
    return Breadth(
        advancing=advancing,
        declining=declining,
        neutral=len(changes) - advancing - declining,
        total=len(changes),
    )


def movers(items: Sequence[MarketItem], limit: int) -> tuple[Mover, ...]:
    """The `limit` symbols that moved most over 24 h, either way, largest first; ties by name."""
    known = [
        Mover(symbol=item.symbol, change=item.change_24h_pct, price=item.price)
        for item in items
        if item.change_24h_pct is not None and item.price is not None
    ]
    return tuple(sorted(known, key=lambda mover: (-abs(mover.change), mover.symbol))[:limit])


def sentiment(counts: Breadth, momentum: float | None) -> Regime | None:
    """Half net breadth, half momentum about 50, in [-1, 1]: bullish or bearish beyond ±0.15."""
    if momentum is None or not counts.total:
        return None
    value = 0.5 * (counts.advancing - counts.declining) / counts.total + 0.5 * (momentum - 50.0) / 50.0
    if abs(value) < SENTIMENT_BAND:
        return Regime.NEUTRAL
    return Regime.BULLISH if value > 0 else Regime.BEARISH


def _first(items: Sequence[MarketItem], base: str) -> MarketItem | None:
    """Find the item that stands for a coin; `None` without one."""
    perpetual = [item for item in items if item.base == base and not item.dated]
    return min(perpetual, key=lambda item: seniority(item.launch_ms, item.turnover_24h, item.symbol), default=None)


def _of_base(items: Sequence[MarketItem], base: str) -> float:
    return sum(item.turnover_24h or 0.0 for item in items if item.base == base)


def _turnover(items: Sequence[MarketItem]) -> dict[str, float]:
    return {item.symbol: item.turnover_24h for item in items if item.turnover_24h}


def _mean(values: Sequence[tuple[float, float | None]]) -> float | None:
    known = [(weight, value) for weight, value in values if value is not None]
    total = sum(weight for weight, _ in known)
    return sum(weight * value for weight, value in known) / total if total else None


def _long_average(weighted: Sequence[tuple[float, SymbolRegime]]) -> float | None:
    """A mean over a few small symbols would not be the market's."""
    known = sum(weight for weight, regime in weighted if regime.avg_volatility is not None)
    total = sum(weight for weight, _ in weighted)
    return _mean([(w, r.avg_volatility) for w, r in weighted]) if known >= LONG_SHARE * total else None


def _participation(history: MarketHistory | None, btc: MarketItem | None) -> Mapping[str, float | None]:
    """What is computed from bars; all unknown without them."""
    if history is None:
        return dict.fromkeys(("above_ema50_pct", "new_highs_24h", "new_lows_24h", "avg_correlation_btc"))
    highs, lows = new_extremes(history) or (None, None)
    column = history.symbols.index(btc.symbol) if btc and btc.symbol in history.symbols else None
    return {
        "above_ema50_pct": above_ema50_pct(history.closes),
        "new_highs_24h": highs,
        "new_lows_24h": lows,
        "avg_correlation_btc": None if column is None else average_correlation(history.closes, column),
    }

"""The market as a whole: breadth, dominance, turnover, volatility, movers; from tickers and regimes."""

from collections.abc import Sequence

import msgspec

from virtuoso.analysis.regime import REGIMES, Regime, SymbolRegime

NEUTRAL_BAND_PCT = 0.1
"""A 24 h change smaller than this (in %) neither advances nor declines."""
SENTIMENT_BAND = 0.15


class MarketRow(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol's ticker: price in quote units, 24 h change in %, 24 h turnover in quote units."""

    symbol: str
    base: str
    price: float | None
    change_24h_pct: float | None
    turnover_24h: float | None


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
    24 h change in %; `probabilities` of the regimes sum to 1.
    """

    regime: Regime | None
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
    breadth: Breadth
    reasons: dict[str, str] = {}


def market_overview(rows: Sequence[MarketRow], regimes: Sequence[SymbolRegime]) -> MarketOverview:
    """The overview of the universe; regimes of symbols without turnover do not count."""
    turnover = {row.symbol: row.turnover_24h for row in rows if row.turnover_24h}
    total = sum(turnover.values())
    weighted = [(turnover[r.symbol], r) for r in regimes if r.symbol in turnover]
    changes = [row.change_24h_pct for row in rows if row.change_24h_pct is not None]
    probabilities = _probabilities(weighted)
    counts = breadth(rows)
    momentum = _mean([(w, r.momentum) for w, r in weighted])
    btc, eth = _first(rows, "BTC"), _first(rows, "ETH")
    values = {
        "regime": max(probabilities, key=probabilities.__getitem__) if probabilities else None,
        "trend_strength": _mean([(w, r.trend_strength) for w, r in weighted]),
        "volatility": _mean([(w, r.volatility) for w, r in weighted]),
        "avg_volatility": _mean([(w, r.avg_volatility) for w, r in weighted]),
        "momentum_score": momentum,
        "btc_dominance": 100.0 * _of_base(rows, "BTC") / total if btc and total else None,
        "total_volume": total or None,
        "market_sentiment": sentiment(counts, momentum),
        "btc_price": btc.price if btc else None,
        "btc_change": btc.change_24h_pct if btc else None,
        "eth_price": eth.price if eth else None,
        "avg_market_change": sum(changes) / len(changes) if changes else None,
    }
    reasons = {name: _REASONS[name] for name, value in values.items() if value is None}
    return msgspec.convert(
        values | {"probabilities": probabilities, "breadth": counts, "reasons": reasons}, MarketOverview
    )


_WAITING = "not enough closed bars yet"
_REASONS = {
    "regime": _WAITING,
    "trend_strength": _WAITING,
    "volatility": _WAITING,
    "avg_volatility": "needs 336 bars of the regime's timeframe",
    "momentum_score": _WAITING,
    "market_sentiment": _WAITING,
    "btc_dominance": "BTC or its turnover is not in the universe",
    "total_volume": "no turnover received yet",
    "btc_price": "BTC is not in the universe or has no price yet",
    "btc_change": "BTC is not in the universe or has no 24 h change yet",
    "eth_price": "ETH is not in the universe or has no price yet",
    "avg_market_change": "no 24 h change received yet",
}


def breadth(rows: Sequence[MarketRow]) -> Breadth:
    """Advancing and declining symbols by their 24 h change, with a neutral band."""
    changes = [row.change_24h_pct for row in rows if row.change_24h_pct is not None]
    advancing = sum(change >= NEUTRAL_BAND_PCT for change in changes)
    declining = sum(change <= -NEUTRAL_BAND_PCT for change in changes)
    return Breadth(
        advancing=advancing,
        declining=declining,
        neutral=len(changes) - advancing - declining,
        total=len(changes),
    )


def movers(rows: Sequence[MarketRow], limit: int) -> tuple[Mover, ...]:
    """The `limit` symbols that moved most over 24 h, either way, largest first; ties by name."""
    known = [
        Mover(symbol=row.symbol, change=row.change_24h_pct, price=row.price)
        for row in rows
        if row.change_24h_pct is not None and row.price is not None
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


def _first(rows: Sequence[MarketRow], base: str) -> MarketRow | None:
    """The most traded row of a base coin."""
    return max((row for row in rows if row.base == base), key=lambda row: row.turnover_24h or 0.0, default=None)


def _of_base(rows: Sequence[MarketRow], base: str) -> float:
    return sum(row.turnover_24h or 0.0 for row in rows if row.base == base)


def _mean(values: Sequence[tuple[float, float | None]]) -> float | None:
    known = [(weight, value) for weight, value in values if value is not None]
    total = sum(weight for weight, _ in known)
    return sum(weight * value for weight, value in known) / total if total else None


def _probabilities(weighted: Sequence[tuple[float, SymbolRegime]]) -> dict[Regime, float] | None:
    known = [(weight, r.probabilities) for weight, r in weighted if r.probabilities is not None]
    total = sum(weight for weight, _ in known)
    if not total:
        return None
    return {regime: sum(weight * p[regime] for weight, p in known) / total for regime in REGIMES}

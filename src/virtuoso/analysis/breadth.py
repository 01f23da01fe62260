"""Breadth of the market from prices: who takes part, how far apart symbols move, and how much with BTC.

All functions are symmetric: of the market upside down they give the mirrored number.
"""

from dataclasses import dataclass

import numpy as np

from virtuoso.market.panel import Floats

EMA_BARS = 50
EMA_WINDOW = 246
"""Closes that an EMA-50 is made of: what is older weighs less than 1e-4."""
CORRELATION_BARS = 48
HOUR_MINUTES = 60
TOLERANCE = 1e-4
"""How near (as a fraction) an extreme of the last hour must come to that of 24 h to be the same."""
_MAD_TO_SIGMA = 1.4826
_ROUNDING = 1e-12
"""What the sum of an EMA may be off by: a price that never moved is on its average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketHistory:
    """What n symbols did lately; `symbols` names the columns, `nan` is unknown, prices in quote units.

    `closes` [t, n] are the last t ≥ `EMA_WINDOW` closed bars of the regime's timeframe, the same closes for all,
    newest last. `high_24h`, `low_24h` [n] are the exchange's own of the rolling day; `hour_high`, `hour_low` [n] the
    extremes of the last `HOUR_MINUTES` closed minutes and the last price.
    """

    symbols: tuple[str, ...]
    closes: Floats
    high_24h: Floats
    low_24h: Floats
    hour_high: Floats
    hour_low: Floats


def above_ema50_pct(closes: Floats) -> float | None:
    """Share in % of the symbols whose last close in `closes` [t, n] is above their EMA-50; on it counts half.

    The EMA is that of the last `EMA_WINDOW` closes, α = 2/51, its weights adding up to 1; a symbol with one of them
    missing does not count. `None` when none is left.
    """
    window = closes[-EMA_WINDOW:]
    if window.shape[0] < EMA_WINDOW:
        return None
    weights = (1 - 2 / (EMA_BARS + 1)) ** np.arange(EMA_WINDOW - 1.0, -1.0, -1.0)
    deviation = window[-1] / (weights @ window / weights.sum()) - 1.0
    deviation = deviation[np.isfinite(deviation)]
    if not deviation.size:
        return None
    above = np.where(np.abs(deviation) > _ROUNDING, np.sign(deviation), 0.0)
    return float(100.0 * (0.5 + 0.5 * above).mean())


def new_extremes(history: MarketHistory) -> tuple[int, int] | None:
    """How many symbols made their high, and how many their low, of the last 24 h in the last hour.

    Extremes within `TOLERANCE` of each other are the same; a symbol that moved less than that in 24 h made neither.
    `None` when no symbol's extremes are known.
    """
    high, low, hour_high, hour_low = history.high_24h, history.low_24h, history.hour_high, history.hour_low
    same = 1.0 + TOLERANCE
    if not np.isfinite(high + low + hour_high + hour_low).any():
        return None
    moved = high > low * same  # a comparison with nan is false
    highs, lows = moved & (high <= hour_high * same), moved & (hour_low <= low * same)
    return int(highs.sum()), int(lows.sum())


def dispersion(changes: Floats) -> tuple[float, float] | None:
    """How far symbols' 24 h changes [n] (%) lie apart: sample standard deviation, and 1.4826 × the median deviation.

    The second is not moved by a few outliers and agrees with the first on a normal distribution (Rousseeuw & Croux,
    1993). `None` with fewer than two changes.
    """
    known = changes[np.isfinite(changes)]
    if known.size < 2:
        return None
    return float(known.std(ddof=1)), float(_MAD_TO_SIGMA * np.median(np.abs(known - np.median(known))))


def average_correlation(closes: Floats, btc: int) -> float | None:
    """Mean over the other symbols of Pearson's correlation with column `btc`, of `CORRELATION_BARS` log returns.

    `closes` [t, n]. A symbol that misses a close or did not move does not count; `None` when none is left.
    """
    window = closes[-CORRELATION_BARS - 1 :]
    if window.shape[0] <= CORRELATION_BARS:
        return None
    returns = np.diff(np.log(window), axis=0)
    centred = returns - returns.mean(axis=0)
    squares = (centred * centred).sum(axis=0)
    products = (centred * centred[:, [btc]]).sum(axis=0)
    usable = (squares > 0) & (squares[btc] > 0)
    usable[btc] = False
    if not usable.any():
        return None
    return float((products[usable] / np.sqrt(squares[usable] * squares[btc])).mean())

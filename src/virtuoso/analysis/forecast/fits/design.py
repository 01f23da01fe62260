"""The columns of each regression, the same in training and in forecasting."""

import math

import numpy as np

from virtuoso.analysis.forecast.features import SHORT_MIN, SPANS
from virtuoso.market.panel import Floats, Ints

HARMONICS = 3
"""Waves a day of the time of day."""
VOLATILITY_COLUMNS = 1 + SPANS + 2 + 2 * HARMONICS
"""A constant, each span less the mean of spans, that mean, the market's, and the time of day."""
OF_TIME = slice(VOLATILITY_COLUMNS - 2 * HARMONICS, None)
_HOUR, _WEEK = SHORT_MIN.index(60), SPANS - 1
_DAY_MIN = 1440


def level(volatility: Floats, minutes: int) -> Floats:
    """What the log realised volatility of the next `minutes` is shrunk to: the mean of all spans but the shortest."""
    return mean_of_spans(volatility) + 0.5 * math.log(minutes)


def mean_of_spans(volatility: Floats) -> Floats:
    """Mean [...] of log volatilities [6, …] but the first, which is mostly noise; added in one order."""
    total: Floats = volatility[1]
    for span in volatility[2:]:
        total = total + span
    return total / (SPANS - 1)


def market_volatility(volatility: Floats) -> Floats:
    """The median over symbols [t] of the last hour's log volatility over the week's, from [6, t, n]; `nan` for none.

    The median does not depend on the order of the symbols, nor on one that went mad.
    """
    ratio = np.sort(volatility[_HOUR] - volatility[_WEEK], axis=1)  # nan comes last
    known = np.isfinite(ratio).sum(axis=1)
    at = np.arange(len(ratio))
    low, high = ratio[at, np.maximum(known - 1, 0) // 2], ratio[at, np.minimum(known // 2, ratio.shape[1] - 1)]
    return np.where(known > 0, 0.5 * (low + high), np.nan)


def volatility_columns(volatility: Floats, market: Floats, close_ms: Ints) -> Floats:
    """Columns [15, …] from log volatilities [6, …], the market's [...] and the close's time [...]."""
    mean = mean_of_spans(volatility)
    angle = 2.0 * np.pi * (close_ms // 60_000 % _DAY_MIN) / _DAY_MIN
    waves = [wave(k * angle) for k in range(1, HARMONICS + 1) for wave in (np.sin, np.cos)]
    return np.stack([np.ones_like(mean), *(volatility - mean), mean, market, *waves])


def direction_columns(trend: Floats, volatility: Floats, minutes: int, spans_min: tuple[int, ...]) -> Floats:
    """Columns [k, …] that change sign with the market: returns of the last spans, in units of the forecast, bounded.

    Args:
        trend: log returns over the last `spans_min` [k, …].
        volatility: forecast over `minutes` [...].
        minutes: the horizon.
        spans_min: minutes of each return.
    """
    return np.stack(
        [np.tanh(each / (volatility * np.sqrt(span / minutes))) for each, span in zip(trend, spans_min, strict=True)]
    )

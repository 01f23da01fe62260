"""The columns of each regression, the same in training and in forecasting."""

import math
from collections.abc import Sequence

import numpy as np

from virtuoso.analysis.forecast.features import SHORT_MIN, SPANS
from virtuoso.market.panel import Floats, Ints

_WAVES = ((1_440, 3), (60, 4))
"""Minutes of a period and its waves: a day, and an hour, which is livelier when it and its quarters begin."""
_TIMES = 2 * sum(count for _, count in _WAVES)
VOLATILITY_COLUMNS = 1 + SPANS + 2 + _TIMES
"""A constant, each span less the mean of spans, that mean, the market's, and the time of day and hour."""
OF_TIME = slice(VOLATILITY_COLUMNS - _TIMES, None)
_PERIODS = [period for period, count in _WAVES for _ in range(count)]
_TURNS = np.array([2.0 * np.pi * k / period for period, count in _WAVES for k in range(1, count + 1)])
"""Minutes of the period of each wave, and radians that it turns a minute."""
_HOUR, _WEEK = SHORT_MIN.index(60), SPANS - 1


def mean_of_spans(volatility: Floats) -> Floats:
    """What the log volatility per √minute to come is shrunk to [...]: the mean of the spans [6, …] but the shortest."""
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


def volatility_columns(volatility: Floats, mean: Floats, market: Floats, close_ms: Ints) -> list[Floats]:
    """The 23 columns, of shapes that broadcast to [...].

    Args:
        volatility: log volatilities of the spans [6, …].
        mean: `mean_of_spans` of them [...].
        market: `market_volatility` [...].
        close_ms: the closes [...], epoch ms.
    """
    minute = close_ms // 60_000
    angles = np.multiply.outer(_TURNS, np.ones(minute.shape)) * [minute % period for period in _PERIODS]
    waves = [wave for both in zip(np.sin(angles), np.cos(angles), strict=True) for wave in both]
    return [np.ones(1), *(volatility - mean), mean, market, *waves]


def direction_columns(trend: Floats, volatility: Floats, minutes: int, spans_min: Sequence[int]) -> list[Floats]:
    """Columns [...] that change sign with the market: returns of the last spans, in units of the forecast, bounded.

    Args:
        trend: log returns over the last `spans_min` [k, …].
        volatility: forecast over `minutes` [...].
        minutes: the horizon.
        spans_min: minutes of each return.
    """
    scale = 1.0 / volatility
    return [np.tanh(each * (scale * math.sqrt(minutes / span))) for each, span in zip(trend, spans_min, strict=True)]

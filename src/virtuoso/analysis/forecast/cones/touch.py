"""How likely it is that a price touches a level before a horizon ends: read between the quantiles of its extremes."""

import math
from statistics import NormalDist
from typing import Final

import numpy as np

from virtuoso.analysis.forecast.horizons import TAILS
from virtuoso.market.panel import Floats

TAIL_EXPONENT: Final = 4.0
"""Beyond the outermost quantile the probability falls by this power of the distance."""
_PLACES: Floats = np.array([0.0, *(NormalDist().inv_cdf((1.0 + tail) / 2.0) for tail in TAILS)])
_OUTERMOST: Final = 1.0 - TAILS[-1]
_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def touched_above(high: Floats, level: Floats) -> Floats:
    """P(the highest high reaches `level`) [...], of its quantiles `high` [6, ...] and levels [...], all log returns.

    Levels and quantiles are broadcast to each other. Of a path without drift P(highest ≥ x) = 2·(1 − Φ(x/σ)), by the
    reflection principle. So between two quantiles, and between none and the first, the argument of Φ is interpolated: a
    straight line for a Brownian path, through the quantiles for any. Beyond the outermost the tail is a power of the
    distance, x⁻⁴. A level at the entry or below it is touched for sure.
    """
    shape = np.broadcast_shapes(high.shape[1:], np.shape(level))
    level = np.broadcast_to(level, shape)
    high = np.broadcast_to(
        high.reshape(len(TAILS), *(1,) * (1 + len(shape) - high.ndim), *high.shape[1:]), (len(TAILS), *shape)
    )
    nodes = np.concatenate([np.zeros((1, *level.shape)), np.maximum(high, 0.0)])
    below = np.clip((nodes <= level).sum(axis=0) - 1, 0, len(TAILS) - 1)
    with np.errstate(all="ignore"):
        left, right = (np.take_along_axis(nodes, (below + i)[None], axis=0)[0] for i in (0, 1))
        place = _PLACES[below] + (level - left) / (right - left) * (_PLACES[below + 1] - _PLACES[below])
        inside = _erfc(place / math.sqrt(2.0))
        beyond = _OUTERMOST * (nodes[-1] / level) ** TAIL_EXPONENT
    touched = np.where(level <= 0.0, 1.0, np.where(level > nodes[-1], beyond, inside))
    found: Floats = np.where(np.isfinite(high).all(axis=0) & np.isfinite(level), touched, np.nan)
    return found


def touched_below(low: Floats, level: Floats) -> Floats:
    """P(the lowest low reaches `level`) [...], of its quantiles `low` [6, ...] and levels [...], all log returns."""
    return touched_above(-low[::-1], -np.asarray(level))

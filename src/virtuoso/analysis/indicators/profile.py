"""Volume profile: how much traded at which price over a window (Steidlmayer's market profile, by volume)."""

import numpy as np

from virtuoso.analysis.block import CrossSection, Memory, ratio
from virtuoso.market.panel import Floats

BINS = 24
VALUE_AREA = 0.7
_TIE = 1.0 - 1e-9


class ProfilePosition:
    """Close less the point of control, in half widths of the value area.

    Each bar's volume lies at its typical price, shared by the two nearest of 24 bins between the window's low and
    high. The point of control is the fullest bin (the middle of several); the value area holds the central 70 %.
    """

    def __init__(self, memory: Memory, bars: int) -> None:
        self._high = memory.ring(bars)
        self._low = memory.ring(bars)
        self._typical = memory.ring(bars)
        self._volume = memory.ring(bars)

    def step(self, x: CrossSection) -> Floats:
        """(C − POC)/((VAH − VAL)/2)."""
        self._high.push(x.number, x.rows, x.high)
        self._low.push(x.number, x.rows, x.low)
        self._typical.push(x.number, x.rows, (x.high + x.low + x.close) / 3)
        self._volume.push(x.number, x.rows, x.volume)
        low = np.minimum.reduce(self._low.last(x.number, x.rows), axis=0)
        span = np.maximum.reduce(self._high.last(x.number, x.rows), axis=0) - low
        volume = self._volume.last(x.number, x.rows)
        known = np.isfinite(low + span + np.add.reduce(volume, axis=0)) & (span > 0)
        place = (self._typical.last(x.number, x.rows) - low) * ratio(np.ones_like(span), span)
        if not known.all():
            place, volume = np.where(known, place, 0.5), np.where(known, volume, 0.0)
        histogram = profile(place, volume)
        control, bottom, top = control_and_area(histogram)
        close = (x.close - low) * ratio(np.ones_like(span), span)
        return np.where(known, ratio(close - control, (top - bottom) / 2), np.nan)


def profile(place: Floats, volume: Floats) -> Floats:
    """Volume by bin [BINS, n] of `volume` [w, n] at `place` [w, n] in [0, 1]."""
    n = place.shape[1]
    position = place * BINS  # worked on in place: this is the largest array of a step
    position -= 0.5
    np.minimum(np.maximum(position, 0.0, out=position), BINS - 1.0, out=position)
    lower = position.astype(np.int64)
    np.minimum(lower, BINS - 2, out=lower)
    position -= lower
    position *= volume
    lower *= n
    lower += np.arange(n)
    index = lower.ravel()
    upper = np.bincount(index, position.ravel(), BINS * n)
    histogram = np.asarray(np.bincount(index, (volume - position).ravel(), BINS * n), dtype=np.float64)
    histogram[n:] += upper[:-n]
    return histogram.reshape(BINS, n)


def control_and_area(histogram: Floats) -> tuple[Floats, Floats, Floats]:
    """Point of control, bottom and top of the value area [n], in [0, 1]; `nan` without volume."""
    fullest = histogram >= _TIE * np.maximum.reduce(histogram, axis=0)
    centres = (np.arange(BINS) + 0.5) / BINS
    control = (fullest * centres[:, None]).sum(axis=0) / fullest.sum(axis=0)
    cumulated = np.add.accumulate(histogram, axis=0)
    tail = (1.0 - VALUE_AREA) / 2
    return control, _quantile(histogram, cumulated, tail), _quantile(histogram, cumulated, 1.0 - tail)


def _quantile(histogram: Floats, cumulated: Floats, share: float) -> Floats:
    """Where the given share of the volume lies below, evenly spread within its bin."""
    wanted = share * cumulated[-1]
    k = np.minimum((cumulated <= wanted).sum(axis=0), BINS - 1)[None]
    inside = np.take_along_axis(histogram, k, axis=0)[0]
    missing = np.take_along_axis(cumulated, k, axis=0)[0] - wanted
    out: Floats = (k[0] + 1.0 - ratio(missing, inside)) / BINS
    return out

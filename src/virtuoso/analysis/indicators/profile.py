"""Volume profile: how much traded at which price over a window (Steidlmayer's market profile, by volume)."""

import numpy as np

from virtuoso.analysis.block import CrossSection, Memory, ratio, side_by_side
from virtuoso.market.panel import Floats

BINS = 24
_COLUMNS = 128
"""Symbols × bars that are worked on at once, so that it stays near the processor."""
VALUE_AREA = 0.7
_TIE = 1.0 - 1e-9
_LAST = float(np.nextafter(BINS - 1.0, 0.0))
"""Just before the centre of the last bin, which then takes all."""


class ProfilePosition:
    """Close less the point of control, in half widths of the value area.

    Each bar's volume lies at its typical price, shared by the two nearest of 24 bins between the window's low and
    high. The point of control is the fullest bin (the middle of several); the value area holds the central 70 %.
    """

    def __init__(self, memory: Memory, bars: int) -> None:
        self._bars = bars
        self._high = memory.ring(bars)
        self._low = memory.ring(bars)
        self._typical = memory.ring(bars)
        self._volume = memory.ring(bars)

    def step(self, x: CrossSection) -> Floats:
        """(C − POC)/((VAH − VAL)/2), for the bars that are asked for."""
        t, n = x.close.shape
        high = self._high.extend(x.number, x.rows, x.high)
        low = self._low.extend(x.number, x.rows, x.low)
        typical = self._typical.extend(x.number, x.rows, (x.high + x.low + x.close) / 3)
        volume = self._volume.extend(x.number, x.rows, x.volume)
        out = np.full((t, n), np.nan)
        at_once = max(1, _COLUMNS // n) if n > 1 else 1  # one column alone is summed in another order
        for k in range(t - x.wanted, t, at_once):
            stop = min(k + at_once, t)
            some = slice(k, stop - 1 + self._bars)
            highs, lows, prices, volumes = (
                side_by_side(each[some], self._bars) for each in (high, low, typical, volume)
            )
            out[k:stop] = position(highs, lows, prices, volumes, x.close[k:stop].ravel()).reshape(stop - k, n)
        return out


def position(high: Floats, low: Floats, typical: Floats, volume: Floats, close: Floats) -> Floats:
    """Where `close` [n] stands in the profile of a window [w, n]: from the point of control, in half value areas."""
    bottom = np.minimum.reduce(low, axis=0)
    span = np.maximum.reduce(high, axis=0) - bottom
    known = np.isfinite(bottom + span + np.add.reduce(volume, axis=0)) & (span > 0)
    per = ratio(np.ones_like(span), span)
    if not known.all():
        bottom, per = np.where(known, bottom, 0.0), np.where(known, per, 0.0)
        typical, volume = np.where(known, typical, 0.0), np.where(known, volume, 0.0)
    control, lower, upper = control_and_area(profile(typical, bottom, per, volume))
    return np.where(known, ratio((close - bottom) * per - control, (upper - lower) / 2), np.nan)


def profile(price: Floats, bottom: Floats, per: Floats, volume: Floats) -> Floats:
    """Volume by bin [BINS, n] of `volume` [w, n] at `price` [w, n], which lies at (price − bottom)·per in [0, 1]."""
    n = price.shape[1]
    position = price * (per * BINS)  # worked on in place: this is the largest array of a step
    position -= bottom * per * BINS + 0.5
    np.clip(position, 0.0, _LAST, out=position)
    lower = position.astype(np.int64)
    position -= lower
    position *= volume
    lower += np.arange(0, n * BINS, BINS)
    index = lower.ravel()
    upper = np.bincount(index, position.ravel(), n * BINS).reshape(n, BINS)
    histogram = np.bincount(index, volume.ravel(), n * BINS).reshape(n, BINS) - upper
    histogram[:, 1:] += upper[:, :-1]
    return np.ascontiguousarray(np.maximum(histogram.T, 0.0))


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

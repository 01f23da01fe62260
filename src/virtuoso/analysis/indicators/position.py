"""Where the close stands: in its range, and to its trend."""

import math

import numpy as np

from virtuoso.analysis.block import CrossSection, Memory, highest, lowest, ratio
from virtuoso.market.panel import Floats


class RangePosition:
    """Position of the close in the range of the last `bars` bars, −1 at the low to 1 at the high."""

    def __init__(self, memory: Memory, bars: int) -> None:
        self._bars = bars
        self._high = memory.ring(bars)
        self._low = memory.ring(bars)

    def step(self, x: CrossSection) -> Floats:
        """((C − LL) − (HH − C))/(HH − LL); `nan` while high equals low over the window."""
        t = x.close.shape[0]
        top = highest(self._high.extend(x.number, x.rows, x.high), self._bars, t)
        bottom = lowest(self._low.extend(x.number, x.rows, x.low), self._bars, t)
        return ratio((x.close - bottom) - (top - x.close), top - bottom)


class TrendPosition:
    """Rise of the regression line through the last `bars` closes plus the close less its end, in ATR·√bars.

    Least squares on the bar's number. On a straight line of slope b it is b·(bars − 1); a close off the line adds its
    distance.
    """

    def __init__(self, memory: Memory, bars: int) -> None:
        self._bars = bars
        self._root = math.sqrt(bars)
        self._close = memory.ring(bars)
        time = np.arange(bars) - (bars - 1) / 2
        # rise − end of the line = slope·(bars − 1)/2 − mean: all of it is one weighted sum of the closes
        self._filter = (time * (bars - 1) / 2 / (time @ time) - 1.0 / bars)[:, None]

    def step(self, x: CrossSection) -> Floats:
        """(b·(bars − 1) + C − line)/(ATR·√bars)."""
        t = x.close.shape[0]
        window = self._close.extend(x.number, x.rows, x.close)
        out = np.empty(x.close.shape)
        for k in range(t):
            centred = window[k : k + self._bars] - x.close[k]  # the filter sums to −1: it answers the close less itself
            centred *= self._filter
            np.add.reduce(centred, axis=0, out=out[k])
        return ratio(out / self._root, x.atr)

"""Where the close stands among recent prices: CCI and Williams %R."""

import numpy as np

from virtuoso.analysis.block import CrossSection, Memory, highest, lowest, mean, ratio
from virtuoso.market.panel import Floats

_ROUNDING = 1e-12


class Cci:
    """Commodity channel index (Lambert, 1980); `nan` while the typical price stands still."""

    def __init__(self, memory: Memory, bars: int = 20) -> None:
        self._bars = bars
        self._typical = memory.ring(bars)

    def step(self, x: CrossSection) -> Floats:
        """(TP − SMA(TP))/(0.015·mean absolute deviation), TP = (H + L + C)/3."""
        typical = (x.high + x.low + x.close) / 3
        t, bars = typical.shape[0], self._bars
        window = self._typical.extend(x.number, x.rows, typical)
        centre = mean(window, bars, t)
        deviation = np.empty(typical.shape)
        for k in range(t):
            np.add.reduce(np.abs(window[k : k + bars] - centre[k]), axis=0, out=deviation[k])
        deviation /= bars
        # a mean of equal prices is off by rounding alone: that is no deviation
        deviation = np.where(deviation > _ROUNDING * np.abs(centre), deviation, 0.0)
        return ratio(typical - centre, 0.015 * deviation)


class WilliamsR:
    """Williams %R, −100…0 (Williams, 1973); `nan` while high equals low over the window."""

    def __init__(self, memory: Memory, bars: int = 14) -> None:
        self._bars = bars
        self._high = memory.ring(bars)
        self._low = memory.ring(bars)

    def step(self, x: CrossSection) -> Floats:
        """Compute −100·(HH − C)/(HH − LL) of each bar [t, n], between −100 and 0."""
        t = x.close.shape[0]
        top = highest(self._high.extend(x.number, x.rows, x.high), self._bars, t)
        bottom = lowest(self._low.extend(x.number, x.rows, x.low), self._bars, t)
        return -100.0 * ratio(top - x.close, top - bottom)

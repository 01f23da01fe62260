"""Where the close stands among recent prices: CCI and Williams %R."""

import numpy as np

from virtuoso.analysis.block import CrossSection, Memory, mean, ratio
from virtuoso.market.panel import Floats

_ROUNDING = 1e-12


class Cci:
    """Commodity channel index (Lambert, 1980); `nan` while the typical price stands still."""

    def __init__(self, memory: Memory, bars: int = 20) -> None:
        self._typical = memory.ring(bars)

    def step(self, x: CrossSection) -> Floats:
        """(TP − SMA(TP))/(0.015·mean absolute deviation), TP = (H + L + C)/3."""
        typical = (x.high + x.low + x.close) / 3
        self._typical.push(x.number, x.rows, typical)
        window = self._typical.last(x.number, x.rows)
        centre = mean(window)
        deviation = mean(np.abs(window - centre))
        # a mean of equal prices is off by rounding alone: that is no deviation
        deviation = np.where(deviation > _ROUNDING * np.abs(centre), deviation, 0.0)
        return ratio(typical - centre, 0.015 * deviation)


class WilliamsR:
    """Williams %R, −100…0 (Williams, 1973); `nan` while high equals low over the window."""

    def __init__(self, memory: Memory, bars: int = 14) -> None:
        self._high = memory.ring(bars)
        self._low = memory.ring(bars)

    def step(self, x: CrossSection) -> Floats:
        """−100·(HH − C)/(HH − LL)."""
        self._high.push(x.number, x.rows, x.high)
        self._low.push(x.number, x.rows, x.low)
        highest = np.maximum.reduce(self._high.last(x.number, x.rows), axis=0)
        lowest = np.minimum.reduce(self._low.last(x.number, x.rows), axis=0)
        return -100.0 * ratio(highest - x.close, highest - lowest)

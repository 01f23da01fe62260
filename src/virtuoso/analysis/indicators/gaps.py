"""Fair-value gaps: price ranges that a three-bar move left untraded."""

import numpy as np

from virtuoso.analysis.block import CrossSection, Memory, ratio
from virtuoso.analysis.indicators.zones import Zones
from virtuoso.market.panel import Floats


class FairValueGaps:
    """Open gaps below the close less those above it, ATR; 0 when there is none.

    A rising gap lies between the high of the bar before last and the low of this bar, where the one is below the other;
    a falling gap likewise. It is filled as far as the price has come back into it; what is left counts by its size.
    """

    BARS = 64
    HALF_LIFE = 16.0
    REACH = 4.0

    def __init__(self, memory: Memory) -> None:
        self._high = memory.ring(3)
        self._low = memory.ring(3)
        self._zones = Zones(memory, self.BARS, self.HALF_LIFE, self.REACH)

    def step(self, x: CrossSection) -> Floats:
        """Σ weight · what is open/ATR, rising gaps +, falling gaps −."""
        t = x.close.shape[0]
        high = self._high.extend(x.number, x.rows, x.high)[:t]
        low = self._low.extend(x.number, x.rows, x.low)[:t]
        rising, falling = x.low - high, low - x.high
        size = np.where(rising > 0.0, rising, np.where(falling > 0.0, -falling, 0.0))
        far = np.where(rising > 0.0, high, np.where(falling > 0.0, low, 0.0))
        return ratio(self._zones.step(x, (far, size, np.ones(size.shape)), x.low, x.high), x.atr)

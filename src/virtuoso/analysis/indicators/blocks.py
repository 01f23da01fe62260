"""Order blocks: the last candle against an impulsive move, where the other side is taken to have bought or sold."""

from functools import reduce

import numpy as np

from virtuoso.analysis.block import CrossSection, Memory
from virtuoso.analysis.indicators.sections import both_sides
from virtuoso.analysis.indicators.zones import Zones
from virtuoso.market.panel import Floats


class OrderBlocks:
    """Bullish order blocks below the close less bearish ones above it; 0 when there is none.

    A bullish block is the range of a falling candle that is the last before closes within `IMPULSE` bars exceed its
    high by more than one ATR (its own bar's). Its strength is e/(1 + e), e what they exceed that by, in ATR, times the
    share of its body in its range, times how little the candle after it fell: all start from 0, nothing jumps. Closes
    into it use it up; a close through it ends it. A bearish block is the same upside down.
    """

    BARS = 64
    HALF_LIFE = 16.0
    REACH = 4.0
    IMPULSE = 3
    THRESHOLD = 1.0

    def __init__(self, memory: Memory) -> None:
        window = self.IMPULSE + 1
        self._open, self._high, self._low, self._close, self._atr = (memory.ring(window) for _ in range(5))
        self._zones = Zones(memory, self.BARS, self.HALF_LIFE, self.REACH)

    def step(self, x: CrossSection) -> Floats:
        """Σ weight · strength · share left, bullish +, bearish −."""
        total = self._zones.step(x, self._new(x), x.close, x.close)
        return np.where(x.atr > 0.0, total, np.nan)

    def _new(self, x: CrossSection) -> tuple[Floats, Floats, Floats]:
        """Far edge, signed size and strength per price of the block that each bar confirms [t, n]."""
        t = x.close.shape[0]
        opened = self._open.extend(x.number, x.rows, x.open)
        high = self._high.extend(x.number, x.rows, x.high)
        low = self._low.extend(x.number, x.rows, x.low)
        close = self._close.extend(x.number, x.rows, x.close)
        atr = self._atr.extend(x.number, x.rows, x.atr)[:t, None]
        fall = np.where(high > low, (opened - close) / (high - low), 0.0)
        against = both_sides(fall, fall)  # share of the body against the move
        top, bottom = both_sides(high, low)[:t], both_sides(low, high)[:t]
        closes = both_sides(close, close)
        after = [closes[j : j + t] for j in range(1, self.IMPULSE + 1)]
        excess = (reduce(np.maximum, after) - top) / atr - self.THRESHOLD
        last = np.maximum(against[:t], 0.0) * (1.0 - np.maximum(against[1 : t + 1], 0.0))
        height = top - bottom
        size = np.minimum(reduce(np.minimum, after) - bottom, height)
        valid = (excess > 0.0) & (last > 0.0) & (size > 0.0)  # false where anything is missing
        strength = np.where(valid, excess / (1.0 + excess) * last / height, 0.0)
        edge, size = np.where(valid, bottom, 0.0), np.where(valid, size, 0.0)
        return edge[:, 0] - edge[:, 1], size[:, 0] - size[:, 1], strength[:, 0] + strength[:, 1]

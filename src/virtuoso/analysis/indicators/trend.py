"""Directional movement: +DI, −DI and ADX (Wilder, 1978)."""

import numpy as np

from virtuoso.analysis.block import CrossSection, Ema, Memory, ratio
from virtuoso.market.panel import Floats

_ROUNDING = 1e-11


class Directional:
    """Computes Wilder's directional indicators +DI and −DI, 0–100 each."""

    def __init__(self, memory: Memory, bars: int) -> None:
        self._high = memory.vector()
        self._low = memory.vector()
        self._plus = Ema.wilder(memory, bars)
        self._minus = Ema.wilder(memory, bars)
        self._range = Ema.wilder(memory, bars)

    def step(self, x: CrossSection) -> tuple[Floats, Floats]:
        """The larger of rise of the high and fall of the low counts; equal ones (to rounding) do not."""
        up = x.high - self._high.shift(x.rows, x.high)
        down = self._low.shift(x.rows, x.low) - x.low
        tie = _ROUNDING * x.close
        missing = np.where(np.isnan(up), np.nan, 0.0)
        plus = self._plus.step(x.rows, np.where((up - down > tie) & (up > 0), up, missing))
        minus = self._minus.step(x.rows, np.where((down - up > tie) & (down > 0), down, missing))
        spread = self._range.step(x.rows, x.true_range)
        return 100.0 * ratio(plus, spread), 100.0 * ratio(minus, spread)


class DiDifference:
    """Computes how far +DI is above −DI, in points, −100…100."""

    def __init__(self, memory: Memory, bars: int = 14) -> None:
        self._directional = Directional(memory, bars)

    def step(self, x: CrossSection) -> Floats:
        """Compute +DI − −DI of each bar [t, n]."""
        plus, minus = self._directional.step(x)
        return plus - minus


class Adx:
    """Average directional index, 0–100: how strong a trend is, whichever its direction."""

    def __init__(self, memory: Memory, bars: int = 14) -> None:
        self._directional = Directional(memory, bars)
        self._index = Ema.wilder(memory, bars)

    def step(self, x: CrossSection) -> Floats:
        """Wilder's mean of 100·|+DI − −DI|/(+DI + −DI); it stands still while neither moves."""
        plus, minus = self._directional.step(x)
        total = plus + minus
        still = total == 0.0
        index = 100.0 * ratio(np.abs(plus - minus), total)
        return self._index.step(x.rows, index, still if still.any() else None)

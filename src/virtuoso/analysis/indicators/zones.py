"""Price zones that a move left behind, used up as the price comes back: what gaps and order blocks share."""

import numpy as np

from virtuoso.analysis.block import CrossSection, Memory
from virtuoso.analysis.indicators.sections import any_of
from virtuoso.market.panel import Floats


class Zones:
    """Zones of the last `bars` bars, at most one a bar, above or below the price.

    A zone reaches from its `far` edge to far + size: size > 0 is a zone below the price, its near edge its top; < 0 one
    above. What the price came back through is taken off at the near edge, for good. A zone weighs
    2^(−age/half_life)·(1 − age/bars), nothing from age `bars` on, and 1/(1 + (d/(reach·ATR))²) at the distance d.
    """

    def __init__(self, memory: Memory, bars: int, half_life: float, reach: float) -> None:
        self._bars = bars
        self._reach = reach
        self._far = memory.table(bars, fill=0.0)
        self._size = memory.table(bars, fill=0.0)
        self._density = memory.table(bars, fill=0.0)
        age = np.arange(bars)
        weight = 0.5 ** (age / half_life) * (1.0 - age / bars)
        # by slot: slot s holds the bar of age (number − s) mod bars
        self._weights = np.concatenate([weight[::-1], weight[::-1]])[:, None]

    def step(self, x: CrossSection, new: tuple[Floats, Floats, Floats], low: Floats, high: Floats) -> Floats:
        """Σ weight · density · size over the open zones, signed, for the bars asked for [t, n].

        `new` holds far edge, size and density of each bar's zone [t, n], size 0 for none. `low` and `high` [t, n] are
        how far the price came back down and up.
        """
        t = x.close.shape[0]
        out = np.full(x.close.shape, np.nan)
        far, size, density = (cell.read(x.rows) for cell in (self._far, self._size, self._density))
        missing = any_of(~x.whole)
        scratch, top = np.empty(far.shape), np.empty(far.shape)
        for k in range(t):
            slot = (x.number + k) % self._bars
            np.maximum(np.subtract(low[k], far, out=scratch), 0.0, out=scratch)
            np.minimum(size, scratch, out=size)
            np.minimum(np.subtract(high[k], far, out=scratch), 0.0, out=scratch)
            np.maximum(size, scratch, out=size)
            far[slot], size[slot], density[slot] = new[0][k], new[1][k], new[2][k]
            if missing[k]:
                size[:, ~x.whole[k]] = 0.0
            if k < t - x.wanted:
                continue
            reach = np.square(self._reach * x.atr[k])
            np.add(far, size, out=scratch)
            np.subtract(x.close[k], scratch, out=scratch)
            np.multiply(scratch, scratch, out=scratch)
            scratch += reach
            np.multiply(size, density, out=top)
            top *= self._weights[self._bars - 1 - slot : 2 * self._bars - 1 - slot]
            top /= scratch
            np.multiply(np.add.reduce(top, axis=0), reach, out=out[k])
        if not isinstance(x.rows, slice):  # else they are views
            for cell, values in ((self._far, far), (self._size, size), (self._density, density)):
                cell.write(x.rows, values)
        return out

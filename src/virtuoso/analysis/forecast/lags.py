"""What a series was some bars ago, and its extremes over long windows: rings that are read at a few places only."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from virtuoso.analysis.block import Memory, Rows
from virtuoso.market.panel import Floats


class Lags:
    """The last `depth` values per row, `nan` before the first; rows may step apart, each without a gap.

    Half the memory of a mirrored `Ring`, which is for windows that are read whole.
    """

    def __init__(self, memory: Memory, depth: int) -> None:
        self._kept = memory.table(depth)
        self._depth = depth

    def step(self, number: int, rows: Rows, x: Floats, lags: Sequence[int]) -> list[Floats]:
        """Take `x` [t, n], the bars from `number` on; per lag in [0, depth], what `x` was that many bars ago [t, n]."""
        t, depth = x.shape[0], self._depth
        if t == 1:
            found = [x if lag == 0 else self._row((number - lag) % depth, rows)[None] for lag in lags]
            self._kept.data[number % depth, rows] = x[0]
            return found
        slots = np.arange(number - depth, number) % depth
        data = self._kept.data
        before = data[slots, rows] if isinstance(rows, slice) else data[np.ix_(slots, rows)]
        whole = np.concatenate([before, x])
        kept = min(t, depth)
        slots = np.arange(number + t - kept, number + t) % depth
        data[slots if isinstance(rows, slice) else slots[:, None], rows] = x[t - kept :]
        return [whole[depth - lag : depth - lag + t] for lag in lags]

    def _row(self, slot: int, rows: Rows) -> Floats:
        """A copy: the slot may be the one that is written next."""
        return self._kept.data[slot, rows].copy()


class Extremes:
    """Rolling maxima or minima over several windows, each longer one from those of the shorter before it.

    Args:
        memory: where the state of the rows is kept.
        extreme: `np.maximum` or `np.minimum` (a `nan` makes its windows `nan`), or `np.fmax`, `np.fmin` (it does not).
        bars: the windows, ascending, each a multiple of the one before.
    """

    def __init__(self, memory: Memory, extreme: np.ufunc, bars: Sequence[int]) -> None:
        if any(long % short for short, long in pairwise(bars)) or sorted(set(bars)) != list(bars):
            raise ValueError(f"windows of {bars} bars: each must be a multiple of the one before")
        self._extreme = extreme
        self._stages: list[tuple[Lags, list[int]]] = []
        for shorter, longer in pairwise((1, *bars)):
            lags = list(range(0, longer, shorter))
            self._stages.append((Lags(memory, max(1, lags[-1])), lags))

    def step(self, number: int, rows: Rows, x: Floats) -> Floats:
        """Take `x` [t, n], the bars from `number` on; the extremes [k, t, n] of the windows up to each bar."""
        found = []
        for past, lags in self._stages:
            x = self._extreme.reduce(past.step(number, rows, x, lags), axis=0)
            found.append(x)
        return np.stack(found)

"""What a series was some bars ago, and its totals and extremes over long windows: rings that are read in few places."""

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from virtuoso.analysis.block import Memory, Rows
from virtuoso.market.panel import Floats


class Lags:
    """The last `depth` values per row, `nan` before the first; rows may step apart, each without a gap.

    Half the memory of a mirrored `Ring`, which is for windows that are read whole, and less with a smaller `dtype`.
    """

    def __init__(self, memory: Memory, depth: int, dtype: DTypeLike = np.float64) -> None:
        self._kept = memory.table(depth, dtype=dtype)
        self._depth = depth

    def step(self, number: int, rows: Rows, x: NDArray[Any], lags: Sequence[int]) -> list[Floats]:
        """Take `x` [t, n], the bars from `number` on; per lag in [0, depth], what `x` was that many bars ago [t, n]."""
        t, depth, data = x.shape[0], self._depth, self._kept.data
        x = x.astype(data.dtype, copy=False)
        if t == 1:
            before = data[[(number - lag) % depth for lag in lags]][:, rows]  # copies, by the list of slots
            data[number % depth, rows] = x[0]
            return [x if lag == 0 else before[i : i + 1] for i, lag in enumerate(lags)]
        slots = np.arange(number - depth, number) % depth
        before = data[slots][:, rows]
        whole = np.concatenate([before, x])
        kept = min(t, depth)
        slots = np.arange(number + t - kept, number + t) % depth
        data[slots if isinstance(rows, slice) else slots[:, None], rows] = x[t - kept :]
        return [whole[depth - lag : depth - lag + t] for lag in lags]


class Rolling:
    """Rolling totals or extremes over several windows, each longer one made of those of the shorter before it.

    They are taken anew each time and always in one order: nothing drifts, and who steps together makes no difference.

    Args:
        memory: where the state of the rows is kept.
        reduction: `np.add`, `np.maximum` or `np.minimum` (a `nan` makes its windows `nan`), or `np.fmin` (it does not).
        bars: the windows, ascending, each a multiple of the one before.
        dtype: of what is kept and answered.
    """

    def __init__(self, memory: Memory, reduction: np.ufunc, bars: Sequence[int], dtype: DTypeLike = np.float64) -> None:
        if any(long % short for short, long in pairwise(bars)) or sorted(set(bars)) != list(bars):
            raise ValueError(f"windows of {bars} bars: each must be a multiple of the one before")
        self._reduction = reduction
        self._stages: list[tuple[Lags, list[int]]] = []
        for shorter, longer in pairwise((1, *bars)):
            lags = list(range(0, longer, shorter))
            self._stages.append((Lags(memory, max(1, lags[-1]), dtype), lags))

    def step(self, number: int, rows: Rows, x: NDArray[Any]) -> Floats:
        """Take `x` [t, n], the bars from `number` on; the result [k, t, n] over the windows up to each bar."""
        found = []
        for past, lags in self._stages:
            x = reduce(self._reduction, past.step(number, rows, x, lags))
            found.append(x)
        return np.stack(found) if len(found) > 1 else found[0][None]

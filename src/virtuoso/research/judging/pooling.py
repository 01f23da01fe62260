"""Figures over several sets together."""

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.quality.blocks import Blocks, Statistic, interval
from virtuoso.analysis.quality.figures import Figure
from virtuoso.market.panel import Floats


class Pool:
    """Gathers the block sums of sets; blocks of the same days are one, as one market moved them."""

    def __init__(self) -> None:
        self._sums: dict[int, Floats] = {}
        self._n = 0
        self._days = 0

    def add(self, blocks: Blocks, used: NDArray[np.bool_], terms: Floats) -> None:
        """Take the `terms` [t, k] of the readings `used` [t, n] of one set."""
        self._n += int(np.count_nonzero(used))
        self._days += blocks.days(used)
        for begin_ms, sums, there in zip(
            blocks.begin_ms.tolist(),
            blocks.sums(terms),
            blocks.sums(used.sum(axis=1)[:, None].astype(float)),
            strict=True,
        ):
            if there[0] > 0:
                self._sums[begin_ms] = self._sums.get(begin_ms, np.zeros(sums.shape)) + sums

    def figure(self, statistic: Statistic) -> Figure:
        """The statistic over all sets, with its interval; `days` are those of each set added up."""
        if not self._sums:
            return Figure(value=None)
        value, lower, upper = interval(np.stack([self._sums[at] for at in sorted(self._sums)]), statistic)
        return Figure(value=value, lower=lower, upper=upper, n=self._n, days=self._days)

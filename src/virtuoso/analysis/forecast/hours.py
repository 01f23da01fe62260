"""Means over whole days and weeks that are kept by the hour: little memory, and no running sum that drifts."""

from collections.abc import Sequence

import numpy as np

from virtuoso.analysis.block import Memory, Rows
from virtuoso.market.panel import Floats


class HourlyMeans:
    """Means over the hour that runs and the whole hours before it, of what is known.

    Args:
        memory: where the state of the rows is kept.
        per_hour: bars an hour.
        spans: how many clock hours each mean goes over, the one that runs included.
        least: hours' worth of bars that must be known for each; a symbol without so long a past is new.
    """

    def __init__(self, memory: Memory, per_hour: int, spans: Sequence[int], least: Sequence[int]) -> None:
        self._per_hour, self._spans, self._hours = per_hour, tuple(spans), max(spans)
        self._least = [per_hour * hours for hours in least]
        self._sums, self._counts = (memory.table(self._hours, 0.0, np.float32) for _ in range(2))
        self._before = memory.table(2 * len(spans), 0.0)
        """Sums, then counts, of the whole hours of each span."""

    def step(self, number: int, rows: Rows, x: Floats, wanted: int | None = None) -> Floats:
        """Take `x` [t, n], the bars from `number` on, without a gap; the means [k, t, n] over each span up to each bar.

        A mean is `nan` where fewer bars of its span are known than it needs. With `wanted`, only those at the last so
        many bars are asked for.
        """
        t, n = x.shape
        asked = 0 if wanted is None else t - wanted
        out = np.full((len(self._spans), t, n), np.nan)
        known = np.isfinite(x)
        filled = np.where(known, x, 0.0)
        for k in range(t):
            hour, position = divmod(number + k, self._per_hour)
            slot = hour % self._hours
            if position == 0:
                self._turn(slot, rows)
            self._sums.data[slot, rows] += filled[k]
            self._counts.data[slot, rows] += known[k]
            if k < asked:
                continue
            before = self._before.data[:, rows]
            for i, least in enumerate(self._least):
                count = before[len(self._spans) + i] + self._counts.data[slot, rows]
                total = before[i] + self._sums.data[slot, rows]
                out[i, k] = np.where(count >= least, total / np.maximum(count, 1.0), np.nan)
        return out

    def _turn(self, slot: int, rows: Rows) -> None:
        """A new hour begins in `slot`: sum the whole hours before it, in the order of the slots."""
        self._sums.data[slot, rows] = 0.0
        self._counts.data[slot, rows] = 0.0
        sums, counts = self._sums.data[:, rows], self._counts.data[:, rows]
        for i, span in enumerate(self._spans):
            slots = (slot - np.arange(1, span)) % self._hours
            # one after another: a sum over an axis is taken in an order that depends on who steps together
            self._before.data[i, rows] = np.add.accumulate(sums[slots], dtype=np.float64)[-1]
            self._before.data[len(self._spans) + i, rows] = np.add.accumulate(counts[slots], dtype=np.float64)[-1]

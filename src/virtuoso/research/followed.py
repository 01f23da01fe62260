"""Finds what followed each reading of a backtest, in the order of readings, once the longest horizon is over."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.block import Memory
from virtuoso.analysis.forecast.horizons import OUTCOME_HORIZONS_MIN
from virtuoso.analysis.forecast.outcomes import OutcomeTracker
from virtuoso.market.panel import BarBlock, Ints
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.seams import Seam, begun

MEASURES = ("return", "high", "low")
"""Log returns to the entry, the next base bar's open: of the last close, the highest high and the lowest low."""
_NAMES = {minutes: f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m" for minutes in OUTCOME_HORIZONS_MIN}


def horizons(base: Timeframe) -> tuple[int, ...]:
    """List the horizons in minutes that are whole numbers of base bars."""
    return tuple(minutes for minutes in OUTCOME_HORIZONS_MIN if minutes % base.minutes == 0)


def columns(base: Timeframe) -> tuple[str, ...]:
    """Name the columns of a base timeframe: `return_15m`, `high_15m`, `low_15m`, and so on."""
    return tuple(f"{measure}_{_NAMES[minutes]}" for minutes in horizons(base) for measure in MEASURES)


@dataclass(frozen=True, slots=True)
class FollowedBlock:
    """What followed `t` consecutive closes of `n` symbols, `nan` for unknown.

    `close_ms` [t]; `present` [t, n] says where there is a reading; `values` [c, t, n] in the order of `columns`.
    """

    close_ms: Ints
    present: NDArray[np.bool_]
    values: NDArray[np.float32]


class Followed:
    """Follows readings until their longest horizon is over; memory is bounded by that and the longest block.

    Args:
        symbols: the number of columns of every block.
        base: the timeframe of the readings.
        most: closes in a block at most.
    """

    def __init__(self, symbols: int, base: Timeframe, most: int) -> None:
        self._base = base
        self._bars = tuple(minutes // base.minutes for minutes in horizons(base))
        self._memory = Memory()
        self._tracker = OutcomeTracker(self._memory, self._bars)
        self._memory.reserve(symbols)
        self._kept = self._bars[-1] + most
        self._values = np.full((len(MEASURES) * len(self._bars), self._kept, symbols), np.nan, np.float32)
        self._present = np.zeros((self._kept, symbols), np.bool_)
        self._close_ms: Ints = np.zeros(self._kept, np.int64)
        self._taken = self._given = 0

    def add(self, bars: BarBlock, present: NDArray[np.bool_], seams: Sequence[Seam] = ()) -> FollowedBlock:
        """Take the base bars that follow [t, n] and where they have readings; answers the closes that are over.

        A symbol whose contract changed with the first of the bars begins anew: what came before is not measured by it.
        """
        t, n = bars.close.shape
        self._memory.reset(begun(seams, bars))
        outcomes = self._tracker.step(int(bars.open_ms[0]) // self._base.ms, slice(0, n), bars)
        numbers = np.arange(self._taken, self._taken + t)
        self._taken += t
        places = numbers % self._kept
        self._values[:, places] = np.nan
        self._present[places] = present
        self._close_ms[places] = bars.open_ms + self._base.ms
        for k, ahead in enumerate(self._bars):
            known = numbers >= ahead
            at = (numbers[known] - ahead) % self._kept
            for i, measure in enumerate((outcomes.close, outcomes.high, outcomes.low)):
                self._values[len(MEASURES) * k + i, at] = measure[k, known]
        return self._until(self._taken - self._bars[-1])

    def rest(self) -> FollowedBlock:
        """Return the closes that are left when no bars follow; outcomes that are not over are unknown."""
        return self._until(self._taken)

    def _until(self, end: int) -> FollowedBlock:
        places = np.arange(self._given, max(self._given, end)) % self._kept
        self._given += places.size
        return FollowedBlock(self._close_ms[places], self._present[places], self._values[:, places])

"""How large a symbol's own moves of a week were: exact counts of them in narrow bins, added and taken away."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.block import Memory, Rows
from virtuoso.market.panel import Floats, Ints

_LEAST, _GREATEST, _BINS = 1e-5, 0.5, 254
_UNKNOWN = 255
_GROUP = 16
_EDGES = np.geomspace(_LEAST, _GREATEST, _BINS)
"""Upper edges of all bins but the last, which are in them; they are 4 % apart."""


class WeekOfMoves:
    """Counts the absolute returns of the last `depth` bars per row, in bins 4 % wide.

    Args:
        memory: where the state of the rows is kept.
        depth: bars of the window.
        least: how many must be known before a quantile is.
    """

    def __init__(self, memory: Memory, depth: int, least: int) -> None:
        self._depth, self._least = depth, least
        self._codes = memory.table(depth, _UNKNOWN, np.uint8)
        self._counts = memory.table(_BINS + 2, 0, np.uint16)

    def step(
        self, number: int, rows: Rows, moves: Floats, share: float, wanted: int | None = None
    ) -> tuple[Floats, Floats]:
        """Take `moves` [t, n], absolute log returns from bar `number` on; a level and how many go beyond it, each bar.

        The level [t, n] is the lowest edge of a bin, 50 % at most, that `share` in (0, 1) of the moves known by then do
        not exceed; the rate [t, n] is the share of them that do, counted. Both are `nan` where too few are known. With
        `wanted`, only those at the last so many bars are asked for.
        """
        levels, rates = np.full(moves.shape, np.nan), np.full(moves.shape, np.nan)
        codes = np.where(np.isfinite(moves), np.searchsorted(_EDGES, moves, side="left"), _UNKNOWN)
        t = len(codes)
        asked = 0 if wanted is None else t - wanted
        for k in range(0, asked, self._depth):
            self._take(number + k, rows, codes[k : min(k + self._depth, asked)])
        for k in range(asked, t):
            self._take(number + k, rows, codes[k : k + 1])
            levels[k], rates[k] = self._level(rows, share)
        return levels, rates

    def _take(self, number: int, rows: Rows, codes: Ints) -> None:
        """Let the bins `codes` [t, n] of `depth` bars at most take the places of those of `depth` bars before."""
        slots = (np.arange(number, number + len(codes)) % self._depth)[:, None]
        columns = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
        np.subtract.at(self._counts.data, (self._codes.data[slots, columns], columns), 1)
        np.add.at(self._counts.data, (codes, columns), 1)
        self._counts.data[_UNKNOWN, columns] = 0
        self._codes.data[slots, columns] = codes

    def as_large(self, rows: Rows, moves: Floats) -> Floats:
        """The share [n] of the moves known of each of `rows` that are as large as `moves` [n], or larger.

        Those within the same bin, up to 4 % smaller, count as large; `nan` where too few are known, or the move is not.
        """
        counts, groups, upto = self._grouped(rows)
        known = upto[-1].astype(np.float64)
        group, place = np.divmod(np.searchsorted(_EDGES, moves, side="left"), _GROUP)
        columns = np.arange(known.size)
        within = np.where(np.arange(_GROUP)[:, None] < place, counts[group, :, columns].T, 0)
        below = upto[group, columns] - groups[group, columns] + np.add.reduce(within, axis=0)
        enough = (known >= self._least) & np.isfinite(moves)
        return np.where(enough, (known - below) / np.maximum(known, 1.0), np.nan)

    def known(self, row: int) -> int:
        """How many moves of a row are known."""
        return int((self._codes.data[:, row] != _UNKNOWN).sum())

    def _grouped(self, rows: Rows) -> tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.uint16]]:
        """The counts by group of bins and bin [16, 16, n]; the sums of the groups, and those up to each [16, n]."""
        counts = self._counts.data[:, rows].reshape(_GROUP, _GROUP, -1)
        groups = np.add.reduce(counts, axis=1, dtype=np.uint16)
        return counts, groups, _accumulated(groups)

    def _level(self, rows: Rows, share: float) -> Floats:
        """Look for the bin among sixteen groups of sixteen, then within its group."""
        counts, groups, upto = self._grouped(rows)
        columns = np.arange(counts.shape[2])
        known = upto[-1].astype(np.float64)
        enough = np.ceil(share * known).astype(np.uint16)
        group = np.minimum((upto < enough).sum(axis=0), _GROUP - 1)
        within = counts[group, :, columns].T
        below = _accumulated(within) + (upto[group, columns] - groups[group, columns])
        place = np.minimum((below < enough).sum(axis=0), _GROUP - 1)
        edge = np.minimum(_GROUP * group + place, _BINS - 1)
        rate = (known - below[edge - _GROUP * group, columns]) / np.maximum(known, 1.0)
        return np.where(known >= self._least, (_EDGES[edge], rate), np.nan)


def _accumulated(counts: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Sums of the counts [k, n] up to each; `np.add.accumulate` would go column by column, in wider integers."""
    upto = counts.copy()
    for before, here in pairwise(upto):
        here += before
    return upto

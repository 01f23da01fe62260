"""The 80 % quantile of a symbol's own moves over a week: exact counts of them in narrow bins, added and taken away."""

import numpy as np

from virtuoso.analysis.block import Memory, Rows
from virtuoso.market.panel import Floats

_LEAST, _GREATEST, _BINS = 1e-5, 0.5, 254
_UNKNOWN = 255
_GROUP = 16
_EDGES = np.linspace(np.log(_LEAST), np.log(_GREATEST), _BINS)
"""Upper edges of all bins but the last, logs of a move; they are 4 % apart, and within a bin moves count as even."""
_STEP = _EDGES[1] - _EDGES[0]


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

    def step(self, number: int, rows: Rows, moves: Floats, share: float) -> Floats:
        """Take `moves` [t, n], absolute log returns from bar `number` on; the quantile at each bar [t, n].

        `share` in (0, 1) of the moves known by then are below it; `nan` where too few are known.
        """
        found = np.empty(moves.shape)
        codes = np.searchsorted(_EDGES, np.log(np.maximum(moves, _LEAST)), side="left")
        codes = np.where(np.isfinite(moves), codes, _UNKNOWN)
        columns = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
        for k, code in enumerate(codes):
            slot = (number + k) % self._depth
            self._counts.data[self._codes.data[slot, rows], columns] -= 1
            self._counts.data[code, columns] += 1
            self._counts.data[_UNKNOWN, columns] = 0
            self._codes.data[slot, rows] = code
            found[k] = self._quantile(rows, share)
        return found

    def _quantile(self, rows: Rows, share: float) -> Floats:
        """Look for the bin among sixteen groups of sixteen, then within its group."""
        counts = self._counts.data[:, rows].reshape(_GROUP, _GROUP, -1)
        columns = np.arange(counts.shape[2])
        groups = np.add.reduce(counts, axis=1, dtype=np.uint16)
        upto = np.add.accumulate(groups, axis=0)
        known = upto[-1].astype(np.float64)
        wanted = share * known
        enough = np.ceil(wanted).astype(np.uint16)
        group = np.minimum((upto < enough).sum(axis=0), _GROUP - 1)
        within = counts[group, :, columns].T
        below = np.add.accumulate(within, axis=0) + (upto[group, columns] - groups[group, columns])
        place = np.minimum((below < enough).sum(axis=0), _GROUP - 1)
        here = np.maximum(within[place, columns], 1).astype(np.float64)
        above = (below[place, columns] - wanted) / here
        edge = np.minimum(_GROUP * group + place, _BINS - 1)
        return np.where(known >= self._least, np.exp(_EDGES[edge] - _STEP * above), np.nan)

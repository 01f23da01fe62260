"""The 80 % quantile of a symbol's own moves over a week: exact counts of them in narrow bins, added and taken away."""

import numpy as np

from virtuoso.analysis.block import Memory, Rows
from virtuoso.market.panel import Floats

_LEAST, _GREATEST, _BINS = 1e-5, 0.5, 254
_UNKNOWN = 255
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
            self._codes.data[slot, rows] = code
            found[k] = self._quantile(rows, share)
        return found

    def _quantile(self, rows: Rows, share: float) -> Floats:
        counts = self._counts.data[: _BINS + 1, rows]
        below = np.add.accumulate(counts, axis=0, dtype=np.int32)
        known = below[-1]
        wanted = share * known
        place = (below < wanted).sum(axis=0)  # the first bin up to whose upper edge there are enough
        place = np.minimum(place, _BINS - 1)
        columns = np.arange(counts.shape[1])
        within = np.maximum(counts[place, columns], 1)
        part = (wanted - (below[place, columns] - counts[place, columns])) / within
        quantile = np.exp(_EDGES[place] - _STEP * (1.0 - part))
        return np.where(known >= self._least, quantile, np.nan)

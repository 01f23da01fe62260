"""How many symbols leave their bands at once: a distribution of counts that is learnt, as they do not move apart.

Were they independent, eight of sixteen outside a 95 % band would come once in three million times; it comes in one of
thirty. So what is served is how often each count came, forgotten by half in three days. When the number of symbols
changes, the counts are carried over as if symbols were exchangeable: one less is one drawn at random, one more follows
the others as the next ball of Pólya's urn does.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from virtuoso.analysis.block import Memory, Rows
from virtuoso.analysis.forecast.cones.conformal import LEAST_OUTCOMES
from virtuoso.analysis.forecast.horizons import TAILS
from virtuoso.market.panel import Floats, Ints

BANDS: Final = (0, 1)
"""Places in `TAILS` of the lower edges of the bands of 95 and 80 %."""
_HALF_LIFE_MIN: Final = 3 * 1440
_HALF_LIFE_HORIZONS: Final = 84
"""How many symbols move together changes within days; over four hours, days hold too few outcomes to tell."""
_LOWER, _UPPER = np.array(BANDS), len(TAILS) - 1 - np.array(BANDS)
_OUTSIDE: Floats = 2.0 * np.array(TAILS)[_LOWER]


class CountOutside:
    """How many of the symbols end outside their bands of one horizon at the same close.

    Args:
        memory: where the bands whose outcomes are to come are kept.
        horizon_min: minutes of the horizon.
        stride_min: minutes between two closes that are learnt from.
    """

    def __init__(self, memory: Memory, *, horizon_min: int, stride_min: int) -> None:
        self._slots = horizon_min // stride_min
        self._share = stride_min / horizon_min
        self._kept = 0.5 ** (stride_min / max(_HALF_LIFE_MIN, _HALF_LIFE_HORIZONS * horizon_min))
        self._pending = memory.table(self._slots * 2 * len(BANDS))
        self._counts: Floats = np.zeros((len(BANDS), 1))
        """Closes by how many symbols were outside [band, 0 … symbols]."""
        self._learnt = np.zeros(1)
        self._symbols: Floats = np.zeros(self._slots)
        """How many had a band at each close of the last horizon: one that is late for once leaves the counts alone."""
        self._said: Floats | None = None
        """What `at_least` says until something is learnt."""

    def learn(self, close: int, rows: Rows, outcomes: Floats, cone: Floats, *, new: bool) -> None:
        """Take the outcomes [n] known at a close, and keep the quantiles [tail, n] that are issued at it.

        Args:
            close: the number of the close among those that are learnt.
            rows: the symbols.
            outcomes: closing returns of the forecasts a horizon before.
            cone: quantiles of the closing return.
            new: the symbols step together; `False` for those that step late and alone, which are not counted.
        """
        self._said = None
        slot = close % self._slots
        places = slice(slot * 2 * len(BANDS), (slot + 1) * 2 * len(BANDS))
        if new:
            lower, upper = self._pending.data[places, rows].reshape(2, len(BANDS), -1)
            known = np.isfinite(lower + upper + outcomes)
            self._symbols[slot] = np.isfinite(cone).all(axis=0).sum() or self._symbols[slot]
            self._counts = resized(self._counts, int(self._symbols.max()))
            self._count((known & ((outcomes < lower) | (outcomes > upper))).sum(axis=1), int(known[0].sum()))
            self._pending.data[places] = np.nan  # what rows that are not here said a horizon ago
        self._pending.data[places, rows] = np.concatenate([cone[_LOWER], cone[_UPPER]])

    def forget(self) -> None:
        """A gap: what came of the bands before it will not be known."""
        self._pending.data[:] = np.nan

    def at_least(self) -> Floats:
        """P(at least k outside) [band, k = 0 … symbols], read-only; `nan` until enough is known."""
        if self._said is None:
            if self._learnt[0] * self._share < LEAST_OUTCOMES:
                self._said = np.full(self._counts.shape, np.nan)
            else:
                from_k: Floats = self._counts[:, ::-1].cumsum(axis=1)[:, ::-1]
                self._said = from_k / from_k[:, :1]
        return self._said

    def state(self) -> dict[str, Floats]:
        """Copies of what does not belong to a row."""
        return {"counts": self._counts.copy(), "learnt": self._learnt.copy(), "symbols": self._symbols.copy()}

    def load(self, state: Mapping[str, Floats]) -> None:
        """Go on from a state; raises `ValueError` when it is of another make."""
        counts, learnt, symbols = (state.get(name) for name in ("counts", "learnt", "symbols"))
        if counts is None or learnt is None or symbols is None or counts.shape[:-1] != (len(BANDS),):
            raise ValueError("the saved counts are of another make")
        if symbols.shape != self._symbols.shape:
            raise ValueError("the saved counts are of another horizon")
        self._counts, self._learnt, self._symbols = counts.copy(), learnt.copy(), symbols.copy()
        self._said = None

    def _count(self, outside: Ints, of: int) -> None:
        """Count a close at which so many of so many symbols were outside [band]."""
        if of == 0:
            return
        seen = np.zeros((len(BANDS), of + 1))
        seen[np.arange(len(BANDS)), outside] = 1.0
        self._counts *= self._kept
        self._counts += resized(seen, self._counts.shape[1] - 1)
        self._learnt += 1


def resized(counts: Floats, symbols: int) -> Floats:
    """Counts [band, 0 … n] as they would be with another number of symbols [band, 0 … symbols]."""
    if not counts.any():
        return np.zeros((counts.shape[0], symbols + 1))
    for n in range(counts.shape[1] - 1, symbols, -1):
        outside = np.arange(n + 1) / n
        counts = counts[:, :-1] * (1.0 - outside[:-1]) + counts[:, 1:] * outside[1:]
    for n in range(counts.shape[1] - 1, symbols):
        follows = (np.arange(n + 1) + _OUTSIDE[:, None]) / (n + 1)
        grown = np.zeros((counts.shape[0], n + 2))
        grown[:, :-1] = counts * (1.0 - follows)
        grown[:, 1:] += counts * follows
        counts = grown
    return counts

"""Counts readings whose band was withheld, by why: warming up, a gap, a changed contract, little evidence."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import numpy as np

from virtuoso.analysis.bands import UNKNOWN
from virtuoso.market.panel import Ints
from virtuoso.research.scored import ScoredBlock
from virtuoso.research.seams import Seam

_NEVER = -1


class Cause(StrEnum):
    """A reason why a reading has no band."""

    WARMING_UP = "warming_up"
    AFTER_GAP = "after_gap"
    AFTER_SEAM = "after_seam"
    LITTLE_EVIDENCE = "little_evidence"


WHY = {
    Cause.WARMING_UP: "no band yet since the symbol's first bar: components need their bars (--warm-up gives them)",
    Cause.AFTER_GAP: "bars are missing since the last band: components that need them begin anew",
    Cause.AFTER_SEAM: "no band yet since the contract was multiplied or divided: all begins anew",
    Cause.LITTLE_EVIDENCE: "no bar is missing, but too few components have a value: price or volume stands still",
}


class Withheld:
    """Counts over blocks that follow one another.

    Args:
        symbols: the number of columns of every block.
        bar_ms: from one close to the next.
    """

    def __init__(self, symbols: int, bar_ms: int) -> None:
        self._bar_ms = bar_ms
        self._counts = dict.fromkeys(Cause, 0)
        self._gaps = self._longest = 0
        self._present: Ints = np.full(symbols, _NEVER)
        self._missing: Ints = np.full(symbols, _NEVER)
        self._banded: Ints = np.full(symbols, _NEVER)
        self._anew: Ints = np.full(symbols, _NEVER)
        """Closes (epoch ms) at which each was there, was missing, had a band last, and after which it began anew."""

    def add(self, block: ScoredBlock, seams: Sequence[Seam] = ()) -> None:
        """Take the block that follows, and the seams in it."""
        closes = block.close_ms[:, None]
        anew = np.zeros(block.present.shape, np.bool_)
        for seam in seams:
            at = np.searchsorted(block.close_ms, seam.open_ms, side="right")
            if at < len(anew) and block.close_ms[at] - self._bar_ms <= seam.open_ms:
                anew[at, seam.column] = True
        banded = block.present & (block.band != UNKNOWN)
        began = _latest(anew, closes - self._bar_ms, self._anew)
        before = _before(_latest(block.present, closes, self._present), self._present)
        missing = _latest(~block.present & (before != _NEVER), closes, self._missing)
        known = _latest(banded, closes, self._banded)
        self._count_gaps(np.where(block.present & (before != _NEVER), closes - before, 0))
        withheld = block.present & ~banded
        first = known <= began  # both are `_NEVER` where there was neither
        causes = {
            Cause.WARMING_UP: first & (began == _NEVER),
            Cause.AFTER_SEAM: first & (began != _NEVER),
            Cause.AFTER_GAP: ~first & (missing > known),
            Cause.LITTLE_EVIDENCE: ~first & (missing <= known),
        }
        for cause, where in causes.items():
            self._counts[cause] += int((withheld & where).sum())
        self._anew, self._missing, self._banded = began[-1], missing[-1], known[-1]
        self._present = _latest(block.present, closes, self._present)[-1]

    def _count_gaps(self, passed_ms: Ints) -> None:
        bars = passed_ms[passed_ms > self._bar_ms] // self._bar_ms - 1
        self._gaps += bars.size
        self._longest = max(self._longest, int(bars.max(initial=0)))

    def document(self) -> dict[str, Any]:
        """Give the counts with plain keys, and what each cause means where there were such."""
        return {
            "readings": sum(self._counts.values()),
            **{cause.value: count for cause, count in self._counts.items()},
            "gaps": {"count": self._gaps, "longest_bars": self._longest},
            "why": {cause.value: WHY[cause] for cause, count in self._counts.items() if count},
        }


def _latest(events: np.ndarray, closes: Ints, before: Ints) -> Ints:
    """Find the latest event up to and with each close [t, n]; `before` [n] is that of the blocks before."""
    latest: Ints = np.maximum.accumulate(np.vstack([before, np.where(events, closes, _NEVER)]), axis=0)[1:]
    return latest


def _before(latest: Ints, first: Ints) -> Ints:
    """The same as it was one close earlier."""
    return np.vstack([first, latest[:-1]])

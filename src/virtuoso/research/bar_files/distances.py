"""Finds how long the bars of files are: the greatest length that divides all time distances of a symbol."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from virtuoso.market.panel import Ints
from virtuoso.research.bar_files.rows import MOST_SYMBOLS, Timed

_EVIDENCE = 30
"""Rows of one symbol from which its interval is certain, however few of its minutes are there."""
_SHORT = 3
"""One time in so many between minutes means shorter bars: of 30s bars, half would lie there."""
_MINUTE_S = 60


class Length(NamedTuple):
    """The code of a symbol, the length of its bars in seconds, and how many seconds past its multiples they begin."""

    symbol: int
    seconds: int
    past: int


class Distances:
    """Gathers over parts, a few numbers for each symbol."""

    def __init__(self) -> None:
        self._origin_s = np.full(MOST_SYMBOLS, -1)
        self._step_s = np.zeros(MOST_SYMBOLS, np.int64)
        self._timed = np.zeros(MOST_SYMBOLS, np.int64)
        self._off = 0

    def add(self, timed: Timed) -> None:
        """Take the times of rows, good or not."""
        self._off += int(timed.off.sum())
        self._timed += np.bincount(timed.symbol, minlength=MOST_SYMBOLS)
        open_ended = (self._step_s[timed.symbol] != _MINUTE_S) | timed.off
        if not open_ended.any():
            return
        symbol, second, starts = grouped(timed.symbol[open_ended], timed.second[open_ended])
        some = symbol[starts]
        self._origin_s[some] = np.where(self._origin_s[some] < 0, second[starts], self._origin_s[some])
        steps = np.gcd.reduceat(second - self._origin_s[symbol], starts)
        self._step_s[some] = np.gcd(self._step_s[some], steps)

    def lengths(self, *, all_good: bool) -> tuple[Length, ...]:
        """List the lengths of bars that are certain, the shortest first, each with a symbol that has it.

        Bars shorter than a minute show in about half of the times or more lying between minutes; fewer such times are
        bad rows. A longer length may be only minutes that are missing: it is believed of a symbol with 30 rows, and,
        where `all_good` says that no row was left out, of all symbols together. One that is not believed makes no
        other length of what a believed one divides.
        """
        seen = np.flatnonzero(self._step_s)
        if not seen.size:
            return ()
        steps = self._step_s[seen]
        if steps.min() < _MINUTE_S and _SHORT * self._off >= self._timed.sum():
            return (self._length(int(seen[steps.argmin()]), int(steps.min())),)
        longer = steps > _MINUTE_S
        sure = longer & (self._timed[seen] >= _EVIDENCE)
        if not sure.any() and not (all_good and bool(longer.all())):
            return () if longer.all() else (self._length(int(seen[longer.argmin()]), _MINUTE_S),)
        believed = np.unique(steps[sure]) if sure.any() else np.gcd.reduce(steps)[None]
        rest = ~sure & (steps % believed.min() != 0)
        lengths = {int(step): int(seen[(steps == step).argmax()]) for step in believed}
        if rest.any():
            lengths[_MINUTE_S] = int(seen[rest.argmax()])
        return tuple(self._length(symbol, step) for step, symbol in sorted(lengths.items()))

    def _length(self, symbol: int, seconds: int) -> Length:
        past = int(self._origin_s[symbol]) % seconds if seconds > _MINUTE_S else 0  # else it is a bad row
        return Length(symbol, seconds, past)


def grouped(symbol: NDArray[np.uint16], value: Ints) -> tuple[NDArray[np.uint16], Ints, Ints]:
    """Both sorted by symbol, in order within each, and where each symbol begins."""
    if (symbol[1:] < symbol[:-1]).any():
        order = symbol.argsort(kind="stable")
        symbol, value = symbol[order], value[order]
    starts = np.flatnonzero(np.concatenate(([True], symbol[1:] != symbol[:-1])))
    return symbol, value, starts


def written(seconds: int) -> str:
    """Write a bar length as people do: 5m, 1h, 90s."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"

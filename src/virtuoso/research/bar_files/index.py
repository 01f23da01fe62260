"""What a first reading of all rows finds out: symbols, period, interval, order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virtuoso.market.panel import Ints
from virtuoso.research.bar_files.rows import MOST_SYMBOLS, Rows, Timed

_EVIDENCE = 30
"""Rows of one symbol from which its interval is certain, however few of its minutes are there."""
_SHORT = 3
"""One time in so many between minutes means shorter bars: of 30s bars, half would lie there."""
_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class Span:
    """Good rows of one symbol: first and last minute (since the epoch) and their count."""

    first: int
    last: int
    count: int


class Index:
    """Gathers over parts, a few numbers for each symbol.

    Attributes:
        ordered: whether each symbol's minutes rose strictly so far, so that none is there twice.
        taker_sides: whether the taker-buy volume of any bar is known.
    """

    def __init__(self) -> None:
        self.ordered = True
        self.taker_sides = False
        self._first = np.full(MOST_SYMBOLS, np.iinfo(np.int64).max)
        self._last = np.full(MOST_SYMBOLS, -1)
        self._count = np.zeros(MOST_SYMBOLS, np.int64)
        self._origin_s = np.full(MOST_SYMBOLS, -1)
        self._step_s = np.zeros(MOST_SYMBOLS, np.int64)
        self._timed = np.zeros(MOST_SYMBOLS, np.int64)
        self._off = 0

    def add(self, rows: Rows) -> None:
        """Take the valid rows of one part into account."""
        if not rows.minute.size:
            return
        bought = rows.values.get("taker_buy_volume")
        self.taker_sides = self.taker_sides or (bought is not None and bool(np.isfinite(bought).any()))
        symbol, minute, starts = _grouped(rows.symbol, rows.minute)
        some = symbol[starts]
        if self.ordered:
            before = np.concatenate(([-1], minute[:-1]))
            before[starts] = self._last[some]
            self.ordered = bool((minute > before).all())
        self._first[some] = np.minimum(self._first[some], np.minimum.reduceat(minute, starts))
        self._last[some] = np.maximum(self._last[some], np.maximum.reduceat(minute, starts))
        self._count[some] += np.diff(starts, append=minute.size)

    def time(self, timed: Timed) -> None:
        """Take the times of rows, good or not: the interval is the greatest that divides all their distances."""
        self._off += int(timed.off.sum())
        self._timed += np.bincount(timed.symbol, minlength=MOST_SYMBOLS)
        open_ended = (self._step_s[timed.symbol] != _MINUTE_S) | timed.off
        if not open_ended.any():
            return
        symbol, second, starts = _grouped(timed.symbol[open_ended], timed.second[open_ended])
        some = symbol[starts]
        self._origin_s[some] = np.where(self._origin_s[some] < 0, second[starts], self._origin_s[some])
        steps = np.gcd.reduceat(second - self._origin_s[symbol], starts)
        self._step_s[some] = np.gcd(self._step_s[some], steps)

    def span(self, code: int) -> Span:
        """The good rows of a symbol."""
        return Span(int(self._first[code]), int(self._last[code]), int(self._count[code]))

    def wrong_interval(self, *, all_good: bool) -> tuple[int, int] | None:
        """Code of a symbol whose bars are of another length, and that length in seconds; `None` for 1m bars.

        Bars shorter than a minute show in about half of the times or more lying between minutes; fewer such times are
        bad rows. A longer interval may be only minutes that are missing: it is believed of a symbol with 30 rows, and,
        where `all_good` says that no row was left out, of all symbols together.
        """
        seen = np.flatnonzero(self._step_s)
        if not seen.size:
            return None
        steps = self._step_s[seen]
        if steps.min() < _MINUTE_S and _SHORT * self._off >= self._timed.sum():
            return int(seen[steps.argmin()]), int(steps.min())
        longer = steps > _MINUTE_S
        certain = longer & ((self._timed[seen] >= _EVIDENCE) | (all_good and bool(longer.all())))
        if not certain.any():
            return None
        code = int(seen[certain.argmax()])
        return code, int(self._step_s[code])


def _grouped(symbol: NDArray[np.uint16], value: Ints) -> tuple[NDArray[np.uint16], Ints, Ints]:
    """Both sorted by symbol, in order within each, and where each symbol begins."""
    if (symbol[1:] < symbol[:-1]).any():
        order = symbol.argsort(kind="stable")
        symbol, value = symbol[order], value[order]
    starts = np.flatnonzero(np.concatenate(([True], symbol[1:] != symbol[:-1])))
    return symbol, value, starts


def length(seconds: int) -> str:
    """A bar length as people write it: 5m, 1h, 90s."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"

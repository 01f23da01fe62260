"""Indexes rows as they are read first: symbols, period, order."""

from dataclasses import dataclass

import numpy as np

from virtuoso.research.bar_files.distances import grouped
from virtuoso.research.bar_files.rows import MOST_SYMBOLS, Rows


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

    def add(self, rows: Rows) -> None:
        """Take the valid rows of one part into account."""
        if not rows.minute.size:
            return
        bought = rows.values.get("taker_buy_volume")
        self.taker_sides = self.taker_sides or (bought is not None and bool(np.isfinite(bought).any()))
        symbol, minute, starts = grouped(rows.symbol, rows.minute)
        some = symbol[starts]
        if self.ordered:
            before = np.concatenate(([-1], minute[:-1]))
            before[starts] = self._last[some]
            self.ordered = bool((minute > before).all())
        self._first[some] = np.minimum(self._first[some], np.minimum.reduceat(minute, starts))
        self._last[some] = np.maximum(self._last[some], np.maximum.reduceat(minute, starts))
        self._count[some] += np.diff(starts, append=minute.size)

    def span(self, code: int) -> Span:
        """First, last and number of the good rows of a symbol."""
        return Span(int(self._first[code]), int(self._last[code]), int(self._count[code]))

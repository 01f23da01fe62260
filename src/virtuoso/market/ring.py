"""A bounded table with a row for each minute."""

from collections.abc import Sequence

import numpy as np

from virtuoso.market.panel import Floats, Ints

MINUTE_MS = 60_000


class MinuteRing:
    """The latest `kept` minutes, each a row of `columns` values, found by the minute's number (open time over 60 s).

    The first column of the table holds number + 1, so that a fresh table of zeros knows no minute. It is made with the
    first minute: most symbols of a whole exchange have no trades to keep.
    """

    def __init__(self, kept: int, columns: int) -> None:
        self._table: Floats = np.zeros((0, columns + 1))
        self._kept = kept

    def put(self, number: int, values: Sequence[float]) -> None:
        """Keep a minute, unless a later one has taken its place."""
        if not len(self._table):
            self._table = np.zeros((self._kept, self._table.shape[1]))
        slot = number % self._kept
        if self._table[slot, 0] <= number + 1:
            self._table[slot] = (number + 1, *values)

    def get(self, number: int) -> list[float] | None:
        """The values of a minute; `None` if it is not kept."""
        if not len(self._table):
            return None
        row: list[float] = self._table[number % self._kept].tolist()
        return row[1:] if row[0] == number + 1 else None

    def rows(self, first: int, count: int) -> Floats:
        """`count` minutes from number `first` as they stand [count, columns + 1], for `known` to tell apart."""
        if not len(self._table):
            return np.zeros((count, self._table.shape[1]))
        slot = first % self._kept
        if slot + count <= self._kept:
            return self._table[slot : slot + count]
        return self._table[np.arange(first, first + count) % self._kept]


def known(rows: Floats, numbers: Ints) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which of `rows` [..., columns + 1] are the minutes `numbers` [...] asked for."""
    return np.asarray(rows[..., 0] == numbers + 1)

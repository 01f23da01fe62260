"""Blocks of bars made consecutive: what a step is given follows the row's last bar, whatever came twice or never."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from virtuoso.analysis.block import Memory, as_rows
from virtuoso.market.panel import BAR_FIELDS, BarBlock, Floats, Ints
from virtuoso.model.timeframe import Timeframe


class Part(NamedTuple):
    """Bars of some columns of a block that follow the last bar of each of their rows."""

    number: int
    """Of the first bar: its open time over the length of a bar."""
    block: BarBlock
    skip: int
    """How many bars after the first of the whole block it begins; below 0 for bars that were missed."""
    columns: Ints
    """Where in the whole block its rows are."""

    @property
    def missed(self) -> bool:
        """Whether these bars never came: they lie before the block, and every value is `nan`."""
        return self.skip < 0


class Consecutive:
    """Tells what of each block of base bars is new to each row, and fills what was missed before it.

    Args:
        memory: whose rows the blocks are of. It is reset in rows of which nothing came for longer than `forgotten`.
        base: the timeframe of the bars.
        forgotten: after a gap of so many bars and more nothing of before is of use.
        beside: more memories of the same rows, reset with it.
    """

    def __init__(self, memory: Memory, base: Timeframe, forgotten: int, beside: Sequence[Memory] = ()) -> None:
        self._memories = (memory, *beside)
        self._base = base
        self._forgotten = forgotten
        self._last = memory.vector()
        """The number of the last bar of each row, `nan` before its first."""

    def last(self, rows: Ints) -> Floats:
        """The numbers of the last bars of `rows` [n], `nan` before the first."""
        return self._last.get(rows).copy()

    def parts(self, block: BarBlock) -> Iterator[Part]:
        """What of a block [t, n] is new, the rows that go on from the same bar together, missed bars first.

        Bars seen already are in no part. All are counted as seen with the first part, so all parts must be taken.
        """
        number, t = int(block.open_ms[0]) // self._base.ms, block.open_ms.size
        last = self._last.get(as_rows(block.rows)).copy()
        if (last == number - 1).all():
            self._last.put(as_rows(block.rows), np.full(last.size, float(number + t - 1)))
            yield Part(number, block, 0, np.arange(block.rows.size))
            return
        long_ago = last < number - self._forgotten
        if long_ago.any():
            for memory in self._memories:
                memory.reset(block.rows[long_ago])
        last = np.where(np.isnan(last) | long_ago, number - 1, last).astype(np.int64)
        self._last.put(as_rows(block.rows), np.fmax(last, number + t - 1).astype(np.float64))
        for before in np.unique(last).tolist():
            columns, first = np.flatnonzero(last == before), before + 1
            if first < number:
                yield Part(first, _missed(block, columns, first, number), first - number, columns)
            skip = max(0, first - number)
            if skip < t:
                whole = not skip and columns.size == block.rows.size
                new = block if whole else block.part(slice(skip, None), columns)
                yield Part(number + skip, new, skip, columns)


def _missed(block: BarBlock, columns: Ints, first: int, until: int) -> BarBlock:
    """Bars `first` to `until` − 1 of some columns, every value `nan`."""
    nothing: dict[str, Any] = {name: np.full((until - first, columns.size), np.nan) for name in BAR_FIELDS}
    open_ms = np.arange(first, until, dtype=np.int64) * block.timeframe.ms
    return BarBlock(timeframe=block.timeframe, rows=block.rows[columns], open_ms=open_ms, **nothing)

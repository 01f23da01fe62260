"""Finds where a contract was multiplied or divided by a power of ten: what was before is of another unit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from virtuoso.market.bounds.bar import BEFORE, STAYS, seam_at
from virtuoso.market.panel import BarBlock, Floats, Ints
from virtuoso.model.clock import iso
from virtuoso.model.market import Bar
from virtuoso.model.units import multiplied

_LEAST_DECADES = 0.5


@dataclass(frozen=True, slots=True)
class Seam:
    """A symbol, its column, and the first bar (open time, epoch ms) of the contract that is 10ⁿ times the old one."""

    symbol: str
    column: int
    open_ms: int
    n: int

    def __str__(self) -> str:
        return f"{self.symbol} begins anew at {iso(self.open_ms)}: the contract was {multiplied(self.n)}"


def begun(seams: Sequence[Seam], bars: BarBlock) -> Ints:
    """Find the columns of the symbols whose contract changed with the first of these bars."""
    first_ms = int(bars.open_ms[0])
    columns = [seam.column for seam in seams if first_ms - bars.timeframe.ms < seam.open_ms <= first_ms]
    return np.array(columns, dtype=np.int64)


class SeamFinder:
    """Finds seams block by block; remembers the last closes of each symbol."""

    def __init__(self, symbols: tuple[str, ...]) -> None:
        self._symbols = symbols
        self._tail: Floats = np.full((BEFORE, len(symbols)), np.nan)

    def find(self, block: BarBlock, following: BarBlock | None) -> list[Seam]:
        """The seams in `block`, in order of time; `following`, the next one, may be needed to confirm them."""
        closes = np.concatenate([self._tail, block.close])
        known = np.isfinite(closes)
        latest = np.maximum.accumulate(np.where(known, np.arange(len(closes))[:, None], 0), axis=0)
        before = np.take_along_axis(closes, latest, axis=0)[BEFORE - 1 : -1]
        with np.errstate(invalid="ignore", divide="ignore"):
            jumps = np.abs(np.log10(block.open / before)) > _LEAST_DECADES
        judged = [self._judge(block, following, t, column) for t, column in np.argwhere(jumps).tolist()]
        self._remember(closes, known)
        return [seam for seam in judged if seam is not None]

    def _judge(self, block: BarBlock, following: BarBlock | None, t: int, column: int) -> Seam | None:
        closes = np.concatenate([self._tail[:, column], block.close[:t, column]])
        earlier = closes[np.isfinite(closes)][-BEFORE:]
        later = _bars(block, column)[np.count_nonzero(np.isfinite(block.close[:t, column])) :]
        if following is not None:
            later += _bars(following, column)
        bars = [Bar(0, close, close, close, close, 0.0, 0.0) for close in earlier.tolist()] + later[:STAYS]
        n = seam_at(bars, len(earlier)) if earlier.size else 0
        return Seam(self._symbols[column], column, later[0].open_ms, n) if n else None

    def _remember(self, closes: Floats, known: np.ndarray) -> None:
        """Return the last known closes of each symbol, the latest last."""
        for column in range(closes.shape[1]):
            values = closes[known[:, column], column][-BEFORE:]
            self._tail[:, column] = np.nan
            self._tail[BEFORE - len(values) :, column] = values


def seamed(blocks: Iterator[BarBlock], finder: SeamFinder) -> Iterator[tuple[BarBlock, list[Seam]]]:
    """Each block with the seams in it; one block is read ahead, which may be needed to confirm them."""
    block = next(blocks, None)
    while block is not None:
        following = next(blocks, None)
        yield block, finder.find(block, following)
        block = following


def _bars(block: BarBlock, column: int) -> list[Bar]:
    """Return the bars of a symbol that are known."""
    at = np.flatnonzero(np.isfinite(block.close[:, column]))
    names = ("open", "high", "low", "close", "volume")
    columns = [getattr(block, name)[at, column].tolist() for name in names]
    return [Bar(*values) for values in zip(block.open_ms[at].tolist(), *columns, [0.0] * len(at), strict=True)]

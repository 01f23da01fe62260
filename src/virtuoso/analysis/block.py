"""The block step: state in arrays over rows, one step per closed bar, all symbols at once.

Rows name symbols and lie on the last axis. Rings are indexed by the *number* of a bar (open time over bar length),
so that rows which step late, in order and alone, find their own window in the same slots as everyone else.

A bar with a missing (`nan`) value restarts its row: recursive memories begin anew with the next whole bar, windows
stay `nan` until it has left them, and everything is `null` until its `ready` bars have passed again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from virtuoso.market.panel import Floats, Ints

Rows: TypeAlias = "slice | NDArray[np.int64]"
S_contra = TypeVar("S_contra", contravariant=True)

_INITIAL_ROWS = 16


class Indicator(Protocol[S_contra]):
    """Anything that steps through cross-sections: [n] in, [n] out, `nan` where it is not defined."""

    def step(self, x: S_contra) -> Floats:
        """Take the next bar of the rows in `x` and answer their values [n]."""
        ...


class Cell:
    """An array [depth, rows], filled with `fill` until it is written."""

    def __init__(self, depth: int, fill: float) -> None:
        self.fill = fill
        self.data: Floats = np.full((depth, 0), fill)

    def reserve(self, capacity: int) -> None:
        """Hold at least `capacity` rows."""
        depth, held = self.data.shape
        if capacity > held:
            self.data = np.concatenate([self.data, np.full((depth, capacity - held), self.fill)], axis=1)

    def reset(self, rows: Rows) -> None:
        """Forget `rows`."""
        self.data[:, rows] = self.fill


class Vector(Cell):
    """One value per row."""

    def __init__(self, fill: float = np.nan) -> None:
        super().__init__(1, fill)

    def get(self, rows: Rows) -> Floats:
        """Values of `rows` [n]; a view when `rows` is a slice."""
        return self.data[0, rows]

    def put(self, rows: Rows, values: Floats) -> None:
        """Replace the values of `rows` [n]."""
        self.data[0, rows] = values


class Ring(Cell):
    """The last `window` values per row, mirrored [2W, n]: a window is one contiguous slice in time order."""

    def __init__(self, window: int) -> None:
        super().__init__(2 * window, np.nan)
        self.window = window

    def push(self, number: int, rows: Rows, values: Floats) -> None:
        """Write bar `number` of `rows` [n]."""
        slot = number % self.window
        self.data[slot, rows] = values
        self.data[slot + self.window, rows] = values

    def last(self, number: int, rows: Rows, count: int | None = None) -> Floats:
        """Bars `number - count + 1 … number` of `rows`, oldest first [count, n]; `count` defaults to the window."""
        end = number % self.window + self.window + 1
        window = self.data[end - (count or self.window) : end]
        return window[:, rows] if isinstance(rows, slice) else window.take(rows, axis=1)


class Memory:
    """All cells of one lane: grown, reset, saved and loaded together."""

    def __init__(self) -> None:
        self._cells: list[Cell] = []
        self.capacity = 0

    def vector(self, fill: float = np.nan) -> Vector:
        """A new value per row."""
        cell = Vector(fill)
        self._cells.append(cell)
        return cell

    def ring(self, window: int) -> Ring:
        """A new ring of `window` bars per row."""
        cell = Ring(window)
        self._cells.append(cell)
        return cell

    def table(self, depth: int) -> Cell:
        """A new column of `depth` values per row."""
        cell = Cell(depth, np.nan)
        self._cells.append(cell)
        return cell

    def reserve(self, rows: int) -> None:
        """Hold at least `rows` rows; capacity doubles."""
        if rows > self.capacity:
            self.capacity = max(rows, 2 * self.capacity, _INITIAL_ROWS)
            for cell in self._cells:
                cell.reserve(self.capacity)

    def reset(self, rows: Rows) -> None:
        """Forget `rows`: they are as if never seen."""
        for cell in self._cells:
            cell.reset(rows)

    def state(self) -> dict[str, Floats]:
        """Copies of all arrays, by position."""
        return {str(i): cell.data.copy() for i, cell in enumerate(self._cells)}

    def load(self, state: Mapping[str, Floats]) -> None:
        """Continue from `state`; raises `ValueError` when it was saved by something else."""
        arrays = [state.get(str(i)) for i in range(len(self._cells))]
        for cell, array in zip(self._cells, arrays, strict=True):
            if array is None or array.shape[0] != cell.data.shape[0]:
                raise ValueError("the saved state belongs to other components")
        for cell, array in zip(self._cells, arrays, strict=True):
            cell.data = np.array(array, dtype=np.float64)
        self.capacity = self._cells[0].data.shape[1] if self._cells else 0


class Ema:
    """Exponential mean y += α·(x − y), a `nan` input begins it anew.

    It begins as the plain mean of what it has seen, until that is 1/α bars: so the start weighs least.
    """

    def __init__(self, memory: Memory, alpha: float) -> None:
        self._alpha = alpha
        self._value = memory.vector()
        self._count = memory.vector(fill=0.0)

    @classmethod
    def span(cls, memory: Memory, bars: int) -> "Ema":
        """The usual EMA of `bars` bars: α = 2/(bars + 1)."""
        return cls(memory, 2 / (bars + 1))

    @classmethod
    def wilder(cls, memory: Memory, bars: int) -> "Ema":
        """Wilder's smoothing (1978): α = 1/bars."""
        return cls(memory, 1 / bars)

    def value(self, rows: Rows) -> Floats:
        """Where it stands [n]."""
        return self._value.get(rows)

    def step(self, rows: Rows, x: Floats) -> Floats:
        """Take `x` [n] and answer the new mean [n]."""
        old = self._value.get(rows)
        begun = np.isfinite(old)
        count = np.where(begun, self._count.get(rows) + 1.0, 1.0)
        new = np.where(begun, old + np.maximum(self._alpha, 1.0 / count) * (x - old), x)
        self._value.put(rows, new)
        self._count.put(rows, count)
        return new


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossSection:
    """One closed bar of `n` symbols; every array is [n].

    `change` is close less previous close, `true_range` and `atr` (Wilder's ATR-14, `nan` until ready) are in
    quote units; `whole` says that no value of the bar itself is missing.
    """

    rows: Rows
    number: int
    high: Floats
    low: Floats
    open: Floats
    close: Floats
    volume: Floats
    turnover: Floats
    buy_volume: Floats
    whole: NDArray[np.bool_]
    previous: Floats
    change: Floats
    true_range: Floats
    atr: Floats


def as_rows(rows: Ints) -> Rows:
    """`rows` as a slice when they are consecutive (views instead of copies), else as they are."""
    n = rows.size
    if n and rows[-1] - rows[0] == n - 1 and bool((np.diff(rows) == 1).all()):
        return slice(int(rows[0]), int(rows[0]) + n)
    return rows


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """`numerator / denominator`, `nan` where the denominator is not positive."""
    out: Floats = np.full(denominator.shape, np.nan)
    np.divide(numerator, denominator, out=out, where=denominator > 0)
    return out


def mean(window: Floats) -> Floats:
    """Mean over time of a window [w, n] → [n]."""
    out: Floats = np.add.reduce(window, axis=0) / window.shape[0]
    return out

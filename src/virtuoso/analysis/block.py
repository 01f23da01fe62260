"""The block step: state in arrays over rows; a step takes `t` closed bars of all symbols at once.

Rows name symbols and lie on the last axis, time on the one before. Live a block is one bar long; warm-up, replay and
backtest take long ones. Where a history is split into blocks changes nothing: recurrences run bar by bar, and a window
is reduced in the same order whether its bars came together or apart. Rings are indexed by the *number* of a bar (open
time over bar length), so that rows which step late and alone find their own window in the same slots as everyone else.

A bar with a missing (`nan`) value restarts its row: recursive memories begin anew with the next whole bar, windows
stay `nan` until it has left them, and everything is `null` until its `ready` bars have passed again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import DTypeLike, NDArray

from virtuoso.market.panel import Floats, Ints, MinuteBlock

Rows: TypeAlias = "slice | NDArray[np.int64]"
S_contra = TypeVar("S_contra", contravariant=True)

_INITIAL_ROWS = 16
_GROWTH = 4
_FEW_BARS = 4
"""Windows of at most so many times as many bars as there are windows are cheaper reduced side by side."""


class Indicator(Protocol[S_contra]):
    """Anything that steps through blocks: [t, n] in, [t, n] out, `nan` where it is not defined."""

    def step(self, x: S_contra) -> Floats:
        """Take the next bars of the rows in `x` and answer their values [t, n]."""
        ...


class Cell:
    """An array [depth, rows], filled with `fill` until it is written; of doubles unless a smaller `dtype` is enough.

    `version` counts the changes that are made by methods, for who keeps what follows from it.
    """

    def __init__(self, depth: int, fill: float, dtype: DTypeLike = np.float64) -> None:
        self.fill = fill
        self.version = 0
        self.data: NDArray[Any] = np.full((depth, 0), fill, dtype)

    def reserve(self, capacity: int) -> None:
        """Grow the array, if need be, so that it holds at least `capacity` rows."""
        depth, held = self.data.shape
        if capacity > held:
            more = np.full((depth, capacity - held), self.fill, self.data.dtype)
            self.data = np.concatenate([self.data, more], axis=1)
            self.version += 1

    def reset(self, rows: Rows) -> None:
        """Fill `rows` with `fill` again, at every depth."""
        self.data[:, rows] = self.fill
        self.version += 1

    def read(self, rows: Rows) -> Floats:
        """Values of `rows` [depth, n]; a view when `rows` is a slice."""
        return self.data[:, rows]

    def write(self, rows: Rows, values: Floats) -> None:
        """Replace the values of `rows` [depth, n]."""
        self.data[:, rows] = values
        self.version += 1


class Vector(Cell):
    """A cell of depth 1: one value per row."""

    def __init__(self, fill: float = np.nan) -> None:
        super().__init__(1, fill)

    def get(self, rows: Rows) -> Floats:
        """Values of `rows` [n]; a view when `rows` is a slice."""
        return self.data[0, rows]

    def put(self, rows: Rows, values: Floats) -> None:
        """Replace the values of `rows` [n]."""
        self.data[0, rows] = values

    def shift(self, rows: Rows, x: Floats) -> Floats:
        """The value before each of `x` [t, n]: the one kept, then all but the last of `x`, which is kept."""
        before = np.concatenate([self.data[:, rows], x[:-1]])
        self.data[0, rows] = x[-1]
        return before


class Ring(Cell):
    """The last `window` values per row, mirrored [2W, n]: a window is one contiguous slice in time order."""

    def __init__(self, window: int) -> None:
        super().__init__(2 * window, np.nan)
        self.window = window

    def extend(self, number: int, rows: Rows, x: Floats) -> Floats:
        """Take the bars from `number` on, `x` [t, n]; answer the W − 1 bars before them and them [W − 1 + t, n]."""
        t, w = x.shape[0], self.window
        if t == 1:
            slot = number % w
            self.data[slot, rows] = x[0]
            self.data[slot + w, rows] = x[0]
            return self._last(number, rows, w)
        whole = np.concatenate([self._last(number - 1, rows, w - 1), x])
        kept = min(t, w)
        slots = np.arange(number + t - kept, number + t) % w
        for half in (slots, slots + w):
            self.data[half if isinstance(rows, slice) else half[:, None], rows] = x[t - kept :]
        return whole

    def _last(self, number: int, rows: Rows, count: int) -> Floats:
        """Bars `number − count + 1 … number`, oldest first [count, n]."""
        end = number % self.window + self.window + 1
        window = self.data[end - count : end]
        return window[:, rows] if isinstance(rows, slice) else window.take(rows, axis=1)


class Memory:
    """All cells of one bank: grown, reset, saved and loaded together."""

    def __init__(self) -> None:
        self._cells: list[Cell] = []
        self.capacity = 0

    def vector(self, fill: float = np.nan) -> Vector:
        """Make a cell with one value per row and keep it with the others of the bank."""
        return self._kept(Vector(fill))

    def ring(self, window: int) -> Ring:
        """A new ring of `window` bars per row."""
        return self._kept(Ring(window))

    def table(self, depth: int, fill: float = np.nan, dtype: DTypeLike = np.float64) -> Cell:
        """A new column of `depth` values per row."""
        return self._kept(Cell(depth, fill, dtype))

    def _kept(self, cell: "C") -> "C":
        self._cells.append(cell)
        return cell

    def reserve(self, rows: int) -> None:
        """Hold at least `rows` rows; capacity grows by a quarter, as most of the memory of a program is here."""
        if rows > self.capacity:
            self.capacity = max(rows, self.capacity + self.capacity // _GROWTH, _INITIAL_ROWS)
            for cell in self._cells:
                cell.reserve(self.capacity)

    def reset(self, rows: Rows) -> None:
        """Forget `rows`: they are as if never seen."""
        for cell in self._cells:
            cell.reset(rows)

    def state(self) -> dict[str, Floats]:
        """Copies of all arrays, by position."""
        return {str(i): cell.data.copy() for i, cell in enumerate(self._cells)}

    def columns(self, rows: Ints) -> dict[str, NDArray[Any]]:
        """Copies of what stands in `rows` [n]: each array [depth, n], by position."""
        return {str(i): cell.data[:, rows] for i, cell in enumerate(self._cells)}

    def fill(self, row: int, columns: Mapping[str, NDArray[Any]], at: int) -> None:
        """Write column `at` of saved `columns` into `row`; `check` them before."""
        for i, cell in enumerate(self._cells):
            cell.data[:, row] = columns[str(i)][:, at]
            cell.version += 1

    def check(self, columns: Mapping[str, NDArray[Any]], rows: int) -> None:
        """See that `columns` were saved by a memory like this, of so many rows.

        Raises:
            ValueError: they were not.
        """
        for i, cell in enumerate(self._cells):
            array = columns.get(str(i))
            if array is None or array.shape != (cell.data.shape[0], rows):
                raise ValueError("the saved columns belong to another version")

    def load(self, state: Mapping[str, Floats]) -> None:
        """Continue from `state`; raises `ValueError` when it was saved by something else."""
        arrays = [state.get(str(i)) for i in range(len(self._cells))]
        for cell, array in zip(self._cells, arrays, strict=True):
            if array is None or array.shape[0] != cell.data.shape[0]:
                raise ValueError("the saved state belongs to other components")
        for cell, array in zip(self._cells, arrays, strict=True):
            cell.data = np.array(array, dtype=cell.data.dtype)
            cell.version += 1
        self.capacity = self._cells[0].data.shape[1] if self._cells else 0


C = TypeVar("C", bound=Cell)


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

    def step(self, rows: Rows, x: Floats, hold: NDArray[np.bool_] | None = None) -> Floats:
        """Take `x` [t, n] and answer the means [t, n]; where `hold` [t, n] it stands still."""
        t, count, value = x.shape[0], self._count.get(rows), self._value.get(rows)
        begun = np.isfinite(value)
        whole = _whole_from(x) if hold is None else t
        out = np.empty(x.shape)
        k = 0
        while k < t and (k < whole or not bool((begun & (count >= 1.0 / self._alpha)).all())):
            taken = x[k] if hold is None else np.where(hold[k], value, x[k])
            count = np.where(begun, count + 1.0, 1.0)
            value = np.where(begun, value + np.maximum(self._alpha, 1.0 / count) * (taken - value), taken)
            begun = np.isfinite(value)
            out[k] = value
            k += 1
        self._count.put(rows, count)
        for settled in range(k, t):  # the same where every row is past its beginning and nothing is missing
            step = np.subtract(x[settled], value, out=out[settled])
            step *= self._alpha
            step += value
            value = step
        self._value.put(rows, value)
        return out


def _whole_from(x: Floats) -> int:
    """The first of `t` bars from which on nothing is missing in `x` [t, n]."""
    missing = np.flatnonzero(~np.isfinite(np.add.reduce(x, axis=1)))
    return int(missing[-1]) + 1 if missing.size else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossSection:
    """`t` consecutive closed bars of `n` symbols, the first being bar `number`; every array is [t, n].

    `change` is close less previous close, `true_range` and `atr` (Wilder's ATR-14, `nan` until ready) are in
    quote units; `whole` says that no value of the bar itself is missing. `wanted`: only so many of the last bars are
    asked for, and a costly indicator without recursion may leave the others `nan`. `minutes` is what else is known of
    the bars of the base timeframe, `None` elsewhere and where nothing is.
    """

    rows: Rows
    number: int
    wanted: int
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
    minutes: MinuteBlock | None


def as_rows(rows: Ints) -> Rows:
    """`rows` as a slice when they are consecutive (views instead of copies), else as they are."""
    n = rows.size
    if n and rows[-1] - rows[0] == n - 1 and bool((rows[1:] - rows[:-1] == 1).all()):
        return slice(int(rows[0]), int(rows[0]) + n)
    return rows


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """`numerator / denominator`, `nan` where the denominator is not positive."""
    out: Floats = np.full(denominator.shape, np.nan)
    np.divide(numerator, denominator, out=out, where=denominator > 0)
    return out


def rolling(reduction: np.ufunc, window: Floats, bars: int, t: int) -> Floats:
    """`reduction` over the `bars` bars up to each of the last `t` bars of `window` [≥ bars − 1 + t, n] → [t, n]."""
    if t == 1:
        last: Floats = reduction.reduce(window[window.shape[0] - bars :], axis=0, keepdims=True)
        return last
    window = window[window.shape[0] - t - bars + 1 :]
    if window.shape[1] == 1:
        alone: Floats = reduction.reduce(sliding_window_view(window, bars, axis=0), axis=-1)
        return alone
    if bars <= _FEW_BARS * t:  # all of the t windows go on together by a bar: in the order in which one alone would
        out = window[:t].copy()
        for k in range(1, bars):
            reduction(out, window[k : k + t], out=out)
        return out
    out = np.empty((t, window.shape[1]))
    for k in range(t):
        reduction.reduce(window[k : k + bars], axis=0, out=out[k])
    return out


def side_by_side(values: Floats, bars: int) -> Floats:
    """The windows of `bars` bars of `values` [m − 1 + bars, n], column by column [bars, m·n]."""
    if values.shape[0] == bars:
        return values
    views = sliding_window_view(values, bars, axis=0)  # [m, n, bars]
    return np.ascontiguousarray(views.transpose(2, 0, 1)).reshape(bars, -1)


def total(window: Floats, bars: int, t: int) -> Floats:
    """Sum of the `bars` bars up to each of the last `t` [t, n]."""
    return rolling(np.add, window, bars, t)


def mean(window: Floats, bars: int, t: int) -> Floats:
    """Mean of the `bars` bars up to each of the last `t` [t, n]."""
    return rolling(np.add, window, bars, t) / bars


def highest(window: Floats, bars: int, t: int) -> Floats:
    """Maximum of the `bars` bars up to each of the last `t` [t, n]."""
    return rolling(np.maximum, window, bars, t)


def lowest(window: Floats, bars: int, t: int) -> Floats:
    """Minimum of the `bars` bars up to each of the last `t` [t, n]."""
    return rolling(np.minimum, window, bars, t)

"""Lanes: all measures of one timeframe (or of the book), stepped together, with readiness in one place."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.block import CrossSection, Ema, Indicator, Memory, Rows, as_rows
from virtuoso.analysis.component import Component, Measure, Modifier
from virtuoso.market.panel import BarBlock, BookBlock, Floats, Ints

ATR_BARS = 14
ATR_READY = 80


class Section(Protocol):
    """What a measure steps through: one bar of some rows."""

    @property
    def rows(self) -> Rows:
        """The rows it is about."""
        ...

    @property
    def number(self) -> int:
        """The number of its bar."""
        ...

    @property
    def whole(self) -> NDArray[np.bool_]:
        """Rows with nothing missing [n]."""
        ...


S = TypeVar("S", bound=Section)


class Measures:
    """Steps measures and keeps their last raw values and maps, [measure, row], `nan` until ready."""

    def __init__(self, memory: Memory, components: Sequence[Component], modifiers: Sequence[Modifier]) -> None:
        self.components = tuple(components)
        self.modifiers = tuple(modifiers)
        measures: tuple[Measure, ...] = (*self.components, *self.modifiers)
        self._indicators: list[Indicator[Section]] = [m.build(memory) for m in measures]
        self._ready = np.array([m.ready for m in measures], dtype=np.float64)[:, None]
        self._center = np.array([c.center for c in self.components])[:, None]
        self._scale = np.array([c.scale for c in self.components])[:, None]
        self._raw = memory.table(len(measures))
        self._value = memory.table(len(measures))
        self._age = memory.vector(fill=0.0)
        self._number = memory.vector()
        self._memory = memory

    def admit(self, block_rows: Ints, rows: Rows, number: int) -> NDArray[np.bool_] | None:
        """Which rows take bar `number`: `None` for all. A repeated bar is dropped, a row with a gap begins anew."""
        last = self._number.get(rows)
        if (last == number - 1).all():
            return None
        gap = last < number - 1
        if gap.any():
            self._memory.reset(block_rows[gap])
        fresh: NDArray[np.bool_] = ~(last >= number)
        return None if fresh.all() else fresh

    def count(self, section: Section) -> Floats:
        """Whole bars in a row up to and with this one [n]."""
        age = np.where(section.whole, self._age.get(section.rows) + 1.0, 0.0)
        self._age.put(section.rows, age)
        self._number.put(section.rows, np.full(age.shape, float(section.number)))
        return age

    def step(self, section: Section, age: Floats) -> Floats:
        """Step every measure; raw values [measure, n]."""
        raw = np.empty((len(self._indicators), age.size))
        for i, indicator in enumerate(self._indicators):
            raw[i] = indicator.step(section)
        raw[age < self._ready] = np.nan
        value = np.empty_like(raw)
        n = len(self.components)
        value[:n] = np.tanh((raw[:n] - self._center) / self._scale)
        for i, modifier in enumerate(self.modifiers, start=n):
            value[i] = modifier.map(raw[i])
        self._raw.data[:, section.rows] = raw
        self._value.data[:, section.rows] = value
        return raw

    def raw(self, rows: Rows) -> Floats:
        """Last raw values [measure, n]."""
        return self._raw.data[:, rows]

    def value(self, rows: Rows) -> Floats:
        """Last mapped values [measure, n]."""
        return self._value.data[:, rows]

    def age(self, rows: Rows) -> Floats:
        """Whole bars since the start or the last missing one [n]."""
        return self._age.get(rows)

    def number(self, rows: Rows) -> Floats:
        """Number of the last bar [n], `nan` before the first."""
        return self._number.get(rows)


class BarLane:
    """Measures of one timeframe's closed bars."""

    def __init__(self, bar_ms: int, components: Sequence[Component], modifiers: Sequence[Modifier]) -> None:
        self.memory = Memory()
        self._bar_ms = bar_ms
        self._close = self.memory.vector()
        self._atr = Ema.wilder(self.memory, ATR_BARS)
        self.measures = Measures(self.memory, components, modifiers)

    def step(self, block: BarBlock) -> Floats:
        """Step a block of bars; raw values [t, measure, n], `nan` for bars already seen."""
        measures = self.measures
        t, n = block.close.shape
        out = np.full((t, len(measures.components) + len(measures.modifiers), n), np.nan)
        self.memory.reserve(int(block.rows.max(initial=-1)) + 1)
        rows = as_rows(block.rows)
        with np.errstate(all="ignore"):
            for k in range(t):
                number = int(block.open_ms[k]) // self._bar_ms
                fresh = measures.admit(block.rows, rows, number)
                if fresh is None:
                    out[k] = self._bar(block, k, number, rows, slice(None))
                elif fresh.any():
                    out[k][:, fresh] = self._bar(block, k, number, as_rows(block.rows[fresh]), fresh)
        return out

    def _bar(self, block: BarBlock, k: int, number: int, rows: Rows, pick: slice | NDArray[np.bool_]) -> Floats:
        high, low, close = block.high[k][pick], block.low[k][pick], block.close[k][pick]
        opened, volume, turnover = block.open[k][pick], block.volume[k][pick], block.turnover[k][pick]
        previous = self._close.get(rows).copy()
        self._close.put(rows, close)
        true_range = np.maximum(high, previous) - np.minimum(low, previous)
        atr = self._atr.step(rows, true_range)
        section = CrossSection(
            rows=rows,
            number=number,
            open=opened,
            high=high,
            low=low,
            close=close,
            volume=volume,
            turnover=turnover,
            buy_volume=block.buy_volume[k][pick],
            whole=np.isfinite(opened + high + low + close + volume),  # turnover matters to VWAP alone
            previous=previous,
            change=close - previous,
            true_range=true_range,
            atr=atr,
        )
        age = self.measures.count(section)
        atr[age < ATR_READY] = np.nan  # `step` answered a new array
        return self.measures.step(section, age)


class BookSection:
    """One base bar's book features of `n` symbols; `number` counts base bars."""

    __slots__ = ("book", "number", "rows", "whole")

    def __init__(self, book: BookBlock, number: int) -> None:
        self.book = book
        self.number = number
        self.rows = as_rows(book.rows)
        self.whole: NDArray[np.bool_] = np.isfinite(book.bid_price[:, 0] + book.ask_price[:, 0] + book.touch_size)


class BookLane:
    """Measures of the book, one step per base bar."""

    def __init__(self, bar_ms: int, components: Sequence[Component], modifiers: Sequence[Modifier]) -> None:
        self.memory = Memory()
        self._bar_ms = bar_ms
        self.measures = Measures(self.memory, components, modifiers)

    def step(self, book: BookBlock, close_ms: int) -> None:
        """Step the book features of the base bar that closed at `close_ms`; a bar already seen is ignored."""
        self.memory.reserve(int(book.rows.max(initial=-1)) + 1)
        section = BookSection(book, close_ms // self._bar_ms - 1)
        with np.errstate(all="ignore"):
            if self.measures.admit(book.rows, section.rows, section.number) is None:
                self.measures.step(section, self.measures.count(section))

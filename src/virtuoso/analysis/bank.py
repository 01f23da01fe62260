"""Banks: all measures of one timeframe (or of the book), stepped together, with readiness in one place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.block import CrossSection, Ema, Indicator, Memory, Rows, as_rows
from virtuoso.analysis.component import Component, Measure, Modifier, mapped
from virtuoso.market.panel import BAR_FIELDS, BarBlock, BookBlock, Floats

ATR_BARS = 14
ATR_READY = 80


class Section(Protocol):
    """What a measure steps through: `t` consecutive bars of some rows."""

    @property
    def rows(self) -> Rows:
        """Rows of the market [n] whose bars these are."""
        ...

    @property
    def number(self) -> int:
        """Running number of the section's first bar: the bars of a timeframe are numbered in their order."""
        ...

    @property
    def whole(self) -> NDArray[np.bool_]:
        """Bars with nothing missing [t, n]."""
        ...


S = TypeVar("S", bound=Section)


@dataclass(frozen=True, slots=True)
class Values:
    """What a bank's measures say of some columns: `raw` and `value` [measure, …], `nan` until ready.

    `age` […] whole bars since the start or the last missing one, `number` […] of the last bar, `atr` […] quote units
    (`nan` for the book).
    """

    raw: Floats
    value: Floats
    age: Floats
    number: Floats
    atr: Floats


class Measures:
    """Steps measures and keeps their last raw values and maps, [measure, row], `nan` until ready."""

    def __init__(self, memory: Memory, components: Sequence[Component], modifiers: Sequence[Modifier]) -> None:
        self.components = tuple(components)
        self.modifiers = tuple(modifiers)
        measures: tuple[Measure, ...] = (*self.components, *self.modifiers)
        self._indicators: list[Indicator[Section]] = [m.build(memory) for m in measures]
        self._ready = np.array([m.ready for m in measures], dtype=np.float64)[:, None, None]
        self._center = np.array([c.center for c in self.components])[:, None, None]
        self._scale = np.array([c.scale for c in self.components])[:, None, None]
        self._dead = np.array([c.dead for c in self.components])[:, None, None]
        self._raw = memory.table(len(measures))
        self._value = memory.table(len(measures))
        self._age = memory.vector(fill=0.0)
        self._number = memory.vector()
        self._atr = memory.vector()
        self._memory = memory

    def places(self, measures: Sequence[Measure]) -> slice:
        """Where measures that were given one after another stand among the values."""
        if not measures:
            return slice(0, 0)
        first = measures[0]
        if isinstance(first, Component):
            begin = self.components.index(first)
        else:
            begin = len(self.components) + self.modifiers.index(first)
        return slice(begin, begin + len(measures))

    @property
    def count(self) -> int:
        """Number of measures in the bank."""
        return len(self._indicators)

    def admit(self, rows: Rows, number: int, t: int) -> Iterator[tuple[int, slice | NDArray[np.bool_]]]:
        """Which of `t` bars from `number` on are new, as (bars to skip, columns); a row after a gap begins anew."""
        last = self._number.get(rows)
        if (last == number - 1).all():
            yield 0, slice(None)
            return
        numbers = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
        gap = last < number - 1
        if gap.any():
            self._memory.reset(numbers[gap])
        skip = np.where(last >= number, last - number + 1, 0).astype(np.int64)
        for seen in np.unique(skip[skip < t]).tolist():
            columns = skip == seen
            yield seen, slice(None) if columns.all() else columns

    def count_whole(self, section: Section) -> Floats:
        """Whole bars in a row up to and with each [t, n]."""
        whole, before = section.whole, self._age.get(section.rows)
        t = whole.shape[0]
        if whole.all():
            age = before + np.arange(1.0, t + 1.0)[:, None]
        else:
            age = np.empty(whole.shape)
            for k in range(t):
                before = np.where(whole[k], before + 1.0, 0.0)
                age[k] = before
        self._age.put(section.rows, age[-1])
        self._number.put(section.rows, np.full(age.shape[1], float(section.number + t - 1)))
        return age

    def step(self, section: Section, age: Floats, atr: Floats | None = None, wanted: int | None = None) -> Values:
        """Step every measure; all of the section's bars, [measure, t, n], mapped only where `wanted`: the last ones."""
        t, n = age.shape
        asked = slice(0 if wanted is None else t - wanted, None)
        raw = np.empty((self.count, t, n))
        for i, indicator in enumerate(self._indicators):
            raw[i] = indicator.step(section)
        raw[age < self._ready] = np.nan
        value = np.full_like(raw, np.nan) if asked.start else np.empty_like(raw)
        c = len(self.components)
        value[:c, asked] = mapped(raw[:c, asked], self._center, self._dead, self._scale)
        for i, modifier in enumerate(self.modifiers, start=c):
            value[i, asked] = modifier.map(raw[i, asked])
        self._raw.write(section.rows, raw[:, -1])
        self._value.write(section.rows, value[:, -1])
        number = np.broadcast_to((section.number + np.arange(t, dtype=np.float64))[:, None], age.shape)
        if atr is None:
            return Values(raw, value, age, number, np.full(age.shape, np.nan))
        self._atr.put(section.rows, atr[-1])
        return Values(raw, value, age, number, atr)

    def last(self, rows: Rows) -> Values:
        """Where the measures of `rows` stand, [measure, n]."""
        return Values(
            self._raw.read(rows), self._value.read(rows), self._age.get(rows), self._number.get(rows),
            self._atr.get(rows),
        )  # fmt: skip


class BarBank:
    """Measures of one timeframe's closed bars."""

    def __init__(self, bar_ms: int, components: Sequence[Component], modifiers: Sequence[Modifier]) -> None:
        self.memory = Memory()
        self._bar_ms = bar_ms
        self._close = self.memory.vector()
        self._atr = Ema.wilder(self.memory, ATR_BARS)
        self.measures = Measures(self.memory, components, modifiers)

    def step(self, block: BarBlock, wanted: int | None = None) -> Values:
        """Step a block of bars; their values [measure, t, n], `nan` for bars already seen.

        With `wanted`, only the last so many bars' values are asked for.
        """
        t, n = block.close.shape
        self.memory.reserve(int(block.rows.max(initial=-1)) + 1)
        number = int(block.open_ms[0]) // self._bar_ms
        groups = list(self.measures.admit(as_rows(block.rows), number, t))
        if len(groups) == 1 and groups[0][0] == 0 and isinstance(groups[0][1], slice):
            return self._advance(block, number, t if wanted is None else wanted)
        out = nothing(self.measures.count, t, n)
        for skip, columns in groups:
            part = block.part(slice(skip, None), columns)
            stepped = self._advance(part, number + skip, min(t - skip, t if wanted is None else wanted))
            for into, what in zip(
                (out.raw, out.value, out.age, out.number, out.atr),
                (stepped.raw, stepped.value, stepped.age, stepped.number, stepped.atr),
                strict=True,
            ):
                into[..., skip:, columns] = what
        return out

    def close(self, rows: Rows) -> Floats:
        """Latest close of each of `rows` [n]; NaN where there was none."""
        return self._close.get(rows)

    def _advance(self, block: BarBlock, number: int, wanted: int) -> Values:
        rows = as_rows(block.rows)
        # one layout, so that sums are taken in one order whoever made the block
        opened, high, low, close, volume, turnover, bought = (
            np.ascontiguousarray(getattr(block, name)) for name in BAR_FIELDS
        )
        previous = self._close.shift(rows, close)
        true_range = np.maximum(high, previous) - np.minimum(low, previous)
        with np.errstate(all="ignore"):
            atr = self._atr.step(rows, true_range)
            section = CrossSection(
                rows=rows,
                number=number,
                wanted=wanted,
                open=opened,
                high=high,
                low=low,
                close=close,
                volume=volume,
                turnover=turnover,
                buy_volume=bought,
                whole=np.isfinite(opened + high + low + close + volume),  # turnover matters to VWAP alone
                previous=previous,
                change=close - previous,
                true_range=true_range,
                atr=atr,
                minutes=block.minutes,
            )
            age = self.measures.count_whole(section)
            atr[age < ATR_READY] = np.nan  # `step` answered a new array
            return self.measures.step(section, age, atr, wanted)


def nothing(measures: int, t: int, n: int) -> Values:
    """Make the values of a bank of which nothing is known: NaN in the shape [measures, t, n]."""
    unknown = [np.full((t, n), np.nan) for _ in range(3)]
    return Values(np.full((measures, t, n), np.nan), np.full((measures, t, n), np.nan), *unknown)


class BookSection:
    """One base bar's book features of `n` symbols; `number` counts base bars."""

    __slots__ = ("book", "number", "rows", "whole")

    def __init__(self, book: BookBlock, number: int) -> None:
        self.book = book
        self.number = number
        self.rows = as_rows(book.rows)
        self.whole: NDArray[np.bool_] = np.isfinite(book.bid_price[:, 0] + book.ask_price[:, 0] + book.touch_size)[None]


class BookBank:
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
            for _, columns in self.measures.admit(section.rows, section.number, 1):
                if isinstance(columns, slice):
                    self.measures.step(section, self.measures.count_whole(section))

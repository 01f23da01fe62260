"""All banks of an engine: which measures stand in which, and what they say at one close or at many."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from virtuoso.analysis.bank import BarBank, BookBank, Measures, Values
from virtuoso.analysis.block import Memory, Rows, as_rows
from virtuoso.analysis.component import Component, Factor, Feed, Measure, Modifier
from virtuoso.analysis.readings import entry
from virtuoso.analysis.regimes import regime
from virtuoso.analysis.scoring import BankKey, FactorSource
from virtuoso.market.panel import BarBlock, BookBlock, Floats, Ints
from virtuoso.model.timeframe import Timeframe

_CHUNK, _COLUMNS = 32, 4_096
"""Bars of a long history that are stepped at once, and symbols × bars: more would only need more memory."""


class Banks:
    """One bank a timeframe, and the book's."""

    def __init__(self, timeframes: Mapping[Timeframe, float], factors: Sequence[Factor]) -> None:
        self.timeframes = tuple(sorted(timeframes, key=lambda tf: tf.ms))
        self.base = self.timeframes[0]
        self.regime_timeframe = regime.regime_timeframe(self.timeframes)
        self._short_timeframe = regime.short_timeframe(self.timeframes)
        self._short = regime.short_measure(self._short_timeframe)
        self._factors = factors
        self._frame_weights = np.array([timeframes[tf] for tf in self.timeframes])
        self._bars = {tf: BarBank(tf.ms, *self._measures(tf)) for tf in self.timeframes}
        self._book = BookBank(self.base.ms, *_measures_of(factors, {Feed.BOOK}))
        self.sources = tuple(self._source(factor) for factor in factors)
        measures = self._bars[self.regime_timeframe].measures
        self.of_regimes, self.of_entries = measures.places(regime.MEASURES), measures.places(entry.MEASURES)
        self._of_short = self._bars[self._short_timeframe].measures.places((self._short,))

    def _measures(self, timeframe: Timeframe) -> tuple[tuple[Component, ...], tuple[Modifier, ...]]:
        """Factors of bars on every timeframe, of tape and ticker on the base; regimes' and entries' on theirs."""
        feeds = {Feed.BARS, Feed.TAPE, Feed.TICKER} if timeframe is self.base else {Feed.BARS}
        components, modifiers = _measures_of(self._factors, feeds)
        if timeframe is self._short_timeframe:
            modifiers = (*modifiers, self._short)
        if timeframe is self.regime_timeframe:
            modifiers = (*modifiers, *entry.MEASURES, *regime.MEASURES)
        return components, modifiers

    def _source(self, factor: Factor) -> FactorSource:
        if factor.feed is Feed.BOOK:
            return FactorSource.of(factor, {None: self._book.measures}, (None,), np.ones(1))
        if factor.feed is not Feed.BARS:
            return FactorSource.of(factor, {self.base: self._bars[self.base].measures}, (None,), np.ones(1))
        banks: dict[BankKey, Measures] = {tf: bank.measures for tf, bank in self._bars.items()}
        return FactorSource.of(factor, banks, self.timeframes, self._frame_weights)

    def history(self, timeframe: Timeframe) -> int:
        """Bars of `timeframe` after which everything computed from bars alone is ready."""
        bank = self._bars[timeframe].measures
        unkept = [f for f in self._factors if f.feed is Feed.TICKER]
        others = {id(measure) for f in unkept for measure in (*f.components, *f.modifiers)}
        measures: tuple[Measure, ...] = (*bank.components, *bank.modifiers)
        return max(measure.ready for measure in measures if id(measure) not in others)

    def warm_up(self, block: BarBlock) -> None:
        """Take a long block of closed bars of which only the state after the last is wanted."""
        bank = self._bars.get(block.timeframe)
        if bank is not None:
            t = block.open_ms.size
            chunk = max(_CHUNK, _COLUMNS // max(1, block.rows.size))
            for k in range(0, t, chunk):
                bank.step(block.part(slice(k, k + chunk)), wanted=int(k + chunk >= t))

    def step(self, block: BarBlock) -> None:
        """Step the bank of the block's timeframe by its closed bars."""
        self._bars[block.timeframe].step(block)

    def step_book(self, book: BookBlock, close_ms: int) -> None:
        """Take the book features of the base bar that closed at `close_ms`."""
        self._book.step(book, close_ms)

    def last(self, rows: Rows) -> dict[BankKey, Values]:
        """Where all measures of `rows` stand, [measure, n]; views, good until the next step."""
        values: dict[BankKey, Values] = {tf: bank.measures.last(rows) for tf, bank in self._bars.items()}
        values[None] = self._book.measures.last(rows)
        return values

    def short_volatility(self, values: Mapping[BankKey, Values]) -> Floats:
        """Volatility of the last hour in `values`, per bar of the regime's timeframe."""
        raw = values[self._short_timeframe].raw[self._of_short][0]
        return regime.rescaled(raw, self._short_timeframe, self.regime_timeframe)

    def close(self, rows: Rows) -> Floats:
        """Last base closes of `rows` [n]."""
        return self._bars[self.base].close(rows)

    def over(self, blocks: Mapping[Timeframe, BarBlock]) -> dict[BankKey, Values]:
        """Take a block of base bars and what closes with them; the values at each base close, [measure, t·n].

        A bar of a higher timeframe is seen from its close on, never before.
        """
        base = blocks[self.base]
        rows, (t, n) = as_rows(base.rows), base.close.shape
        closes = base.open_ms + self.base.ms
        values: dict[BankKey, Values] = {}
        for timeframe, bank in self._bars.items():
            last = bank.measures.last(rows)
            before = Values(last.raw.copy(), last.value.copy(), last.age.copy(), last.number.copy(), last.atr.copy())
            block = blocks.get(timeframe)
            if block is None or not block.open_ms.size:
                values[timeframe] = _spread(before, None, np.zeros(t, dtype=np.int64), n)
                continue
            closed = np.searchsorted(block.open_ms + timeframe.ms, closes, side="right")
            values[timeframe] = _spread(before, bank.step(block), closed, n)
        book = self._book.measures.last(rows)
        values[None] = _spread(book, None, np.zeros(t, dtype=np.int64), n)
        return values

    def memories(self) -> Iterator[Memory]:
        """Iterate over the memory of every bank, that of the order book last."""
        yield from self.bar_memories()
        yield self._book.memory

    def bar_memories(self) -> Iterator[Memory]:
        """Iterate over the memory of the banks of bars, one a timeframe."""
        yield from (bank.memory for bank in self._bars.values())


def _spread(before: Values, stepped: Values | None, closed: Ints, n: int) -> Values:
    """Values as they stood after `closed[k]` of the stepped bars, for each k, flattened to […, t·n]."""

    def along(first: Floats, then: Floats | None) -> Floats:
        stacked = first[..., None, :] if then is None else np.concatenate([first[..., None, :], then], axis=-2)
        taken = stacked[..., closed, :]
        return np.ascontiguousarray(taken.reshape(*taken.shape[:-2], closed.size * n))

    return Values(
        along(before.raw, None if stepped is None else stepped.raw),
        along(before.value, None if stepped is None else stepped.value),
        along(before.age, None if stepped is None else stepped.age),
        along(before.number, None if stepped is None else stepped.number),
        along(before.atr, None if stepped is None else stepped.atr),
    )


def _measures_of(factors: Sequence[Factor], feeds: set[Feed]) -> tuple[tuple[Component, ...], tuple[Modifier, ...]]:
    """Measures of the factors of `feeds`, those of bars first, so that they stand at the same places in every bank."""
    chosen = sorted((f for f in factors if f.feed in feeds), key=lambda factor: factor.feed is not Feed.BARS)
    return tuple(c for f in chosen for c in f.components), tuple(m for f in chosen for m in f.modifiers)

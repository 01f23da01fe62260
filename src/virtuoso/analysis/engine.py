"""The engine: owns the state of every component and turns one cut of the market into an evaluation."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from virtuoso.analysis import regime
from virtuoso.analysis.block import Memory, as_rows
from virtuoso.analysis.component import Component, Factor, Feed, Measure, Modifier
from virtuoso.analysis.evaluation import QUALITY_CODE, STALE, Codes, Evaluation
from virtuoso.analysis.factors import orderbook, technical, volume
from virtuoso.analysis.lane import BarLane, BookLane, Measures
from virtuoso.analysis.scoring import FactorSource, combine, score_factor
from virtuoso.analysis.signals import LabelRule, Labels
from virtuoso.market.panel import BarBlock, Cut, Floats, Ints
from virtuoso.model.errors import InvariantError
from virtuoso.model.quality import DataQuality
from virtuoso.model.timeframe import Timeframe

FACTORS: Mapping[str, Factor] = {f.name: f for f in (orderbook.FACTOR, volume.FACTOR, technical.FACTOR)}
"""The factors that are built, by name, with their default weights."""
TIMEFRAMES: Mapping[Timeframe, float] = {Timeframe.M1: 0.4, Timeframe.M5: 0.3, Timeframe.M30: 0.2, Timeframe.H4: 0.1}
"""Default timeframes, base first, with their weights."""


class Engine:
    """Scores all symbols at every base close. One thread alone may use it.

    Args:
        timeframes: weight of each timeframe; the shortest is the base.
        factor_weights: weight of each enabled factor, by name; `ValueError` for a factor that is not built.
        rule: when a score becomes a label.
    """

    def __init__(
        self,
        timeframes: Mapping[Timeframe, float] = TIMEFRAMES,
        factor_weights: Mapping[str, float] | None = None,
        rule: LabelRule | None = None,
    ) -> None:
        weights = factor_weights if factor_weights is not None else {f.name: f.weight for f in FACTORS.values()}
        unknown = set(weights) - set(FACTORS)
        if unknown or not weights or not timeframes:
            raise ValueError(f"factors {sorted(unknown)} are not built; there are {sorted(FACTORS)}")
        self.factors = tuple(replace(FACTORS[name], weight=weight) for name, weight in weights.items())
        self.timeframes = tuple(sorted(timeframes, key=lambda tf: tf.ms))
        self.base = self.timeframes[0]
        self._frame_weights = np.array([timeframes[tf] for tf in self.timeframes])
        self._regime_timeframe = regime.regime_timeframe(self.timeframes)
        self._lanes = {tf: BarLane(tf.ms, *self._bar_measures(tf)) for tf in self.timeframes}
        self._book = BookLane(self.base.ms, *_measures(self.factors, Feed.BOOK))
        self._sources = tuple(self._source(factor) for factor in self.factors)
        self._labels = Labels(rule or LabelRule())
        self._symbols: dict[int, str] = {}

    def _bar_measures(self, timeframe: Timeframe) -> tuple[tuple[Component, ...], tuple[Modifier, ...]]:
        components, modifiers = _measures(self.factors, Feed.BARS)
        return components, (*modifiers, *(regime.MEASURES if timeframe is self._regime_timeframe else ()))

    def history(self, timeframe: Timeframe) -> int:
        """Bars of `timeframe` after which everything computed from them is ready."""
        lane = self._lanes[timeframe].measures
        measures: tuple[Measure, ...] = (*lane.components, *lane.modifiers)
        return max(measure.ready for measure in measures)

    def add(self, symbol: str, row: int) -> None:
        """Watch `symbol` in `row`, as if the row had never been used."""
        for memory in self._memories():
            memory.reserve(row + 1)
        self.remove(row)
        self._symbols[row] = symbol

    def remove(self, row: int) -> None:
        """Forget everything about `row`."""
        self._symbols.pop(row, None)
        for memory in self._memories():
            if row < memory.capacity:
                memory.reset(slice(row, row + 1))

    def warm_up(self, blocks: Sequence[BarBlock]) -> None:
        """Take long blocks of closed bars; no scores, no labels. Bars already seen are ignored."""
        for block in blocks:
            if block.timeframe in self._lanes:
                self._lanes[block.timeframe].step(block)

    def step(self, cut: Cut) -> Evaluation:
        """Take one cut and score its symbols; closes before `cut.close_ms` (late bars) move their labels in order."""
        for symbol, row in zip(cut.symbols, cut.rows.tolist(), strict=True):
            if self._symbols.get(row) != symbol:
                raise InvariantError(f"row {row} was not added for {symbol}")
        qualities = _codes(cut.bar_quality), _codes(cut.tape_quality), _codes(cut.book_quality)
        for close_ms, rows in self._advance(cut):
            earlier = np.isin(cut.rows, rows)
            if close_ms < cut.close_ms and earlier.any():
                chosen = tuple(s for s, keep in zip(cut.symbols, earlier, strict=True) if keep)
                self._evaluate(close_ms, chosen, cut.rows[earlier], [q[earlier] for q in qualities])
        if cut.book is not None:
            self._book.step(cut.book, cut.close_ms)
        return self._evaluate(cut.close_ms, cut.symbols, cut.rows, qualities)

    def _advance(self, cut: Cut) -> Iterator[tuple[int, Ints]]:
        """Step all bars in the order of their closes; after each close yield it with the rows whose base bar it was."""
        pending = [
            (int(open_ms) + tf.ms, tf.ms, block, k)
            for tf, blocks in cut.bars.items()
            if tf in self._lanes
            for block in blocks
            for k, open_ms in enumerate(block.open_ms)
        ]
        pending.sort(key=lambda item: (item[0], -item[1]))
        closes = sorted({item[0] for item in pending})
        at = 0
        for close_ms in closes:
            based: list[Ints] = []
            while at < len(pending) and pending[at][0] == close_ms:
                _, _, block, k = pending[at]
                self._lanes[block.timeframe].step(_bar(block, k))
                if block.timeframe is self.base:
                    based.append(block.rows)
                at += 1
            if based:
                yield close_ms, np.concatenate(based)

    def _evaluate(
        self, close_ms: int, symbols: tuple[str, ...], row_numbers: Ints, qualities: Sequence[Codes]
    ) -> Evaluation:
        bar, tape, book = qualities
        rows = as_rows(row_numbers)
        factors = tuple(
            score_factor(source, close_ms, rows, bar, tape)
            if source.factor.feed is Feed.BARS
            else score_factor(source, close_ms, rows, book, tape)
            for source in self._sources
        )
        total = combine(factors)
        rule = self._labels.rule
        score = 50.0 * (1.0 + total.confluence.x)
        allowed = (total.coverage >= rule.min_coverage) & (total.quality < STALE)
        frame = self._lanes[self._regime_timeframe].measures
        measures = frame.raw(rows)[-len(regime.MEASURES) :]
        return Evaluation(
            close_ms=close_ms,
            symbols=symbols,
            score=score,
            label=self._labels.step(rows, score, allowed),
            confidence=total.confidence,
            coverage=total.coverage,
            consensus=total.consensus,
            disagreement=total.disagreement,
            quality=total.quality,
            factors=factors,
            confluence=total.confluence,
            regimes=regime.classify(measures, frame.age(rows).copy(), self._regime_timeframe),
            rule=rule,
        )

    def _source(self, factor: Factor) -> FactorSource:
        if factor.feed is Feed.BOOK:
            return FactorSource.of(factor, {None: self._book.measures}, np.ones(1), self.base.ms)
        lanes: dict[Timeframe | None, Measures] = {tf: self._lanes[tf].measures for tf in self.timeframes}
        return FactorSource.of(factor, lanes, self._frame_weights, self.base.ms)

    def _memories(self) -> Iterator[Memory]:
        yield from (lane.memory for lane in self._lanes.values())
        yield self._book.memory
        yield self._labels.memory

    def state(self) -> dict[str, dict[str, Floats]]:
        """Copies of all arrays that the engine remembers, by lane."""
        return {str(i): memory.state() for i, memory in enumerate(self._memories())}

    def load(self, state: Mapping[str, Mapping[str, Floats]]) -> None:
        """Continue from `state`; raises `ValueError` when it was saved by an engine of another make."""
        memories = list(self._memories())
        if len(state) != len(memories):
            raise ValueError("the saved state belongs to other timeframes")
        for i, memory in enumerate(memories):
            memory.load(state[str(i)])


def _measures(factors: Sequence[Factor], feed: Feed) -> tuple[tuple[Component, ...], tuple[Modifier, ...]]:
    chosen = [factor for factor in factors if factor.feed is feed]
    return tuple(c for f in chosen for c in f.components), tuple(m for f in chosen for m in f.modifiers)


def _codes(qualities: Sequence[DataQuality]) -> Codes:
    return np.array([QUALITY_CODE[quality] for quality in qualities], dtype=np.int64)


def _bar(block: BarBlock, k: int) -> BarBlock:
    """Bar `k` of a block, alone."""
    if block.open_ms.size == 1:
        return block
    one = slice(k, k + 1)
    return replace(
        block,
        open_ms=block.open_ms[one],
        open=block.open[one],
        high=block.high[one],
        low=block.low[one],
        close=block.close[one],
        volume=block.volume[one],
        turnover=block.turnover[one],
        buy_volume=block.buy_volume[one],
    )

"""Bars of files through the same banks, factors, confluence and labels as live, block by block."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from virtuoso.analysis.component import Feed
from virtuoso.analysis.engine import FACTORS, Engine
from virtuoso.analysis.history import History
from virtuoso.analysis.signals import LabelRule
from virtuoso.market.panel import BAR_FIELDS, BarBlock
from virtuoso.model.evidence import Evidence
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.scored import Readings, ScoredBlock
from virtuoso.research.seams import Seam

_BASE = Timeframe.M1
_NONE_BEGUN: Mapping[int, Sequence[int]] = {}
_COLUMNS = 8_192
"""Symbols × minutes that are scored at once."""


def fed_by_bars(weights: Mapping[str, float], *, taker_sides: bool) -> dict[str, float]:
    """Those of the enabled factors that a file of bars can feed: order flow needs taker sides."""
    feeds = {Feed.BARS, Feed.TAPE} if taker_sides else {Feed.BARS}
    return {name: weight for name, weight in weights.items() if FACTORS[name].feed in feeds}


class Backtest:
    """Scores blocks of 1m bars in the order of time.

    Args:
        symbols: the columns of every block.
        timeframes: weight of each timeframe.
        factor_weights: weight of each factor that the data can feed.
        rule: when a score becomes a label.
        taker_sides: whether the data has taker-buy volumes.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        timeframes: Mapping[Timeframe, float],
        factor_weights: Mapping[str, float],
        rule: LabelRule,
        *,
        taker_sides: bool = False,
    ) -> None:
        self._evidence = Evidence.BARS | Evidence.SIDES if taker_sides else Evidence.BARS
        self._symbols = tuple(symbols)
        self._engine = Engine(timeframes, factor_weights, rule)
        self.readings = Readings.of(symbols, self._engine.factors, self._engine.timeframes)
        self._higher = self._engine.timeframes[1:]
        self._longest = self._engine.timeframes[-1].minutes
        for row, symbol in enumerate(self._symbols):
            self._engine.add(symbol, row)

    def score(self, block: BarBlock, seams: Sequence[Seam] = ()) -> Iterator[ScoredBlock]:
        """Score a block whose first bar follows the last one of the block before; the pieces come in order.

        A symbol with one of `seams` in the block begins anew there, as one that was not seen before.
        """
        for history in self.histories(block, seams):
            yield ScoredBlock.of(history, self.readings)

    def histories(self, block: BarBlock, seams: Sequence[Seam] = ()) -> Iterator[History]:
        """The same with everything behind the scores."""
        base = aligned(block, self._longest)
        first_ms = int(base.open_ms[0])
        begun: dict[int, list[int]] = defaultdict(list)
        for seam in seams:
            if first_ms <= seam.open_ms < first_ms + base.open_ms.size * _BASE.ms:
                begun[(seam.open_ms - first_ms) // _BASE.ms].append(seam.column)
        higher = {timeframe: aggregated(base, timeframe, begun) for timeframe in self._higher}
        step = max(1, _COLUMNS // max(1, len(self._symbols)))
        edges = sorted({*range(0, base.open_ms.size, step), *begun, base.open_ms.size})
        for start, stop in pairwise(edges):
            for column in begun.get(start, ()):
                self._engine.add(self._symbols[column], column)  # as if it had never been there
            blocks = {_BASE: base.part(slice(start, stop))}
            for timeframe, bars in higher.items():
                closed = slice(start // timeframe.minutes, stop // timeframe.minutes)
                if closed.stop > closed.start:
                    blocks[timeframe] = bars.part(closed)
            yield self._engine.score_blocks(blocks, self._evidence)


def aligned(block: BarBlock, minutes: int) -> BarBlock:
    """The block with missing (`nan`) minutes before it, so that it begins on a boundary of `minutes`."""
    lacking = int(block.open_ms[0]) // _BASE.ms % minutes
    if not lacking:
        return block
    begin = int(block.open_ms[0]) - lacking * _BASE.ms
    hole = np.full((lacking, block.rows.size), np.nan)
    opens = begin + _BASE.ms * np.arange(lacking + block.open_ms.size, dtype=np.int64)
    values: dict[str, Any] = {name: np.concatenate([hole, getattr(block, name)]) for name in BAR_FIELDS}
    return replace(block, open_ms=opens, **values)


def aggregated(base: BarBlock, timeframe: Timeframe, begun: Mapping[int, Sequence[int]] = _NONE_BEGUN) -> BarBlock:
    """The whole bars of a higher timeframe, from minutes on its boundary; one missing minute is a missing bar.

    So is one within which a symbol begins anew: `begun` are columns by the index of the minute.
    """
    k = timeframe.minutes
    t, n = base.open_ms.size // k, base.rows.size
    fold = {name: getattr(base, name)[: t * k].reshape(t, k, n) for name in BAR_FIELDS}
    whole = np.where(np.isfinite(fold["close"]).all(axis=1), 1.0, np.nan)
    for minute, columns in begun.items():
        if minute % k and minute // k < t:
            whole[minute // k, list(columns)] = np.nan
    return BarBlock(
        timeframe=timeframe,
        rows=base.rows,
        open_ms=base.open_ms[: t * k : k],
        open=fold["open"][:, 0] * whole,
        high=np.maximum.reduce(fold["high"], axis=1) * whole,
        low=np.minimum.reduce(fold["low"], axis=1) * whole,
        close=fold["close"][:, -1] * whole,
        volume=np.add.reduce(fold["volume"], axis=1) * whole,
        turnover=np.add.reduce(fold["turnover"], axis=1) * whole,
        buy_volume=np.add.reduce(fold["buy_volume"], axis=1) * whole,
    )

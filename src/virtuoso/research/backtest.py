"""Bars of files through the same lanes, factors, confluence and labels as live, block by block."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from virtuoso.analysis.component import Feed
from virtuoso.analysis.engine import FACTORS, Engine
from virtuoso.analysis.history import History
from virtuoso.analysis.signals import LabelRule
from virtuoso.market.panel import BAR_FIELDS, BarBlock
from virtuoso.model.evidence import Evidence
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.scored import ScoredBlock

_BASE = Timeframe.M1
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
        self._higher = self._engine.timeframes[1:]
        self._longest = self._engine.timeframes[-1].minutes
        for row, symbol in enumerate(self._symbols):
            self._engine.add(symbol, row)

    def score(self, block: BarBlock) -> Iterator[ScoredBlock]:
        """Score a block whose first bar follows the last one of the block before; the pieces come in order."""
        for history in self.histories(block):
            yield ScoredBlock(
                close_ms=history.close_ms,
                symbols=self._symbols,
                present=history.present,
                label=history.label,
                standing=history.standing,
                score=history.score,
                confidence=history.confidence,
                coverage=history.coverage,
                factors=history.factors,
            )

    def histories(self, block: BarBlock) -> Iterator[History]:
        """The same with everything behind the scores."""
        base = aligned(block, self._longest)
        higher = {timeframe: aggregated(base, timeframe) for timeframe in self._higher}
        step = max(1, _COLUMNS // max(1, len(self._symbols)))
        for start in range(0, base.open_ms.size, step):
            stop = min(start + step, base.open_ms.size)
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


def aggregated(base: BarBlock, timeframe: Timeframe) -> BarBlock:
    """The whole bars of a higher timeframe, from minutes on its boundary; one missing minute is a missing bar."""
    k = timeframe.minutes
    t, n = base.open_ms.size // k, base.rows.size
    fold = {name: getattr(base, name)[: t * k].reshape(t, k, n) for name in BAR_FIELDS}
    whole = np.where(np.isfinite(fold["close"]).all(axis=1), 1.0, np.nan)
    return BarBlock(
        timeframe=timeframe,
        rows=base.rows,
        open_ms=base.open_ms[: t * k : k],
        open=fold["open"][:, 0] * whole,
        high=np.maximum.reduce(fold["high"], axis=1),
        low=np.minimum.reduce(fold["low"], axis=1),
        close=fold["close"][:, -1] * whole,
        volume=np.add.reduce(fold["volume"], axis=1),
        turnover=np.add.reduce(fold["turnover"], axis=1),
        buy_volume=np.add.reduce(fold["buy_volume"], axis=1),
    )

"""Scores bars of files by the same banks, factors, confluence and bands as live, block by block."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from virtuoso.analysis.bands import BandRule
from virtuoso.analysis.component import Feed
from virtuoso.analysis.engine import FACTORS, Engine
from virtuoso.analysis.history import History
from virtuoso.market.panel import BarBlock, Ints
from virtuoso.model.evidence import Evidence
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.folding import Begun, Lengths, aggregated, aligned, filled
from virtuoso.research.scored import Readings, ScoredBlock
from virtuoso.research.seams import Seam

_NO_PAST: Mapping[Timeframe, BarBlock] = {}
_COLUMNS = 8_192
"""Symbols × closes that are scored at once."""


def fed_by_bars(weights: Mapping[str, float], *, taker_sides: bool) -> dict[str, float]:
    """List the enabled factors that a file of bars can feed: order flow needs taker sides."""
    feeds = {Feed.BARS, Feed.TAPE} if taker_sides else {Feed.BARS}
    return {name: weight for name, weight in weights.items() if FACTORS[name].feed in feeds}


class Backtest:
    """Scores blocks of bars in the order of time.

    Args:
        symbols: the columns of every block.
        timeframes: weight of each timeframe, all of them multiples of the bars' length; the shortest is the base.
        factor_weights: weight of each factor that the data can feed.
        rule: when a score becomes a band.
        taker_sides: whether the data has taker-buy volumes.
        since_ms: from when on each symbol's bars are those to score [n] (epoch ms); what is before is taken and has no
            readings. `None`: all are.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        timeframes: Mapping[Timeframe, float],
        factor_weights: Mapping[str, float],
        rule: BandRule,
        *,
        taker_sides: bool = False,
        since_ms: Ints | None = None,
    ) -> None:
        self._evidence = Evidence.BARS | Evidence.SIDES if taker_sides else Evidence.BARS
        self._symbols = tuple(symbols)
        self._engine = Engine(timeframes, factor_weights, rule)
        self.readings = Readings.of(symbols, self._engine.factors, self._engine.timeframes)
        self.base = self._engine.base
        self._longest = self._engine.timeframes[-1].minutes
        self._since_ms = np.zeros(len(self._symbols), np.int64) if since_ms is None else since_ms
        self._has_begun = False
        for row, symbol in enumerate(self._symbols):
            self._engine.add(symbol, row)

    def score(
        self, block: BarBlock, seams: Sequence[Seam] = (), past: Mapping[Timeframe, BarBlock] = _NO_PAST
    ) -> Iterator[ScoredBlock]:
        """Score a block whose first bar follows the last one of the block before; the pieces come in order.

        A symbol with one of `seams` in the block begins anew there, as one that was not seen before. `past` are bars
        of other lengths, from where the block begins on: they are taken where no whole bar can be made of the block.
        """
        for history in self.histories(block, seams, past):
            yield ScoredBlock.of(history, self.readings)

    def histories(
        self, block: BarBlock, seams: Sequence[Seam] = (), past: Mapping[Timeframe, BarBlock] = _NO_PAST
    ) -> Iterator[History]:
        """Score a block, and return everything behind the scores too."""
        bars = aligned(block, self._longest)
        begun = _begun(bars, seams)
        lengths = Lengths(bars, past, begun)
        base = self._base(bars, lengths, begun)
        higher = {timeframe: lengths.of(timeframe) for timeframe in self._engine.timeframes[1:]}
        if not self._has_begun and np.isnan(base.close).all():
            self._engine.warm_up([bars for bars in higher.values() if bars is not None])
            return
        self._has_begun = True
        k = self.base.minutes // bars.timeframe.minutes
        anew: dict[int, list[int]] = defaultdict(list)
        for index, columns in begun.items():
            anew[-(-index // k)] += columns
        t, step = base.open_ms.size, max(1, _COLUMNS // max(1, len(self._symbols)))
        for start, stop in pairwise(sorted({*range(0, t, step), *(index for index in anew if index < t), t})):
            for column in anew.get(start, ()):
                self._engine.add(self._symbols[column], column)  # as if it had never been there
            yield self._scored(base, higher, start, stop)

    def _scored(self, base: BarBlock, higher: Mapping[Timeframe, BarBlock | None], start: int, stop: int) -> History:
        """Score these bars of the base, with the longer ones that close with them."""
        blocks = {self.base: base.part(slice(start, stop))}
        for timeframe, bars in higher.items():
            k = timeframe.minutes // self.base.minutes
            closed = slice(start // k, stop // k)
            if bars is not None and closed.stop > closed.start:
                blocks[timeframe] = bars.part(closed)
        history = self._engine.score_blocks(blocks, self._evidence)
        own = blocks[self.base].open_ms[:, None] >= self._since_ms
        return history if own.all() else replace(history, present=history.present & own)

    def _base(self, bars: BarBlock, lengths: Lengths, begun: Begun) -> BarBlock:
        """Join base bars: from where a symbol has bars to score on those alone, before that whatever is known."""
        own, known = aggregated(bars, self.base, begun), lengths.of(self.base)
        return own if known is None else filled(own, known, own.open_ms[:, None] < self._since_ms)


def _begun(bars: BarBlock, seams: Sequence[Seam]) -> dict[int, list[int]]:
    """Find the columns of the seams within these bars, by the index of the bar."""
    found: dict[int, list[int]] = defaultdict(list)
    first_ms = int(bars.open_ms[0])
    for seam in seams:
        if first_ms <= seam.open_ms < first_ms + bars.open_ms.size * bars.timeframe.ms:
            found[(seam.open_ms - first_ms) // bars.timeframe.ms].append(seam.column)
    return dict(found)

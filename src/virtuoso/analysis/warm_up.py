"""Warm-up: long blocks of closed bars of which the last closes are scored, so that a new symbol has a past."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from virtuoso.analysis.bands import BandRule
from virtuoso.analysis.banks import Banks
from virtuoso.analysis.block import as_rows
from virtuoso.analysis.history import bar_scores, whole_bars
from virtuoso.analysis.percentile import WARM_CLOSES, ScorePast
from virtuoso.market.panel import BarBlock
from virtuoso.model.timeframe import Timeframe

_COLUMNS = 8_192
"""Symbols × closes that are scored at once."""


def warm_up(banks: Banks, past: ScorePast, rule: BandRule, blocks: Sequence[BarBlock], attainable: float) -> None:
    """Take long blocks of closed bars; the scores of the last closes that are not counted yet go into the past.

    They are scored from bars alone, as of each close, where the evidence of bars (`attainable` in all) is there.
    """
    for group in _alike(banks, blocks):
        base = group.get(banks.base)
        if base is None:
            for block in group.values():
                banks.warm_up(block)
            continue
        rows, t = as_rows(base.rows), base.open_ms.size
        known = int(np.searchsorted(base.open_ms + banks.base.ms, past.until_ms(rows), side="right"))
        first = max(0, t - WARM_CLOSES, known)
        higher = {timeframe: block for timeframe, block in group.items() if timeframe is not banks.base}
        taken = dict.fromkeys(higher, 0)
        banks.warm_up(base.part(slice(0, first)))
        if first:
            for block in _closed(higher, taken, int(base.open_ms[first - 1]) + banks.base.ms).values():
                banks.warm_up(block)
        step = max(1, _COLUMNS // base.rows.size)
        for begin in range(first, t, step):
            part = base.part(slice(begin, min(t, begin + step)))
            closes = part.open_ms + banks.base.ms
            _, total = bar_scores(banks, {banks.base: part, **_closed(higher, taken, int(closes[-1]))})
            score, coverage = (each.reshape(part.close.shape) for each in (total.confluence.x, total.coverage))
            enough = whole_bars(part) & rule.covered(coverage, np.full(base.rows.size, attainable))
            past.learn(rows, np.where(enough, 50.0 * (1.0 + score), np.nan), closes)
        for timeframe, block in higher.items():
            banks.warm_up(block.part(slice(taken[timeframe], None)))


def _closed(
    higher: Mapping[Timeframe, BarBlock], taken: dict[Timeframe, int], until_ms: int
) -> dict[Timeframe, BarBlock]:
    """The next bars of each higher timeframe that close by `until_ms`; `taken` goes on by them."""
    found = {}
    for timeframe, block in higher.items():
        first = taken[timeframe]
        taken[timeframe] = int(np.searchsorted(block.open_ms + timeframe.ms, until_ms, side="right"))
        if taken[timeframe] > first:
            found[timeframe] = block.part(slice(first, taken[timeframe]))
    return found


def _alike(banks: Banks, blocks: Sequence[BarBlock]) -> Iterator[dict[Timeframe, BarBlock]]:
    """The blocks of the rows which stand in the same ones, of all timeframes, with the same columns."""
    ours = [block for block in blocks if block.timeframe in banks.timeframes]
    of_row: dict[int, list[int]] = defaultdict(list)
    for place, block in enumerate(ours):
        for row in block.rows.tolist():
            of_row[row].append(place)
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for row, within in of_row.items():
        groups[tuple(within)].append(row)
    for places, rows in groups.items():
        found: dict[Timeframe, BarBlock] = {}
        for place in places:
            block = ours[place]
            columns = np.array([block.rows.tolist().index(row) for row in rows], dtype=np.int64)
            found[block.timeframe] = block if np.array_equal(block.rows, rows) else block.part(slice(None), columns)
        yield found

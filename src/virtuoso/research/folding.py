"""Folds bars of longer timeframes from shorter ones, or takes them from files where there are no shorter ones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from virtuoso.market.panel import BAR_FIELDS, BarBlock
from virtuoso.model.timeframe import Timeframe

Begun = Mapping[int, Sequence[int]]
"""Columns of symbols that begin anew, by the index of the bar with which they do."""
_NONE_BEGUN: Begun = {}


def aligned(block: BarBlock, minutes: int) -> BarBlock:
    """Put missing (`nan`) bars before a block, so that it begins on a boundary of `minutes`."""
    bar_ms = block.timeframe.ms
    lacking = int(block.open_ms[0]) // bar_ms % (minutes // block.timeframe.minutes)
    if not lacking:
        return block
    begin = int(block.open_ms[0]) - lacking * bar_ms
    hole = np.full((lacking, block.rows.size), np.nan)
    opens = begin + bar_ms * np.arange(lacking + block.open_ms.size, dtype=np.int64)
    values: dict[str, Any] = {name: np.concatenate([hole, getattr(block, name)]) for name in BAR_FIELDS}
    return replace(block, open_ms=opens, **values)


def aggregated(base: BarBlock, timeframe: Timeframe, begun: Begun = _NONE_BEGUN) -> BarBlock:
    """Fold the whole bars of a longer timeframe; one missing bar is a missing longer one.

    So is one within which a symbol begins anew: `begun` are columns by the index of the shorter bar.
    """
    k = timeframe.minutes // base.timeframe.minutes
    if k == 1:
        return base
    t, n = base.open_ms.size // k, base.rows.size
    fold = {name: getattr(base, name)[: t * k].reshape(t, k, n) for name in BAR_FIELDS}
    whole = np.where(np.isfinite(fold["close"]).all(axis=1), 1.0, np.nan)
    for index, columns in begun.items():
        if index % k and index // k < t:
            whole[index // k, list(columns)] = np.nan
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


def filled(bars: BarBlock, others: BarBlock, where: NDArray[np.bool_] | None = None) -> BarBlock:
    """`bars`, and where one is missing (and `where` [t, n] allows it) that of `others`, which begin with them."""
    t = bars.open_ms.size
    takes = np.isnan(bars.close) & np.isfinite(others.close[:t])
    if where is not None:
        takes &= where
    if not takes.any():
        return bars
    values: dict[str, Any] = {n: np.where(takes, getattr(others, n)[:t], getattr(bars, n)) for n in BAR_FIELDS}
    return replace(bars, **values)


class Lengths:
    """Bars of several lengths over one window; a bar is made of the shortest ones that have it whole.

    Args:
        bars: those that are scored, on the boundary of every timeframe that is asked for.
        past: what files tell of other lengths, by length, from the same boundary on.
        begun: symbols that begin anew, by the index of a bar of `bars`.
    """

    def __init__(self, bars: BarBlock, past: Mapping[Timeframe, BarBlock], begun: Begun = _NONE_BEGUN) -> None:
        self._bars = bars
        self._begun = begun
        self._known = {bars.timeframe: bars}
        for length in sorted(past, key=lambda each: each.ms):
            made = self.of(length)
            self._known[length] = past[length] if made is None else self._unmixed(filled(made, past[length]))

    def of(self, timeframe: Timeframe) -> BarBlock | None:
        """Return all bars of a timeframe; `None` when none of the lengths divides it."""
        found: BarBlock | None = None
        for length, bars in self._known.items():
            if timeframe.ms % length.ms == 0:
                made = aggregated(bars, timeframe)
                found = made if found is None else filled(found, made)
        return None if found is None else self._unmixed(found)

    def _unmixed(self, bars: BarBlock) -> BarBlock:
        """Drop the bars within which a symbol begins anew, whatever file has them."""
        k = bars.timeframe.minutes // self._bars.timeframe.minutes
        inside = {index // k: columns for index, columns in self._begun.items() if k > 1 and index % k}
        if not inside:
            return bars
        values = {name: getattr(bars, name).copy() for name in BAR_FIELDS}
        for at, columns in inside.items():
            for array in values.values():
                array[at : at + 1, list(columns)] = np.nan
        return replace(bars, **values)

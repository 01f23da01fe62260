"""What followed a base close: the return from the next bar's open, and the highest and lowest price on the way.

The entry is the open of the bar after the close, so that nothing is bought at a price that was gone when it was known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from virtuoso.analysis.block import Memory, Rows
from virtuoso.analysis.forecast.lags import Lags, Rolling
from virtuoso.market.panel import BarBlock, Floats


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Log returns to the entry [k, t, n], one row a horizon: of the last close, the highest high and the lowest low.

    `nan` where any bar of the way, or any of its prices, is missing.
    """

    close: Floats
    high: Floats
    low: Floats


class OutcomeTracker:
    """Says at each base close what followed of the close that lies a horizon back: so it is known when it is said.

    Args:
        memory: where the state of the rows is kept.
        bars: the horizons in base bars, ascending, each a multiple of the one before.
        dtype: of the prices that are kept; single precision is a thousandth of a basis point.
    """

    def __init__(self, memory: Memory, bars: Sequence[int], dtype: DTypeLike = np.float64) -> None:
        self._bars = tuple(bars)
        self._open = Lags(memory, bars[-1], dtype)
        self._high, self._low = (Rolling(memory, extreme, bars, dtype) for extreme in (np.maximum, np.minimum))

    def step(self, number: int, rows: Rows, block: BarBlock) -> Outcomes:
        """Take the bars of `block` [t, n], the first being bar `number` of its timeframe, without a gap since the last.

        Entry [k, t, n] of the answer is what followed of the close `bars[k]` before: the entry is that bar's next open.
        """
        whole = np.isfinite(block.open + block.high + block.low + block.close)
        opened, high, low = (np.where(whole, x, np.nan) for x in (block.open, block.high, block.low))
        entries = np.stack(self._open.step(number, rows, opened, [bars - 1 for bars in self._bars])).astype(np.float64)
        close = np.broadcast_to(np.where(whole, block.close, np.nan), entries.shape)
        highest, lowest = self._high.step(number, rows, high), self._low.step(number, rows, low)
        with np.errstate(all="ignore"):
            # the extremes are nan where any bar is missing, the close is not: the gap may lie between
            return Outcomes(
                np.log(close / entries) + 0.0 * highest, np.log(highest / entries), np.log(lowest / entries)
            )


def following(block: BarBlock, bars: Sequence[int]) -> Outcomes:
    """What followed each close of a block [k, t, n] within the block itself; `nan` where its horizon ends beyond it."""
    n = block.close.shape[1]
    memory = Memory()
    tracker = OutcomeTracker(memory, bars)
    memory.reserve(n)
    known = tracker.step(0, slice(0, n), block)
    return Outcomes(*(_moved_back(x, bars) for x in (known.close, known.high, known.low)))


def _moved_back(known: Floats, bars: Sequence[int]) -> Floats:
    out: Floats = np.full(known.shape, np.nan)
    for k, ahead in enumerate(bars):
        out[k, :-ahead] = known[k, ahead:]
    return out

"""What a round trip costs: two taker fees, the spread, walking the book, and funding where a settlement lies inside."""

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.block import Memory, Rows, as_rows
from virtuoso.analysis.forecast.consecutive import Consecutive
from virtuoso.analysis.forecast.hours import HourlyMeans
from virtuoso.analysis.forecast.lags import Lags, Rolling
from virtuoso.market.panel import BarBlock, BookBlock, Floats, Ints
from virtuoso.model.timeframe import Timeframe

GATE_COST_BP = 12.0
"""The cost by which forecasts are judged on files of bars."""
TAKER_FEE_BP = 5.5
"""Bybit's taker fee of a linear contract without a discount; it is paid twice."""
_TICK_MINUTES = (15, 60, 240)
_SPREAD_HOURS = 24
_GAP_BARS = 1_440
"""After a gap so long the spread is learnt anew."""


def book_cost_bp(book: BookBlock, size: float) -> Floats:
    """Spread and walking the book [n] for buying and selling `size` quote units at once, in basis points of the mid.

    `nan` where a side's levels hold less, or the book was not seen.
    """
    with np.errstate(all="ignore"):
        mid = 0.5 * (book.bid_price[:, 0] + book.ask_price[:, 0])
        bought = _mean_price(book.ask_price, book.ask_size, size)
        sold = _mean_price(book.bid_price, book.bid_size, size)
        cost: Floats = 1e4 * (bought - sold) / mid
    return cost


def _mean_price(prices: Floats, sizes: Floats, size: float) -> Floats:
    """Mean price [n] (quote value over base units) of filling `size` from levels [n, k]; `nan` when they run out."""
    value = prices * sizes
    filled = np.cumsum(value, axis=1)
    before = np.concatenate([np.zeros((len(value), 1)), filled[:, :-1]], axis=1)
    # levels behind the one that fills the size may be unknown
    after = np.logical_or.accumulate(before >= size, axis=1)
    base = np.where(after, 0.0, np.minimum(size - before, value) / prices).sum(axis=1)
    out: Floats = np.where((filled >= size).any(axis=1), size / base, np.nan)
    return out


def funding_bp(
    rate: Floats, settlement_ms: Floats | Ints, interval_h: Floats, entry_ms: int, minutes: int
) -> Floats:  # fmt: skip
    """What a long pays and a short receives [n], in basis points: `rate` at each settlement that lies inside.

    `rate` [n] is a fraction per settlement, `settlement_ms` [n] the next one (epoch ms), `interval_h` [n] the hours to
    the one after it; inside is after the entry and by its horizon of `minutes`. The rate of the next one, the only one
    foreseen, stands for those after it. Where rate or settlement is unknown (`nan`), as on spot, none is known to lie
    inside; where the interval is, at most one.
    """
    left_ms = entry_ms + minutes * Timeframe.M1.ms - settlement_ms
    inside = (settlement_ms > entry_ms) & (left_ms >= 0) & np.isfinite(rate)
    more = np.zeros(rate.shape)
    known = inside & (interval_h > 0)
    np.floor_divide(left_ms, interval_h * Timeframe.H1.ms, out=more, where=known)
    return np.where(inside, 1e4 * rate * (1.0 + more), 0.0)


class BarCosts:
    """Cost of a round trip [t, n] where only bars are known: two taker fees and a stated proxy of the spread.

    The proxy is Abdi & Ranaldo's (2017), s² = 4·E[(c − η)(c − η₊)], c the log close and η, η₊ the log mid-ranges of its
    bar and the next, over the last 24 hours (known after one), and at least one tick, the least step between the prices
    of the last four hours. Walking the book cannot be seen in bars and is not in it.

    Args:
        memory: where the state of the rows is kept.
        base: the timeframe of the bars.
        fee_bp: one taker fee.
    """

    def __init__(self, memory: Memory, base: Timeframe, fee_bp: float = TAKER_FEE_BP) -> None:
        self._fee_bp = fee_bp
        self._previous = Lags(memory, 1)
        self._middle = Lags(memory, 1)
        self._covariance = HourlyMeans(memory, Timeframe.H1.minutes // base.minutes, (_SPREAD_HOURS,), (1,))
        self._tick = TickFinder(memory, base)

    def step(self, number: int, rows: Rows, block: BarBlock) -> Floats:
        """Take the bars of `block`, the first being bar `number`, without a gap; the cost at each close [t, n], bp."""
        with np.errstate(all="ignore"):
            middle = 0.5 * (np.log(block.high) + np.log(block.low))
            close = np.log(block.close)
            (before,) = self._previous.step(number, rows, close, [1])
            (earlier,) = self._middle.step(number, rows, middle, [1])
            (mean,) = self._covariance.step(number, rows, 4.0 * (before - earlier) * (before - middle))
            tick = self._tick.step(number, rows, block) / block.close
            cost: Floats = 2.0 * self._fee_bp + 1e4 * np.fmax(np.sqrt(np.maximum(mean, 0.0)), tick)
        return cost


class CloseCosts:
    """Cost of a round trip at each close: of the book where it was seen and holds the size, else by `BarCosts`.

    Args:
        base: the timeframe of the bars.
        size: quote units for which the book is walked.
        fee_bp: one taker fee.
    """

    def __init__(self, base: Timeframe, size: float, fee_bp: float = TAKER_FEE_BP) -> None:
        self.memory = Memory()
        self._size, self._fee_bp = size, fee_bp
        self._costs = BarCosts(self.memory, base, fee_bp)
        self._consecutive = Consecutive(self.memory, base, _GAP_BARS)

    def step(self, block: BarBlock, book: BookBlock | None = None, seen: NDArray[np.bool_] | None = None) -> Floats:
        """The costs [t, n], basis points; by bars alone, those that were seen already answer `nan`.

        Args:
            block: bars [t, n].
            book: the books at the last close, in the order of their own rows; `None` where none is known.
            seen: where a book is to be believed, in that order.
        """
        out = np.full(block.close.shape, np.nan)
        for part in self._consecutive.parts(block):
            costs = self._costs.step(part.number, as_rows(part.block.rows), part.block)
            if not part.missed:
                out[part.skip :, part.columns] = costs
        if book is not None and seen is not None:
            walked = self._walked(block.rows, book, seen)
            out[-1] = np.where(np.isfinite(walked), 2.0 * self._fee_bp + walked, out[-1])
        return out

    def _walked(self, rows: Ints, book: BookBlock, seen: NDArray[np.bool_]) -> Floats:
        """Spread and walking the book [n], bp; `nan` where it was not seen, or holds less than the size."""
        costs = np.where(seen, book_cost_bp(book, self._size), np.nan)
        by_row = dict(zip(book.rows.tolist(), costs.tolist(), strict=True))
        return np.array([by_row.get(row, np.nan) for row in rows.tolist()])


class TickFinder:
    """The least step between prices seen in the last four hours: open, high, low and close of one bar, and closes."""

    def __init__(self, memory: Memory, base: Timeframe) -> None:
        self._close = Lags(memory, 1)
        self._least = Rolling(memory, np.fmin, [m // base.minutes for m in _TICK_MINUTES], np.float32)

    def step(self, number: int, rows: Rows, block: BarBlock) -> Floats:
        """Take the bars of `block` from `number` on; the least step [t, n] in quote units, `nan` where none is seen."""
        (before,) = self._close.step(number, rows, block.close, [1])
        steps = np.abs(
            np.stack([block.close - before, block.open - before, block.high - block.low, block.close - block.open])
        )
        least = np.fmin.reduce(np.where(steps > 0.0, steps, np.nan), axis=0)
        found: Floats = self._least.step(number, rows, least)[-1]
        return found

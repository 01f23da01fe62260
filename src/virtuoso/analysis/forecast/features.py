"""What forecasts are made from: realised volatility over minutes, hours, a day and a week, and what came of prices.

Minutes and hours are read from base bars, day and week from bars of 5m, so that what a live start can fetch suffices.
"""

from dataclasses import dataclass

import numpy as np

from virtuoso.analysis.block import Memory, Rows
from virtuoso.analysis.forecast.costs import TickFinder
from virtuoso.analysis.forecast.horizons import CHANCE_HORIZONS_MIN, HORIZONS_MIN, bars_ahead
from virtuoso.analysis.forecast.hours import HourlyMeans
from virtuoso.analysis.forecast.lags import Rolling
from virtuoso.analysis.forecast.outcomes import Outcomes, OutcomeTracker
from virtuoso.analysis.forecast.quantiles import WeekOfMoves
from virtuoso.market.panel import BarBlock, Floats, Ints
from virtuoso.model.timeframe import Timeframe

BASES = (Timeframe.M1, Timeframe.M5)
"""Base timeframes that forecasts can be made from."""
LONG = Timeframe.M5
"""The timeframe that day and week are read from."""
SHORT_MIN = (5, 15, 60, 240)
LONG_HOURS = (24, 168)
SPANS = len(SHORT_MIN) + len(LONG_HOURS)
_LEAST_HOURS = (12, 24)
"""A day's volatility is known after half of one, a week's after a day: a new listing need not wait for a week."""
LARGE = 0.8
"""A move is large beyond this quantile of the symbol's own |returns| of the last seven days."""
_WEEK_BARS = 2_016
WEEK_BARS = _WEEK_BARS + 12
"""Bars of `LONG` that are ever used: a week of moves over an hour."""
_PER_HOUR = 12
_RANGE = 4.0 * np.log(2.0)
"""E[(ln high/low)²] over the variance, of a Brownian motion (Parkinson, 1980)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What is known at t closes of n symbols, `nan` for unknown."""

    volatility: Floats
    """Log of the volatility per √minute [6, t, n] over 5, 15, 60, 240 minutes, a day and a week, from bars' ranges."""
    realised: Floats
    """Log realised volatility [3, t, n] over the last 15, 60, 240 minutes: the root of the sum of squared returns."""
    outcomes: Outcomes
    """What came of the close 15, 60, 240 minutes before [3, t, n]."""
    threshold: Floats
    """What `LARGE` of the own |returns| over 15 and 60 minutes in the last seven days did not exceed [2, t, n]."""
    beyond: Floats
    """The share of those |returns| that did [2, t, n]: less than 1 − `LARGE` where many are alike."""


class FeatureState:
    """Steps the features of rows that step together; nothing reaches further back than a week.

    Realised range (Christensen & Podolskij, 2007) over `SPANS` windows, as HAR has them (Corsi, 2009). A bar's range
    and return count as half a tick at least, so that a still price has a volatility. A missing bar makes windows of up
    to four hours unknown until it has left them; a day and a week are means of what is known. What is read from bars of
    `LONG` stands in the memory `week`, all else in `memory`.
    """

    def __init__(self, memory: Memory, week: Memory, base: Timeframe) -> None:
        self._base = base
        self._tick = TickFinder(memory, base)
        self._close = memory.vector()
        self._bars = [m // base.minutes for m in SHORT_MIN]
        self._range = Rolling(memory, np.add, self._bars, np.float32)
        ahead = [bars_ahead(minutes, base) for minutes in HORIZONS_MIN]
        self._squares = Rolling(memory, np.add, ahead, np.float32)
        self._outcomes = OutcomeTracker(memory, ahead, np.float32)
        per_long = LONG.minutes // base.minutes
        self._high = Rolling(memory, np.maximum, [per_long])
        self._low = Rolling(memory, np.minimum, [per_long])
        self._long = _LongFeatures(week)

    def step(self, number: int, rows: Rows, block: BarBlock) -> Features:
        """Take the bars of `block`, the first being bar `number` of its timeframe, without a gap since the last."""
        with np.errstate(all="ignore"):
            floor = (0.5 * self._tick.step(number, rows, block) / block.close) ** 2
            squares = _floored(np.log(block.close / self._close.shift(rows, block.close)) ** 2, floor)
            ranges = _floored(np.log(block.high / block.low) ** 2 / _RANGE, floor)
            outcomes = self._outcomes.step(number, rows, block)
            realised = 0.5 * np.log(self._squares.step(number, rows, squares).astype(np.float64))
            sums = self._range.step(number, rows, ranges).astype(np.float64)
            minutes = np.array(SHORT_MIN, dtype=np.float64)[:, None, None]
            high, low = self._high.step(number, rows, block.high)[0], self._low.step(number, rows, block.low)[0]
            closes = (number + 1 + np.arange(block.close.shape[0])) * self._base.minutes
            long = self._long.step(closes, rows, high, low, floor, outcomes.close[: len(CHANCE_HORIZONS_MIN)])
            return Features(
                volatility=np.concatenate([0.5 * np.log(sums / minutes), long[: len(LONG_HOURS)]]),
                realised=realised,
                outcomes=outcomes,
                threshold=long[_THRESHOLDS],
                beyond=long[_BEYOND],
            )

    def warm_up_long(self, block: BarBlock) -> None:
        """Take closed bars of `LONG` [t, n] in one block; base bars that follow count for day and week from its end on.

        `WEEK_BARS` of them are all that is ever used.
        """
        memory = Memory()
        tick, outcomes = (
            TickFinder(memory, LONG),
            OutcomeTracker(memory, [m // LONG.minutes for m in CHANCE_HORIZONS_MIN]),
        )
        n = block.rows.size
        memory.reserve(n)
        number = int(block.open_ms[0]) // LONG.ms
        with np.errstate(all="ignore"):
            floor = (0.5 * tick.step(number, slice(0, n), block) / block.close) ** 2
            moves = outcomes.step(number, slice(0, n), block).close
            closes = (number + 1 + np.arange(block.open_ms.size)) * LONG.minutes
            self._long.begin_after_gaps(number, block.rows)
            self._long.step(closes, block.rows, block.high, block.low, floor, moves, wanted=1)

    def week_known(self, row: int) -> int:
        """How many bars of `LONG` of the last week are known."""
        return self._long.known(row)

    def as_large(self, rows: Rows, moves: Floats) -> Floats:
        """The share [2, n] of a week's own |returns| over 15 and 60 minutes that are as large as `moves` [2, n]."""
        return self._long.as_large(rows, moves)

    def take_week(self, block: BarBlock) -> None:
        """Take bars of `LONG` of some rows in the place of those that are known of them, up to the last that is."""
        number = int(block.open_ms[0]) // LONG.ms
        lasts = np.array([-1 if (last := self._long.last(row)) is None else last for row in block.rows.tolist()])
        for last in np.unique(lasts[lasts >= number]).tolist():
            columns = np.flatnonzero(lasts == last)
            self._long.forget(block.rows[columns])
            self.warm_up_long(block.part(slice(0, last - number + 1), columns))


_THRESHOLDS = slice(len(LONG_HOURS), len(LONG_HOURS) + len(CHANCE_HORIZONS_MIN))
_BEYOND = slice(_THRESHOLDS.stop, _THRESHOLDS.stop + len(CHANCE_HORIZONS_MIN))
"""Places of the thresholds of large moves, and of how often they were exceeded, among what bars of 5m tell."""


class _LongFeatures:
    """What is read from bars of 5m: volatility of a day and a week, thresholds of large moves and their own rates."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._means = HourlyMeans(memory, _PER_HOUR, LONG_HOURS, _LEAST_HOURS)
        least = _LEAST_HOURS[-1] * _PER_HOUR
        self._moves = [WeekOfMoves(memory, _WEEK_BARS, least) for _ in CHANCE_HORIZONS_MIN]
        self._held = memory.table(_BEYOND.stop)
        self._last = memory.vector()

    def step(
        self, closes_min: Ints, rows: Rows, high: Floats, low: Floats, floor: Floats, moves: Floats,
        wanted: int | None = None,
    ) -> Floats:  # fmt: skip
        """Take the bars of 5m that end at base closes; their values [6, t, n] as of every base close.

        `high`, `low`, `floor` [t, n] and `moves` [2, t, n] are of the last five minutes at each close [t]. With
        `wanted`, only the values of the last so many bars of 5m are asked for.
        """
        ends = np.flatnonzero(closes_min % LONG.minutes == 0)
        before = self._held.read(rows)[:, None].copy()
        if not ends.size:
            return np.repeat(before, closes_min.size, axis=1)
        values = np.repeat(before, ends.size, axis=1)
        first = int(closes_min[ends[0]]) // LONG.minutes - 1
        last = self._last.get(rows)
        seen = np.where(last >= first, last - first + 1, 0).astype(np.int64)
        for skip in np.unique(seen[seen < ends.size]).tolist():
            among = np.flatnonzero(seen == skip)
            together = among.size == seen.size
            columns = slice(None) if together else among
            own = rows if together else _columns(rows)[among]
            part, bars = (slice(None), columns), ends[skip:]
            ranges = _floored(np.log(high[bars][part] / low[bars][part]) ** 2 / _RANGE, floor[bars][part])
            own_moves = np.abs(moves[:, bars][:, :, columns])
            values[:, skip:, columns] = self._advance(first + skip, own, ranges, own_moves, wanted)
        self._held.write(rows, values[:, -1])
        self._last.put(rows, np.fmax(last, float(first + ends.size - 1)))
        upto = np.searchsorted(ends, np.arange(closes_min.size), side="right")
        return np.concatenate([before, values], axis=1)[:, upto]

    def known(self, row: int) -> int:
        """How many moves of the last week are known."""
        return self._moves[0].known(row)

    def as_large(self, rows: Rows, moves: Floats) -> Floats:
        """The share [2, n] of the moves of the last week that are as large as `moves` [2, n], or larger."""
        return np.stack([week.as_large(rows, each) for week, each in zip(self._moves, moves, strict=True)])

    def last(self, row: int) -> int | None:
        """The number of the last bar of a row; `None` before the first."""
        last = float(self._last.get(slice(row, row + 1))[0])
        return int(last) if np.isfinite(last) else None

    def forget(self, rows: Ints) -> None:
        """Forget all bars of the symbols in `rows`."""
        self._memory.reset(rows)

    def begin_after_gaps(self, number: int, rows: Ints) -> None:
        """Forget those of `rows` whose last bar is not right before bar `number`, or in what follows from it."""
        self._memory.reset(rows[self._last.get(rows) < number - 1])

    def _advance(self, number: int, rows: Rows, ranges: Floats, moves: Floats, wanted: int | None) -> Floats:
        long = 0.5 * np.log(self._means.step(number, rows, ranges, wanted) / LONG.minutes)
        found = [week.step(number, rows, each, LARGE, wanted) for week, each in zip(self._moves, moves, strict=True)]
        return np.concatenate([long, *map(np.stack, zip(*found, strict=True))])


def _floored(variance: Floats, floor: Floats) -> Floats:
    """At least the floor where that is known; unknown where the bar is, or where it would be zero."""
    least = np.maximum(variance, np.where(np.isfinite(floor), floor, 0.0))
    return np.where(least > 0.0, least, np.nan)


def _columns(rows: Rows) -> Ints:
    return np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows

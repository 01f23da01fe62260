"""Bars of one symbol on every timeframe: 1m from the stream, the higher ones aggregated from closed 1m bars."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from virtuoso.market.panel import Floats
from virtuoso.market.series import BUY_VOLUME, CLOSE, HIGH, LOW, OPEN, TURNOVER, VOLUME, BarSeries
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe

_BASE = Timeframe.M1
_HELD_BACK = 1_440
_NOTHING: Floats = np.empty((0, 7))
_HIGHER_KEPT = 1_000
"""Bars of a higher timeframe: more than any indicator remembers."""


class SymbolBars:
    """Closed bars only, in order, none invented.

    Loaded history comes first: a minute of the stream that does not follow it is held back until what lies between is
    loaded. A bar that is sent again is ignored (and counted in `changed` should it differ).
    """

    def __init__(self, timeframes: Sequence[Timeframe], capacity: int) -> None:
        if _BASE not in timeframes:
            raise ValueError("the base timeframe 1m is always kept")
        self.series = {
            tf: BarSeries(tf, capacity if tf is _BASE else min(capacity, _HIGHER_KEPT))
            for tf in sorted(timeframes, key=lambda tf: tf.ms)
        }
        self.base = self.series[_BASE]
        self.forming: Bar | None = None
        self.changed = 0
        self.streamed_ms = 0
        """Close of the latest minute that the stream confirmed (epoch ms)."""
        self._held: dict[int, Bar] = {}
        self._handed = dict.fromkeys(self.series, 0)

    def update(self, bars: Iterable[Bar]) -> None:
        """Take 1m bars of the stream: closed ones are kept, the others are the forming bar."""
        for bar in bars:
            if not bar.confirmed:
                self.forming = bar
            elif _BASE.closes_at(bar.open_ms):
                self.streamed_ms = bar.open_ms + _BASE.ms
                self._take(bar)

    def load(self, timeframe: Timeframe, bars: Sequence[Bar]) -> None:
        """Take history or repairs of any timeframe, oldest first; bars already held are ignored.

        Of the base, what follows is appended (and aggregated). Of a higher timeframe, older bars go before those
        already aggregated, and what follows is appended.
        """
        closed = [bar for bar in bars if bar.confirmed and timeframe.closes_at(bar.open_ms)]
        if timeframe is _BASE:
            if closed and self.base.next_ms is None:
                self._append(closed[0])
            for bar in closed:
                self._take(bar)
            return
        series = self.series[timeframe]
        aggregated: list[Bar] = []
        if closed and series.first_ms is not None and closed[0].open_ms < series.first_ms:
            aggregated = series.last(len(series))
            series.clear()
        for bar in [*closed, *aggregated]:
            self._append_higher(series, bar)

    def restore(self, timeframe: Timeframe, open_ms: int, rows: Floats) -> None:
        """Begin with stored bars, consecutive from `open_ms` on [t, 7]: the higher timeframes first, then the base.

        Nothing else may have been taken yet.
        """
        self.series[timeframe].restore(open_ms, rows)

    def missing(self) -> list[tuple[int, int]]:
        """Minutes to fetch, as (first open, last open) in epoch ms: holes before bars that are held back."""
        expected = self.base.next_ms
        if expected is None or not self._held:
            return []
        holes = []
        for open_ms in sorted(self._held):
            if open_ms > expected:
                holes.append((expected, open_ms - _BASE.ms))
            expected = open_ms + _BASE.ms
        return holes

    def lacking(self, timeframe: Timeframe, upto_ms: int) -> tuple[int, int] | None:
        """The range of closed bars of a higher timeframe to fetch so that it is whole up to `upto_ms` (epoch ms)."""
        series = self.series[timeframe]
        last = timeframe.floor(upto_ms) - timeframe.ms
        if series.next_ms is None or series.next_ms > last:
            return None
        return series.next_ms, last

    def take_new(self, timeframe: Timeframe, upto_ms: int) -> tuple[int, Floats]:
        """Bars closing by `upto_ms` that were not handed out before: open time of the first and a [t, 7] view.

        They now count as handed out. A bar that is still missing does not: it comes when it is there.
        """
        series, handed = self.series[timeframe], self._handed[timeframe]
        if series.next_ms is None or series.next_ms <= handed:
            return handed, _NOTHING
        begin, rows = series.since(handed)
        rows = rows[: max(0, (upto_ms - begin) // timeframe.ms)]
        if len(rows):
            self._handed[timeframe] = begin + len(rows) * timeframe.ms
        return begin, rows

    def rewind(self) -> None:
        """Count nothing as handed out."""
        self._handed = dict.fromkeys(self.series, 0)

    def buy_volume(self, timeframe: Timeframe, open_ms: int) -> float:
        """Taker-buy volume of a higher bar, base units; `nan` unless that of every minute of it is known."""
        minutes = self.base.window(open_ms, timeframe.minutes)
        return float("nan") if minutes is None else math.fsum(minutes[:, BUY_VOLUME])

    def _take(self, bar: Bar) -> None:
        expected = self.base.next_ms
        if expected is None or bar.open_ms > expected:
            if len(self._held) < _HELD_BACK:
                self._held[bar.open_ms] = bar
        elif bar.open_ms < expected:
            self._compare(bar)
        else:
            self._append(bar)

    def _append(self, bar: Bar) -> None:
        """Add the minute that follows, and those that were held back for it."""
        follower: Bar | None = bar
        while follower is not None:
            self._add(follower)
            follower = self._held.pop(follower.open_ms + _BASE.ms, None)

    def _add(self, bar: Bar) -> None:
        self.base.append(bar)
        if self.forming is not None and self.forming.open_ms <= bar.open_ms:
            self.forming = None
        end = bar.open_ms + _BASE.ms
        for timeframe, series in self.series.items():
            if timeframe is not _BASE and timeframe.closes_at(end):
                self._aggregate(series, end)

    def _aggregate(self, series: BarSeries, end_ms: int) -> None:
        start = end_ms - series.timeframe.ms
        rows = self.base.window(start, series.timeframe.minutes)
        if rows is None:
            return  # the first minutes are not held: `lacking` names the bar, to be fetched whole
        bar = Bar(
            start,
            float(rows[0, OPEN]),
            float(rows[:, HIGH].max()),
            float(rows[:, LOW].min()),
            float(rows[-1, CLOSE]),
            math.fsum(rows[:, VOLUME]),
            math.fsum(rows[:, TURNOVER]),
        )
        self._append_higher(series, bar)

    @staticmethod
    def _append_higher(series: BarSeries, bar: Bar) -> None:
        if series.next_ms is None or bar.open_ms == series.next_ms:
            series.append(bar)

    def _compare(self, bar: Bar) -> None:
        row = self.base.window(bar.open_ms, 1)
        if row is not None:
            values = (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover)
            self.changed += not np.array_equal(row[0, :BUY_VOLUME], values, equal_nan=True)

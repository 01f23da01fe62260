"""Bars of one symbol on every timeframe: 1m from the stream, the higher ones aggregated from closed 1m bars."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import isclose, isnan

import numpy as np
from msgspec.structs import replace

from virtuoso.market.bounds.bar import implausible, last_seam, misvalued
from virtuoso.market.panel import Floats
from virtuoso.market.series import BUY_VOLUME, CLOSE, HIGH, LOW, OPEN, TURNOVER, VOLUME, BarSeries
from virtuoso.model.clock import iso
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe
from virtuoso.model.units import multiplied, unit_jump

_BASE = Timeframe.M1
_HELD_BACK = 1_440
_NOTHING: Floats = np.empty((0, 7))
_HIGHER_KEPT = 1_000
"""Bars of a higher timeframe: more than any indicator remembers."""


_DOUBTED = 64
_CONFIRMS = 10
"""Minutes after a jump that are looked at to confirm it."""
_ROUNDING = 1e-9
_UNIT = "close: in another unit than the last minute"
_LESS = "confirm: less than it was while it formed"


@dataclass(slots=True)
class Jump:
    """A price at `open_ms` in what looks like another unit, 10ⁿ times the last; and the bars that say so, by source."""

    open_ms: int
    n: int
    streamed: set[int] = field(default_factory=set)
    asked: set[int] = field(default_factory=set)


class SymbolBars:
    """Closed bars only, in order, none invented, none that cannot be.

    The turnover of one that was asked for is unknown where it contradicts volume and prices: nobody has a truer answer.
    Loaded history comes first: a minute of the stream that does not follow it is held back until what lies between is
    loaded. A bar that is sent again with other values is ignored, counted in `changed` and noted in `doubted`: what was
    asked for decides, by `correct`. A price in another unit is not appended, see `jump`.
    """

    def __init__(self, timeframes: Sequence[Timeframe], capacity: int) -> None:
        if _BASE not in timeframes:
            raise ValueError("the base timeframe 1m is always kept")
        self.series = {
            tf: BarSeries(tf, capacity if tf is _BASE else min(capacity, _HIGHER_KEPT))
            for tf in sorted(timeframes, key=lambda tf: tf.ms)
        }
        self.base = self.series[_BASE]
        self._higher = tuple((tf, series) for tf, series in self.series.items() if tf is not _BASE)
        self.forming: Bar | None = None
        self.changed = 0
        self.refused: Counter[str] = Counter()
        """Bars that were not believed, by "field: reason"."""
        self.doubted: dict[int, str] = {}
        """Open times (epoch ms) of bars that are to be compared with what the exchange answers, and why."""
        self.jump: Jump | None = None
        """A change of unit that more than one source must tell before it is believed."""
        self.since_ms = 0
        """Nothing that opens before (epoch ms) is taken."""
        self.seam: str | None = None
        """Why the history begins where it does, where it is for another reason than its length."""
        self.streamed_ms = 0
        """Close of the latest minute that the stream confirmed (epoch ms)."""
        self.told_from_ms: int | None = None
        """Open time of the first minute that the stream told of while it ran (epoch ms)."""
        self._held: dict[int, Bar] = {}
        self._handed = dict.fromkeys(self.series, 0)

    def update(self, bars: Iterable[Bar]) -> str | None:
        """Take 1m bars of the stream: closed ones are kept, the others are the forming bar.

        Returns:
            Why the last of them that was refused was, as "field: reason".
        """
        refusal = None
        for bar in bars:
            if (wrong := implausible(bar) or self._less(bar)) is not None:
                self.refused[wrong] += 1
                refusal = wrong
                continue
            if self.told_from_ms is None:  # of a minute that was over already only the next is told from its begin
                self.told_from_ms = bar.open_ms + (_BASE.ms if bar.confirmed else 0)
            if not bar.confirmed:
                if (last := self.base.last_close) is not None and unit_jump(last, bar.close):
                    self.refused[_UNIT] += 1
                    refusal = _UNIT
                    continue
                self.forming = bar
            elif _BASE.closes_at(bar.open_ms):
                self.streamed_ms = bar.open_ms + _BASE.ms
                self._take(bar, asked=False)
        return refusal

    def told(self, close_ms: int) -> bool:
        """Whether the stream told of the minute that closed at `close_ms`, or of one before it."""
        return self.told_from_ms is not None and self.told_from_ms + _BASE.ms <= close_ms

    def pending(self, upto_ms: int) -> bool:
        """Whether minutes that closed by `upto_ms` are held and were not handed out."""
        next_ms = self.base.next_ms
        return next_ms is not None and self._handed[_BASE] < min(next_ms, upto_ms)

    def _less(self, bar: Bar) -> str | None:
        """What contradicts the bar as it was while it formed: extremes and volume only grow."""
        forming = self.forming
        if not bar.confirmed or forming is None or forming.open_ms != bar.open_ms:
            return None
        grew = bar.high >= forming.high and bar.low <= forming.low and bar.volume >= forming.volume * (1 - _ROUNDING)
        return None if grew else _LESS

    def load(self, timeframe: Timeframe, bars: Sequence[Bar]) -> None:
        """Take history or repairs of any timeframe, oldest first; bars already held are ignored.

        Of the base, what follows is appended (and aggregated). Of a higher timeframe, older bars go before those
        already aggregated, and what follows is appended. History begins after the last bar of it that cannot be, and
        with the last change of unit.
        """
        closed = [bar for bar in bars if bar.confirmed and timeframe.closes_at(bar.open_ms)]
        closed = [bar for bar in self._plausible(timeframe, closed) if bar.open_ms >= self.since_ms]
        if timeframe is _BASE:
            if closed and self.base.next_ms is None:
                closed = self._of_one_unit(timeframe, closed)
                self._append(closed[0], asked=True)
            for bar in closed:
                self._take(bar, asked=True)
            return
        series = self.series[timeframe]
        closed = self._of_one_unit(timeframe, closed)
        aggregated: list[Bar] = []
        if closed and series.first_ms is not None and closed[0].open_ms < series.first_ms:
            aggregated = series.last(len(series))
            series.clear()
        series.extend([*closed, *aggregated])

    def _plausible(self, timeframe: Timeframe, bars: Sequence[Bar]) -> list[Bar]:
        """Those that can be; of a history that begins, those after the last that cannot."""
        begins, kept = self.series[timeframe].next_ms is None, list[Bar]()
        for bar in bars:
            if (wrong := implausible(bar)) is None:
                kept.append(self._valued(bar))
                continue
            self.refused[wrong] += 1
            if begins:
                kept.clear()
        return kept

    def _of_one_unit(self, timeframe: Timeframe, bars: list[Bar]) -> list[Bar]:
        """The bars from the last change of unit on."""
        found = last_seam(bars, within=timeframe is not _BASE)
        if found is None:
            return bars
        at, n = found
        if at == len(bars) - 1:
            return bars[:at]  # the newest bar alone may be wrong: it is judged when it is asked for again
        if timeframe is _BASE:
            self.restart(bars[at].open_ms, n)
        return bars[at:]

    def restart(self, open_ms: int, n: int) -> None:
        """Begin, before anything is loaded, at `open_ms` (epoch ms), where the contract became 10ⁿ times itself.

        `n` = 0: it was listed anew. `open_ms` = 0: all of the past is told in the new unit.
        """
        self.since_ms = open_ms
        what = f"the contract was {multiplied(n)}" if n else "the instrument was listed anew"
        self.seam = f"history begins at {iso(open_ms)}: {what}" if open_ms else f"history was loaded anew: {what}"

    def restore(self, timeframe: Timeframe, open_ms: int, rows: Floats) -> None:
        """Begin with stored bars, consecutive from `open_ms` on [t, 7]: the higher timeframes first, then the base.

        Nothing else may have been taken yet.
        """
        skip = max(0, -(-(self.since_ms - open_ms) // timeframe.ms))
        self.series[timeframe].restore(open_ms + skip * timeframe.ms, rows[skip:])

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
        """Hand out every bar again, as if none had been."""
        self._handed = dict.fromkeys(self.series, 0)

    def buy_volume(self, timeframe: Timeframe, open_ms: int) -> float:
        """Taker-buy volume of a higher bar, base units; `nan` unless that of every minute of it is known."""
        minutes = self.base.window(open_ms, timeframe.minutes)
        return float("nan") if minutes is None else math.fsum(minutes[:, BUY_VOLUME])

    def differing(self, bars: Iterable[Bar]) -> list[Bar]:
        """Those of `bars`, 1m and as the exchange answers, that are held with other values."""
        return [bar for bar in bars if bar.confirmed and implausible(bar) is None and self._differs(bar)]

    def correct(self, bars: Iterable[Bar]) -> dict[Timeframe, list[int]]:
        """Put true 1m bars in the place of those held, and make the higher bars anew.

        Returns:
            Open times (epoch ms) of the bars that changed, by timeframe; those of `to_ask` are among them, though
            they are as before.
        """
        changed: dict[Timeframe, list[int]] = {}
        for bar in self.differing(bars):
            self.base.replace(self._valued(bar))
            for timeframe in self.series:
                start = timeframe.floor(bar.open_ms)
                held = self.series[timeframe].window(start, 1) is not None
                if held and start not in changed.setdefault(timeframe, []):
                    changed[timeframe].append(start)
        for timeframe, starts in changed.items():
            for start in starts:
                if timeframe is not _BASE and (made := self._made(timeframe, start)) is not None:
                    self.series[timeframe].replace(made)
        return changed

    def to_ask(self, bars: Iterable[Bar]) -> list[tuple[Timeframe, int]]:
        """The higher bars (open time, epoch ms) held of which `correct` cannot make anew what `bars` change.

        Not every minute of them is held: they are to be asked for, and handed to `replace`.
        """
        found = {(timeframe, timeframe.floor(bar.open_ms)) for bar in bars for timeframe in self.series}
        return sorted(
            (timeframe, start)
            for timeframe, start in found
            if self.series[timeframe].window(start, 1) is not None
            and self.base.window(start, timeframe.minutes) is None
        )

    def replace(self, timeframe: Timeframe, bars: Iterable[Bar]) -> None:
        """Put bars of a higher timeframe that were asked for in the place of those held."""
        for bar in bars:
            if bar.confirmed and implausible(bar) is None and self.series[timeframe].window(bar.open_ms, 1) is not None:
                self.series[timeframe].replace(self._valued(bar))

    def _valued(self, bar: Bar) -> Bar:
        """The bar, its turnover unknown where it contradicts volume and prices; that is counted in `refused`."""
        if (wrong := misvalued(bar)) is None:
            return bar
        self.refused[wrong] += 1
        return replace(bar, turnover=math.nan)

    def _take(self, bar: Bar, *, asked: bool) -> None:
        expected = self.base.next_ms
        if expected is None or bar.open_ms > expected:
            if len(self._held) < _HELD_BACK:
                self._held[bar.open_ms] = bar
            if asked and self.jump is not None and bar.open_ms < self.jump.open_ms + _CONFIRMS * _BASE.ms:
                self._jumps(bar, asked=True)
        elif bar.open_ms < expected:
            if self._differs(bar):
                self.changed += 1
                if len(self.doubted) < _DOUBTED:
                    self.doubted[bar.open_ms] = "it came again with other values"
        else:
            self._append(bar, asked=asked)

    def _append(self, bar: Bar, *, asked: bool) -> None:
        """Add the minute that follows, and those that were held back for it."""
        follower: Bar | None = bar
        while follower is not None and not self._jumps(follower, asked=asked):
            self._add(follower)
            follower = self._held.pop(follower.open_ms + _BASE.ms, None)

    def _jumps(self, bar: Bar, *, asked: bool) -> bool:
        """Whether a bar is in another unit than the last one held: then that is noted."""
        last = self.base.last_close
        n = unit_jump(last, bar.open) if last is not None else 0
        if not n:
            self.jump = None
            return False
        if self.jump is None or self.jump.n != n:
            self.jump = Jump(bar.open_ms, n)
        (self.jump.asked if asked else self.jump.streamed).add(bar.open_ms)
        return True

    def _add(self, bar: Bar) -> None:
        self.base.append(bar)
        if self.forming is not None and self.forming.open_ms <= bar.open_ms:
            self.forming = None
        end = bar.open_ms + _BASE.ms
        for timeframe, series in self._higher:
            if timeframe.closes_at(end):
                self._aggregate(series, end)

    def _aggregate(self, series: BarSeries, end_ms: int) -> None:
        bar = self._made(series.timeframe, end_ms - series.timeframe.ms)
        if bar is not None:  # else the first minutes are not held: `lacking` names the bar, to be fetched whole
            series.extend((bar,))

    def _made(self, timeframe: Timeframe, open_ms: int) -> Bar | None:
        """A higher bar from its minutes; `None` unless every one of them is held."""
        rows = self.base.window(open_ms, timeframe.minutes)
        if rows is None:
            return None
        return Bar(
            open_ms,
            float(rows[0, OPEN]),
            float(rows[:, HIGH].max()),
            float(rows[:, LOW].min()),
            float(rows[-1, CLOSE]),
            math.fsum(rows[:, VOLUME]),
            math.fsum(rows[:, TURNOVER]),
        )

    def _differs(self, bar: Bar) -> bool:
        """Whether the bar is held with other values; turnover that is not known differs from none."""
        row = self.base.window(bar.open_ms, 1)
        if row is None:
            return False
        opened, high, low, close, volume, turnover = row[0, :BUY_VOLUME].tolist()
        if (opened, high, low, close) != (bar.open, bar.high, bar.low, bar.close):
            return True
        unknown = isnan(turnover) or isnan(bar.turnover)
        return not (
            isclose(volume, bar.volume, rel_tol=_ROUNDING)
            and (unknown or isclose(turnover, bar.turnover, rel_tol=_ROUNDING))
        )

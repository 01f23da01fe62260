"""Joins bars to score with what came before them, in windows of time that follow one another."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from virtuoso.market.panel import BarBlock
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.bar_files.bars import BLOCK_BARS, Bars
from virtuoso.research.folding import filled
from virtuoso.research.seams import Seam, SeamFinder, seamed


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The bars of one span of time, missing ones `nan`.

    Attributes:
        bars: those to score, and those of their length that came before [t, n].
        past: bars of other lengths, by length.
        seams: where a contract became another one within `bars`.
    """

    bars: BarBlock
    past: Mapping[Timeframe, BarBlock]
    seams: Sequence[Seam]


class Timeline:
    """Windows of `BLOCK_BARS` bars of the data's length each, the last one cut to the period.

    Args:
        data: the bars to score.
        past: bars that came before, of any length; of several that have a bar the first counts.
    """

    def __init__(self, data: Bars, past: Sequence[Bars] = ()) -> None:
        self._data = data
        self._past = tuple(past)
        self._width_ms = BLOCK_BARS * data.interval.ms
        first_ms = min(bars.first_ms for bars in (data, *past))
        self._begins = range(first_ms // self._width_ms * self._width_ms, data.last_ms + 1, self._width_ms)

    def __len__(self) -> int:
        """Number of windows that history is read in."""
        return len(self._begins)

    def windows(self) -> Iterator[Window]:
        """Yield all windows, in the order of time."""
        begins = iter(self._begins)
        for bars, seams in seamed(map(self._bars, self._begins), SeamFinder(self._data.symbols)):
            yield Window(bars=bars, past=self._others(next(begins)), seams=seams)

    def _bars(self, begin_ms: int) -> BarBlock:
        """The bars of the data's own length: those to score, and before a symbol's first of them those of the past."""
        bars = self._data.window(begin_ms, BLOCK_BARS)
        before = bars.open_ms[:, None] < self._data.begins_ms
        if before.any():
            for past in self._of(self._data.interval):
                bars = filled(bars, past.window(begin_ms, BLOCK_BARS, self._data.symbols), before)
        return bars.part(slice(0, (self._data.last_ms - begin_ms) // self._data.interval.ms + 1))

    def _others(self, begin_ms: int) -> dict[Timeframe, BarBlock]:
        found: dict[Timeframe, BarBlock] = {}
        for bars in self._past:
            if bars.interval is not self._data.interval and bars.last_ms >= begin_ms:
                window = bars.window(begin_ms, self._width_ms // bars.interval.ms, self._data.symbols)
                known = found.get(bars.interval)
                found[bars.interval] = window if known is None else filled(known, window)
        return found

    def _of(self, interval: Timeframe) -> list[Bars]:
        return [bars for bars in self._past if bars.interval is interval]


def fed(timeframes: Mapping[Timeframe, float], interval: Timeframe) -> dict[Timeframe, float]:
    """List the timeframes that bars of a length can be made into, with their weights."""
    return {timeframe: weight for timeframe, weight in timeframes.items() if timeframe.ms % interval.ms == 0}

"""Closed bars of one symbol and timeframe: a bounded, contiguous run in one array."""

from collections.abc import Iterable
from math import nan

import numpy as np

from virtuoso.market.panel import Floats
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe

OPEN, HIGH, LOW, CLOSE, VOLUME, TURNOVER, BUY_VOLUME = range(7)
_COLUMNS = 7
_SPARE = 8


class BarSeries:
    """The latest `capacity` closed bars without a gap, columns OPEN … BUY_VOLUME (`nan` = tape not seen whole)."""

    def __init__(self, timeframe: Timeframe, capacity: int) -> None:
        self.timeframe = timeframe
        self._capacity = capacity
        # Some room to spare: rows are moved once in many appends only, and a window is always one slice.
        self._room = capacity + max(_SPARE, capacity // 4)
        self._data: Floats = np.empty((self._room, _COLUMNS))
        self._start = self._end = 0
        self._next_ms: int | None = None

    def __len__(self) -> int:
        return self._end - self._start

    @property
    def next_ms(self) -> int | None:
        """Open time of the bar that would follow; `None` while empty."""
        return self._next_ms

    @property
    def first_ms(self) -> int | None:
        """Open time of the oldest bar kept; `None` while empty."""
        return None if self._next_ms is None else self._next_ms - len(self) * self.timeframe.ms

    @property
    def last_close(self) -> float | None:
        """Close of the newest bar; `None` while empty."""
        return float(self._data[self._end - 1, CLOSE]) if len(self) else None

    def append(self, bar: Bar) -> None:
        """Add the bar that follows the last one; its taker-buy volume is not known yet.

        Raises:
            ValueError: the bar does not follow, or is not aligned.
        """
        if not self.timeframe.closes_at(bar.open_ms) or self._next_ms not in (None, bar.open_ms):
            raise ValueError(f"{self.timeframe} bar at {bar.open_ms} does not follow; expected {self._next_ms}")
        if self._end == self._room:
            kept = self._capacity - 1
            self._data[:kept] = self._data[self._end - kept : self._end]
            self._start, self._end = 0, kept
        self._data[self._end] = (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover, np.nan)
        self._end += 1
        self._start = max(self._start, self._end - self._capacity)
        self._next_ms = bar.open_ms + self.timeframe.ms

    def extend(self, bars: Iterable[Bar]) -> None:
        """Add those of `bars`, oldest first, that follow the last one and each other, as `append` does, but at once.

        Raises:
            ValueError: the first is not aligned.
        """
        step, expected, rows = self.timeframe.ms, self._next_ms, list[tuple[float, ...]]()
        for bar in bars:
            if expected is None and not self.timeframe.closes_at(bar.open_ms):
                raise ValueError(f"{self.timeframe} bars cannot begin at {bar.open_ms}")
            if expected is None or bar.open_ms == expected:
                rows.append((bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover, nan))
                expected = bar.open_ms + step
        rows = rows[-self._capacity :]
        if not rows:
            return
        if self._end + len(rows) > self._room:
            kept = min(len(self), self._capacity - len(rows))
            self._data[:kept] = self._data[self._end - kept : self._end]
            self._start, self._end = 0, kept
        self._data[self._end : self._end + len(rows)] = rows
        self._end += len(rows)
        self._start = max(self._start, self._end - self._capacity)
        self._next_ms = expected

    def replace(self, bar: Bar) -> None:
        """Put `bar` in the place of the one held of its time; its taker-buy volume is not known any more.

        Raises:
            ValueError: none is held.
        """
        row = self.window(bar.open_ms, 1)
        if row is None:
            raise ValueError(f"no {self.timeframe} bar at {bar.open_ms} is held")
        row[0] = (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover, np.nan)

    def restore(self, open_ms: int, rows: Floats) -> None:
        """Begin with the latest of `rows` [t, 7], consecutive bars from `open_ms` on, in place of what is held.

        Raises:
            ValueError: they are not aligned.
        """
        if not self.timeframe.closes_at(open_ms):
            raise ValueError(f"{self.timeframe} bars cannot begin at {open_ms}")
        kept = rows[-self._capacity :]
        self._data[: len(kept)] = kept
        self._start, self._end = 0, len(kept)
        self._next_ms = open_ms + len(rows) * self.timeframe.ms if len(rows) else None

    def clear(self) -> None:
        """Remove all bars; the next one need not follow them."""
        self._start = self._end = 0
        self._next_ms = None

    def since(self, open_ms: int) -> tuple[int, Floats]:
        """Bars opening at or after `open_ms`: open time of the first, and a [t, 7] view of what is kept here."""
        first = self.first_ms
        if first is None or self._next_ms is None:
            return open_ms, self._data[:0]
        begin = max(first, open_ms)
        count = max(0, (self._next_ms - begin) // self.timeframe.ms)
        return begin, self._data[self._end - count : self._end]

    def window(self, open_ms: int, count: int) -> Floats | None:
        """The `count` bars from `open_ms`, a [count, 7] view; `None` unless every one of them is held."""
        first = self.first_ms
        if first is None or open_ms < first:
            return None
        begin = self._start + (open_ms - first) // self.timeframe.ms
        return self._data[begin : begin + count] if begin + count <= self._end else None

    def last(self, limit: int) -> list[Bar]:
        """The latest `limit` bars, oldest first."""
        if self._next_ms is None:
            return []
        count = min(limit, len(self))
        first = self._next_ms - count * self.timeframe.ms
        rows = self._data[self._end - count : self._end, :BUY_VOLUME].tolist()
        return [Bar(first + i * self.timeframe.ms, *row) for i, row in enumerate(rows)]

"""Where a score stands in the symbol's own past: counts of its scores by day, and the share of them that lie below.

Scores reach from about 25 to 75, and each symbol has its own spread; its percentile says how unusual a score is for it.
The past is today (UTC) and the seven days before it, at every base close at which a label could be given. It is kept as
counts in bins of half a point, so that memory is bounded and a close costs the same however long the past is. A score
is ranked among those of earlier closes alone. What a warm-up scores from bars alone is counted, and told apart.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.block import Memory, Rows
from virtuoso.market.panel import Floats, Ints
from virtuoso.model.timeframe import DAY_MS

DAYS: Final = 8
"""Days (UTC) of which scores are counted, today among them."""
LEAST_CLOSES: Final = 240
"""With fewer closes in its past a score has no percentile."""
WARM_CLOSES: Final = 300
"""The last closes of a warm-up that are scored, from bars alone."""
_BINS = 200
_WIDTH = 100.0 / _BINS
_FINE = 20
"""Bins that are summed up, so that a rank needs a look at few of them."""
_COARSE = _BINS // _FINE
_FINE_PLACES, _COARSE_PLACES = np.arange(_FINE)[:, None], np.arange(_COARSE)[:, None]


@dataclass(frozen=True, slots=True)
class Ranked:
    """Scores of n symbols in their pasts; arrays are [n].

    `percentile` in [0, 100], `nan` where it is not known; `closes` that the past holds, `from_bars` of them scored from
    bars alone.
    """

    percentile: Floats
    closes: Floats
    from_bars: Floats


class PastDay(msgspec.Struct, frozen=True, kw_only=True):
    """The scores of one day (its number since 1970, UTC), for a restart to go on from.

    `counts` are a compressed table [symbol, bin] of 16-bit integers, `until_ms` the latest close judged of each.
    """

    day: int
    symbols: tuple[str, ...]
    from_bars: tuple[int, ...]
    until_ms: tuple[int, ...]
    counts: bytes

    def table(self) -> NDArray[np.uint16]:
        """The counts [symbol, bin]; raises `ValueError` for those of another make."""
        try:
            found = np.frombuffer(zlib.decompress(self.counts), "<u2")
        except zlib.error as error:
            raise ValueError(f"the scores of day {self.day} cannot be read: {error}") from error
        return found.reshape(len(self.symbols), _BINS)


class ScorePast:
    """The past of each row: counts by day and bin, their sum over the days, and over some bins."""

    def __init__(self) -> None:
        self.memory = Memory()
        self._counts = self.memory.table(DAYS * _BINS, fill=0.0)
        self._whole = self.memory.table(_BINS, fill=0.0)
        self._sums = self.memory.table(_COARSE, fill=0.0)
        self._from_bars = self.memory.table(DAYS, fill=0.0)
        self._days = self.memory.table(DAYS)
        self._today = self.memory.vector()
        self._until_ms = self.memory.vector(fill=0.0)
        self._last = self.memory.vector()
        """The bin of the latest close that was counted, and as many bins more where it was scored from bars alone."""
        self._recalled: dict[str, list[tuple[PastDay, int]]] = {}
        self._changed: set[int] = set()

    def step(self, rows: Rows, score: Floats, counted: NDArray[np.bool_], close_ms: int) -> Ranked:
        """Rank `score` [n] of the close `close_ms` among those before it, then count it, where it is `counted` [n].

        A close that is judged again is ranked as it was, and counts once; one that was judged and not counted is not
        counted later from bars alone.
        """
        counted = counted & np.isfinite(score)
        due = self._until_ms.get(rows) < close_ms
        self._turn(rows, close_ms)
        due |= self._take_back(rows, close_ms)
        ranked = self._rank(rows, score, counted)
        self._count(rows, np.where(counted & due, score, np.nan)[None], np.array([close_ms]))
        self._until_ms.put(rows, np.maximum(self._until_ms.get(rows), close_ms))
        return ranked

    def learn(self, rows: Rows, scores: Floats, close_ms: Ints) -> None:
        """Count `scores` [t, n] that were computed from bars alone; closes that were counted before are left."""
        first = 0
        for stop in (*(np.flatnonzero(np.diff(close_ms // DAY_MS)) + 1).tolist(), close_ms.size):
            part = slice(first, stop)
            self._turn(rows, int(close_ms[first]))
            new = close_ms[part, None] > self._until_ms.get(rows)
            taken = np.where(new, scores[part], np.nan)
            self._from_bars.data[_slot(int(close_ms[first])), rows] += np.isfinite(taken).sum(axis=0)
            self._count(rows, taken, close_ms[part], offset=_BINS)
            first = stop

    def _turn(self, rows: Rows, close_ms: int) -> None:
        """Where the day of the close is a new one, make room for it, and forget what has become too old."""
        day = close_ms // DAY_MS
        new = ~(self._today.get(rows) >= day)
        if not new.any():
            return
        at = np.arange(self.memory.capacity)[rows][new]
        old = ~(self._days.data[:, at] > day - DAYS)
        counts = self._counts.data[:, at].reshape(DAYS, _BINS, at.size)
        counts *= ~old[:, None, :]
        self._counts.data[:, at] = counts.reshape(DAYS * _BINS, at.size)
        self._from_bars.data[:, at] = np.where(old, 0.0, self._from_bars.data[:, at])
        whole = self._whole.data[:, at] = counts.sum(axis=0)
        self._sums.data[:, at] = whole.reshape(_COARSE, _FINE, at.size).sum(axis=1)
        self._days.data[day % DAYS, at] = day
        self._today.put(at, np.full(at.size, float(day)))
        self._last.put(at, np.full(at.size, np.nan))

    def _take_back(self, rows: Rows, close_ms: int) -> NDArray[np.bool_]:
        """Uncount what was counted of this very close; says where [n]."""
        again: NDArray[np.bool_] = (self._until_ms.get(rows) == close_ms) & np.isfinite(self._last.get(rows))
        if again.any():
            at, slot = np.arange(self.memory.capacity)[rows][again], _slot(close_ms)
            from_bars, bins = np.divmod(self._last.get(at).astype(np.int64), _BINS)
            self._counts.data[slot * _BINS + bins, at] -= 1.0
            self._whole.data[bins, at] -= 1.0
            self._sums.data[bins // _FINE, at] -= 1.0
            self._from_bars.data[slot, at] -= from_bars
        return again

    def _rank(self, rows: Rows, score: Floats, counted: NDArray[np.bool_]) -> Ranked:
        sums = self._sums.read(rows)
        closes = sums.sum(axis=0)
        bins = _bins(np.where(counted, score, 0.0))
        coarse, fine = np.divmod(bins, _FINE)
        near = np.take_along_axis(self._whole.read(rows), coarse * _FINE + _FINE_PLACES, axis=0)
        below = (sums * (coarse > _COARSE_PLACES)).sum(axis=0) + (near * (fine > _FINE_PLACES)).sum(axis=0)
        inside = np.take_along_axis(near, fine[None], axis=0)[0] * (score / _WIDTH - bins)
        known = counted & (closes >= LEAST_CLOSES)
        percentile = np.where(known, 100.0 * (below + inside) / np.maximum(closes, 1.0), np.nan)
        return Ranked(percentile, closes, self._from_bars.read(rows).sum(axis=0))

    def _count(self, rows: Rows, scores: Floats, close_ms: Ints, offset: int = 0) -> None:
        """Count what is known of `scores` [t, n], closes of one day that no row has counted yet."""
        known = np.isfinite(scores)
        bins = _bins(np.where(known, scores, 0.0))
        at = np.broadcast_to(np.arange(self.memory.capacity)[rows], scores.shape)[known]
        np.add.at(self._counts.data, (_slot(int(close_ms[0])) * _BINS + bins[known], at), 1.0)
        np.add.at(self._whole.data, (bins[known], at), 1.0)
        np.add.at(self._sums.data, (bins[known] // _FINE, at), 1.0)
        before_ms = self._until_ms.get(rows)
        latest = np.where(known, close_ms[:, None], 0).max(axis=0)
        self._last.put(rows, np.where(known[-1], bins[-1] + offset, np.nan))
        self._until_ms.put(rows, np.maximum(before_ms, latest))
        self._changed.add(int(close_ms[0]) // DAY_MS)

    def recall(self, days: Iterable[PastDay]) -> None:
        """Go on from these days, each symbol when it is watched."""
        found = list(days)
        newest = max((day.day for day in found), default=0)
        for day in [day for day in found if day.day > newest - DAYS]:
            for place, symbol in enumerate(day.symbols):
                self._recalled.setdefault(symbol, []).append((day, place))

    def until_ms(self, rows: Rows) -> int:
        """The close up to which all of `rows` are counted (epoch ms); 0 where one of them is not at all."""
        return int(self._until_ms.get(rows).min())

    def begin(self, symbol: str, row: int) -> None:
        """Give a new row what was recalled of its symbol."""
        for day, place in self._recalled.pop(symbol, ()):
            slot, counts = day.day % DAYS, day.table()[place].astype(np.float64)
            self._counts.data[slot * _BINS : (slot + 1) * _BINS, row] = counts
            self._whole.data[:, row] += counts
            self._sums.data[:, row] += counts.reshape(_COARSE, _FINE).sum(axis=1)
            self._from_bars.data[slot, row] = day.from_bars[place]
            self._days.data[slot, row] = day.day
            self._today.data[0, row] = np.fmax(self._today.data[0, row], day.day)
            self._until_ms.data[0, row] = max(self._until_ms.data[0, row], day.until_ms[place])

    def changed(self, symbols: Mapping[int, str]) -> tuple[PastDay, ...]:
        """The days that changed since this was asked last, of the symbols in their rows."""
        rows = np.array(list(symbols), dtype=np.int64)
        days, self._changed = sorted(self._changed), set()
        return tuple(self._day(day, rows, tuple(symbols.values())) for day in days[-DAYS:])

    def _day(self, day: int, rows: Ints, symbols: Sequence[str]) -> PastDay:
        slot = day % DAYS
        held = self._days.data[slot, rows] == day
        counts = np.where(held, self._counts.data[slot * _BINS : (slot + 1) * _BINS, rows], 0.0)
        return PastDay(
            day=day,
            symbols=tuple(symbols),
            from_bars=tuple(np.where(held, self._from_bars.data[slot, rows], 0.0).astype(int).tolist()),
            until_ms=tuple(self._until_ms.get(rows).astype(int).tolist()),
            counts=zlib.compress(np.ascontiguousarray(counts.T).astype("<u2").tobytes(), 1),
        )


def _slot(close_ms: int) -> int:
    """The place of a close's day among those that are kept."""
    return close_ms // DAY_MS % DAYS


def _bins(score: Floats) -> Ints:
    """The bin of each score in [0, 100]."""
    return np.minimum(score / _WIDTH, _BINS - 1).astype(np.int64)

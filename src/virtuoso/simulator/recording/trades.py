"""Trades that add up to recorded bars exactly: in integer ticks and lots."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from virtuoso.simulator.recording.dataset import CLOSE, HIGH, LOW, OPEN, VOLUME, Floats, Ints, Recorded

_MOST = 40
"""Trades of a busy minute."""
_MINUTE_MS = 60_000
_TAPES = 15
"""Kept at a time: those of one exchange."""


@dataclass(frozen=True, slots=True)
class MinuteTrades:
    """Trades of one minute, oldest first: time in the minute (ms), price (ticks), size (lots), taker buys."""

    at_ms: list[int]
    ticks: list[int]
    lots: list[int]
    buys: list[bool]

    def __len__(self) -> int:
        return len(self.at_ms)


class TradeTape:
    """All minutes of one symbol, synthesised at once.

    The first trade is at the minute's open and the last at its close, the highest and lowest touch its high and low,
    the sizes (heavy-tailed) add up to its volume. The taker side follows the tick rule (Lee & Ready, 1991) with noise.
    A minute played backwards is the same trades in reverse order with sides exchanged.
    """

    def __init__(self, recorded: Recorded, seed: int) -> None:
        rng = np.random.default_rng(seed)
        bars = recorded.fine
        self._counts = _counts(bars, rng)
        ticks = _prices(bars, self._counts, rng)
        self._lots = _sizes(bars[:, VOLUME], self._counts, rng)
        self._at_ms = _times(self._counts, rng).astype(np.int32)
        self._buys = _sides(ticks, bars, rng)
        self._ticks = ticks.astype(np.int32)
        self.turnover: Ints = (ticks * self._lots).sum(axis=1)

    def ticks_at(self, index: int, back: bool, within_ms: int) -> int | None:
        """Price of the last trade of a minute as it is played, up to a time in it; `None` before its first."""
        n = int(self._counts[index])
        at_ms = self._at_ms[index, :n]
        if back:
            number = int(at_ms.searchsorted(_MINUTE_MS - 1 - within_ms, "left"))
        else:
            number = int(at_ms.searchsorted(within_ms, "right")) - 1
        return int(self._ticks[index, number]) if 0 <= number < n else None

    def minute(self, index: int, back: bool) -> MinuteTrades:
        """Trades of a recorded minute as it is played."""
        n = int(self._counts[index])
        at_ms, ticks = self._at_ms[index, :n], self._ticks[index, :n]
        lots, buys = self._lots[index, :n], self._buys[index, :n]
        if back:
            at_ms, ticks, lots, buys = _MINUTE_MS - 1 - at_ms[::-1], ticks[::-1], lots[::-1], ~buys[::-1]
        return MinuteTrades(at_ms.tolist(), ticks.tolist(), lots.tolist(), buys.tolist())


tape_of = lru_cache(_TAPES)(TradeTape)
"""The tape of a symbol and seed, made once: it is a function of the two, and 5 MB."""


def _counts(bars: Ints, rng: np.random.Generator) -> Ints:
    """Trades a minute: more in a busier one, at least what open, high, low and close need, at most a lot each."""
    volume = bars[:, VOLUME]
    typical = max(1.0, float(np.median(volume)))
    wanted = 8 + 8 * np.sqrt(volume / typical) * rng.uniform(0.7, 1.3, len(bars))
    return np.minimum(np.clip(wanted, 6, _MOST).astype(np.int64), volume)


def _waypoints(bars: Ints, counts: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Where the path turns: positions [t, 4] and prices [t, 4] of open, first extreme, second extreme, close.

    A rising minute sees its low first. Extremes that are the open or close need no trade of their own, so a minute
    of very few lots is served as well as the recording allows.
    """
    o, h, low, c = bars[:, OPEN], bars[:, HIGH], bars[:, LOW], bars[:, CLOSE]
    last = np.maximum(counts - 1, 0)
    rising = c >= o
    first, second = np.where(rising, low, h), np.where(rising, h, low)
    a = 1 + (rng.uniform(0, 0.5, len(bars)) * np.maximum(last - 2, 0)).astype(np.int64)
    b = a + 1 + (rng.uniform(0, 1, len(bars)) * np.maximum(last - 2 - a, 0)).astype(np.int64)
    # An extreme that the open (or the close) already touches is moved there, which frees a trade.
    a = np.where(first == o, 0, a)
    b = np.where(second == c, last, np.where(first == o, np.maximum(b - 1, 1), b))
    a = np.where((first != o) & (b == last) & (a >= last), np.maximum(last - 1, 0), a)
    return np.stack([np.zeros_like(a), a, b, last], axis=1), np.stack([o, first, second, c], axis=1)


def _prices(bars: Ints, counts: Ints, rng: np.random.Generator) -> Ints:
    """Paths [t, _MOST] through the waypoints, with noise between them that stays inside the bar."""
    at, price = _waypoints(bars, counts, rng)
    j = np.arange(_MOST)
    path = np.repeat(price[:, 3:4].astype(np.float64), _MOST, axis=1)
    for k in (2, 1, 0):
        begin, end = at[:, k : k + 1], at[:, k + 1 : k + 2]
        share = (j - begin) / np.maximum(end - begin, 1)
        leg = price[:, k : k + 1] + share * (price[:, k + 1 : k + 2] - price[:, k : k + 1])
        path = np.where((j >= begin) & (j < end), leg, path)
    spread = (bars[:, HIGH] - bars[:, LOW])[:, None]
    noisy = np.rint(path + rng.normal(0, 0.12, path.shape) * spread).astype(np.int64)
    noisy = np.clip(noisy, bars[:, LOW : LOW + 1], bars[:, HIGH : HIGH + 1])
    for k in range(4):
        noisy = np.where(j == at[:, k : k + 1], price[:, k : k + 1], noisy)
    noisy = np.where(j == 0, bars[:, OPEN : OPEN + 1], noisy)
    last = np.maximum(counts - 1, 0)[:, None]
    noisy = np.where((j == last) & (counts[:, None] > 1), bars[:, CLOSE : CLOSE + 1], noisy)
    return np.asarray(np.where(j < counts[:, None], noisy, 0), dtype=np.int64)


def _sizes(volume: Ints, counts: Ints, rng: np.random.Generator) -> Ints:
    """Integer sizes [t, _MOST] of at least a lot with a Pareto tail, that add up to the volume."""
    used = np.arange(_MOST) < counts[:, None]
    weights = np.where(used, 0.1 + rng.pareto(1.6, (len(volume), _MOST)), 0.0)
    spare = volume - counts
    total = np.maximum(weights.sum(axis=1), 1e-12)
    sizes = np.where(used, 1 + np.floor(weights / total[:, None] * spare[:, None]).astype(np.int64), 0)
    rest = volume - sizes.sum(axis=1)
    sizes[np.arange(len(volume)), weights.argmax(axis=1)] += rest
    return sizes


def _times(counts: Ints, rng: np.random.Generator) -> Ints:
    """Ascending times [t, _MOST] in ms, clustered (gamma gaps, shape 0.6), at least 1 ms apart, within the minute."""
    gaps: Floats = 0.1 + rng.gamma(0.6, size=(len(counts), _MOST + 1))
    used = np.arange(_MOST + 1) <= counts[:, None]
    gaps = np.where(used, gaps, 0.0)
    share = np.cumsum(gaps, axis=1)[:, :_MOST] / gaps.sum(axis=1, keepdims=True)
    return np.asarray((share * (_MINUTE_MS - 200)).astype(np.int64) + 50 + np.arange(_MOST))


def _sides(ticks: Ints, bars: Ints, rng: np.random.Generator) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Taker buys: upticks buy, downticks sell, no move leans with the minute; one in ten is the other way."""
    moves = np.diff(ticks, axis=1, prepend=ticks[:, :1])
    span = np.maximum(bars[:, HIGH] - bars[:, LOW], 1)
    lean = 0.5 + 0.35 * (bars[:, CLOSE] - bars[:, OPEN]) / span
    buys = np.where(moves == 0, rng.uniform(size=ticks.shape) < lean[:, None], moves > 0)
    return np.asarray(buys ^ (rng.uniform(size=ticks.shape) < 0.1))

"""Trades that add up to recorded bars exactly: in integer ticks and lots."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from virtuoso.simulator.history.dataset import CLOSE, HIGH, LOW, OPEN, VOLUME, Floats, Ints, Recorded

_USUAL, _FEWEST, _MOST = 36, 8, 160
"""Takers' orders of a minute of median volume, of a quiet one and of the busiest: Bybit sends 20 to 80 messages."""
_FILLS = 25
"""Trades of one order, at most: with the most orders their numbers take three hexadecimal digits."""
_SWEEP_TICKS, _SWEEPS = 3, 0.15
"""An order that goes on where the one before ended, at most so many ticks further, is its second price so often."""
_MINUTE_MS = 60_000
_TAPES = 15
"""Kept at a time: those of one exchange."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class MinuteTrades:
    """Trades of one minute, oldest first: time in the minute (ms), price (ticks), size (lots), taker buys.

    Trades of one taker's order have one time. The rest runs along with them: the highest and the lowest price, the
    volume (lots) and the turnover (ticks · lots) up to each trade.
    """

    at_ms: list[int]
    ticks: list[int]
    lots: list[int]
    buys: list[bool]
    high: list[int]
    low: list[int]
    volume: list[int]
    turnover: list[int]

    def __len__(self) -> int:
        return len(self.at_ms)


class TradeTape:
    """All minutes of one symbol: the orders of takers at once, the trades of each when a minute is asked for.

    The first order is at the minute's open and the last at its close, the highest and lowest touch its high and low,
    the sizes (heavy-tailed) add up to its volume. The taker side follows the tick rule (Lee & Ready, 1991) with noise.
    An order meets several makers, the more the larger it is; its trades are one message of the exchange. A minute
    played backwards is the same trades in reverse order with sides exchanged.
    """

    def __init__(self, recorded: Recorded, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._seed = seed
        bars = recorded.fine
        counts = _counts(bars, rng)
        rows = _Rows(counts)
        ticks = _prices(bars, rows, rng)
        buys = _sides(ticks, bars, rows, rng)
        lots = _parted(bars[:, VOLUME], rows, 0.1 + rng.pareto(1.6, rows.total))
        self._begins = np.append(rows.begins, rows.total)
        self._at_ms = _times(ticks, buys, rows, rng).astype(np.uint16)
        self._ticks = ticks.astype(np.int32)
        self._lots = lots
        self._buys = buys
        self.turnover: Ints = rows.sums(ticks * lots)

    def ticks_at(self, index: int, back: bool, within_ms: int) -> int | None:
        """Price of the last trade of a minute as it is played, up to a time in it; `None` before its first."""
        begin, end = self._begins[index : index + 2].tolist()
        at_ms = self._at_ms[begin:end]
        if back:
            number = int(at_ms.searchsorted(_MINUTE_MS - 1 - within_ms, "left"))
        else:
            number = int(at_ms.searchsorted(within_ms, "right")) - 1
        return int(self._ticks[begin + number]) if 0 <= number < end - begin else None

    def minute(self, index: int, back: bool) -> MinuteTrades:
        """Trades of a recorded minute as it is played."""
        begin, end = self._begins[index : index + 2].tolist()
        rng = np.random.default_rng((self._seed, index))
        orders = self._lots[begin:end]
        fills = _Rows(_fills(orders, rng))
        lots = _parted(orders, fills, 0.1 + rng.exponential(size=fills.total))
        at_ms = self._at_ms[begin:end].astype(np.int64)[fills.row]
        ticks, buys = self._ticks[begin:end].astype(np.int64)[fills.row], self._buys[begin:end][fills.row]
        if back:
            at_ms, ticks, lots, buys = _MINUTE_MS - 1 - at_ms[::-1], ticks[::-1], lots[::-1], ~buys[::-1]
        along = (np.maximum.accumulate(ticks), np.minimum.accumulate(ticks), lots.cumsum(), (ticks * lots).cumsum())
        return MinuteTrades(
            at_ms.tolist(), ticks.tolist(), lots.tolist(), buys.tolist(), *(values.tolist() for values in along)
        )


tape_of = lru_cache(_TAPES)(TradeTape)
"""The tape of a symbol and seed, made once: it is a function of the two, and 4 MB."""


class _Rows:
    """How the elements of one long array belong to rows of different lengths.

    Attributes:
        row: of each element, its row.
        within: of each element, its number in its row.
        begins: of each row, where it begins.
        last: of each row, the number of its last element; 0 where it has none.
    """

    def __init__(self, counts: Ints) -> None:
        self.counts = counts
        self.total = int(counts.sum())
        self.begins = counts.cumsum() - counts
        self.row = np.repeat(np.arange(len(counts)), counts)
        self.within = np.arange(self.total) - self.begins[self.row]
        self.last = np.maximum(counts - 1, 0)

    def sums(self, values: Ints) -> Ints:
        """Sum the values of each row's run."""
        upto = np.append(0, values.cumsum())
        return np.asarray(upto[self.begins + self.counts] - upto[self.begins])

    def shares(self, weights: Floats, beyond: Floats | float = 0.0) -> Floats:
        """Of each element, the share of its row's weight up to and with it; `beyond` weighs after the last."""
        upto = np.append(0.0, weights.cumsum())
        begin = upto[self.begins]
        whole = upto[self.begins + self.counts] - begin + beyond
        return np.asarray((upto[1:] - begin[self.row]) / whole[self.row])


def _parted(whole: Ints, rows: _Rows, weights: Floats) -> Ints:
    """Integers of at least 1, about in proportion to the weights, that add up to the `whole` of each row."""
    spare = (whole - rows.counts)[rows.row]
    upto = np.floor(rows.shares(weights) * spare).astype(np.int64)
    upto = np.where(rows.within == rows.last[rows.row], spare, upto)
    return np.asarray(1 + np.where(rows.within == 0, upto, np.diff(upto, prepend=0)))


def _counts(bars: Ints, rng: np.random.Generator) -> Ints:
    """Orders a minute: more in a busier one, at least what open, high, low and close need, at most a lot each."""
    volume = bars[:, VOLUME]
    typical = max(1.0, float(np.median(volume)))
    wanted = _USUAL * np.sqrt(volume / typical) * rng.uniform(0.7, 1.3, len(bars))
    return np.minimum(np.clip(wanted, _FEWEST, _MOST).astype(np.int64), volume)


def _fills(orders: Ints, rng: np.random.Generator) -> Ints:
    """Trades of each order: one of most, three on average, more of a larger one."""
    met = 2 * orders / max(1.0, float(orders.mean())) * rng.exponential(size=len(orders)) if len(orders) else orders
    return np.minimum(1 + np.minimum(met, _FILLS - 1).astype(np.int64), orders)


def _waypoints(bars: Ints, counts: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Where the path turns: positions [t, 4] and prices [t, 4] of open, first extreme, second extreme, close.

    A rising minute sees its low first. Extremes that are the open or close need no trade of their own, so a minute
    of very few lots is served as well as the history allows.
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


def _prices(bars: Ints, rows: _Rows, rng: np.random.Generator) -> Ints:
    """Paths through the waypoints, with a random walk between each two that stays inside the bar."""
    at, price = _waypoints(bars, rows.counts, rng)
    row, within = rows.row, rows.within
    leg = (within >= at[row, 1]).astype(np.int64) + (within >= at[row, 2])
    begin, end = at[row, leg], at[row, leg + 1]
    share = np.clip((within - begin) / np.maximum(end - begin, 1), 0.0, 1.0)
    straight = price[row, leg] + share * (price[row, leg + 1] - price[row, leg])
    walk = rng.normal(size=rows.total).cumsum()
    first = rows.begins[row]
    left, right = walk[first + np.minimum(begin, rows.last[row])], walk[first + np.minimum(end, rows.last[row])]
    wander = walk - left - share * (right - left)
    spread = (bars[:, HIGH] - bars[:, LOW])[row]
    ticks = np.rint(straight + wander * 0.3 * spread / np.sqrt(np.maximum(rows.counts, 1))[row]).astype(np.int64)
    ticks = np.clip(ticks, bars[row, LOW], bars[row, HIGH])
    for k in (0, 1, 2, 3):
        ticks = np.where(within == at[row, k], price[row, k], ticks)
    ticks = np.where(within == 0, bars[row, OPEN], ticks)
    return np.asarray(np.where((within == rows.last[row]) & (within > 0), bars[row, CLOSE], ticks))


def _times(ticks: Ints, buys: Flags, rows: _Rows, rng: np.random.Generator) -> Ints:
    """Times in ms, clustered (gamma gaps, shape 0.4), within the minute: ascending, equal where an order sweeps on."""
    share = rows.shares(rng.gamma(0.4, size=rows.total), rng.gamma(0.4, size=len(rows.counts)) + 1e-9)
    at_ms = 50 + rows.within + (share * (_MINUTE_MS - 100 - rows.counts[rows.row])).astype(np.int64)
    further = np.diff(ticks, prepend=ticks[:1]) * np.where(buys, 1, -1)
    same = np.append(False, buys[1:] == buys[:-1]) & (rows.within > 0)
    swept = same & (further > 0) & (further <= _SWEEP_TICKS) & (rng.uniform(size=rows.total) < _SWEEPS)
    begun = np.maximum.accumulate(np.where(swept, 0, np.arange(rows.total)))
    return np.asarray(at_ms[begun])


def _sides(ticks: Ints, bars: Ints, rows: _Rows, rng: np.random.Generator) -> Flags:
    """Taker buys: upticks buy, downticks sell, no move leans with the minute; one in ten is the other way."""
    moves = np.where(rows.within > 0, np.diff(ticks, prepend=ticks[:1]), 0)
    span = np.maximum(bars[:, HIGH] - bars[:, LOW], 1)
    lean = 0.5 + 0.35 * (bars[:, CLOSE] - bars[:, OPEN]) / span
    buys = np.where(moves == 0, rng.uniform(size=rows.total) < lean[rows.row], moves > 0)
    return np.asarray(buys ^ (rng.uniform(size=rows.total) < 0.1))

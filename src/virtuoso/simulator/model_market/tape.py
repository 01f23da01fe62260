"""The trades of one minute, which add up to its bar exactly: in price, volume and turnover."""

from array import array
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from virtuoso.simulator.history.dataset import Floats, Ints

_MOST = 6_000
_SHARE_OF_LOTS = 4
"""At least this many lots a trade on average: what `solved` needs."""


def packed(values: Ints) -> "array[int]":
    """Integers that are quick to read one by one, and, unlike a list's, nothing for the garbage collector to visit."""
    return array("q", values.tobytes())


@dataclass(frozen=True, slots=True)
class Tape:
    """Trades of one minute, oldest first: time in the minute (ms), price (ticks), size (lots), 1 where takers buy.

    After each trade: high, low, volume and turnover of the minute so far. The arrays are for whole books at once.
    """

    at_ms: "array[int]"
    ticks: "array[int]"
    lots: "array[int]"
    buys: "array[int]"
    highs: "array[int]"
    lows: "array[int]"
    volumes: "array[int]"
    turnovers: "array[int]"
    times: Ints
    prices: Ints
    takers: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

    def __len__(self) -> int:
        return len(self.at_ms)


def taped(bar: list[int], typical_count: float, typical_lots: float, key: int, *, first_buys: bool = True) -> Tape:
    """Trades of a bar: open, high, low, close (ticks), volume (lots), turnover (ticks · lots).

    The first trade is at the open and the last at the close. `typical_count` trades are made in a minute of
    `typical_lots`; volume must be at least 24 lots.
    """
    opened, high, low, closed, volume, turnover = bar
    rng = np.random.default_rng(key)
    count = int(typical_count * (volume / typical_lots) ** 0.6 * rng.uniform(0.7, 1.3))
    count = min(max(6, count), _MOST, volume // _SHARE_OF_LOTS)
    prices = _prices(opened, high, low, closed, count, rng)
    weights = 0.05 + rng.pareto(1.5, count)
    sizes = 1 + np.floor(weights / weights.sum() * (volume - 1 - count)).astype(np.int64)
    sizes[int(weights.argmax())] += volume - 1 - int(sizes.sum())
    sizes, odd = solved(prices, sizes, low, high, turnover)
    # The odd lot goes where the path is nearest to its price, but never first or last.
    place = 1 + int(np.abs(prices[:-1] - odd).argmin())
    prices = np.concatenate([prices[:place], [odd], prices[place:]])
    sizes = np.concatenate([sizes[:place], [1], sizes[place:]])
    times, takers = _times(count + 1, rng), _takers(prices, rng)
    takers[0] = first_buys
    return Tape(
        packed(times),
        packed(prices),
        packed(sizes),
        packed(takers.astype(np.int64)),
        packed(np.maximum.accumulate(prices)),
        packed(np.minimum.accumulate(prices)),
        packed(np.cumsum(sizes)),
        packed(np.cumsum(sizes * prices)),
        times,
        prices,
        takers,
    )


def solved(prices: Ints, sizes: Ints, low: int, high: int, turnover: int) -> tuple[Ints, int]:
    """Sizes with the same sum, and the price of one lot more, so that Σ price · size + odd is the turnover.

    Lots move from every trade, in proportion, to one at the high (or low); what is left is less than one lot's move and
    is settled by the odd lot's price. Every trade keeps a lot. With at least 4 lots a trade a turnover between 0.3 and
    0.7 of the way from low to high can be met.
    """
    odd = (low + high) // 2
    missing = turnover - odd - int((prices * sizes).sum())
    if missing == 0 or low == high:
        return sizes, odd
    target = int(prices.argmax() if missing > 0 else prices.argmin())
    gains = np.abs(prices[target] - prices)
    sign = 1 if missing > 0 else -1
    left = abs(missing)
    spare = (sizes - 1) * (gains > 0)
    moved = np.floor(spare * min(1.0, left / max(1, int((spare * gains).sum())))).astype(np.int64)
    left -= int((moved * gains).sum())
    for i in np.argsort(-gains, kind="stable").tolist():
        gain, room = int(gains[i]), int(spare[i] - moved[i])
        if left == 0 or gain == 0:
            break
        more = min(room, left // gain)
        moved[i] += more
        left -= more * gain
        if left < gain and low <= odd + sign * left <= high:
            break
        if left < gain and more < room:
            moved[i] += 1  # one lot too many, which the odd lot takes back
            left -= gain
            break
    sizes = sizes - moved
    sizes[target] += int(moved.sum())
    return sizes, odd + sign * left


def _prices(opened: int, high: int, low: int, closed: int, count: int, rng: np.random.Generator) -> Ints:
    """A path from open to close that touches high and low and wanders between; a rising minute sees its low first."""
    rising = closed >= opened
    first, second = sorted(rng.choice(np.arange(1, count - 1), 2, replace=False).tolist())
    at = [0, first, second, count - 1]
    through = [opened, low if rising else high, high if rising else low, closed]
    number = np.arange(count)
    path: Floats = np.interp(number, at, through)
    steps = np.cumsum(rng.standard_normal(count))
    scale = 0.2 * (high - low) / np.sqrt(count)
    for begin, end in pairwise(at):
        leg = steps[begin : end + 1]
        path[begin : end + 1] += scale * (leg - np.interp(number[begin : end + 1], [begin, end], [leg[0], leg[-1]]))
    prices = np.clip(np.rint(path), low, high).astype(np.int64)
    prices[at] = through
    return prices


def _times(count: int, rng: np.random.Generator) -> Ints:
    """Ascending times in ms, clustered (gamma gaps, shape 0.35): many share a millisecond with the one before."""
    gaps = 0.002 + rng.gamma(0.35, size=count + 1)
    return np.asarray((np.cumsum(gaps)[:-1] / gaps.sum() * 59_800).astype(np.int64) + 50)


def _takers(prices: Ints, rng: np.random.Generator) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Taker buys: upticks buy, downticks sell, no move goes on as before; one in ten, or one in three, is not so."""
    moves = np.sign(np.diff(prices, prepend=prices[0]))
    moves[0] = 1 if rng.random() < 0.5 else -1
    last = np.maximum.accumulate(np.where(moves != 0, np.arange(len(prices)), 0))
    contrary = rng.random(len(prices)) < np.where(moves != 0, 0.1, 0.33)
    return np.asarray((moves[last] > 0) ^ contrary)

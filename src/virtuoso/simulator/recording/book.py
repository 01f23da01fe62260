"""An order book around the trades: every level a function of price and time, so that it can be asked for anywhere.

A *tick* of the book is a fixed step of exchange time. At each, the touch leads to the next trade: a taker buy will
meet the ask, a taker sell the bid. Level sizes hold for some ticks and are then drawn anew, so levels come, go, and
now and then stand out as a wall that vanishes.
"""

from functools import lru_cache

import numpy as np

from virtuoso.simulator.recording.dataset import Ints
from virtuoso.simulator.recording.market import SymbolMarket
from virtuoso.simulator.recording.noise import mixed, smooth, uniform, uniforms

TICK_MS = 200
"""Five looks a second."""
_WINDOW = 1.6
"""Price steps looked at for each level wanted: one in five is empty."""
_EMPTY = 0.2
_USUAL_DEPTH = 50
_WALL = 0.004
_WALL_SIZE = 12.0
_LEAN_MS = 20_000

Side = dict[int, int]


class BookModel:
    """Book states in ticks and lots at the ticks of the book."""

    def __init__(self, market: SymbolMarket) -> None:
        self._market = market
        self._key = np.uint64(market.key)
        self.touch = lru_cache(64)(self._touch)
        self.levels = lru_cache(8)(self._levels)

    def tick_at(self, at_ms: int) -> int:
        """The latest tick of the book at or before `at_ms`; symbols are out of step with each other."""
        return (at_ms - self._phase) // TICK_MS

    def time_of(self, tick: int) -> int:
        """When a tick of the book happens, epoch ms."""
        return tick * TICK_MS + self._phase

    @property
    def _phase(self) -> int:
        return self._market.key % TICK_MS

    def _touch(self, tick: int) -> tuple[int, int]:
        """Best bid and ask in ticks."""
        at_ms = self.time_of(tick)
        last, following = self._market.around(at_ms)
        share = (at_ms - last.at_ms) / max(1, following.at_ms - last.at_ms)
        towards = round(last.ticks + share * (following.ticks - last.ticks))
        draw = uniform(self._market.key, tick // 7, 1)
        spread = 1 + (draw > 0.6) + (draw > 0.85) + 2 * (draw > 0.97)
        return (towards - spread, towards) if following.buy else (towards, towards + spread)

    def best(self, tick: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Price and size of the best bid and ask; from the book that most clients ask for, so that it is made once."""
        bids, asks = self.levels(tick, _USUAL_DEPTH)
        return next(iter(bids.items())), next(iter(asks.items()))

    def _levels(self, tick: int, depth: int) -> tuple[Side, Side]:
        """The best `depth` bids and asks as {price: size}, best first."""
        bid, ask = self.touch(tick)
        away = np.arange(int(depth * _WINDOW) + 16, dtype=np.int64)
        return self._side(tick, depth, bid - away, 1), self._side(tick, depth, ask + away, -1)

    def _side(self, tick: int, depth: int, prices: Ints, side: int) -> Side:
        own = mixed(prices.astype(np.uint64) * np.uint64(2) + np.uint64(side == 1) ^ self._key)
        period = (own % np.uint64(60)).astype(np.int64) + 5
        period[0] = 3
        period[3] = 1  # one level changes at every tick, so that update ids can simply count ticks
        epoch = (tick + (own >> np.uint64(32)).astype(np.int64) % 1_000_003) // period
        drawn = mixed(own + epoch.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
        size = 0.15 - np.log1p(-uniforms(drawn))
        again = uniforms(mixed(drawn))
        filled = again >= _EMPTY
        filled[:4] = True
        size = np.where(again > 1 - _WALL, size * _WALL_SIZE, size)
        # Which side is heavier drifts with the time in which a level was drawn, so sizes change only when redrawn.
        lean = smooth(self._market.key + 2, self.time_of(tick - tick % 25) / _LEAN_MS)
        size[:12] *= np.exp(0.6 * side * lean)
        growth = 1 + 0.02 * np.arange(len(prices))
        lots = np.maximum(1, (size * growth * self._market.typical_lots).astype(np.int64))
        if len(lots) > 3:
            lots[3] += tick % 7  # the level that changes at every tick must differ from itself
        chosen = np.flatnonzero(filled)[:depth]
        return dict(zip(prices[chosen].tolist(), lots[chosen].tolist(), strict=True))


def changed(before: Side, after: Side) -> Side:
    """What a delta from `before` to `after` says: new sizes, 0 for what is gone."""
    difference = {price: size for price, size in after.items() if before.get(price) != size}
    difference.update((price, 0) for price in before if price not in after)
    return difference

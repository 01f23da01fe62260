"""An order book around the trades: every level a function of price and time, so that it can be asked for anywhere.

A *tick* of the book is a fixed step of exchange time. At each, the touch leads to the next trade: a taker buy will
meet the ask, a taker sell the bid. Level sizes hold for some ticks and are then drawn anew, so levels come, go, and
now and then stand out as a wall that vanishes. Books are made a block of ticks at a time: one is as dear as twenty.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from virtuoso.simulator.history.dataset import Floats, Ints
from virtuoso.simulator.history.market import SymbolMarket
from virtuoso.simulator.history.noise import mixed, smooth, uniform, uniforms

TICK_MS = 200
"""Five looks a second."""
_BLOCK = 25
"""Ticks made at once, and for which one side is heavier."""
_WINDOW = 1.6
"""Price steps looked at for each level wanted: one in five is empty."""
_EMPTY = 0.2
_ALWAYS = 4
"""The best levels are never empty; the last of them changes at every tick, so that update ids can simply count."""
_WALL = 0.004
_WALL_SIZE = 12.0
_LEAN_MS = 20_000

Flags = NDArray[np.bool_]
Level = tuple[int, int]
"""Price in ticks and size in lots."""
Levels = list[Level]


@dataclass(frozen=True, slots=True)
class Side:
    """One side at the ticks of a block; row 0 is the tick before it. Sizes [t, p] are 0 where there is no level."""

    prices: Ints
    """Best first."""
    lots: Ints
    changes: list[Levels]
    """What became of each row by the next: new sizes, best first, then what is gone (0)."""

    def levels(self, row: int) -> Levels:
        """Everything at a row, best first."""
        there = np.flatnonzero(self.lots[row])
        return list(zip(self.prices[there].tolist(), self.lots[row, there].tolist(), strict=True))


class BookModel:
    """Book states in ticks and lots at the ticks of the book."""

    def __init__(self, market: SymbolMarket) -> None:
        self._market = market
        self._key = np.uint64(market.key)
        self._phase = market.key % TICK_MS
        self.touch = lru_cache(64)(self._touch)
        self._block = lru_cache(4)(self._made)
        self._nearest = lru_cache(2)(self._best_of)

    def tick_at(self, at_ms: int) -> int:
        """The latest tick of the book at or before `at_ms`; symbols are out of step with each other."""
        return (at_ms - self._phase) // TICK_MS

    def time_of(self, tick: int) -> int:
        """When a tick of the book happens, epoch ms."""
        return tick * TICK_MS + self._phase

    def levels(self, tick: int, depth: int) -> tuple[Levels, Levels]:
        """The best `depth` bids and asks, best first."""
        bids, asks = self._block(tick // _BLOCK, depth)
        return bids.levels(tick % _BLOCK + 1), asks.levels(tick % _BLOCK + 1)

    def changes(self, tick: int, depth: int) -> tuple[Levels, Levels]:
        """What a delta to this tick from the one before says of bids and asks: new sizes, 0 for what is gone."""
        bids, asks = self._block(tick // _BLOCK, depth)
        return bids.changes[tick % _BLOCK], asks.changes[tick % _BLOCK]

    def best(self, tick: int) -> tuple[Level, Level]:
        """Return the best bid and the best ask (ticks, lots) at a tick of the book."""
        return self._nearest(tick // _BLOCK)[tick % _BLOCK + 1]

    def _touch(self, tick: int) -> tuple[int, int]:
        """Work out best bid and ask at a tick of the book, in price ticks."""
        at_ms = self.time_of(tick)
        last, following = self._market.around(at_ms)
        share = (at_ms - last.at_ms) / max(1, following.at_ms - last.at_ms)
        towards = round(last.ticks + share * (following.ticks - last.ticks))
        draw = uniform(self._market.key, tick // 7, 1)
        spread = 1 + (draw > 0.6) + (draw > 0.85) + 2 * (draw > 0.97)
        return (towards - spread, towards) if following.buy else (towards, towards + spread)

    def _ticks(self, block: int) -> tuple[Ints, Ints, Floats]:
        """The ticks of a block and the one before it, their touches [t, 2], and which side is heavier [t]."""
        ticks = np.arange(block * _BLOCK - 1, (block + 1) * _BLOCK, dtype=np.int64)
        touches = np.array([self.touch(tick) for tick in ticks.tolist()], dtype=np.int64)
        # Which side is heavier drifts with the time in which a level was drawn, so sizes change only when redrawn.
        leans = [smooth(self._market.key + 2, self.time_of(k * _BLOCK) / _LEAN_MS) for k in (block - 1, block)]
        return ticks, touches, np.repeat(leans, (1, _BLOCK))

    def _best_of(self, block: int) -> list[tuple[Level, Level]]:
        ticks, touches, lean = self._ticks(block)
        away = np.arange(_ALWAYS, dtype=np.int64)
        bids, _ = self._drawn(ticks, touches[:, :1] - away, 1, lean)
        asks, _ = self._drawn(ticks, touches[:, 1:] + away, -1, lean)
        sizes = zip(bids[:, 0].tolist(), asks[:, 0].tolist(), strict=True)
        return [((bid, b), (ask, a)) for (bid, ask), (b, a) in zip(touches.tolist(), sizes, strict=True)]

    def _made(self, block: int, depth: int) -> tuple[Side, Side]:
        ticks, touches, lean = self._ticks(block)
        return self._side(ticks, touches[:, 0], depth, 1, lean), self._side(ticks, touches[:, 1], depth, -1, lean)

    def _side(self, ticks: Ints, best: Ints, depth: int, side: int, lean: Floats) -> Side:
        """Sizes are drawn for [t, levels away from the best], then put where their prices are."""
        away = np.arange(int(depth * _WINDOW) + 16, dtype=np.int64)
        lots, filled = self._drawn(ticks, best[:, None] - side * away, side, lean)
        filled &= np.cumsum(filled, axis=1) <= depth
        top = int((best * side).max())
        ahead = top - best * side
        prices = side * (top - np.arange(int(ahead.max()) + len(away), dtype=np.int64))
        placed = np.zeros((len(ticks), len(prices)), dtype=np.int64)
        placed[np.arange(len(ticks))[:, None], ahead[:, None] + away] = np.where(filled, lots, 0)
        return Side(prices, placed, _changes(prices, placed))

    def _drawn(self, ticks: Ints, prices: Ints, side: int, lean: Floats) -> tuple[Ints, Flags]:
        """Sizes [t, p] and whether there is a level, of prices best first."""
        own = mixed(prices.astype(np.uint64) * np.uint64(2) + np.uint64(side == 1) ^ self._key)
        period = (own % np.uint64(60)).astype(np.int64) + 5
        period[:, 0] = 3
        period[:, _ALWAYS - 1] = 1
        epoch = (ticks[:, None] + (own >> np.uint64(32)).astype(np.int64) % 1_000_003) // period
        drawn = mixed(own + epoch.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
        size = 0.15 - np.log1p(-uniforms(drawn))
        again = uniforms(mixed(drawn))
        filled = again >= _EMPTY
        filled[:, :_ALWAYS] = True
        size = np.where(again > 1 - _WALL, size * _WALL_SIZE, size)
        size[:, :12] *= np.exp(0.6 * side * lean)[:, None]
        growth = 1 + 0.02 * np.arange(prices.shape[1])
        lots = np.maximum(1, (size * growth * self._market.typical_lots).astype(np.int64))
        lots[:, _ALWAYS - 1] += ticks % 7  # however it is drawn, it must differ from itself
        return lots, filled


def _changes(prices: Ints, lots: Ints) -> list[Levels]:
    """For each row but the first: what became of the one before."""
    row, column = np.nonzero(lots[1:] != lots[:-1])
    size = lots[row + 1, column]
    order = np.lexsort((size == 0, row))
    row, levels = row[order], list(zip(prices[column[order]].tolist(), size[order].tolist(), strict=True))
    ends = np.searchsorted(row, np.arange(len(lots))).tolist()
    return [levels[ends[i] : ends[i + 1]] for i in range(len(lots) - 1)]

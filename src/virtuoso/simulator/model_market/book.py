"""Order books around the trades, a block of ticks at a time: every size is a function of price and time.

A *tick* of the book is a fixed step of exchange time. At each, the touch leads to the next trade: a taker buy will meet
the ask, a taker sell the bid. A level's size holds for a while and is then drawn anew; one level changes at every look,
so that update ids can simply count looks.
"""

from array import array
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from virtuoso.simulator.history.dataset import Ints
from virtuoso.simulator.history.noise import mixed, uniforms
from virtuoso.simulator.model_market.market import ModelMarket
from virtuoso.simulator.model_market.tape import packed

_BLOCK = 50
"""Looks in a block."""
_EMPTY, _WALL, _WALL_SIZE = 0.2, 0.004, 12.0
_ALWAYS = 4
"""The best levels are never empty; the last of them changes at every look."""
_LEAN_MS = 20_000

Level = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Block:
    """`_BLOCK` looks from `first` on, and the one before: best levels, changes against the look before, whole sides.

    Prices in ticks, sizes in lots (0: gone). Index 0 is the look before the first. `changes` are for bids and asks.
    """

    first: int
    best: tuple["array[int]", "array[int]", "array[int]", "array[int]"]
    changes: tuple[list[list[Level]], list[list[Level]]]
    prices: tuple[Ints, Ints]
    lots: tuple[Ints, Ints]

    def touch(self, index: int) -> tuple[Level, Level]:
        """Best bid and best ask at a look."""
        bids, bid_lots, asks, ask_lots = self.best
        return (bids[index], bid_lots[index]), (asks[index], ask_lots[index])

    def side(self, index: int, side: int) -> list[Level]:
        """A whole side (0 bids, 1 asks) at a look, best first."""
        lots = self.lots[side][index]
        there = np.flatnonzero(lots)
        return list(zip(self.prices[side][there].tolist(), lots[there].tolist(), strict=True))


class BookModel:
    """Books of one symbol. A look of depth 200 or 1000 comes at every fifth or tenth tick of an active symbol."""

    def __init__(self, market: ModelMarket) -> None:
        self._market = market
        self.tick_ms = 20 if market.active else 200
        self._phase = market.key % self.tick_ms
        self._key = np.uint64(market.key)
        self._size = max(2.0, market.typical_lots / 20)
        self.block = lru_cache(5)(self._block)

    def stride(self, depth: int) -> int:
        """Ticks from look to look of a depth."""
        if depth <= 50 or not self._market.active:
            return 1
        return 5 if depth <= 200 else 10

    def look_at(self, at_ms: int, depth: int) -> int:
        """Number of the latest look of a depth at or before `at_ms`; symbols are out of step with each other."""
        return (at_ms - self._phase) // (self.tick_ms * self.stride(depth))

    def time_of(self, look: int, depth: int) -> int:
        """When the book of this depth is pushed for the `look`th time, epoch ms."""
        return look * self.tick_ms * self.stride(depth) + self._phase

    def at(self, look: int, depth: int) -> tuple[Block, int]:
        """The block that holds a look, and the look's index in it."""
        number = (look + self._shift) // _BLOCK
        return self.block(number, depth), look + self._shift - number * _BLOCK + 1

    @property
    def _shift(self) -> int:
        return (self._market.key >> 20) % _BLOCK

    def _block(self, number: int, depth: int) -> Block:
        stride = self.stride(depth)
        first = number * _BLOCK - self._shift
        ticks = np.arange(first - 1, first + _BLOCK, dtype=np.int64) * stride
        times = ticks * self.tick_ms + self._phase
        towards, buy_next = self._market.path(times)
        # The spread is that of a span of ticks, so that it does not flicker.
        draw = uniforms(mixed((ticks // 35).astype(np.uint64) ^ self._key))
        spread = 1 + (draw > 0.6) + (draw > 0.85) + 2 * (draw > 0.97)
        bid = np.where(buy_next, towards - spread, towards)
        bid_prices, bid_lots, best_bids, bid_changes = self._side(ticks, bid, depth, 1)
        ask_prices, ask_lots, best_asks, ask_changes = self._side(ticks, bid + spread, depth, -1)
        return Block(
            first, (*best_bids, *best_asks), (bid_changes, ask_changes), (bid_prices, ask_prices), (bid_lots, ask_lots)
        )

    def _side(
        self, ticks: Ints, best: Ints, depth: int, sign: int
    ) -> tuple[Ints, Ints, tuple["array[int]", "array[int]"], list[list[Level]]]:
        """Prices [p], best first, and sizes [t, p] of one side (`sign` 1: bids); best levels and changes by look."""
        top = int((best * sign).max())
        reach = top - int((best * sign).min()) + _width(depth)
        prices = sign * (top - np.arange(reach, dtype=np.int64))
        drawn, filled = self._drawn(ticks, prices, sign)
        ahead = (top - best * sign)[:, None]
        position = np.arange(reach)[None, :] - ahead
        filled |= position < _ALWAYS
        filled &= (position >= 0) & (prices > 0)
        filled &= np.cumsum(filled, axis=1) <= depth
        lots = np.where(filled, drawn, 0)
        row = np.arange(len(ticks))
        shown = min(depth, _ALWAYS) - 1
        moving = ahead[:, 0] + shown
        if depth > 1:  # differs from itself a look before, whatever is drawn
            lots[row, moving] = lots[row, moving] // 8 * 8 + 1 + ticks // self.stride(depth) % 7
        first = ahead[:, 0]
        return prices, lots, (packed(best), packed(lots[row, first])), _changes(prices, lots) if depth > 1 else []

    def _drawn(
        self, ticks: Ints, prices: Ints, sign: int
    ) -> tuple[Ints, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
        """Sizes [t, p] and whether there is one: drawn once for each price and span of time, then spread out."""
        own = mixed(prices.astype(np.uint64) * np.uint64(2) + np.uint64(sign == 1) ^ self._key)
        period = (own % np.uint64(230)).astype(np.int64) + 20
        offset = (own >> np.uint64(32)).astype(np.int64) % 1_000_003
        begin = (ticks[0] + offset) // period
        count = (ticks[-1] + offset) // period - begin + 1
        start = np.cumsum(count) - count
        which = np.repeat(np.arange(len(prices)), count)
        epoch = np.arange(len(which)) - start[which] + begin[which]
        hashed = mixed(own[which] + epoch.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
        again = uniforms(mixed(hashed))
        size = (0.15 - np.log1p(-uniforms(hashed))) * np.where(again > 1 - _WALL, _WALL_SIZE, 1.0)
        # Which side is heavier drifts with the time in which a level was drawn, so sizes change only when redrawn.
        drawn_ms = (epoch * period[which] - offset[which]) * self.tick_ms
        size *= np.exp(0.5 * sign * self._lean(drawn_ms))
        lots = np.maximum(1, size * self._size).astype(np.int64)
        index = (ticks[:, None] + offset) // period - begin + start
        return lots[index], (again >= _EMPTY)[index]

    def _lean(self, at_ms: Ints) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        knots = at_ms // _LEAN_MS
        key = np.uint64(self._market.key + 2 & 0xFFFFFFFFFFFFFFFF)
        return np.asarray(2 * uniforms(mixed(mixed(knots.astype(np.uint64)) ^ key)) - 1)


def _width(depth: int) -> int:
    """Price steps looked at for so many levels: one in five is empty."""
    return _ALWAYS + 1 if depth == 1 else int(depth * 1.4) + 24


def _changes(prices: Ints, lots: Ints) -> list[list[Level]]:
    """For each look: the levels that are not as they were at the look before; none for the first."""
    row, column = np.nonzero(lots[1:] != lots[:-1])
    levels = list(zip(prices[column].tolist(), lots[row + 1, column].tolist(), strict=True))
    ends = np.searchsorted(row, np.arange(len(lots)), side="left").tolist()
    return [[], *(levels[ends[i] : ends[i + 1]] for i in range(len(lots) - 1))]

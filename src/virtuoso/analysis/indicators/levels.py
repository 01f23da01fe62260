"""Support and resistance: confirmed pivots near each other make a level, and every further touch strengthens it.

Pivots of both sides count alike: a resistance that was overcome supports. Clusters are not cut out but felt through
kernels over all pivots of the last `AGE` bars, so that no level appears or vanishes at a boundary, the order of the
pivots does not matter and nothing older is remembered.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from virtuoso.analysis.block import CrossSection, Memory
from virtuoso.analysis.indicators.sections import any_of
from virtuoso.analysis.indicators.swings import REACH, Fractals, freshness
from virtuoso.market.panel import Floats

AGE = 180
"""Bars after which a pivot counts no more; before, it weighs (1 − age/AGE)²."""
READY = AGE + REACH
_BUCKET = REACH + 1
"""No two pivots of one side are closer than this, so each bucket of so many bars has room for one of each side."""
_BUCKETS = math.ceil(AGE / _BUCKET) + 1
"""When the turn of a slot comes again, what it holds is older than `AGE` and weighs nothing."""


class Seen(NamedTuple):
    """What is known at bar `k` of a block, good until the next: tables [2 · buckets, n], highs first, then lows.

    `bar` is −∞ where there never was a pivot; `slots` are the two that this bar may have filled, with one at `newest`.
    """

    k: int
    number: int
    newest: int
    slots: slice
    price: Floats
    bar: Floats


class Pivots:
    """The confirmed pivots of the last `AGE` bars, by the bucket of bars they lie in."""

    def __init__(self, memory: Memory) -> None:
        self._fractals = Fractals(memory)
        self._price = memory.table(2 * _BUCKETS, fill=0.0)
        self._bar = memory.table(2 * _BUCKETS, fill=-math.inf)

    def step(self, x: CrossSection) -> Iterator[Seen]:
        """The pivots known at each bar of the block; to be taken to its end."""
        pivots = self._fractals.step(x)
        np.negative(pivots[:, 1], out=pivots[:, 1])
        found = np.isfinite(pivots)
        confirming = any_of(found)
        missing = any_of(~x.whole)
        price, bar = self._price.read(x.rows), self._bar.read(x.rows)
        for k in range(pivots.shape[0]):
            newest = x.number + k - self._fractals.RIGHT
            slots = slice(newest // _BUCKET % _BUCKETS, None, _BUCKETS)
            if confirming[k]:
                np.copyto(price[slots], pivots[k], where=found[k])
                np.copyto(bar[slots], float(newest), where=found[k])
            if missing[k]:
                bar[:, ~x.whole[k]] = -math.inf
            yield Seen(k, x.number + k, newest, slots, price, bar)
        if not isinstance(x.rows, slice):  # else they are views
            self._price.write(x.rows, price)
            self._bar.write(x.rows, bar)


def weights(bar: Floats, number: int) -> Floats:
    """(1 − age/AGE)², 0 where there is no pivot."""
    weight = freshness(number - bar, AGE)
    weight *= weight
    return weight


class SupportResistance:
    """How much more support lies below the close than resistance above it, −1…1; `nan` without any pivot.

    A pivot d below the close pulls by the kernel u/(1 + u²)², u = d/(1.5 ATR), one above it pushes by the same: most
    at 0.87 ATR, a quarter of that at 3. At the level itself it is 0, so that a level turns from resistance into
    support without a jump while the price goes through it. Touches of one level add up.
    """

    RADIUS = 1.5
    PEAK = 3.0 * math.sqrt(3.0) / 16.0
    """The kernel's maximum, at u = 1/√3."""
    BASE = 0.5
    """Added to the strengths: so many fresh touches at the best distance move the score half of its way."""

    def __init__(self, memory: Memory) -> None:
        self._pivots = Pivots(memory)

    def step(self, x: CrossSection) -> Floats:
        """(S − R)/(S + R + ½), S and R the sums of weight · kernel below and above, for the bars asked for."""
        t, n = x.close.shape
        out = np.full((t, n), np.nan)
        for seen in self._pivots.step(x):
            if seen.k >= t - x.wanted:
                out[seen.k] = self._balance(seen, x.close[seen.k], x.atr[seen.k])
        return out

    def _balance(self, seen: Seen, close: Floats, atr: Floats) -> Floats:
        reach = self.RADIUS * atr
        distance = close - seen.price
        width = distance * distance
        width += reach * reach
        width *= width
        weight = weights(seen.bar, seen.number)
        known = np.maximum.reduce(weight, axis=0) > 0.0
        distance *= weight
        distance /= width
        unit = reach**3 / self.PEAK
        balance = unit * np.add.reduce(distance, axis=0)
        strength = unit * np.add.reduce(np.abs(distance, out=distance), axis=0)
        return np.where(known & (atr > 0.0), balance / (strength + self.BASE), np.nan)

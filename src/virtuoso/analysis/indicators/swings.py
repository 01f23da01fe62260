"""Swings: confirmed fractal pivots, the last ones of either side, and the breaks of them.

Arrays [t, 2, n] hold the upper side and then the lower side *negated* (see `both_sides`).
"""

from functools import reduce

import numpy as np

from virtuoso.analysis.block import CrossSection, Memory
from virtuoso.analysis.indicators.sections import any_of, both_sides, numbers
from virtuoso.market.panel import Floats

REACH = 5
"""Bars on either side that a pivot must top; it is known so many bars after it."""


def freshness(age: Floats, bars: int) -> Floats:
    """1 at age 0, falling in a straight line to 0 at `bars`; `nan` stays."""
    out: Floats = np.maximum(1.0 - age / bars, 0.0)
    return out


class Fractals:
    """Pivots (Williams, 1995): a high no lower than the `LEFT` before and above the `RIGHT` after it; lows alike.

    Of equal ones the last is the pivot, on both sides. It is answered with the bar that confirms it, `RIGHT` bars on.
    """

    LEFT = RIGHT = REACH

    def __init__(self, memory: Memory) -> None:
        self._high = memory.ring(self.LEFT + 1 + self.RIGHT)
        self._low = memory.ring(self.LEFT + 1 + self.RIGHT)

    def step(self, x: CrossSection) -> Floats:
        """Prices of the pivots that each bar confirms, both sides [t, 2, n]; `nan` where it confirms none."""
        t, left, last = x.close.shape[0], self.LEFT, self.LEFT + self.RIGHT
        high = self._high.extend(x.number, x.rows, x.high)
        low = self._low.extend(x.number, x.rows, x.low)
        price = both_sides(high, low)
        centre = price[left : left + t]
        before = reduce(np.maximum, [price[j : j + t] for j in range(left)])
        after = reduce(np.maximum, [price[j : j + t] for j in range(left + 1, last + 1)])
        return np.where((centre >= before) & (centre > after), centre, np.nan)


class Swings:
    """The last two confirmed pivots of either side."""

    def __init__(self, memory: Memory) -> None:
        self._fractals = Fractals(memory)
        self._held = memory.table(8)

    def step(self, x: CrossSection) -> Floats:
        """[t, 4, 2, n]: price of the last, its bar, price of the one before, its bar; both sides; `nan` unknown."""
        pivots = self._fractals.step(x)
        t, _, n = pivots.shape
        found = np.isfinite(pivots)
        confirming = any_of(found)
        missing = any_of(~x.whole)
        out = np.empty((t, 4, 2, n))
        held = self._held.read(x.rows).reshape(4, 2, n)
        for k in range(t):
            out[k] = held
            held = out[k]
            if confirming[k]:
                np.copyto(held[2:], held[:2], where=found[k])
                np.copyto(held[0], pivots[k], where=found[k])
                np.copyto(held[1], float(x.number + k - self._fractals.RIGHT), where=found[k])
            if missing[k]:
                held[:, :, ~x.whole[k]] = np.nan
        self._held.write(x.rows, held.reshape(8, n))
        return out


class SwingHigh:
    """The last confirmed swing high, quote units; `nan` when there was none within `AGE` bars."""

    AGE = 100
    READY = EXACT = AGE + REACH
    side, sign = 0, 1.0

    def __init__(self, memory: Memory) -> None:
        self._swings = Swings(memory)

    def step(self, x: CrossSection) -> Floats:
        """Price of the latest swing on this side at each bar [t, n]; NaN once it is too old."""
        swings = self._swings.step(x)[:, :, self.side]
        young = numbers(x)[:, None] - swings[:, 1] < self.AGE
        return np.where(young, self.sign * swings[:, 0], np.nan)


class SwingLow(SwingHigh):
    """The last confirmed swing low, quote units; `nan` when there was none within `AGE` bars."""

    side, sign = 1, -1.0


class SwingStructure:
    """Breaks of structure and the sequence of swings, −1…1: half of each.

    A break is a close beyond the last confirmed swing high or low, by d ATR: its strength d/(1 + d) is 0 at the level,
    grows with the distance and halves every `half_life` bars unless a new one is stronger. With the sequence it is a
    break of structure, against it a change of character; both lean where they break to. The sequence is half the rise
    from the swing high before to the last one plus half that of the lows, in ATR: higher highs and higher lows lean up.
    A swing weighs less with age, nothing after `AGE` bars; without any younger there is no structure: `nan`.
    """

    AGE = 100

    def __init__(self, memory: Memory, half_life: float = 10.0) -> None:
        self._decay = 0.5 ** (1.0 / half_life)
        self._swings = Swings(memory)
        self._strength = memory.table(2, fill=0.0)

    def step(self, x: CrossSection) -> Floats:
        """½·(break up − break down) + ½·q/(1 + |q|), q the sequence."""
        swings = self._swings.step(x)
        last, bar, before, bar_before = swings[:, 0], swings[:, 1], swings[:, 2], swings[:, 3]
        number = numbers(x)[:, None, None]
        atr = np.where(x.atr > 0.0, x.atr, np.nan)[:, None]
        fresh = freshness(number - bar, self.AGE)
        distance = np.maximum(both_sides(x.close, x.close) - last, 0.0) * fresh / atr
        broken = self._decayed(x, distance / (1.0 + distance))
        rises = np.nan_to_num((last - before) * freshness(number - bar_before, self.AGE) / atr)
        sequence = 0.5 * (rises[:, 0] - rises[:, 1])
        raw = 0.5 * (broken[:, 0] - broken[:, 1]) + 0.5 * sequence / (1.0 + np.abs(sequence))
        return np.where((fresh > 0.0).any(axis=1) & (x.atr > 0.0), raw, np.nan)

    def _decayed(self, x: CrossSection, strength: Floats) -> Floats:
        """The strongest of this bar's break and the ones before, decayed [t, 2, n]."""
        held = self._strength.read(x.rows)
        missing = any_of(~x.whole)
        for k in range(strength.shape[0]):
            held = np.fmax(held * self._decay, strength[k], out=strength[k])
            if missing[k]:
                held[:, ~x.whole[k]] = 0.0
        self._strength.write(x.rows, held)
        return strength

"""Slow references for price structure: one symbol, bar by bar, with lists of pivots, gaps and blocks.

Each answers the raw values of one column of a block, `nan` where it is not defined; none shares code with the engine.
"""

import math
from collections.abc import Callable

import numpy as np

from virtuoso.market.panel import BarBlock

REACH = 5
Oracle = Callable[[BarBlock, int], np.ndarray]


def column(block: BarBlock, i: int) -> tuple[list[float], ...]:
    """Open, high, low and close of column `i`."""
    return tuple(getattr(block, name)[:, i].tolist() for name in ("open", "high", "low", "close"))


def atr_of(block: BarBlock, i: int) -> list[float]:
    """Wilder's ATR-14 beginning as a plain mean, `nan` for the first 79 bars."""
    _, high, low, close = column(block, i)
    out, value = [math.nan], math.nan
    for t in range(1, len(close)):
        spread = max(high[t], close[t - 1]) - min(low[t], close[t - 1])
        value = spread if t == 1 else value + (spread - value) * max(1 / 14, 1 / t)
        out.append(value if t >= 79 else math.nan)
    return out


def pivots(block: BarBlock, i: int, reach: int = REACH) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """All pivot highs and lows of the whole history as (bar, price), each known only `reach` bars after its bar."""
    _, high, low, _ = column(block, i)
    tops, bottoms = [], []
    for c in range(reach, len(high) - reach):
        before, after = range(c - reach, c), range(c + 1, c + reach + 1)
        if all(high[c] >= high[j] for j in before) and all(high[c] > high[j] for j in after):
            tops.append((c, high[c]))
        if all(low[c] <= low[j] for j in before) and all(low[c] < low[j] for j in after):
            bottoms.append((c, low[c]))
    return tops, bottoms


def known(found: list[tuple[int, float]], t: int) -> list[tuple[int, float]]:
    """Those of the pivots that are confirmed at bar `t`."""
    return [(c, price) for c, price in found if c + REACH <= t]


def swing(side: int) -> Oracle:
    """The last confirmed swing high (0) or low (1), within 100 bars."""

    def oracle(block: BarBlock, i: int) -> np.ndarray:
        found = pivots(block, i)[side]
        out = np.full(block.close.shape[0], np.nan)
        for t in range(out.size):
            seen = [(c, price) for c, price in known(found, t) if t - c < 100]
            if seen:
                out[t] = seen[-1][1]
        return out

    return oracle


def swing_structure(block: BarBlock, i: int) -> np.ndarray:
    """Half the strongest decayed break of either side, half the sequence of swings."""
    tops, bottoms = pivots(block, i)
    *_, close = column(block, i)
    atr = atr_of(block, i)
    up, down = [], []
    out = np.full(len(close), np.nan)

    def fresh(age: int) -> float:
        return max(1 - age / 100, 0.0)

    for t in range(len(close)):
        highs, lows = known(tops, t), known(bottoms, t)
        defined = math.isfinite(atr[t])
        for breaks, swings, sign in ((up, highs, 1), (down, lows, -1)):
            strength = 0.0
            if defined and swings:
                c, price = swings[-1]
                d = max(sign * (close[t] - price), 0.0) / atr[t] * fresh(t - c)
                strength = d / (1 + d)
            breaks.append(strength)
        if not defined:
            continue
        rise = 0.0
        for swings in (highs, lows):
            if len(swings) >= 2:
                (before, first), (_, second) = swings[-2:]
                rise += 0.5 * (second - first) / atr[t] * fresh(t - before)
        strongest = [max(b[s] * 0.5 ** ((t - s) / 10) for s in range(t + 1)) for b in (up, down)]
        if any(swings and t - swings[-1][0] < 100 for swings in (highs, lows)):
            out[t] = 0.5 * (strongest[0] - strongest[1]) + 0.5 * rise / (1 + abs(rise))
    return out


def support_resistance(block: BarBlock, i: int) -> np.ndarray:
    """Support below less resistance above over their sum and a half."""
    tops, bottoms = pivots(block, i)
    *_, close = column(block, i)
    atr = atr_of(block, i)
    out = np.full(len(close), np.nan)
    peak = (1 / math.sqrt(3)) / (1 + 1 / 3) ** 2
    for t in range(len(close)):
        below = above = 0.0
        seen = [(c, price) for c, price in (*known(tops, t), *known(bottoms, t)) if t - c < 180]
        for c, price in seen:
            u = (close[t] - price) / (1.5 * atr[t])
            pull = (1 - (t - c) / 180) ** 2 * abs(u) / (1 + u * u) ** 2 / peak
            below, above = (below + pull, above) if u > 0 else (below, above + pull)
        if seen and math.isfinite(atr[t]):
            out[t] = (below - above) / (below + above + 0.5)
    return out


def trend_position(block: BarBlock, i: int) -> np.ndarray:
    """Least squares by the textbook over 64 closes."""
    *_, close = column(block, i)
    atr = atr_of(block, i)
    out = np.full(len(close), np.nan)
    n = 64
    for t in range(n - 1, len(close)):
        ys = [y - close[t] for y in close[t - n + 1 : t + 1]]
        mean_x, mean_y = (n - 1) / 2, math.fsum(ys) / n
        slope = math.fsum((x - mean_x) * (y - mean_y) for x, y in enumerate(ys))
        slope /= math.fsum((x - mean_x) ** 2 for x in range(n))
        end = mean_y + slope * (n - 1 - mean_x)
        out[t] = (slope * (n - 1) + ys[-1] - end) / (atr[t] * math.sqrt(n))
    return out


def _age_weight(age: int) -> float:
    return 0.5 ** (age / 16) * max(1 - age / 64, 0.0)


def fair_value_gaps(block: BarBlock, i: int) -> np.ndarray:
    """Every gap of the last 64 bars, cut by all that came back into it since."""
    _, high, low, close = column(block, i)
    atr = atr_of(block, i)
    out = np.full(len(close), np.nan)
    for t in range(len(close)):
        if not math.isfinite(atr[t]):
            continue
        out[t] = 0.0
        for b in range(max(2, t - 63), t + 1):
            if low[b] > high[b - 2]:
                left = min(low[b : t + 1]) - high[b - 2]
                distance, sign = close[t] - min(low[b : t + 1]), 1
            elif high[b] < low[b - 2]:
                left = low[b - 2] - max(high[b : t + 1])
                distance, sign = max(high[b : t + 1]) - close[t], -1
            else:
                continue
            if left > 0:
                out[t] += sign * left / atr[t] * _age_weight(t - b) / (1 + (distance / (4 * atr[t])) ** 2)
    return out


def order_blocks(block: BarBlock, i: int) -> np.ndarray:
    """Every last candle against an impulsive move, of the last 64 bars, cut by all closes into it since."""
    opened, high, low, close = column(block, i)
    atr = atr_of(block, i)
    out = np.full(len(close), np.nan)

    def fall(c: int, sign: int) -> float:
        return max(sign * (opened[c] - close[c]) / (high[c] - low[c]), 0.0) if high[c] > low[c] else 0.0

    closes = {1: close, -1: [-price for price in close]}
    for t in range(len(close)):
        if not math.isfinite(atr[t]):
            continue
        out[t] = 0.0
        for c in range(max(79, t - 66), t - 2):
            for sign, signed in closes.items():
                top, bottom = (high[c], low[c]) if sign > 0 else (-low[c], -high[c])
                excess = (max(signed[c + 1 : c + 4]) - top) / atr[c] - 1
                body = fall(c, sign)
                if excess <= 0 or body == 0:
                    continue
                strength = excess / (1 + excess) * body * (1 - fall(c + 1, sign))
                edge = min(top, *signed[c + 1 : t + 1])
                if edge > bottom:
                    share, distance = (edge - bottom) / (top - bottom), signed[t] - edge
                    weight = _age_weight(t - c - 3) / (1 + (distance / (4 * atr[t])) ** 2)
                    out[t] += sign * strength * share * weight
    return out


def range_position(block: BarBlock, i: int) -> np.ndarray:
    """−1 at the low of 48 bars, 1 at their high."""
    _, high, low, close = column(block, i)
    out = np.full(len(close), np.nan)
    for t in range(47, len(close)):
        top, bottom = max(high[t - 47 : t + 1]), min(low[t - 47 : t + 1])
        if top > bottom:
            out[t] = 2 * (close[t] - bottom) / (top - bottom) - 1
    return out


ORACLES: dict[str, Oracle] = {
    "swing_structure": swing_structure,
    "support_resistance": support_resistance,
    "trend_position": trend_position,
    "fair_value_gaps": fair_value_gaps,
    "order_blocks": order_blocks,
    "range_position": range_position,
}
PRICES: dict[str, Oracle] = {
    "swing_high": swing(0),
    "swing_low": swing(1),
}

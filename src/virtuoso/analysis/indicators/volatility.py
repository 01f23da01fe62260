"""Volatility and drift of log prices, for the regime."""

import math

import numpy as np

from virtuoso.analysis.block import CrossSection, Memory, mean
from virtuoso.market.panel import Floats


class YangZhang:
    """Yang–Zhang volatility per bar, a fraction (Yang & Zhang, 2000): independent of drift and opening gaps."""

    def __init__(self, memory: Memory, bars: int) -> None:
        self._k = 0.34 / (1.34 + (bars + 1) / (bars - 1))
        self._bars = bars
        self._gap = memory.ring(bars)
        self._body = memory.ring(bars)
        self._range = memory.ring(bars)

    def step(self, x: CrossSection) -> Floats:
        """√(V_open + k·V_close + (1 − k)·V_RS), V_RS of Rogers & Satchell (1991)."""
        body, up, down = np.log(x.close / x.open), np.log(x.high / x.open), np.log(x.low / x.open)
        self._gap.push(x.number, x.rows, np.log(x.open / x.previous))
        self._body.push(x.number, x.rows, body)
        self._range.push(x.number, x.rows, up * (up - body) + down * (down - body))
        gap = self._variance(self._gap.last(x.number, x.rows))
        closing = self._variance(self._body.last(x.number, x.rows))
        inner = mean(self._range.last(x.number, x.rows))
        out: Floats = np.sqrt(gap + self._k * closing + (1 - self._k) * inner)
        return out

    def _variance(self, window: Floats) -> Floats:
        centred = window - mean(window)
        squares: Floats = np.add.reduce(centred * centred, axis=0)
        return squares / float(self._bars - 1)


class LogReturn:
    """ln(C/C[−bars])."""

    def __init__(self, memory: Memory, bars: int) -> None:
        self._root = math.sqrt(bars)
        self._close = memory.ring(bars + 1)

    def step(self, x: CrossSection) -> Floats:
        """Log return over the window, divided by √bars."""
        self._close.push(x.number, x.rows, x.close)
        out: Floats = np.log(x.close / self._close.last(x.number, x.rows)[0]) / self._root
        return out

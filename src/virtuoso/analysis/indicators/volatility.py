"""Volatility and drift of log prices, for the regime."""

import math

import numpy as np

from virtuoso.analysis.block import CrossSection, Memory, mean
from virtuoso.market.panel import Floats

_PIECE = 48
"""Bars at a time, so that what is worked on stays near the processor."""


class YangZhang:
    """Yang–Zhang volatility per bar, a fraction (Yang & Zhang, 2000): independent of drift and opening gaps."""

    def __init__(self, memory: Memory, bars: int) -> None:
        self._k = 0.34 / (1.34 + (bars + 1) / (bars - 1))
        self._bars = bars
        self._gap = memory.ring(bars)
        self._body = memory.ring(bars)
        self._range = memory.ring(bars)

    def step(self, x: CrossSection) -> Floats:
        """√(V_open + k·V_close + (1 − k)·V_RS), V_RS of Rogers & Satchell (1991), for the bars asked for."""
        body, up, down = np.log(x.close / x.open), np.log(x.high / x.open), np.log(x.low / x.open)
        t = body.shape[0]
        gap = self._variance(self._gap.extend(x.number, x.rows, np.log(x.open / x.previous)), t, x.wanted)
        closing = self._variance(self._body.extend(x.number, x.rows, body), t, x.wanted)
        inner = self._range.extend(x.number, x.rows, up * (up - body) + down * (down - body))
        inner = mean(inner, self._bars, t)
        out: Floats = np.sqrt(gap + self._k * closing + (1 - self._k) * inner)
        return out

    def _variance(self, window: Floats, t: int, wanted: int) -> Floats:
        centre = mean(window, self._bars, t)
        out = np.zeros(centre.shape)
        out[: t - wanted] = np.nan
        scratch = np.empty((_PIECE, centre.shape[1]))
        for k in range(t - wanted, t):
            for first in range(k, k + self._bars, _PIECE):
                piece = window[first : min(first + _PIECE, k + self._bars)]
                centred = np.subtract(piece, centre[k], out=scratch[: len(piece)])
                centred *= centred
                out[k] += np.add.reduce(centred, axis=0)
        out /= self._bars - 1
        return out


class LogReturn:
    """Computes the log return over `bars` bars, in units of one: ln(C/C[−bars])/√bars."""

    def __init__(self, memory: Memory, bars: int) -> None:
        self._root = math.sqrt(bars)
        self._close = memory.ring(bars + 1)

    def step(self, x: CrossSection) -> Floats:
        """Log return over the window, divided by √bars."""
        before = self._close.extend(x.number, x.rows, x.close)[: x.close.shape[0]]
        out: Floats = np.log(x.close / before) / self._root
        return out

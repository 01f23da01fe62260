"""Momentum indicators: RSI, MACD, Awesome Oscillator, ATR-scaled momentum."""

import math

import numpy as np

from virtuoso.analysis.block import CrossSection, Ema, Memory, mean, ratio
from virtuoso.market.panel import Floats


class Rsi:
    """Relative strength index, 0–100 (Wilder, 1978); `nan` while nothing has moved."""

    def __init__(self, memory: Memory, bars: int = 14) -> None:
        self._up = Ema.wilder(memory, bars)
        self._down = Ema.wilder(memory, bars)

    def step(self, x: CrossSection) -> Floats:
        """100·U/(U + D), U and D the smoothed rises and falls of the close."""
        up = self._up.step(x.rows, np.maximum(x.change, 0.0))
        down = self._down.step(x.rows, np.maximum(-x.change, 0.0))
        return 100.0 * ratio(up, up + down)


class Macd:
    """MACD histogram in ATR (Appel, 1979): line EMA-12 − EMA-26 less its EMA-9."""

    def __init__(self, memory: Memory, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        self._fast = Ema.span(memory, fast)
        self._slow = Ema.span(memory, slow)
        self._signal = Ema.span(memory, signal)

    def step(self, x: CrossSection) -> Floats:
        """Compute (line − signal)/ATR of each bar [t, n]."""
        line = self._fast.step(x.rows, x.close) - self._slow.step(x.rows, x.close)
        return ratio(line - self._signal.step(x.rows, line), x.atr)


class AwesomeOscillator:
    """Awesome Oscillator in ATR (Williams, 1995): SMA-5 − SMA-34 of the bar's midpoint."""

    def __init__(self, memory: Memory, fast: int = 5, slow: int = 34) -> None:
        self._fast = fast
        self._slow = slow
        self._middle = memory.ring(slow)

    def step(self, x: CrossSection) -> Floats:
        """(SMA-5 − SMA-34 of (high + low)/2)/ATR."""
        t = x.close.shape[0]
        window = self._middle.extend(x.number, x.rows, 0.5 * (x.high + x.low))
        return ratio(mean(window, self._fast, t) - mean(window, self._slow, t), x.atr)


class Momentum:
    """Change of the close over `bars` bars in ATR·√bars: a random walk keeps its spread whatever the bars."""

    def __init__(self, memory: Memory, bars: int = 20) -> None:
        self._root = math.sqrt(bars)
        self._close = memory.ring(bars + 1)

    def step(self, x: CrossSection) -> Floats:
        """Compute (C − C[−bars])/(ATR·√bars) of each bar [t, n]."""
        before = self._close.extend(x.number, x.rows, x.close)[: x.close.shape[0]]
        return ratio((x.close - before) / self._root, x.atr)

"""Order-flow indicators of base bars: who takes, how large, and whether positions are opened with it."""

import math

import numpy as np

from virtuoso.analysis.block import CrossSection, Memory, mean, ratio, rolling, total
from virtuoso.analysis.indicators.volume import Share
from virtuoso.market.panel import Floats


def noted(x: CrossSection, name: str) -> Floats:
    """A field of the bars' `MinuteBlock` [t, n]; `nan` where nothing is known of them."""
    if x.minutes is None:
        return np.full(x.close.shape, np.nan)
    values: Floats = getattr(x.minutes, name)
    return values


class CumulativeDelta:
    """Cumulative volume delta over a window: how far it stands from its own mean there, in its own spread.

    With δ the taker-buy less taker-sell volume of a bar and c the running sum of δ inside the window, the displacement
    c_W − mean(c) = Σ δ_j·(j − 1)/W, j = 1 the oldest bar. For independent δ its variance is mean(δ²)·Σ((j − 1)/W)².
    """

    def __init__(self, memory: Memory, bars: int) -> None:
        self._bars = bars
        self._delta = memory.ring(bars)
        self._weights = (np.arange(bars) / bars)[:, None]
        self._unit = float(np.square(self._weights).sum())

    def step(self, x: CrossSection) -> Floats:
        """Displacement/√(its variance); `nan` unless the tape of every bar was seen."""
        t = x.close.shape[0]
        window = self._delta.extend(x.number, x.rows, 2.0 * x.buy_volume - x.volume)
        displaced = np.empty((t, window.shape[1]))
        for k in range(t):
            np.add.reduce(window[k : k + self._bars] * self._weights, axis=0, out=displaced[k])
        return ratio(displaced, np.sqrt(self._unit * mean(window * window, self._bars, t)))


class LargeTradeFlow:
    """Net taker volume of trades that are large for their symbol as a share of all volume, −1…1."""

    def __init__(self, memory: Memory, bars: int) -> None:
        self._share = Share(memory, bars)

    def step(self, x: CrossSection) -> Floats:
        """Σ(large buys − large sells)/ΣV."""
        return self._share.step(x, noted(x, "large_buy") - noted(x, "large_sell"))


class AggressorPressure:
    """Takers that buy less takers that sell as a share of both, by count, −1…1."""

    def __init__(self, memory: Memory, bars: int) -> None:
        self._bars = bars
        self._net = memory.ring(bars)
        self._all = memory.ring(bars)

    def step(self, x: CrossSection) -> Floats:
        """Compute Σ(n_b − n_s)/Σ(n_b + n_s) over the window [t, n], between −1 and 1."""
        t = x.close.shape[0]
        buys, sells = noted(x, "buy_orders"), noted(x, "sell_orders")
        net = self._net.extend(x.number, x.rows, buys - sells)
        every = self._all.extend(x.number, x.rows, buys + sells)
        return ratio(total(net, self._bars, t), total(every, self._bars, t))


class InterestQuadrant:
    """Price and open interest together: a move counts fully where positions are opened, weakly where they are closed.

    The four quadrants (new longs, new shorts, short covering, long liquidation) without their borders: the move over
    `bars` bars in ATR·√bars, times ½(1 + tanh q), q the change of open interest over them in √bars of its own RMS of
    one bar, taken over `window` bars.
    """

    def __init__(self, memory: Memory, bars: int, window: int) -> None:
        self._bars = bars
        self._window = window
        self._root = math.sqrt(bars)
        self._close = memory.ring(bars + 1)
        self._interest = memory.ring(window + 1)

    def step(self, x: CrossSection) -> Floats:
        """(C − C[−bars])/(ATR·√bars)·½(1 + tanh q); `nan` while open interest has not changed."""
        t, w = x.close.shape[0], self._window
        before = self._close.extend(x.number, x.rows, x.close)[:t]
        held = self._interest.extend(x.number, x.rows, noted(x, "open_interest"))
        change = np.diff(held, axis=0)
        usual = np.sqrt(rolling(np.add, change * change, w, t) / w)
        opened = ratio((held[w:] - held[w - self._bars : w - self._bars + t]) / self._root, usual)
        move = ratio((x.close - before) / self._root, x.atr)
        return move * (0.5 * (1.0 + np.tanh(opened)))

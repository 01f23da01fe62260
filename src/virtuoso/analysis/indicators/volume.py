"""Volume indicators, all windowed: volume delta, money flow (ADL, CMF), OBV, VWAP, relative volume."""

import numpy as np

from virtuoso.analysis.block import CrossSection, Memory, mean, ratio, total
from virtuoso.market.panel import Floats


class Share:
    """Sum of a flow over a window as a share of the volume over it."""

    def __init__(self, memory: Memory, bars: int) -> None:
        self._bars = bars
        self._flow = memory.ring(bars)
        self._volume = memory.ring(bars)

    def step(self, x: CrossSection, flow: Floats) -> Floats:
        """ΣF/ΣV [t, n]; `nan` without volume."""
        t = flow.shape[0]
        flows = self._flow.extend(x.number, x.rows, flow)
        volumes = self._volume.extend(x.number, x.rows, x.volume)
        return ratio(total(flows, self._bars, t), total(volumes, self._bars, t))


class VolumeDelta:
    """Taker-buy less taker-sell volume as a share of all volume, −1…1; `nan` unless every bar's tape was seen."""

    def __init__(self, memory: Memory, bars: int) -> None:
        self._share = Share(memory, bars)

    def step(self, x: CrossSection) -> Floats:
        """Compute Σ(2·buy − V)/ΣV over the window [t, n], between −1 and 1."""
        return self._share.step(x, 2.0 * x.buy_volume - x.volume)


class MoneyFlow:
    """Accumulation/distribution over a window as a share of its volume, −1…1 (Chaikin, 1982)."""

    def __init__(self, memory: Memory, bars: int) -> None:
        self._share = Share(memory, bars)

    def step(self, x: CrossSection) -> Floats:
        """Σ(V·((C − L) − (H − C))/(H − L))/ΣV; a bar with H = L accumulates nothing."""
        place = ratio((x.close - x.low) - (x.high - x.close), x.high - x.low)
        place = np.where(x.high == x.low, 0.0, place)
        return self._share.step(x, place * x.volume)


class OnBalanceVolume:
    """On-balance volume over a window as a share of its volume, −1…1 (Granville, 1963)."""

    def __init__(self, memory: Memory, bars: int) -> None:
        self._share = Share(memory, bars)

    def step(self, x: CrossSection) -> Floats:
        """Compute Σ(sign(C − C[−1])·V)/ΣV over the window [t, n], between −1 and 1."""
        return self._share.step(x, np.sign(x.change) * x.volume)


class VwapDistance:
    """Close less the VWAP of a rolling session, in ATR; the anchor moves with the bar, so nothing jumps at a reset."""

    def __init__(self, memory: Memory, bars: int) -> None:
        self._bars = bars
        self._turnover = memory.ring(bars)
        self._volume = memory.ring(bars)

    def step(self, x: CrossSection) -> Floats:
        """Compute (C − Σturnover/ΣV)/ATR, the distance from the window's average price [t, n]."""
        t = x.close.shape[0]
        turnover = total(self._turnover.extend(x.number, x.rows, x.turnover), self._bars, t)
        volume = total(self._volume.extend(x.number, x.rows, x.volume), self._bars, t)
        return ratio(x.close - ratio(turnover, volume), x.atr)


class RelativeVolume:
    """Mean volume of the last `fast` bars over that of the last `slow`; 1 is usual."""

    def __init__(self, memory: Memory, fast: int, slow: int) -> None:
        self._fast = fast
        self._slow = slow
        self._volume = memory.ring(slow)

    def step(self, x: CrossSection) -> Floats:
        """(ΣV over fast/fast)/(ΣV over slow/slow)."""
        t = x.volume.shape[0]
        window = self._volume.extend(x.number, x.rows, x.volume)
        return ratio(mean(window, self._fast, t), mean(window, self._slow, t))

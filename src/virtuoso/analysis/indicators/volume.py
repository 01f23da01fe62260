"""Volume indicators, all windowed: volume delta, money flow (ADL, CMF), OBV, VWAP, relative volume."""

import numpy as np

from virtuoso.analysis.block import CrossSection, Memory, Ring, ratio
from virtuoso.market.panel import Floats


def _total(ring: Ring, x: CrossSection, bars: int | None = None) -> Floats:
    out: Floats = np.add.reduce(ring.last(x.number, x.rows, bars), axis=0)
    return out


class VolumeDelta:
    """Taker-buy less taker-sell volume as a share of all volume, −1…1; `nan` unless every bar's tape was seen."""

    def __init__(self, memory: Memory, bars: int) -> None:
        self._delta = memory.ring(bars)
        self._volume = memory.ring(bars)

    def step(self, x: CrossSection) -> Floats:
        """Σ(2·buy − V)/ΣV."""
        self._delta.push(x.number, x.rows, 2.0 * x.buy_volume - x.volume)
        self._volume.push(x.number, x.rows, x.volume)
        return ratio(_total(self._delta, x), _total(self._volume, x))


class MoneyFlow:
    """Accumulation/distribution over a window as a share of its volume, −1…1 (Chaikin, 1982)."""

    def __init__(self, memory: Memory, bars: int) -> None:
        self._flow = memory.ring(bars)
        self._volume = memory.ring(bars)

    def step(self, x: CrossSection) -> Floats:
        """Σ(V·((C − L) − (H − C))/(H − L))/ΣV; a bar with H = L accumulates nothing."""
        place = ratio((x.close - x.low) - (x.high - x.close), x.high - x.low)
        place = np.where(x.high == x.low, 0.0, place)
        self._flow.push(x.number, x.rows, place * x.volume)
        self._volume.push(x.number, x.rows, x.volume)
        return ratio(_total(self._flow, x), _total(self._volume, x))


class OnBalanceVolume:
    """On-balance volume over a window as a share of its volume, −1…1 (Granville, 1963)."""

    def __init__(self, memory: Memory, bars: int) -> None:
        self._signed = memory.ring(bars)
        self._volume = memory.ring(bars)

    def step(self, x: CrossSection) -> Floats:
        """Σ(sign(C − C[−1])·V)/ΣV."""
        self._signed.push(x.number, x.rows, np.sign(x.change) * x.volume)
        self._volume.push(x.number, x.rows, x.volume)
        return ratio(_total(self._signed, x), _total(self._volume, x))


class VwapDistance:
    """Close less the VWAP of a rolling session, in ATR; the anchor moves with the bar, so nothing jumps at a reset."""

    def __init__(self, memory: Memory, bars: int) -> None:
        self._turnover = memory.ring(bars)
        self._volume = memory.ring(bars)

    def step(self, x: CrossSection) -> Floats:
        """(C − Σturnover/ΣV)/ATR."""
        self._turnover.push(x.number, x.rows, x.turnover)
        self._volume.push(x.number, x.rows, x.volume)
        return ratio(x.close - ratio(_total(self._turnover, x), _total(self._volume, x)), x.atr)


class RelativeVolume:
    """Mean volume of the last `fast` bars over that of the last `slow`; 1 is usual."""

    def __init__(self, memory: Memory, fast: int, slow: int) -> None:
        self._fast = fast
        self._slow = slow
        self._volume = memory.ring(slow)

    def step(self, x: CrossSection) -> Floats:
        """(ΣV over fast/fast)/(ΣV over slow/slow)."""
        self._volume.push(x.number, x.rows, x.volume)
        return ratio(_total(self._volume, x, self._fast) / self._fast, _total(self._volume, x) / self._slow)

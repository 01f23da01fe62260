"""Sentiment indicators of base bars: what positions cost, who holds them, and who had to give them up."""

import numpy as np

from virtuoso.analysis.block import CrossSection, Memory, mean, ratio
from virtuoso.analysis.indicators.flow import noted
from virtuoso.market.panel import Floats

_BASIS_POINTS = 1e4
_UNSEEN = 0.05
"""Weight of unwatched minutes beyond which liquidations say nothing."""


class ZScore:
    """How far a field of the bar's notes stands from its own mean, in its own standard deviations."""

    def __init__(self, memory: Memory, name: str) -> None:
        del memory  # what it is compared with is part of the notes
        self._name = name

    def step(self, x: CrossSection) -> Floats:
        """(value − mean)/deviation; `nan` without a deviation."""
        departed = noted(x, self._name) - noted(x, f"{self._name}_mean")
        return ratio(departed, noted(x, f"{self._name}_deviation"))


class Basis:
    """Mark price over index price, basis points."""

    def __init__(self, memory: Memory) -> None:
        del memory

    def step(self, x: CrossSection) -> Floats:
        """Compute 1e4·(mark − index)/index of each bar [t, n], basis points."""
        return _BASIS_POINTS * noted(x, "basis")


class Liquidations:
    """Forced buying less forced selling, both decaying, −1…1.

    (S − L)/(S + L + usual·V): S and L the liquidated short and long positions in base units at the bar's close, V the
    volume, each a sum that halves every `half_life` bars. `usual` is the share of the volume that liquidations have in
    a usual market: less than that says little. Minutes that were not watched add nothing; while they, with all before
    the start, weigh more than a twentieth, nothing is said.
    """

    def __init__(self, memory: Memory, half_life: float, usual: float) -> None:
        self._kept = 0.5 ** (1.0 / half_life)
        self._usual = usual
        self._net = memory.vector(fill=0.0)
        self._scale = memory.vector(fill=0.0)
        self._unseen = memory.vector(fill=1.0)

    def step(self, x: CrossSection) -> Floats:
        """Compute (S − L)/(S + L + usual·V), each sum decaying [t, n], between −1 and 1."""
        shorts, longs = noted(x, "short_liquidated") / x.close, noted(x, "long_liquidated") / x.close
        net, scale = shorts - longs, shorts + longs + self._usual * x.volume
        seen = np.isfinite(net + scale)
        net, scale = np.where(seen, net, 0.0), np.where(seen, scale, 0.0)
        nets, scales = self._decayed(self._net.get(x.rows), net), self._decayed(self._scale.get(x.rows), scale)
        unseen = self._decayed(self._unseen.get(x.rows), np.where(seen, 0.0, 1.0 - self._kept))
        self._net.put(x.rows, nets[-1])
        self._scale.put(x.rows, scales[-1])
        self._unseen.put(x.rows, unseen[-1])
        return np.where(unseen < _UNSEEN, ratio(nets, scales), np.nan)

    def _decayed(self, before: Floats, x: Floats) -> Floats:
        """The sum y = kept·y + x after each bar [t, n]."""
        out = np.empty(x.shape)
        for k in range(x.shape[0]):
            before = np.multiply(before, self._kept, out=out[k])
            before += x[k]
        return out


class RelativeVolatility:
    """Volatility of late relative to its usual by the range of each bar (Parkinson, 1980); 1 is usual.

    Parkinson's 1/(4·ln 2) cancels. On real minutes the range foretells the next hour's volatility a little better than
    the close-to-close return does.
    """

    def __init__(self, memory: Memory, fast: int, slow: int) -> None:
        self._fast = fast
        self._slow = slow
        self._squares = memory.ring(slow)

    def step(self, x: CrossSection) -> Floats:
        """√(mean ln²(H/L) over fast/mean over slow)."""
        t = x.close.shape[0]
        squares = np.square(np.log(x.high / x.low))
        window = self._squares.extend(x.number, x.rows, squares)
        return np.sqrt(ratio(mean(window, self._fast, t), mean(window, self._slow, t)))

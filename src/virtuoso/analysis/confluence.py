"""From measures to scores: component → timeframe → factor → confluence, weights redistributed level by level."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.component import Factor
from virtuoso.analysis.gains import Gain
from virtuoso.market.panel import Floats

_SMALL = 1e-9


@dataclass(frozen=True, slots=True)
class Weighted:
    """A weighted mean put on the score's scale.

    `x` [n] in [-1, 1]; `weights` [..., n] effective (sum to 1, 0 where missing); `gain` [n] of x = tanh(gain·mean);
    `slope` [n] = x/mean, so that the contribution of an input is 50·slope·weight·value.
    """

    x: Floats
    weights: Floats
    slope: Floats
    gain: Floats
    mean: Floats

    def contributions(self, values: Floats) -> Floats:
        """Score points of each input; over the inputs they sum to 50·x."""
        return 50.0 * self.slope * self.weights * zeroed(values)


def zeroed(values: Floats) -> Floats:
    """Return a copy of `values` with 0 in place of `nan`."""
    return np.where(np.isnan(values), 0.0, values)


def normalised(weights: Floats, axis: int) -> Floats:
    """Weights divided by their sum along `axis`; all 0 where nothing is available."""
    total = weights.sum(axis=axis, keepdims=True)
    out = np.zeros_like(weights)
    np.divide(weights, total, out=out, where=total > 0)
    return out


def stretched(values: Floats, weights: Floats, gain: Gain, kin: NDArray[np.bool_] | None = None) -> Weighted:
    """Weighted mean of `values` [..., k, n] through the gain; x [..., n] is `nan` where nothing is available."""
    mean = (weights * zeroed(values)).sum(axis=-2)
    some = weights.any(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.where(some, gain.factor(weights, kin), 1.0)
    x = np.tanh(factor * mean)
    near_zero = np.abs(mean) < _SMALL
    slope = np.where(near_zero, factor, x / np.where(near_zero, 1.0, mean))
    return Weighted(x=np.where(some, x, np.nan), weights=weights, slope=slope, gain=factor, mean=mean)


@dataclass(frozen=True, slots=True)
class FactorResult:
    """A factor of n symbols: the whole, each timeframe alone, and the share of its weight that had data.

    `whole.weights` [T, C, n]; `frames` [T, n] the factor's x from one timeframe alone; `available` [n].
    """

    whole: Weighted
    frames: Floats
    available: Floats


def combine_factor(values: Floats, timeframe_weights: Floats, factor: Factor) -> FactorResult:
    """A factor from component values [T, C, n]."""
    t, c, n = values.shape
    known = np.isfinite(values)
    nominal = np.array([component.weight for component in factor.components])
    nominal = nominal / nominal.sum()
    weighted = np.where(known, nominal[:, None], 0.0)
    inner = normalised(weighted, axis=1)
    frames = timeframe_weights / timeframe_weights.sum()
    available = (frames[:, None] * weighted.sum(axis=1)).sum(axis=0)
    outer = normalised(np.where(known.any(axis=1), frames[:, None], 0.0), axis=0)
    effective = (outer[:, None, :] * inner).reshape(t * c, n)
    whole = stretched(values.reshape(t * c, n), effective, factor.gain)
    alone = stretched(values, inner, factor.gain).x if t > 1 else whole.x[None]
    shaped = Weighted(whole.x, effective.reshape(t, c, n), whole.slope, whole.gain, whole.mean)
    return FactorResult(shaped, alone, available)


@dataclass(frozen=True, slots=True)
class Concord:
    """How far the factors say the same [n]: all in [0, 1].

    consensus = |Σ w·x|/Σ w·|x|; disagreement = √(Σ w·(x − Σ w·x)²); `both` = consensus·(1 − disagreement).
    """

    consensus: Floats
    disagreement: Floats

    @property
    def both(self) -> Floats:
        """Both in one number, consensus·(1 − disagreement), 0–1."""
        return self.consensus * (1.0 - self.disagreement)


def concord_of(x: Floats, weights: Floats) -> Concord:
    """Concord of factor values `x` [F, n] under effective `weights` [F, n]; `nan` where none or all are 0."""
    values = zeroed(x)
    mean = (weights * values).sum(axis=0)
    spread = np.sqrt((weights * (values - mean) ** 2).sum(axis=0))
    some = weights.sum(axis=0) > 0
    return Concord(consensus_of(x, weights), np.where(some, np.minimum(spread, 1.0), np.nan))


def consensus_of(x: Floats, weights: Floats) -> Floats:
    """|Σ w·x|/Σ w·|x| over the first axis [n], in [0, 1]; `nan` where all are 0 or unknown."""
    values = zeroed(x)
    size = (weights * np.abs(values)).sum(axis=0)
    net = np.abs((weights * values).sum(axis=0))
    share: Floats = np.full(net.shape, np.nan)
    np.divide(net, size, out=share, where=size > 0)
    return np.minimum(share, 1.0)


def combine_frames(
    frames: Sequence[Floats], weights: Sequence[float], timeframe_weights: Floats, gain: Gain
) -> tuple[Floats, Floats]:
    """Confluence of each timeframe alone [T, n], from the bar factors' `frames` [T, n]; and its `alignment` [n].

    alignment = |Σ w·x|/Σ w·|x| over the timeframes, in [0, 1].
    """
    stacked = np.stack(frames, axis=1)  # [T, F, n]
    effective = normalised(np.where(np.isfinite(stacked), np.array(weights)[:, None], 0.0), axis=1)
    x = stretched(stacked, effective, gain, np.ones(len(weights), dtype=bool)).x
    each = np.where(np.isfinite(x), timeframe_weights[:, None], 0.0)
    return x, consensus_of(x, each)

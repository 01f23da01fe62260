"""From measures to scores: component → timeframe → factor → confluence, weights redistributed level by level."""

from dataclasses import dataclass

import numpy as np

from virtuoso.analysis.component import Factor
from virtuoso.analysis.gains import Gain
from virtuoso.market.panel import Floats

_SMALL = 1e-9


@dataclass(frozen=True, slots=True)
class Weighted:
    """A weighted mean put on the score's scale.

    `x` [n] in [-1, 1]; `weights` [..., n] effective (sum to 1, 0 where missing); `slope` [n] = x/mean, so that the
    contribution of an input is 50·slope·weight·value.
    """

    x: Floats
    weights: Floats
    slope: Floats

    def contributions(self, values: Floats) -> Floats:
        """Score points of each input; over the inputs they sum to 50·x."""
        return 50.0 * self.slope * self.weights * np.nan_to_num(values)


def normalised(weights: Floats, axis: int) -> Floats:
    """Weights divided by their sum along `axis`; all 0 where nothing is available."""
    total = weights.sum(axis=axis, keepdims=True)
    out = np.zeros_like(weights)
    np.divide(weights, total, out=out, where=total > 0)
    return out


def stretched(values: Floats, weights: Floats, gain: Gain) -> Weighted:
    """Weighted mean of `values` [k, n] through the gain; x is `nan` where nothing is available."""
    mean = (weights * np.nan_to_num(values)).sum(axis=0)
    squares = (weights * weights).sum(axis=0)
    some = squares > 0
    factor = gain.factor(np.where(some, squares, 1.0))
    x = np.tanh(factor * mean)
    near_zero = np.abs(mean) < _SMALL
    slope = np.where(near_zero, factor, x / np.where(near_zero, 1.0, mean))
    return Weighted(x=np.where(some, x, np.nan), weights=weights, slope=slope)


def combine_factor(values: Floats, timeframe_weights: Floats, factor: Factor) -> tuple[Weighted, Floats]:
    """A factor's x from component values [T, C, n]; with it the share of nominal weight that had data [n]."""
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
    result = stretched(values.reshape(t * c, n), effective, factor.gain)
    return Weighted(result.x, effective.reshape(t, c, n), result.slope), available


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the factors say the same [n]: all in [0, 1].

    consensus = |Σ w·x|/Σ w·|x|; disagreement = √(Σ w·(x − Σ w·x)²); agreement = consensus·(1 − disagreement).
    """

    consensus: Floats
    disagreement: Floats

    @property
    def agreement(self) -> Floats:
        """consensus·(1 − disagreement)."""
        return self.consensus * (1.0 - self.disagreement)


def agreement_of(x: Floats, weights: Floats) -> Agreement:
    """Agreement of factor values `x` [F, n] under effective `weights` [F, n]; `nan` where none or all are 0."""
    values = np.nan_to_num(x)
    mean = (weights * values).sum(axis=0)
    total = (weights * np.abs(values)).sum(axis=0)
    consensus = np.divide(np.abs(mean), total, out=np.full(mean.shape, np.nan), where=total > 0)
    spread = np.sqrt((weights * (values - mean) ** 2).sum(axis=0))
    some = weights.sum(axis=0) > 0
    return Agreement(np.minimum(consensus, 1.0), np.where(some, np.minimum(spread, 1.0), np.nan))

"""Ridge regression and logistic regression, small and pure: each shrinks towards a prior, each weight on its own."""

from collections.abc import Sequence

import numpy as np

from virtuoso.market.panel import Floats

_STEPS = 25
_STILL = 1e-10
_FARTHEST = 30.0


def ridge(x: Floats, y: Floats, penalty: Floats, prior: Floats) -> Floats:
    """Weights [k] that minimise mean((y − xw)²) + Σ penalty·(w − prior)² (Hoerl & Kennard, 1970).

    No intercept is added.

    Args:
        x: samples [m, k].
        y: their targets [m].
        penalty: of each weight [k], in units of the mean squared error; 0 does not shrink.
        prior: what each weight is shrunk to [k].
    """
    beyond = np.linalg.solve(_gram(x, x) + np.diag(penalty), _moment(x, y - x @ prior))
    return (prior + beyond).astype(np.float64)


def logistic(x: Floats, y: Floats, penalty: Floats, prior: Floats) -> Floats:
    """Weights [k] that minimise the mean log loss of P(y = 1) = 1/(1 + e^(−xw)) plus ½ Σ penalty·(w − prior)².

    By Newton's method (iteratively reweighted least squares), from the prior on, the step halved where it overshoots.

    Args:
        x: samples [m, k].
        y: 0 or 1 [m].
        penalty: of each weight [k], above 0.
        prior: what each weight is shrunk to [k].
    """
    weights = prior.astype(np.float64)
    loss = _penalised(x, y, weights, penalty, prior)
    for _ in range(_STEPS):
        p = probability(x @ weights)
        gradient = _moment(x, y - p) - penalty * (weights - prior)
        step = np.linalg.solve(_gram(x * (p * (1.0 - p))[:, None], x) + np.diag(penalty), gradient)
        size = 1.0
        while size > _STILL and _penalised(x, y, weights + size * step, penalty, prior) > loss:
            size /= 2.0
        if size <= _STILL:
            break
        weights = weights + size * step
        loss = _penalised(x, y, weights, penalty, prior)
        if np.abs(step).max() < _STILL:
            break
    return weights


def probability(logit: Floats) -> Floats:
    """1/(1 + e^(−x)), with x kept where doubles can tell."""
    found: Floats = 1.0 / (1.0 + np.exp(-np.clip(logit, -_FARTHEST, _FARTHEST)))
    return found


def linear(weights: Floats, columns: Sequence[Floats] | Floats) -> Floats:
    """Σ weights [k, …] × columns [...], one after another: the same bits however many values stand side by side."""
    total: Floats = weights[0] * columns[0]
    for weight, column in zip(weights[1:], columns[1:], strict=True):
        total = total + weight * column
    return total


def _penalised(x: Floats, y: Floats, weights: Floats, penalty: Floats, prior: Floats) -> float:
    logit = x @ weights
    return float(np.mean(np.logaddexp(0.0, logit) - y * logit) + 0.5 * (penalty * (weights - prior) ** 2).sum())


def _gram(x: Floats, z: Floats) -> Floats:
    """x'z/m, without BLAS, whose order of adding depends on the number of threads."""
    gram: Floats = np.einsum("mi,mj->ij", x, z) / len(x)
    return gram


def _moment(x: Floats, y: Floats) -> Floats:
    moment: Floats = np.einsum("mi,m->i", x, y) / len(x)
    return moment

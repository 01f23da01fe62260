"""How much a series of days proves: a lower bound of their mean that may be looked at every day.

The bound is the anytime-valid t confidence sequence of Wang & Ramdas (2025, Sequential Analysis 44, "Anytime-valid
t-tests and confidence sequences for Gaussian means with unknown variance"), after Lai (1976, Annals of Statistics 4):
the likelihood ratio of the scale-invariant statistic against a normal prior on mean/sd is a martingale where the mean
is 0, so by Ville's inequality it exceeds 1/α at any time whatever with probability α at most.

Assumed is that the days' means are independent normal values with one unknown variance. Values that are symmetric
about their mean, with heavy tails or a variance that comes in clusters, make the bound wider than it need be. A rule
whose rare losses dwarf its gains makes it too narrow until the first of them was seen: no bound without a limit of the
loss can do better (Bahadur & Savage 1956).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from virtuoso.market.panel import Floats

ALPHA = 0.05
"""The probability that any cell without an edge is ever earned, of all cells together."""
PRIOR_DAYS = 1.0
"""What the prior on mean/sd weighs, in days: it is normal with variance 1/PRIOR_DAYS."""


def log_evidence(days: Floats, mean: Floats, sd: Floats) -> Floats:
    """Log of the evidence against a mean of 0 or below, 0 where there is none.

    Args:
        days: their number, any shape.
        mean: of their values.
        sd: their standard deviation with divisor n, in the unit of the mean.
    """
    n, c = days, PRIOR_DAYS
    power = mean**2 + sd**2
    with np.errstate(invalid="ignore", divide="ignore"):
        explained = np.where(power > 0, n * mean**2 / ((n + c) * power), 0.0)
        found = 0.5 * np.log(c / (n + c)) - 0.5 * n * np.log1p(-explained)
    return np.where((n >= 2) & (mean > 0), np.maximum(found, 0.0), 0.0)


def lower_bound(days: Floats, mean: Floats, sd: Floats, level: Floats | float) -> Floats:
    """The bound below which the mean lies with probability `level` at most, at whatever time it is asked for.

    It is above 0 exactly where `log_evidence` exceeds log(1/level); −∞ while there are too few days for any.
    """
    n, c = days, PRIOR_DAYS
    with np.errstate(invalid="ignore", divide="ignore"):
        g = (np.square(level) * c / (n + c)) ** (1.0 / n)
        left = g * (n + c) - c
        radius = sd * np.sqrt((n + c) * (1.0 - g) / left)
    return np.where((n >= 2) & (left > 0), mean - radius, -np.inf)


def holm(log_evidences: Floats, alpha: float = ALPHA) -> tuple[NDArray[np.bool_], Floats]:
    """Which of all hypotheses are rejected together at `alpha`, and at which level each was judged (Holm 1979).

    Evidence e is the p-value 1/e at any time. Rejected ones step down: the strongest is judged at α/m, the next at
    α/(m − 1), until one is not rejected; it and all after it are judged at that level.
    """
    m = log_evidences.size
    rejected = np.zeros(m, dtype=bool)
    levels = np.full(m, alpha / max(m, 1))
    for k, i in enumerate(_strongest_first(log_evidences)):
        level = alpha / (m - k)
        if log_evidences[i] <= -np.log(level):
            levels[~rejected] = level
            break
        rejected[i] = True
        levels[i] = level
    return rejected, levels


def _strongest_first(log_evidences: Floats) -> Sequence[int]:
    order: list[int] = np.argsort(-log_evidences, kind="stable").tolist()
    return order

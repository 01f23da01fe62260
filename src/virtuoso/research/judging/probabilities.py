"""Probabilities against what came: skill, log score, calibration."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.quality.blocks import Blocks, quotient, ratio, summed
from virtuoso.analysis.quality.figures import Figure, known
from virtuoso.market.panel import Floats

BINS: Final = 10
_CLOSEST = 1e-6
"""How near to 0 or 1 a probability may come before its logarithm is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbabilityQuality:
    """How good a probability was: `skill` and `log_skill` against the base, `dummy_skill` of a table of constants."""

    skill: Figure
    log_skill: Figure
    dummy_skill: Figure
    calibration_error: Figure
    rate: Figure
    reliability: tuple["Bin", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Readings of about equal probability: what was claimed on average, and what came."""

    claimed: float
    came: Figure


def quality(p: Floats, y: Floats, base: Floats, dummy: Floats, blocks: Blocks) -> ProbabilityQuality:
    """Judge probabilities `p` of outcomes `y` (0, 1), all [t, n], `nan` for unknown, against `base` and `dummy`.

    Only readings of which all four are known are judged, so that all figures are of the same ones.
    """
    used = np.isfinite(p + y + base + dummy)
    return ProbabilityQuality(
        skill=brier_skill(p, y, base, used, blocks),
        log_skill=log_skill(p, y, base, used, blocks),
        dummy_skill=brier_skill(dummy, y, base, used, blocks),
        calibration_error=calibration_error(p, y, used, blocks),
        rate=rate(y, used, blocks),
        reliability=reliability(p, y, used, blocks),
    )


def rate(y: Floats, used: NDArray[np.bool_], blocks: Blocks) -> Figure:
    """Work out how often the outcome came, with its interval."""
    terms = summed(used, y, 1.0)
    return blocks.figure(used, terms, ratio, terms)


def brier_skill(p: Floats, y: Floats, base: Floats, used: NDArray[np.bool_], blocks: Blocks) -> Figure:
    """1 − Σ(p − y)²/Σ(base − y)² (Brier, 1950; Murphy, 1973): above 0 it says more than the base."""
    return blocks.figure(used, summed(used, (p - y) ** 2, (base - y) ** 2), _skill, summed(used, y, 1.0))


def log_skill(p: Floats, y: Floats, base: Floats, used: NDArray[np.bool_], blocks: Blocks) -> Figure:
    """1 − Σ log score of p/Σ log score of the base (Good, 1952), probabilities kept 1e-6 from 0 and 1."""
    return blocks.figure(used, summed(used, _log_loss(p, y), _log_loss(base, y)), _skill, summed(used, y, 1.0))


def classes_skill(p: Floats, y: Floats, base: Floats, used: NDArray[np.bool_], blocks: Blocks) -> Figure:
    """Brier skill over several classes that exclude each other [k, t, n]: squared errors of all are summed."""
    errors = [np.where(used, (said - y) ** 2, 0.0).sum(axis=0) for said in (p, base)]
    return blocks.figure(used, summed(used, *errors), _skill, summed(used, y[0], 1.0))


def calibration_error(p: Floats, y: Floats, used: NDArray[np.bool_], blocks: Blocks, bins: int = BINS) -> Figure:
    """Expected calibration error: Σ over bins of equal width of |Σ(p − y)|/n (Naeini, Cooper & Hauskrecht, 2015).

    Noise alone makes it positive, so its interval is not one of a difference from 0.
    """
    place = np.clip(np.where(used, p, 0.0) * bins, 0, bins - 1).astype(np.int64)
    inside = [used & (place == k) for k in range(bins)]
    terms = np.concatenate([*(summed(each, p - y) for each in inside), summed(used, 1.0)], axis=1)
    return blocks.figure(used, terms, _calibration, summed(used, y, 1.0))


def reliability(p: Floats, y: Floats, used: NDArray[np.bool_], blocks: Blocks, bins: int = BINS) -> tuple[Bin, ...]:
    """Claimed and came, in up to `bins` bins of equally many readings, from the least claimed to the most."""
    if not used.any():
        return ()
    edges = np.unique(np.quantile(p[used], np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.searchsorted(edges, np.where(used, p, 0.0), side="right")
    found = []
    for k in range(edges.size + 1):
        inside = used & (place == k)
        if inside.any():
            found.append(Bin(claimed=float(p[inside].mean()), came=rate(y, inside, blocks)))
    return tuple(found)


def excess(p: Floats, y: Floats, used: NDArray[np.bool_], blocks: Blocks) -> Figure:
    """Mean of what came less what was claimed: 0 for calibrated probabilities."""
    return blocks.figure(used, summed(used, y - p, 1.0), ratio, summed(used, y, 1.0))


def mean_claim(p: Floats, used: NDArray[np.bool_]) -> float | None:
    """The mean of the probabilities that are judged."""
    return known(p[used].mean()) if used.any() else None


def _skill(sums: Floats) -> Floats:
    return 1.0 - quotient(sums[..., 0], sums[..., 1])


def _calibration(sums: Floats) -> Floats:
    return quotient(np.abs(sums[..., :-1]).sum(axis=-1), sums[..., -1])


def _log_loss(p: Floats, y: Floats) -> Floats:
    kept = np.clip(p, _CLOSEST, 1 - _CLOSEST)
    with np.errstate(invalid="ignore"):
        return -(y * np.log(kept) + (1 - y) * np.log1p(-kept))

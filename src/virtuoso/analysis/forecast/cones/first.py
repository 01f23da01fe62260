"""Which of two levels is touched first, a stop on one side or a target on the other."""

import math
from statistics import NormalDist
from typing import Final

import numpy as np

from virtuoso.market.panel import Floats

_SURE_WIDTH: Final = 0.3
"""A path without drift leaves an interval this narrow (in standard deviations) but once in e⁵⁴ (e^(−π²/2w²))."""
_FAR: Final = 8.5
"""Terms so many standard deviations away are less than a double can tell."""
_LEAST: Final = 1e-300
_inverse = np.vectorize(NormalDist().inv_cdf, otypes=[np.float64])
_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def first_touch(stop: Floats, target: Floats) -> tuple[Floats, Floats]:
    """P(the stop is touched first) and P(the target is) before the horizon [n], of P(touched) [n] of each.

    A level touched with probability q lies u = Φ⁻¹(1 − q/2) standard deviations from the start of a Brownian path
    without drift (reflection principle); the stop at −u and the target at v, w = u + v. Of such a path the target is
    first with Σₖ 2Φ̄(v + 2kw) − 2Φ̄(v + 2u + 2kw), k = 0, 1, … (method of images, e.g. Borodin & Salminen 2002). Of
    any other path both touches keep their probabilities, and come in the order of the Brownian path that has them.
    """
    with np.errstate(invalid="ignore"):
        u, v = (-_inverse(np.clip(np.where(np.isnan(q), 1.0, q), _LEAST, 1.0) / 2.0) for q in (stop, target))
        unknown = ~np.isfinite(stop + target)
    return np.where(unknown, np.nan, _before(u, v)), np.where(unknown, np.nan, _before(v, u))


def _before(near: Floats, far: Floats) -> Floats:
    """P(a Brownian path touches −`near` before `far`, and by time 1) [n]."""
    width = near + far
    narrow = width < _SURE_WIDTH
    whole = np.where(narrow, _SURE_WIDTH, width)
    places = near + 2.0 * whole * np.arange(math.ceil(_FAR / (2.0 * float(whole.min(initial=_FAR)))) + 1)[:, None]
    terms = _erfc(places / math.sqrt(2.0)) - _erfc((places + 2.0 * far) / math.sqrt(2.0))
    with np.errstate(all="ignore"):
        sure = np.where(width > 0.0, far / width, 0.5)
    found: Floats = np.where(narrow, sure, terms.sum(axis=0))
    return found

"""Small readings of a block of bars that several indicators need."""

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.block import CrossSection
from virtuoso.market.panel import Floats


def numbers(x: CrossSection) -> Floats:
    """Running numbers of the section's bars [t]."""
    return x.number + np.arange(x.close.shape[0], dtype=np.float64)


def any_of(flags: NDArray[np.bool_]) -> list[bool]:
    """Whether any of `flags` [t, …] is true, by bar."""
    by_bar: NDArray[np.bool_] = np.logical_or.reduce(flags.reshape(flags.shape[0], -1), axis=1)
    return [bool(flag) for flag in by_bar.tolist()]


def both_sides(up: Floats, down: Floats) -> Floats:
    """`up` and −`down` [t, n] as [t, 2, n].

    With the lower side negated a low is a maximum as a high is: what is written once holds for both sides, and a market
    upside down exchanges them exactly.
    """
    out = np.empty((up.shape[0], 2, up.shape[1]))
    out[:, 0] = up
    np.negative(down, out=out[:, 1])
    return out

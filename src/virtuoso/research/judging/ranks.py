"""Rank correlation of what was said with what followed (information coefficient)."""

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.quality.blocks import Blocks, quotient, summed
from virtuoso.analysis.quality.figures import Figure
from virtuoso.market.panel import Floats


def rank_correlation(x: Floats, y: Floats, blocks: Blocks, chosen: NDArray[np.bool_] | None = None) -> Figure:
    """Spearman's rank correlation of `x` with `y` [t, n] over readings of which both are known.

    Ranks are those within each symbol, so that differences between symbols are no merit, and the correlation is of all
    symbols together. They are taken once, not in each resample.
    """
    used = np.isfinite(x + y)
    if chosen is not None:
        used &= chosen
    a, b = _ranked(x, used), _ranked(y, used)
    return blocks.figure(used, summed(used, a, b, a * a, b * b, a * b, 1.0), _correlation, scatter=_scatter)


def _scatter(correlation: float) -> float:
    """The variance of a correlation, times the readings (Fisher, 1915)."""
    return float((1.0 - correlation**2) ** 2)


def _ranked(values: Floats, used: NDArray[np.bool_]) -> Floats:
    """Ranks of each column's used values in (−½, ½), so that columns of any length weigh alike; 0 elsewhere."""
    from scipy.stats import rankdata  # noqa: PLC0415 - takes most of a second to load

    out = np.zeros(values.shape)
    for column in range(values.shape[1]):
        mine = used[:, column]
        count = np.count_nonzero(mine)
        if count:
            out[mine, column] = (rankdata(values[mine, column]) - 0.5) / count - 0.5
    return out


def _correlation(sums: Floats) -> Floats:
    """Pearson's correlation from Σa, Σb, Σa², Σb², Σab, n."""
    a, b, aa, bb, ab, n = np.moveaxis(sums, -1, 0)
    n = np.where(n > 0, n, np.nan)
    spread = np.maximum(aa - a * a / n, 0.0) * np.maximum(bb - b * b / n, 0.0)
    return quotient(ab - a * b / n, np.sqrt(spread))

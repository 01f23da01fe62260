"""How often |return| exceeds a level, by the level in units of the forecast volatility: a table, no assumed tails."""

import numpy as np

from virtuoso.market.panel import Floats

GRID = np.linspace(-4.0, 2.5, 66)
"""Logs of level/volatility at which the table has its logits; below and above it goes on level."""


def exceedance(moves: Floats, volatility: Floats) -> Floats:
    """Logit of the share of |moves| [m] above each multiple of their volatility [m], at `GRID`; one half is added."""
    ratios = np.sort(np.log(np.maximum(np.abs(moves), 1e-12) / volatility))
    above = ratios.size - np.searchsorted(ratios, GRID, side="right")
    share = (above + 0.5) / (ratios.size + 1.0)
    return np.log(share / (1.0 - share))


def logit_above(table: Floats, level: Floats, volatility: Floats) -> Floats:
    """Logit [...] of P(|return| > level), interpolated in the table; `nan` where either is unknown."""
    ratio = np.log(level / volatility)
    found: Floats = np.interp(ratio, GRID, table)
    return np.where(np.isnan(ratio), np.nan, found)

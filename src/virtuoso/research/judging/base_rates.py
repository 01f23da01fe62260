"""Computes what could have been said without a forecast: each symbol's own past, known at the time."""

import numpy as np

from virtuoso.market.panel import Floats


def past_mean(values: Floats, lag: int, least: int) -> Floats:
    """Average each symbol's own `values` [t, n] (`nan` for unknown) that were known `lag` rows later.

    At row i the outcomes of rows 0 … i − `lag` are known: a horizon and the bar at whose open it was entered. Below
    `least` known outcomes it is `nan`.
    """
    there = np.isfinite(values)
    count = _shifted(np.cumsum(there, axis=0, dtype=np.float64), lag)
    total = _shifted(np.cumsum(np.where(there, values, 0.0), axis=0), lag)
    out: Floats = np.full(values.shape, np.nan)
    np.divide(total, count, out=out, where=count >= least)
    return out


def constants(values: Floats) -> Floats:
    """The table of constants, a dummy [t, n]: each symbol's mean over the whole set, which nobody knew at the time."""
    there = np.isfinite(values)
    count = there.sum(axis=0)
    mean = np.full(values.shape[1], np.nan)
    np.divide(np.where(there, values, 0.0).sum(axis=0), count, out=mean, where=count > 0)
    return np.broadcast_to(mean, values.shape)


def _shifted(sums: Floats, lag: int) -> Floats:
    """Return sums as they were `lag` rows before, 0 where there was nothing yet."""
    out = np.zeros_like(sums)
    if lag < len(sums):
        out[lag:] = sums[: len(sums) - lag]
    return out

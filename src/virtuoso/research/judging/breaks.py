"""The largest breaks of a market: moments at which a move against what went before tells that something changed."""

import numpy as np
from numpy.typing import NDArray

from virtuoso.market.panel import Floats, Ints

BREAKS = 10
_MINUTE_MS = 60_000
_LEAST_PAST = 96
"""Past steps of 15 minutes (a day) without which a move has nothing to be measured by."""


def largest_breaks(step_ms: Ints, returns: Floats, apart_min: int, count: int = BREAKS) -> Ints:
    """The closes (epoch ms, ascending) at which the market moved most against its own past.

    At each step the market's return is the mean over symbols, and its size is in units of the root mean square of the
    market's returns of the seven days before, without this one: nothing later is looked at. The `count` largest are
    taken, each at least `apart_min` minutes from any larger.

    Args:
        step_ms: closes of the steps [t], 15 minutes apart.
        returns: log returns of each step [t, n], `nan` for unknown.
        apart_min: minutes between two breaks.
        count: how many at most.
    """
    there = np.isfinite(returns)
    symbols = there.sum(axis=1)
    market = np.where(there, returns, 0.0).sum(axis=1) / np.maximum(symbols, 1)
    size = np.abs(market) / _past_scale(market, symbols > 0)
    size[(symbols == 0) | ~np.isfinite(size)] = -1.0
    found: list[int] = []
    for at in np.argsort(-size, kind="stable"):
        if size[at] <= 0 or len(found) == count:
            break
        if all(abs(int(step_ms[at]) - other) >= apart_min * _MINUTE_MS for other in found):
            found.append(int(step_ms[at]))
    return np.array(sorted(found), dtype=np.int64)


def steps_after(close_ms: Ints, breaks: Ints, horizon_min: int, steps: int) -> NDArray[np.bool_]:
    """Which closes [t] are one of the `steps` that follow a break, a horizon apart, the first at the break itself."""
    length = horizon_min * _MINUTE_MS
    wanted = (breaks[:, None] + length * np.arange(steps)).ravel()
    return np.isin(close_ms, wanted)


def _past_scale(market: Floats, there: NDArray[np.bool_], window: int = 7 * 96) -> Floats:
    """Root mean square [t] of the known returns of the `window` steps before each."""
    total = np.concatenate([[0.0], np.cumsum(np.where(there, market**2, 0.0))])
    count = np.concatenate([[0], np.cumsum(there)])
    end = np.arange(market.size)
    begin = np.maximum(0, end - window)
    n = count[end] - count[begin]
    out: Floats = np.full(market.size, np.nan)
    np.divide(total[end] - total[begin], n, out=out, where=n >= _LEAST_PAST)
    return np.sqrt(out)

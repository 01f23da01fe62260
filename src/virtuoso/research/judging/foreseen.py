"""What rivals foresee of a set: volatilities, and quantiles in the same conformal wrapper as ours."""

from collections.abc import Callable, Mapping

import numpy as np

from virtuoso.analysis.block import Memory
from virtuoso.analysis.forecast.cones.cone import Cone
from virtuoso.analysis.forecast.horizons import HORIZONS_MIN
from virtuoso.market.panel import Floats
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.judging.base_rates import past_mean
from virtuoso.research.judging.rivals import ewma, garch
from virtuoso.research.sampling.readings import Followed, Sampled

EWMA, FAST_EWMA, GARCH, HISTORY = "EWMA", "EWMA of 5 m", "GARCH-t", "own past"


def volatilities(
    followed: Followed, step_min: int, tell: Callable[[float], None] = lambda _: None
) -> dict[str, dict[int, Floats]]:
    """Standard deviations by rival and horizon [t, n] at the sampled closes, `step_min` apart.

    The EWMA is of returns of the horizon, and of those between two samples, scaled by the root of time; `own past` is
    the exponential of the mean of each symbol's own log realised volatility, known at the time.
    """
    returns = followed.step.astype(np.float64)
    steps = {horizon: horizon // step_min for horizon in HORIZONS_MIN}
    of_garch = garch(followed.close_ms, returns, tuple(steps.values()), tell)
    fast = ewma(returns, 1)
    history = {}
    for horizon, rows in steps.items():
        with np.errstate(all="ignore"):
            realised = np.log(followed.realised[horizon].astype(np.float64))
        realised[~np.isfinite(realised)] = np.nan
        history[horizon] = np.exp(past_mean(realised, rows + 1, 1_440 // step_min))
    return {
        EWMA: {horizon: ewma(returns, rows) for horizon, rows in steps.items()},
        FAST_EWMA: {horizon: np.sqrt(rows) * fast for horizon, rows in steps.items()},
        GARCH: {horizon: of_garch[rows] for horizon, rows in steps.items()},
        HISTORY: history,
    }


def quantiles(followed: Followed, step_min: int, volatility: Mapping[int, Floats]) -> dict[int, Sampled]:
    """Quantiles of the closing return [6, t, n] that the conformal wrapper makes of any volatilities, by horizon.

    What came of a close is given to the wrapper a horizon later, when it is known.
    """
    horizons = tuple(volatility)
    base = next(timeframe for timeframe in Timeframe if timeframe.minutes == step_min)
    memory = Memory()
    cone = Cone(memory, base, horizons, series=1)
    n = followed.step.shape[1]
    memory.reserve(n)
    known = np.stack([_known_later(followed.close[horizon], horizon // step_min) for horizon in horizons])
    found = cone.step(
        int(followed.close_ms[0]) // base.ms - 1,
        slice(0, n),
        np.stack([volatility[horizon] for horizon in horizons]),
        known[:, None],
    )
    return {horizon: found[k, 0].astype(np.float32) for k, horizon in enumerate(horizons)}


def _known_later(outcome: Sampled, rows: int) -> Floats:
    """The outcome of the close `rows` before, at the close at which it is known [t, n]."""
    out = np.full(outcome.shape, np.nan)
    out[rows:] = outcome[:-rows]
    return out

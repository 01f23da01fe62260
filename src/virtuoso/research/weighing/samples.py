"""Joins what weightings are fitted on and judged by: components at sampled closes, and what followed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from virtuoso.market.panel import Floats, Ints
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.sampling.readings import Followed, Readings, Sampled

STEP_MIN: Final = 15
"""Minutes between the closes that are tried: the shortest horizon, so that its entries need not overlap."""
SCALE_CLIP: Final = 5.0
"""Returns in units of their scale are fitted within ± this, so that single moves do not decide weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Inputs and outcomes of one set at `t` closes that are `step_min` apart, of `n` symbols.

    `components` [c, t, n] in [−1, 1], `nan` where missing; `configured` the confluence as configured in [−1, 1];
    `returns` log returns from the entry by horizon, `past` those up to the close; `scale` the symbol's own volatility
    over the horizon known at the time; `cost_bp` the proxy of the cost. All but the components are [t, n].
    """

    name: str
    symbols: tuple[str, ...]
    step_min: int
    close_ms: Ints
    component_names: tuple[str, ...]
    components: Sampled
    configured: Floats
    returns: Mapping[int, Floats]
    past: Mapping[int, Floats]
    scale: Mapping[int, Floats]
    cost_bp: Floats

    def target(self, horizon: int) -> Floats:
        """Scale returns by the symbol's own volatility [t, n], clipped; `nan` where either is unknown."""
        with np.errstate(all="ignore"):
            found: Floats = np.clip(self.returns[horizon] / self.scale[horizon], -SCALE_CLIP, SCALE_CLIP)
        return found

    def usable(self, horizon: int) -> NDArray[np.bool_]:
        """Find where there is any component and an outcome [t, n]."""
        there = np.isfinite(self.components).any(axis=0)
        found: NDArray[np.bool_] = there & np.isfinite(self.target(horizon) + self.configured)
        return found


def samples_of(name: str, symbols: tuple[str, ...], readings: Readings, followed: Followed) -> Samples:
    """Join readings with what followed them, of the same closes; those that lie on the grid of `STEP_MIN` are kept."""
    step_min = max(STEP_MIN, int(np.diff(followed.close_ms[:2])[0]) // Timeframe.M1.ms)
    at = followed.close_ms % (step_min * Timeframe.M1.ms) == 0
    return Samples(
        name=name,
        symbols=symbols,
        step_min=step_min,
        close_ms=followed.close_ms[at],
        component_names=readings.component_names,
        components=readings.components[:, at],
        configured=readings.score[at].astype(np.float64) / 50.0 - 1.0,
        returns={h: x[at].astype(np.float64) for h, x in followed.close.items()},
        past={h: x[at].astype(np.float64) for h, x in followed.past.items()},
        scale={h: _trailing_scale(x[at].astype(np.float64), max(1, h // step_min)) for h, x in followed.past.items()},
        cost_bp=followed.cost_bp[at].astype(np.float64),
    )


def _trailing_scale(past: Floats, rows: int, decay_rows: int = 96) -> Floats:
    """Compute the root of an exponential mean of squared past returns [t, n], over `decay_rows` at least."""
    weight = 2.0 / (max(decay_rows, 4 * rows) + 1)
    mean = np.full(past.shape[1], np.nan)
    out = np.empty(past.shape)
    for t, square in enumerate(past**2):
        there = np.isfinite(square)
        fresh = there & np.isnan(mean)
        mean = np.where(fresh, square, np.where(there, mean + weight * (square - mean), mean))
        out[t] = mean
    out[out == 0] = np.nan
    found: Floats = np.sqrt(out)
    return found

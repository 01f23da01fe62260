"""Weighs components: as configured, all alike, fitted with free signs, or not at all."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from virtuoso.market.panel import Floats
from virtuoso.model.timeframe import DAY_MS
from virtuoso.research.weighing.samples import Samples

LEAST_DAYS: Final = 7
"""Days of known outcomes before the first fit; no weighting is judged earlier, so that all are judged alike."""
_MOST_ROWS: Final = 65_536
_RIDGE: Final = 0.1
"""Ridge's penalty as a share of the rows."""
_LOGISTIC: Final = 0.1
"""The logistic's penalty as a share of the rows."""

Fit = Callable[[Floats, Floats, NDArray[np.int64]], Floats]
"""From rows of components [m, c] (missing is 0), scaled returns [m] and days [m] to weights [c]."""


@dataclass(frozen=True, slots=True)
class WeightingSignal:
    """The signal of a weighting at each close [t, n]: the side by its sign, how strong by its size; `nan` for none.

    `weights` are those of the last fit by component, empty where nothing is fitted.
    """

    signal: Floats
    weights: Mapping[str, float]


def equal(x: Floats, _y: Floats, _day: NDArray[np.int64]) -> Floats:
    """Give all components the same weight."""
    return np.full(x.shape[1], 1.0 / x.shape[1])


def ridge(x: Floats, y: Floats, _day: NDArray[np.int64]) -> Floats:
    """Fit by least squares with a penalty, signs free (Hoerl & Kennard, 1970)."""
    from sklearn.linear_model import Ridge  # noqa: PLC0415 - takes a second to load

    found: Floats = Ridge(alpha=_RIDGE * len(x), fit_intercept=False).fit(x, y).coef_
    return found


def logistic(x: Floats, y: Floats, _day: NDArray[np.int64]) -> Floats:
    """Fit the log odds of a rise, with a penalty, signs free; rows that did not move are left out."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - takes a second to load

    moved = y != 0
    model = LogisticRegression(C=1.0 / (_LOGISTIC * len(x)), fit_intercept=False, solver="newton-cholesky")
    found: Floats = model.fit(x[moved], y[moved] > 0).coef_[0]
    return found


class ByInformation:
    """The rank correlation of each component with what followed, shrunk by how much it differs from day to day.

    w = IC·max(0, 1 − s²/IC²), s² the variance of the mean of the daily correlations (positive-part shrinkage of James
    & Stein, 1961). The correlations of days that come again are remembered: each refit sees nearly all that the one
    before saw.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, float], Floats] = {}

    def __call__(self, x: Floats, y: Floats, day: NDArray[np.int64]) -> Floats:
        """Weights [c], 0 for a component whose correlation the days do not agree on."""
        daily = np.stack([self._of_day(int(d), x[day == d], y[day == d]) for d in np.unique(day)])
        mean, error = daily.mean(axis=0), daily.var(axis=0, ddof=1) / len(daily)
        kept = np.zeros(mean.shape)
        np.divide(np.maximum(0.0, mean**2 - error), mean, out=kept, where=mean != 0)
        return kept

    def _of_day(self, day: int, x: Floats, y: Floats) -> Floats:
        rows = (day, len(y), float(y.sum()))
        if rows not in self._known:
            self._known[rows] = _correlations(x, y)
        return self._known[rows]


def fits() -> dict[str, Fit]:
    """Return the weightings that are linear in the components, for one set and horizon."""
    return {"equal": equal, "ridge": ridge, "logistic": logistic, "information": ByInformation()}


def all_signals(
    samples: Samples, horizon: int, tell: Callable[[float], None] = lambda _: None
) -> dict[str, WeightingSignal]:
    """Compute the signal of every weighting, walked forward: each day's from outcomes that were known at its 00:00 UTC.

    Besides the fitted ones: `configured` (the score), `configured_reversed`, `momentum` (the return over the horizon
    before in units of its own volatility) and `reversal`.
    """
    with np.errstate(all="ignore"):
        momentum = samples.past[horizon] / samples.scale[horizon]
    out = {
        "configured": WeightingSignal(samples.configured, {}),
        "configured_reversed": WeightingSignal(-samples.configured, {}),
        "momentum": WeightingSignal(momentum, {}),
        "reversal": WeightingSignal(-momentum, {}),
    }
    fitted = fits()
    for number, (name, fit) in enumerate(fitted.items()):
        out[name] = walked_forward(samples, horizon, fit)
        tell((number + 1) / len(fitted))
    return out


def walked_forward(samples: Samples, horizon: int, fit: Fit) -> WeightingSignal:
    """Fit anew at each 00:00 UTC on what was known then: outcomes of closes a horizon and a bar before at least."""
    signal = np.full(samples.configured.shape, np.nan)
    weights: Floats = np.zeros(len(samples.component_names))
    usable, target = samples.usable(horizon), samples.target(horizon)
    day = samples.close_ms // DAY_MS
    embargo = max(1, horizon // samples.step_min) + 1
    for begin, end in _judged_days(samples):
        x, y, days = _training(samples, usable, target, day, begin - embargo)
        if np.unique(days).size < 2:
            continue
        weights = fit(x, y, days)
        inside = samples.components[:, begin:end].astype(np.float64)
        there = np.isfinite(inside).any(axis=0)
        said = np.tensordot(weights, np.where(np.isfinite(inside), inside, 0.0), axes=1)
        signal[begin:end] = np.where(there, said, np.nan)
    return WeightingSignal(signal, dict(zip(samples.component_names, weights.tolist(), strict=True)))


def judged(samples: Samples) -> NDArray[np.bool_]:
    """Find the closes [t] at which weightings are judged: those from a day after the first fit on.

    Before, what a fit said has no past yet in which it would be among the strongest.
    """
    days = list(_judged_days(samples))
    out = np.zeros(samples.close_ms.size, np.bool_)
    if len(days) > 1:
        out[days[1][0] :] = True
    return out


def _judged_days(samples: Samples) -> Iterator[tuple[int, int]]:
    day = samples.close_ms // DAY_MS
    for each in np.unique(day):
        if each - day[0] >= LEAST_DAYS:  # the first day may be there in part
            begin, end = np.searchsorted(day, (each, each + 1))
            yield int(begin), int(end)


def _training(
    samples: Samples, usable: NDArray[np.bool_], target: Floats, day: NDArray[np.int64], end: int
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """List the rows before `end`, every so many where there are too many."""
    t, n = np.nonzero(usable[: max(0, end)])
    every = -(-t.size // _MOST_ROWS) or 1
    t, n = t[::every], n[::every]
    x = samples.components[:, t, n].T.astype(np.float64)
    return np.where(np.isfinite(x), x, 0.0), target[t, n], day[t]


def _correlations(x: Floats, y: Floats) -> Floats:
    """Correlate the ranks of each column of `x` [m, c] with `y` [m]; 0 where one does not vary."""
    from scipy.stats import rankdata  # noqa: PLC0415 - takes most of a second to load

    a = rankdata(x, axis=0) - (len(x) + 1) / 2
    b = rankdata(y) - (len(y) + 1) / 2
    spread = np.sqrt((a**2).sum(axis=0) * (b**2).sum())
    out: Floats = np.zeros(x.shape[1])
    np.divide(a.T @ b, spread, out=out, where=spread > 0)
    return out

"""Volatility as others foresee it: RiskMetrics' EWMA, and GARCH(1,1) with Student's t, fitted anew each day."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from virtuoso.market.panel import Floats, Ints
from virtuoso.model.timeframe import DAY_MS

EWMA_DECAY: Final = 0.94
"""RiskMetrics' decay (J. P. Morgan, 1996)."""
_FIT_DAYS: Final = 10
"""Days that a GARCH is fitted on at most."""
_LEAST_DAYS: Final = 3
_SCALE: Final = 1e4
"""Returns are fitted in basis points, as the solver wants numbers near 1."""


def ewma(returns: Floats, steps: int, decay: float = EWMA_DECAY) -> Floats:
    """Standard deviation foreseen at each step [t, n] for the next `steps`: σ² = λσ² + (1 − λ)r² of r over `steps`.

    One average runs for each offset of non-overlapping returns of `steps` steps, and the one due is read, so that a
    forecast at any step is what RiskMetrics with bars of that length says. `nan` before twenty of them.

    Args:
        returns: log returns of each step [t, n], `nan` for unknown.
        steps: the horizon in steps.
        decay: λ.
    """
    whole = _sums(returns, steps)
    out = np.full(returns.shape, np.nan)
    variance = np.full((steps, returns.shape[1]), np.nan)
    seen = np.zeros((steps, returns.shape[1]), np.int64)
    for t in range(len(returns)):
        k, square = t % steps, whole[t] ** 2
        there = np.isfinite(square)
        first = there & np.isnan(variance[k])
        variance[k] = np.where(first, square, np.where(there, decay * variance[k] + (1 - decay) * square, variance[k]))
        seen[k] += there
        out[t] = np.where(seen[k] >= 20, np.sqrt(variance[k]), np.nan)
    return out


@dataclass(frozen=True, slots=True)
class Garch:
    """σ²₊ = ω + α r² + β σ² of returns in basis points, and the long-run variance it goes back to."""

    omega: float
    alpha: float
    beta: float

    def ahead(self, next_variance: float, steps: int) -> float:
        """Variance of the sum of the next `steps` returns (Bollerslev, 1986)."""
        persistence = self.alpha + self.beta
        if persistence >= 1.0 - 1e-9:
            return steps * next_variance + self.omega * steps * (steps - 1) / 2
        long_run = self.omega / (1.0 - persistence)
        return steps * long_run + (next_variance - long_run) * (1.0 - persistence**steps) / (1.0 - persistence)


def garch(
    step_ms: Ints, returns: Floats, horizons: tuple[int, ...], tell: Callable[[float], None] = lambda _: None
) -> dict[int, Floats]:
    """Standard deviations [t, n] foreseen by GARCH(1,1)-t for each of `horizons` (in steps), fitted anew at 00:00 UTC.

    A day's fit sees the ten days before it; the recursion then follows each return. `nan` before three days, and where
    the fit does not converge.

    Args:
        step_ms: closes of the steps [t], epoch ms.
        returns: log returns of each step [t, n], `nan` for unknown (taken for no news).
        horizons: how many steps ahead.
        tell: told the share that is done.
    """
    out = {steps: np.full(returns.shape, np.nan) for steps in horizons}
    columns = returns.shape[1]
    days = list(_days(step_ms))
    a_day = DAY_MS // int(np.diff(step_ms[:2])[0]) if len(step_ms) > 1 else 1
    for done, (begin, end) in enumerate(days):
        for column in range(columns):
            past = returns[max(0, begin - _FIT_DAYS * a_day) : begin, column] * _SCALE
            seen = past[np.isfinite(past)]
            fit = _fitted(seen) if seen.size >= _LEAST_DAYS * a_day - 1 else None
            if fit is None:
                continue
            before = float(np.nanmean(past**2))
            variances = _filtered(fit, np.concatenate([past, returns[begin:end, column] * _SCALE]), before)[
                -(end - begin) :
            ]
            for steps, into in out.items():
                into[begin:end, column] = [np.sqrt(fit.ahead(v, steps)) / _SCALE for v in variances]
        tell((done + 1) / len(days))
    return out


def _filtered(fit: Garch, returns: Floats, start: float) -> list[float]:
    """The variance of the next step after each return [t], from the variance `start`."""
    variance, found = start, []
    for r in returns.tolist():
        news = variance if r != r else r * r  # noqa: PLR0124 - nan: no news
        variance = fit.omega + fit.alpha * news + fit.beta * variance
        found.append(variance)
    return found


def _fitted(past: Floats) -> Garch | None:
    """Fit by `arch`, `None` where nothing moves or without convergence."""
    if not past.std() > 0:
        return None
    from arch import arch_model  # noqa: PLC0415 - takes a second to load

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scaling and convergence: the flag says it
        found: Any = arch_model(past, mean="Zero", vol="GARCH", p=1, q=1, dist="t", rescale=False).fit(
            disp="off", show_warning=False, options={"maxiter": 200}
        )
    if found.convergence_flag != 0:
        return None
    return Garch(*(float(found.params[name]) for name in ("omega", "alpha[1]", "beta[1]")))


def _days(step_ms: Ints) -> Iterator[tuple[int, int]]:
    """First row and the one after the last of each day of closes."""
    day = step_ms // DAY_MS
    edges = [0, *(np.flatnonzero(np.diff(day)) + 1).tolist(), len(day)]
    return pairwise(edges)


def _sums(returns: Floats, steps: int) -> Floats:
    """Rolling sums [t, n] over `steps` rows, `nan` before there are so many or where one is missing."""
    out = np.full(returns.shape, np.nan)
    if len(returns) >= steps:
        windows = np.lib.stride_tricks.sliding_window_view(returns, steps, axis=0)
        out[steps - 1 :] = windows.sum(axis=-1)
    return out

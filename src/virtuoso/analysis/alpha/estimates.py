"""Alpha, beta and correlation of many symbols against one benchmark, with errors that no single bar can shrink."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from virtuoso.market.panel import Floats
from virtuoso.model.timeframe import DAY_MS, Timeframe

Flags = NDArray[np.bool_]

_Z95 = 1.959963984540054
_DEGENERATE = 1e-9
"""Two shares of a variance that differ by less than this do not differ."""
_ROUNDING = 1e-13
"""A log return smaller than this is rounding of the price."""
_BLOCK = 100
"""Symbols at a time: what is computed of so many stays in the processor's cache, which is 2 to 3 times as fast."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Bars of the long window, and of the recent one that follows it: they share no bar."""

    long: int
    recent: int

    @property
    def returns(self) -> int:
        """The number of returns in both windows together."""
        return self.long + self.recent


WINDOWS: Mapping[Timeframe, Windows] = {
    Timeframe.M1: Windows(240, 60),
    Timeframe.M3: Windows(240, 60),
    Timeframe.M5: Windows(288, 48),
    Timeframe.M15: Windows(288, 48),
    Timeframe.M30: Windows(336, 48),
    Timeframe.H1: Windows(168, 48),
    Timeframe.H2: Windows(168, 36),
    Timeframe.H4: Windows(120, 30),
}
"""1m: 4 h, then 1 h. 5m: 1 d, 4 h. 30m: 7 d, 1 d. 4h: 20 d, 5 d."""


def history(timeframe: Timeframe) -> int:
    """Closed bars that a scan of `timeframe` reads; 0 for one that is not scanned."""
    windows = WINDOWS.get(timeframe)
    return 0 if windows is None else windows.returns + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One window's estimates of n symbols, all [n]; `nan` where the window does not determine one.

    `alpha` and its error in log-% per day; `beta` plain; `correlation` in [-1, 1], its Fisher z = artanh with error.
    `beta_df` are the effective degrees of freedom of the error of `beta`; the others have `count` − 2.
    """

    count: Floats
    alpha: Floats
    alpha_se: Floats
    beta: Floats
    beta_se: Floats
    beta_df: Floats
    correlation: Floats
    z: Floats
    z_se: Floats

    def correlation_interval(self) -> tuple[Floats, Floats]:
        """95 % limits of the correlation (Fisher 1921)."""
        return np.tanh(self.z - _Z95 * self.z_se), np.tanh(self.z + _Z95 * self.z_se)


def newey_west_lag(bars: int) -> int:
    """Lags of the Bartlett kernel for a window: ⌊4·(t/100)^(2/9)⌋ (Newey & West 1994)."""
    return int(4.0 * (bars / 100.0) ** (2.0 / 9.0))


def estimate(returns: Floats, benchmark: Floats, timeframe: Timeframe) -> Estimate:
    """Ordinary least squares of each column of `returns` [t, n] on `benchmark` [t], log returns of one window.

    A bar counts for a symbol where both returns are finite. Standard errors are jackknifed: from what each estimate
    becomes without bar i. For alpha and beta that is HC3 (MacKinnon & White 1985). Their autocovariances, Bartlett
    weighted (Newey & West 1987), widen an error where they are positive and never narrow it; that of z is at least
    Fisher's 1/√(count − 3). `beta_df` is (Σx²)²/Σx⁴, x the benchmark less its mean: the leading term of Bell &
    McCaffrey (2002); where few bars make most of x's variance they are few.
    """
    per_day = 100.0 * DAY_MS / timeframe.ms
    with np.errstate(all="ignore"):
        blocks = [
            _estimate(returns[:, start : start + _BLOCK], benchmark, per_day)
            for start in range(0, max(1, returns.shape[1]), _BLOCK)
        ]
    joined = {
        field.name: np.concatenate([getattr(block, field.name) for block in blocks]) for field in fields(Estimate)
    }
    return Estimate(**joined)


def _estimate(returns: Floats, benchmark: Floats, per_day: float) -> Estimate:
    used = np.isfinite(returns) & np.isfinite(benchmark)[:, None]
    n = used.sum(axis=0).astype(np.float64)
    x, x_mean = _centred(benchmark[:, None], used, n)
    y, y_mean = _centred(returns, used, n)
    x2, y2, xy = x * x, y * y, x * y
    sxx, syy, sxy = _spread(x2, n), _spread(y2, n), xy.sum(axis=0)
    beta = sxy / sxx
    correlation = sxy / np.sqrt(sxx * syy)
    z = np.arctanh(correlation)
    lag = newey_west_lag(len(benchmark))
    share, slope = used / n, x / sxx
    missed = (y - beta * x) / (1.0 - share - slope * x)  # how far bar i lies from the line drawn without it
    beta_se = _error(missed * slope, lag)
    alpha_se = _error(missed * (share - slope * x_mean), lag)
    k = n / (n - 1.0)
    without = (sxy - k * xy) / np.sqrt((sxx - k * x2) * (syy - k * y2))
    shift = z - np.arctanh(np.clip(without, -1.0, 1.0))
    z_se = np.maximum(_error(shift, lag), 1.0 / np.sqrt(n - 3.0))
    beta_df = np.minimum(sxx * sxx / (x2 * x2).sum(axis=0), n - 2.0)
    told, some = _told(x2, y2, sxx, syy, sxy, n), n > 1.0
    return Estimate(
        count=n,
        alpha=_known((y_mean - beta * x_mean) * per_day, some),
        alpha_se=_known(alpha_se * per_day, told),
        beta=_known(beta, some),
        beta_se=_known(beta_se, told),
        beta_df=_known(beta_df, told),
        correlation=_known(correlation, some),
        z=_known(z, told),
        z_se=_known(z_se, told),
    )


def _known(values: Floats, where: Flags) -> Floats:
    return np.where(where & np.isfinite(values), values, np.nan)


def _centred(values: Floats, used: Flags, n: Floats) -> tuple[Floats, Floats]:
    """Values less their mean over what is used, 0 elsewhere, [t, n]; and the mean [n]."""
    mean = np.where(used, values, 0.0).sum(axis=0) / n
    return np.where(used, values - mean, 0.0), mean


def _spread(squares: Floats, n: Floats) -> Floats:
    """Sum of squares [n]; 0 where it is but the rounding of returns that are all the same."""
    total = squares.sum(axis=0)
    return np.where(total > n * _ROUNDING * _ROUNDING, total, 0.0)


def _told(x2: Floats, y2: Floats, sxx: Floats, syy: Floats, sxy: Floats, n: Floats) -> Flags:
    """Whether errors can be told: both moved, in more than one bar, and not along one exact line."""
    alone = (n - 1.0) / n - _DEGENERATE
    moved = (x2.max(axis=0) < alone * sxx) & (y2.max(axis=0) < alone * syy)
    found: Flags = moved & (sxx * syy - sxy * sxy > _DEGENERATE * sxx * syy) & (n > 3)
    return found


def _error(influence: Floats, lag: int) -> Floats:
    """Standard error [n] from the influence [t, n] of each bar on an estimate, bars that are not used being 0."""
    variance = (influence * influence).sum(axis=0)
    long_run = variance.copy()
    for k in range(1, lag + 1):
        long_run += 2.0 * (1.0 - k / (lag + 1.0)) * (influence[k:] * influence[:-k]).sum(axis=0)
    error: Floats = np.sqrt(np.maximum(variance, long_run))
    return error

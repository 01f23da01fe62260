"""Blocks of whole days, and intervals from resampling them (Künsch, 1989, with blocks that do not overlap).

A statistic is a function of sums over readings; the sums of each block are made once, and a resample is another count
of each block. So every statistic of every table is resampled thousands of times at the price of one product of
matrices, and all of them by the same draws.

Resampling is the one use of a generator in the pure rooms. Its seed is a constant, so an interval depends on its
sums alone; it is shown, and no forecast, claim or alert rests on it.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.quality.figures import Figure, known
from virtuoso.market.panel import Floats, Ints
from virtuoso.model.timeframe import DAY_MS

_MINUTE_MS: Final = 60_000
DRAWS: Final = 2_000
_SEED: Final = 16
_TAIL = 2.5
"""Percent on either side of an interval."""

Statistic = Callable[[Floats], Floats]
"""From sums [..., k] to values [...], `nan` where they say nothing."""


class Blocks:
    """The blocks that closes belong to: max(a day, twice the horizon), so that an outcome hardly reaches into the next.

    Args:
        close_ms: closes in ascending order [t], epoch ms.
        horizon_min: minutes over which the outcomes reach.
    """

    def __init__(self, close_ms: Ints, horizon_min: int) -> None:
        self._day: Ints = close_ms // DAY_MS
        length = max(DAY_MS, 2 * horizon_min * _MINUTE_MS)
        block: Ints = close_ms // length
        self._starts = np.flatnonzero(np.diff(block, prepend=block[:1] - 1))
        self.begin_ms: Ints = block[self._starts] * length
        """When each block begins [b], epoch ms, whether its closes do or not."""
        self._day_starts = np.flatnonzero(np.diff(self._day, prepend=self._day[:1] - 1))

    @property
    def count(self) -> int:
        """Number of blocks that the closes are cut into."""
        return self._starts.size

    def sums(self, terms: Floats) -> Floats:
        """Sums of each block [b, k] of `terms` [t, k]."""
        found: Floats = np.add.reduceat(terms, self._starts, axis=0)
        return found

    def daily(self, terms: Floats) -> Floats:
        """Sums of each day [d, k] of `terms` [t, k]."""
        found: Floats = np.add.reduceat(terms, self._day_starts, axis=0)
        return found

    def days(self, used: NDArray[np.bool_]) -> int:
        """On how many days any reading is `used` [t] or [t, n]."""
        there = used if used.ndim == 1 else used.any(axis=1)
        return int(np.unique(self._day[there]).size)

    def figure(
        self,
        used: NDArray[np.bool_],
        terms: Floats,
        statistic: Statistic,
        rate: Floats | None = None,
        scatter: Callable[[float], float] | None = None,
    ) -> Figure:
        """The statistic of the readings `used` [t, n], with its interval.

        Args:
            used: which readings count.
            terms: what is summed over readings [t, k]; those that do not count have given nothing to it.
            statistic: from sums to the value.
            rate: sums [t, 2] of ones and of all: n_eff = p(1 − p)/variance is that of their quotient.
            scatter: without a rate, the variance of a single reading where the statistic has the value given: n_eff is
                that over the statistic's own. `None` without either.
        """
        n, days = int(np.count_nonzero(used)), self.days(used)
        if not n:
            return Figure(value=None)
        sums = self._filled(terms, used)
        values = interval(sums, statistic)
        n_eff = None if rate is None else effective(self._filled(rate, used))
        if scatter is not None and values[0] is not None:
            drawn = resampled(sums, statistic)
            n_eff = scatter(values[0]) / float(drawn.var()) if drawn is not None and drawn.var() > 0 else None
        return Figure(value=values[0], lower=values[1], upper=values[2], n=n, n_eff=n_eff, days=days)

    def _filled(self, terms: Floats, used: NDArray[np.bool_]) -> Floats:
        """Sums of the blocks in which there is a reading."""
        there = used if used.ndim == 1 else used.any(axis=1)
        filled: Floats = self.sums(terms)[np.logical_or.reduceat(there, self._starts)]
        return filled


def interval(sums: Floats, statistic: Statistic) -> tuple[float | None, float | None, float | None]:
    """Value, lower and upper end (95 %, percentiles) of a statistic of block sums [b, k]."""
    value = known(statistic(sums.sum(axis=0)))
    drawn = resampled(sums, statistic)
    if drawn is None:
        return value, None, None
    lower, upper = np.percentile(drawn, (_TAIL, 100 - _TAIL))
    return value, float(lower), float(upper)


def resampled(sums: Floats, statistic: Statistic) -> Floats | None:
    """The statistic over every resample of the blocks; `None` below two blocks, or if it is never known."""
    if len(sums) < 2:
        return None
    drawn = statistic(_counts(len(sums)) @ sums)
    drawn = drawn[np.isfinite(drawn)]
    return drawn if drawn.size else None


def effective(sums: Floats) -> float | None:
    """Effective readings behind a rate: p(1 − p)/its variance; `sums` [b, 2] are those of ones and of all."""
    drawn = resampled(sums, ratio)
    total = sums.sum(axis=0)
    p = total[0] / total[1] if total[1] else np.nan
    if drawn is None or not 0 < p < 1 or not drawn.var() > 0:
        return None
    return float(p * (1 - p) / drawn.var())


def ratio(sums: Floats) -> Floats:
    """First sum over the second, `nan` where that is 0."""
    return quotient(sums[..., 0], sums[..., 1])


def quotient(numerator: Floats, denominator: Floats) -> Floats:
    """The quotient, `nan` where the denominator is 0."""
    numerator, denominator = np.broadcast_arrays(np.asarray(numerator, float), np.asarray(denominator, float))
    out: Floats = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=out, where=denominator != 0)
    return out


def summed(used: NDArray[np.bool_], *values: Floats | float) -> Floats:
    """Sums over symbols [t, k] of k arrays [t, n] where a reading is `used` [t, n]; nothing elsewhere."""
    return np.stack([np.where(used, value, 0.0).sum(axis=1) for value in values], axis=1)


@lru_cache(maxsize=8)
def _counts(blocks: int) -> Floats:
    """How often each block is drawn in each resample [draws, blocks]; the same whenever it is asked for."""
    rng = np.random.default_rng(_SEED)
    return rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=DRAWS).astype(np.float64)

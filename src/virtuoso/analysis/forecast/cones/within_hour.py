"""How lively each part of an hour is beside what is forecast: full hours and quarters are when orders come together."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from virtuoso.analysis.forecast.cones.conformal import HALF_LIFE_MIN
from virtuoso.market.panel import Floats, Ints

_HOUR_MIN: Final = 60
_PRIOR_CLOSES: Final = 80
"""Closes that the mean of all parts is worth for each: a close tells of its part to ±.45, parts differ by ±.05."""


class WithinHour:
    """Factors of the volatility forecast by the minute of the hour at which it is made.

    Moves over 15 minutes from a full hour on are a tenth larger than those from its middle (measured on four months),
    and the forecast of volatility knows half of it. Parts are as long as `stride_min` and centred on the closes that
    are learnt from; the factor is a part's mean absolute multiple over that of all, shrunk to 1. With a stride that
    does not divide an hour there is one part, and the factor is 1.
    """

    def __init__(self, stride_min: int) -> None:
        self._stride_min = stride_min
        self._parts = _HOUR_MIN // stride_min if _HOUR_MIN % stride_min == 0 else 1
        self._kept = 0.5 ** (stride_min / HALF_LIFE_MIN)
        self._sizes: Floats = np.zeros((2, self._parts))
        """Sums of sizes, and how many."""
        self._factor: Floats = np.ones(self._parts)

    def factor(self, minutes: Ints) -> Floats:
        """The factors [t] of forecasts made at closes of these minutes since 1970 [t]."""
        return self._factor[self._part(minutes)]

    def learn(self, minute: int, size: float) -> None:
        """Take the mean absolute outcome, in units of the volatility forecast, of forecasts made at a minute."""
        if not np.isfinite(size):
            return
        self._sizes *= self._kept
        self._sizes[:, self._part(np.array(minute))] += (size, 1.0)
        sums, closes = self._sizes
        mean = sums.sum() / closes.sum()
        if mean > 0:
            self._factor = (sums / mean + _PRIOR_CLOSES) / (closes + _PRIOR_CLOSES)

    def state(self) -> dict[str, Floats]:
        """What a restart goes on from: copies of what was learnt of each part of the hour, and the factors."""
        return {"sizes": self._sizes.copy(), "factor": self._factor.copy()}

    def load(self, state: Mapping[str, Floats]) -> None:
        """Go on from a state; raises `ValueError` when it is of another make."""
        sizes, factor = state.get("sizes"), state.get("factor")
        if sizes is None or factor is None or sizes.shape != self._sizes.shape:
            raise ValueError("the saved factors are of another make")
        self._sizes, self._factor = sizes.copy(), factor.copy()

    def _part(self, minutes: Ints) -> Ints:
        return (minutes + self._stride_min // 2) // self._stride_min % self._parts

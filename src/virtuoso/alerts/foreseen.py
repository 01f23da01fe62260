"""States what alerts read of forecasts: whoever joins both rooms hands these on as they are."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Came(Protocol):
    """What is known at each close of the close a horizon before [k, t, n], one row a horizon."""

    @property
    def close(self) -> Floats:
        """Log returns of the last close to the entry."""
        ...


class Foreseen(Protocol):
    """Forecasts of n symbols at t closes, by horizon in minutes: arrays [t, n], quantiles [6, t, n], `nan` = unknown.

    The outcomes begin with the horizons of `model.alerts.outcome.HORIZONS_MIN`, in their order.
    """

    @property
    def version(self) -> str | None:
        """The fit they come from; `None` before there is one."""
        ...

    @property
    def close_ms(self) -> NDArray[np.int64]:
        """The closes that the forecasts were made at [t], epoch ms."""
        ...

    @property
    def volatility(self) -> Mapping[int, Floats]:
        """Volatility of the return over the horizon."""
        ...

    @property
    def cone(self) -> Mapping[int, Floats]:
        """Quantiles of the closing return, the first and the last of them the edges of the 95 % band."""
        ...

    @property
    def low(self) -> Mapping[int, Floats]:
        """Quantiles of the lowest low's return."""
        ...

    @property
    def high(self) -> Mapping[int, Floats]:
        """Quantiles of the highest high's return."""
        ...

    @property
    def large_move(self) -> Mapping[int, Floats]:
        """P(|return| > `large_move_threshold`)."""
        ...

    @property
    def large_move_base(self) -> Mapping[int, Floats]:
        """By horizon, the symbol's own rate of large moves, 0–1."""
        ...

    @property
    def large_move_threshold(self) -> Mapping[int, Floats]:
        """By horizon, the log return from which a move is large."""
        ...

    @property
    def outcomes(self) -> Came:
        """What followed the forecasts of earlier closes."""
        ...

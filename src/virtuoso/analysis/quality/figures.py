"""A measured figure, and what stands behind it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from virtuoso.market.panel import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A value with its 95 % interval; `None` for what is not known.

    `n` are the readings it is made of, `n_eff` as many independent ones would be as certain, `days` the days they come
    from. Below two blocks of days there is no interval.
    """

    value: float | None
    lower: float | None = None
    upper: float | None = None
    n: int = 0
    n_eff: float | None = None
    days: int = 0

    @property
    def positive(self) -> bool:
        """Whether all of the interval is above 0."""
        return self.lower is not None and self.lower > 0

    @property
    def negative(self) -> bool:
        """Whether all of the interval is below 0."""
        return self.upper is not None and self.upper < 0

    @property
    def significant(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.positive or self.negative

    def holds(self, target: float) -> bool:
        """Whether the interval holds `target`."""
        return self.lower is not None and self.upper is not None and self.lower <= target <= self.upper

    def document(self) -> dict[str, Any]:
        """Value, interval and what is behind them as JSON has them."""
        return {
            "value": self.value,
            "lower": self.lower,
            "upper": self.upper,
            "n": self.n,
            "n_eff": self.n_eff,
            "days": self.days,
        }


def known(value: Floats | float) -> float | None:
    """A plain number, `None` where it is not finite."""
    return float(value) if np.isfinite(value) else None

"""Whether one forecast lost less than another: the Diebold–Mariano test over days."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.quality.blocks import Blocks, quotient, ratio, summed
from virtuoso.analysis.quality.figures import Figure
from virtuoso.market.panel import Floats

_LEAST_DAYS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Mean loss less the rival's (below 0 is better), its block interval, and p of a difference as large by chance.

    `p` is two-sided, `None` below five days.
    """

    difference: Figure
    p: float | None

    @property
    def better(self) -> bool:
        """Whether the loss was significantly below the rival's, by both interval and test."""
        return self.difference.negative and self.p is not None and self.p < 0.05

    @property
    def worse(self) -> bool:
        """Whether it was significantly above the rival's, by either."""
        value = self.difference.value
        return self.difference.positive or (self.p is not None and self.p < 0.05 and value is not None and value > 0)

    def document(self) -> dict[str, Any]:
        """Difference and p as JSON has them."""
        return {"difference": self.difference.document(), "p": self.p}


def compare(loss: Floats, rival: Floats, blocks: Blocks, chosen: NDArray[np.bool_] | None = None) -> Paired:
    """Compare losses [t, n] over the readings of which both are known."""
    used = np.isfinite(loss + rival)
    if chosen is not None:
        used &= chosen
    terms = summed(used, loss - rival, 1.0)
    daily = blocks.daily(terms)
    means = quotient(daily[:, 0], daily[:, 1])
    variance = float((loss - rival)[used].var()) if used.any() else 0.0
    return Paired(
        difference=blocks.figure(used, terms, ratio, scatter=lambda _: variance),
        p=mean_differs(means[np.isfinite(means)]),
    )


def mean_differs(daily: Floats) -> float | None:
    """Tell p of the mean of a series of days [d] being 0 (Diebold & Mariano, 1995; variance of Newey & West, 1987).

    Over ⌊4(d/100)^(2/9)⌋ lags, Student's t with d − 1 degrees; `None` below five days or where nothing varies.
    """
    if daily.size < _LEAST_DAYS or not np.ptp(daily) > 0:
        return None
    from statsmodels.regression.linear_model import OLS  # noqa: PLC0415 - takes a second to load

    lags = int(4 * (daily.size / 100) ** (2 / 9))
    found = OLS(daily, np.ones(daily.size)).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}, use_t=True
    )
    p = float(found.pvalues[0])
    return p if np.isfinite(p) else None

"""How far ahead is looked, and which quantiles are served."""

from virtuoso.model.catalogue import lived
from virtuoso.model.timeframe import Timeframe

HORIZONS_MIN = (15, 60, 240)
"""Minutes ahead of which volatility, cone and touch are forecast; each is a multiple of the one before."""
CHANCE_HORIZONS_MIN = HORIZONS_MIN[:2]
"""Minutes ahead of which a large move and the three outcomes beyond costs are forecast."""
OUTCOME_HORIZONS_MIN = lived.OUTCOME_HORIZONS_MIN
"""Minutes after which readings are looked back upon: those of forecasts, and a day."""
TAILS = (0.025, 0.1, 0.25, 0.75, 0.9, 0.975)
"""Probabilities of the quantiles of cone and touch: bands of 95, 80 and 50 %, from the outside to the inside."""


def bars_ahead(minutes: int, base: Timeframe) -> int:
    """How many base bars a horizon of `minutes` spans; raises `ValueError` where that is no whole number."""
    bars, rest = divmod(minutes, base.minutes)
    if rest or not bars:
        raise ValueError(f"{minutes} minutes are no whole number of bars of {base}")
    return bars

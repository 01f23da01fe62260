"""The words in which what was said, and what came of it, is kept."""

from typing import Final

OUTCOME_HORIZONS_MIN: Final = (15, 60, 240, 1440)
"""Minutes after which outcomes are settled: those of forecasts, and a day."""
READING, SIGNAL = "reading", "signal"
"""A reading that is kept every quarter of an hour; a claim, kept at the close at which it was made."""
KEPT_DAYS: Final = 35
"""How long statements and outcomes are kept; their sums stay for ever."""
KNOWN, MISSING, UNWATCHED, LATE = range(4)
REASONS: Final = (
    None, "bars of these minutes are missing", "the symbol was not watched when it fell due",
    "bars of these minutes did not come in time",
)  # fmt: skip
"""Why nothing is known of what came, by code."""
_TAILS: Final = 6


def quantile_names(series: str, minutes: int) -> tuple[str, ...]:
    """The columns of the quantiles of a series (`cone`, `high`, `low`) over a horizon, the lowest tail first."""
    return tuple(f"{series}_{minutes}_{i}" for i in range(_TAILS))

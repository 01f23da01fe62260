"""Which closes a cone learns from, and what of the time of a close its levels depend on."""

from typing import Final

from virtuoso.market.panel import Ints

PARTS_OF_DAY: Final = 6
_OVERLAP: Final = 5
"""At least so many closes a horizon are learnt from, where bars allow: those in between tell little more."""
_DAY_MIN: Final = 1440
_HOUR_MIN: Final = 60
_QUARTER_MIN: Final = 15
_FIRST_OF_QUARTER: Final = 3


def stride(base_min: int, horizon_min: int) -> int:
    """Minutes between two closes that are learnt from: bars and horizon are multiples, and the hour is not favoured.

    Quarters of an hour are livelier than what lies between them, so closes of :00, :12, :24 … are taken for an hour.
    """
    fitting = [
        minutes for minutes in range(base_min, horizon_min // _OVERLAP + 1, base_min) if not horizon_min % minutes
    ]
    return max(fitting, default=base_min)


def moment(minutes: Ints, horizon_min: int) -> Ints:
    """What the levels of closes at these minutes since 1970 depend on: twice the part of the day, 1 more on a quarter.

    Parts of the day are four hours (UTC). On a quarter of an hour are its first three minutes; over more than an hour
    it makes no difference.
    """
    parts = minutes % _DAY_MIN * PARTS_OF_DAY // _DAY_MIN * 2
    return parts if horizon_min > _HOUR_MIN else parts + (minutes % _QUARTER_MIN < _FIRST_OF_QUARTER)

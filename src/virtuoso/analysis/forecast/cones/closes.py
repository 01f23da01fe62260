"""Which closes a cone learns from, and which part of the day a close lies in."""

from typing import Final

PARTS_OF_DAY: Final = 6
_OVERLAP: Final = 5
"""At least so many closes a horizon are learnt from, where bars allow: those in between tell little more."""
_DAY_MIN: Final = 1440


def stride(base_min: int, horizon_min: int) -> int:
    """Minutes between two closes that are learnt from: bars and horizon are multiples, and the hour is not favoured.

    Quarters of an hour are livelier than what lies between them, so closes of :00, :12, :24 … are taken for an hour.
    """
    fitting = [
        minutes for minutes in range(base_min, horizon_min // _OVERLAP + 1, base_min) if not horizon_min % minutes
    ]
    return max(fitting, default=base_min)


def part_of_day(minute: int) -> int:
    """Which of the day's four-hour parts (UTC) a minute since 1970 lies in."""
    return minute % _DAY_MIN * PARTS_OF_DAY // _DAY_MIN

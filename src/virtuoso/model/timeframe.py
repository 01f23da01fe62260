"""Timeframes as a type, so that 1m can never be labelled 5m."""

from enum import StrEnum
from typing import Final

_MINUTE_MS = 60_000
DAY_MS: Final = 86_400_000
"""Milliseconds of a UTC day."""
_MONDAY_MS = 4 * DAY_MS  # the epoch began on a Thursday; exchange weeks begin on Monday


class Timeframe(StrEnum):
    """A bar length. Bars are aligned to UTC; weeks begin on Monday."""

    M1 = "1m"
    M3 = "3m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H2 = "2h"
    H4 = "4h"
    H6 = "6h"
    H12 = "12h"
    D1 = "1d"
    W1 = "1w"

    @property
    def ms(self) -> int:
        """The length of a bar in milliseconds."""
        return _MS[self]

    @property
    def minutes(self) -> int:
        """The length of a bar in minutes."""
        return _MS[self] // _MINUTE_MS

    def floor(self, ms: int) -> int:
        """Open time of the bar that holds the instant `ms` (epoch ms)."""
        return ms - (ms - _OFFSET_MS[self]) % _MS[self]

    def closes_at(self, ms: int) -> bool:
        """Whether a bar of this timeframe ends exactly at `ms` (epoch ms)."""
        return (ms - _OFFSET_MS[self]) % _MS[self] == 0


_UNIT_MS = {"m": _MINUTE_MS, "h": 60 * _MINUTE_MS, "d": DAY_MS, "w": 7 * DAY_MS}
_MS: dict[Timeframe, int] = {tf: int(tf.value[:-1]) * _UNIT_MS[tf.value[-1]] for tf in Timeframe}
_OFFSET_MS: dict[Timeframe, int] = {tf: _MONDAY_MS if tf is Timeframe.W1 else 0 for tf in Timeframe}

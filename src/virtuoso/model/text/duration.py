"""Durations as people write them: `10s`, `5m`, `1h30m`, `2d`; a plain number is of a unit that the place says."""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

from virtuoso.model.timeframe import DAY_MS

Unit = Literal["d", "h", "m", "s", "ms"]
WORDS: Final[dict[Unit, str]] = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds", "ms": "milliseconds"}
_MS: Final[dict[Unit, int]] = {"d": DAY_MS, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_NUMBER: Final = r"[0-9]{1,12}(?:\.[0-9]{1,30})?"
PATTERN: Final = "".join(rf"(?:({_NUMBER}){unit})?" for unit in _MS)
"""Also matches a text of nothing, which is no duration."""
_PARTS, _PLAIN = re.compile(PATTERN), re.compile(_NUMBER)


def read(text: str, unit: Unit = "s") -> float | None:
    """Read a duration, in `unit`, which is also that of a plain number; `None` where it is none."""
    if _PLAIN.fullmatch(text):
        return float(text)
    match = _PARTS.fullmatch(text)
    if match is None or not text:
        return None
    parts = zip(match.groups(default="0"), _MS.values(), strict=True)
    return float(sum((Fraction(count) * ms for count, ms in parts), Fraction()) / _MS[unit])


def written(value: float, unit: Unit = "s") -> str:
    """Write a finite duration of 0 or more so that `read` returns it: `90.0` seconds as `1m30s`, `0.25` as `0.25s`."""
    if value != int(value):
        return f"{Decimal(repr(value)):f}{unit}"
    left, found = int(value) * _MS[unit], ""
    for each, size in _MS.items():
        count, left = divmod(left, size)
        found += f"{count}{each}" if count else ""
    return found or f"0{unit}"

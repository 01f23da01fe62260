"""Fields of a rule: durations, numbers, words."""

import math
import re
from collections.abc import Collection
from typing import Final

from virtuoso.alerts.rules.mistakes import Mistaken, nearest

_UNITS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000}
_DURATION: Final = re.compile(r"(?:(\d{1,3})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?")
_SECONDS: Final = re.compile(r"\d{1,8}(?:\.\d{1,3})?")
LONGEST_MS: Final = 30 * 86_400_000


def duration_ms(text: str) -> int:
    """Milliseconds of `90`, `90s`, `5m`, `1h30m`, `12h`, `2d`; at most 30 days."""
    if _SECONDS.fullmatch(text):
        found = round(float(text) * 1_000)
    elif text and (match := _DURATION.fullmatch(text)):
        found = sum(int(count or 0) * unit for count, unit in zip(match.groups(), _UNITS.values(), strict=True))
    else:
        raise Mistaken(f"{text[:40]!r} is no duration: write seconds, or as in 5m, 1h30m, 12h")
    if found > LONGEST_MS:
        raise Mistaken(f"{text!r} is longer than 30d")
    return found


def positive(text: str) -> float:
    """Parse a finite number above 0; raises `Mistaken` for anything else."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 < found < math.inf:
        raise Mistaken(f"{text[:40]!r} must be a number above 0")
    return found


def boolean(text: str) -> bool:
    """Parse `true` or `false`; raises `Mistaken` for anything else."""
    if text not in ("true", "false"):
        raise Mistaken(f"{text[:40]!r} must be true or false")
    return text == "true"


def one_of(text: str, known: Collection[str]) -> str:
    """Return `text` if it is one of `known`; otherwise raises `Mistaken`, with the nearest known word."""
    if text not in known:
        raise Mistaken(f"{text[:40]!r} is not known{nearest(text, known)}")
    return text

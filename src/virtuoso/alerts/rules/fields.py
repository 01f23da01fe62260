"""Fields of a rule: durations, numbers, words."""

import math
from collections.abc import Collection
from typing import Final

from virtuoso.alerts.rules.mistakes import Mistaken, nearest
from virtuoso.model.text.duration import read
from virtuoso.model.timeframe import DAY_MS

LONGEST_MS: Final = 30 * DAY_MS


def duration_ms(text: str) -> int:
    """Milliseconds of `90`, `90s`, `5m`, `1h30m`, `12h`, `2d`; at most 30 days."""
    seconds = read(text)
    if seconds is None:
        raise Mistaken(f"{text[:40]!r} is no duration: write seconds, or as in 5m, 1h30m, 12h")
    found = round(seconds * 1_000)
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

"""Chooses the kinds that are worth an interruption, by what they were worth, within what people bear a day. Pure."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

import msgspec

from virtuoso.model.alerts.incident import Severity
from virtuoso.model.alerts.worth import Worth

Key = tuple[str, Severity]
"""A kind and the severity that its incidents have."""

KNOWN_DAYS: Final = 7
"""Whole days that must have been watched before a choice goes by how often each kind came."""
MOST_DAYS: Final = 28
"""Of more, the latest count."""
DEMOTING_LIFT: Final = 1.3
"""A kind whose lift is below this, by the upper bound of its interval, does not interrupt …"""
DEMOTING_DAYS: Final = 30
DEMOTING_INCIDENTS: Final = 50
"""… once it was measured for so many days and incidents."""
KEPT: Final = frozenset({"liquidation", "liquidation_cascade"})
"""Kinds that no measurement demotes."""
_UNMEASURED: Final = 1.0
"""The lift of what was not measured: no better than any other minute."""
_BUSY: Final = 0.95


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The keys that interrupt from a time on, and why each of the others does not, by `kind severity`."""

    interrupts: frozenset[Key] = frozenset()
    refused: dict[str, str] = {}
    most_a_day: int = 0


def choose(days: Sequence[Mapping[Key, int]], worths: Mapping[str, Worth], *, typical: int, most: int) -> Choice:
    """Take the kinds in the order of their worth as long as a usual day and a busy one stay bearable.

    Worth is the lower bound of a kind's lift; what was not measured counts as 1. Of equal worth the more severe comes
    first, then the rarer. With a kind the median day may have `typical` interruptions and 95 % of the days `most`.

    Args:
        days: by whole day that was watched, how many interruptions each key would have made.
        worths: by kind, what was measured of it.
        typical: interruptions of the median day, at most.
        most: interruptions of 95 % of the days, at most.
    """
    if len(days) < KNOWN_DAYS:
        return Choice(most_a_day=typical)
    chosen, refused = set[Key](), dict[str, str]()
    totals = [0] * len(days)
    for key in sorted({key for day in days for key in day}, key=lambda key: _order(key, days, worths)):
        why = demoted(key[0], worths.get(key[0])) or _uninteresting(key, worths.get(key[0]))
        with_it = [total + day.get(key, 0) for total, day in zip(totals, days, strict=True)]
        why = why or _unbearable(with_it, typical, most)
        if why is None:
            chosen.add(key)
            totals = with_it
        else:
            refused[named(key)] = why
    return Choice(interrupts=frozenset(chosen), refused=refused, most_a_day=most)


def demoted(kind: str, worth: Worth | None) -> str | None:
    """Say why a kind does not interrupt, however few interruptions there are; `None` = it may."""
    if worth is None or worth.high is None or kind in KEPT:
        return None
    if worth.high >= DEMOTING_LIFT or worth.days < DEMOTING_DAYS or worth.incidents < DEMOTING_INCIDENTS:
        return None
    return f"demoted: lift {worth.high:.2f} at most, by {worth.incidents} incidents of {worth.days} days"


def named(key: Key) -> str:
    """Write a key as text: `sudden_move warning`."""
    return f"{key[0]} {key[1]}"


def _uninteresting(key: Key, worth: Worth | None) -> str | None:
    """Say whether a key may interrupt at all: an info only where it was measured to be worth that."""
    if key[1] is not Severity.INFO or _lift(worth) >= DEMOTING_LIFT:
        return None
    return f"digest: an info, whose lift is not known to be {DEMOTING_LIFT:g} or more"


def _unbearable(totals: Sequence[int], typical: int, most: int) -> str | None:
    usual, busy = median(totals), sorted(totals)[min(len(totals) - 1, int(_BUSY * len(totals)))]
    if usual > typical:
        return f"digest: with it the median day had {usual:g} interruptions, of {typical} that are allowed"
    if busy > most:
        return f"digest: with it one day in twenty had {busy:g} interruptions or more, of {most} that are allowed"
    return None


def _order(key: Key, days: Sequence[Mapping[Key, int]], worths: Mapping[str, Worth]) -> tuple[float, int, int, str]:
    return -_lift(worths.get(key[0])), -key[1].rank, sum(day.get(key, 0) for day in days), key[0]


def _lift(worth: Worth | None) -> float:
    return _UNMEASURED if worth is None or worth.low is None else worth.low

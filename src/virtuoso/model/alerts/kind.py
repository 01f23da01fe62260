"""What an incident may be about: a kind, with the words for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from virtuoso.model.alerts.incident import Severity

INFO: Final = (Severity.INFO,)
WARNING: Final = (Severity.WARNING,)
CRITICAL: Final = (Severity.CRITICAL,)
WORSENING: Final = (Severity.WARNING, Severity.CRITICAL)


class About(StrEnum):
    """What a kind is about: the market, or the program and its surroundings."""

    MARKET = "market"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class AlertKind:
    """One kind of incident, and what people are told of it.

    Attributes:
        name: as in the configuration, the API and the database.
        title: for people.
        severities: those that its incidents may have when they fire, the usual one first.
        condition: one sentence on what makes one, with the names of thresholds in braces (`{sigmas:g}`).
        meaning: one sentence on what happened.
        check: one sentence on what to look at first.
        outage: whether it says that a whole exchange is out, which explains whatever its symbols show meanwhile.
    """

    about: About
    name: str
    title: str
    severities: tuple[Severity, ...]
    condition: str
    meaning: str
    check: str
    outage: bool = False

    def condition_of(self, thresholds: Mapping[str, float]) -> str:
        """The condition with the values of its thresholds.

        Raises:
            KeyError: one of them is not among `thresholds`.
        """
        return self.condition.format_map(thresholds)


def market(
    name: str, title: str, severities: tuple[Severity, ...], condition: str, meaning: str, check: str
) -> AlertKind:
    """A kind that is about the market."""
    return AlertKind(About.MARKET, name, title, severities, condition, meaning, check)


def system(
    name: str, title: str, severities: tuple[Severity, ...], condition: str, meaning: str, check: str, *,
    outage: bool = False,
) -> AlertKind:  # fmt: skip
    """A kind that is about the program and its surroundings."""
    return AlertKind(About.SYSTEM, name, title, severities, condition, meaning, check, outage)

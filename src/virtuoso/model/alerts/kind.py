"""What an incident may be about: a kind, with the words for people."""

from dataclasses import dataclass
from enum import StrEnum


class About(StrEnum):
    """What a kind is about: the market, or the program and its surroundings."""

    MARKET = "market"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class AlertKind:
    """One kind.

    Attributes:
        name: as in the configuration, the API and the database.
        title: for people.
        meaning: one sentence on what happened.
        check: one sentence on what to look at first.
        outage: whether it says that a whole exchange is out, which explains whatever its symbols show meanwhile.
    """

    about: About
    name: str
    title: str
    meaning: str
    check: str
    outage: bool = False


def market(name: str, title: str, meaning: str, check: str) -> AlertKind:
    """A kind that is about the market."""
    return AlertKind(About.MARKET, name, title, meaning, check)


def system(name: str, title: str, meaning: str, check: str, *, outage: bool = False) -> AlertKind:
    """A kind that is about the program and its surroundings."""
    return AlertKind(About.SYSTEM, name, title, meaning, check, outage)

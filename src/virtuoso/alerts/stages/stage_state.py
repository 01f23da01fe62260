"""The types that stages work with: what one sees, and what it answers.

A stage is pure: `(events, state, now_ms) -> Split`.
"""

from collections.abc import Callable, ItemsView, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import msgspec
from msgspec.structs import replace

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.path import lengthened
from virtuoso.alerts.policy import Policies
from virtuoso.model.alerts.incident import Incident, Severity, Silence, Step


class Withheld(msgspec.Struct, frozen=True, gc=False):
    """An incident that a stage withholds: why (a name, then words), and whether for now or for good."""

    incident: Incident
    reason: str
    for_now: bool


class Split(NamedTuple):
    """What a stage made of the incidents it was given."""

    passed: Sequence[Incident]
    withheld: Sequence[Withheld]


class Cooling(msgspec.Struct, frozen=True, gc=False):
    """The last notification of an identity, made or about to be: when, as how severe, and of which incident."""

    at_ms: int
    severity: Severity
    incident: str


class Matcher(NamedTuple):
    """A silence made ready: labels that must be equal, then those whose value must match a pattern."""

    silence: Silence
    equal: ItemsView[str, str]
    like: tuple[tuple[str, Callable[[str], object]], ...]


@dataclass(slots=True)
class Group:
    """Incidents of one kind, exchange and side that come close together.

    Attributes:
        leader: the first.
        rank: severity of the most severe notification.
        notified_ms: when a notice went out last.
        notice: the id of the message that is kept current; `None` where followers get messages of their own.
        notified: the incidents that stand in that message, by id.
        widths: how wide the widest of them was when people were notified, in whole widths of what it is measured by.
        folded_ms: when several were folded last.
        due_ms: when people are notified of those that wait.
    """

    leader: Incident
    rank: int
    notified_ms: int
    folded_ms: int | None = None
    due_ms: int | None = None
    waiting: dict[str, Incident] = field(default_factory=dict)
    notice: str | None = None
    notified: dict[str, Incident] = field(default_factory=dict)
    widths: int = 0

    def quiet(self, now_ms: int, interval_ms: int) -> bool:
        """Say whether nothing waits, and an interval has passed since its last notice."""
        return not self.waiting and now_ms >= self.notified_ms + interval_ms


Steps = tuple[Step, ...]
GroupKey = tuple[str, str | None, str | None]
WIDTHS = "widths"
"""In the details of a move: how far it went, in widths of the cone, or of what its detector asks for."""


def key_of(incident: Incident) -> GroupKey:
    """Kind, exchange and side; never the symbol."""
    return incident.kind, incident.labels.get("exchange"), incident.labels.get("side")


def widths_of(incident: Incident) -> int:
    """How many whole widths a move went; 0 for what is no move."""
    widths = incident.details.get(WIDTHS)
    return int(widths) if isinstance(widths, int | float) and abs(widths) < _MOST_WIDTHS else 0


_MOST_WIDTHS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a channel takes: incidents of at least this severity, of the market, of the system, or both."""

    channel: str
    least: Severity = Severity.INFO
    market: bool = True
    system: bool = True


class BudgetBook(Protocol):
    """Says what may interrupt people now."""

    @property
    def left(self) -> int:
        """How many interruptions of today are left."""
        ...

    @property
    def exhausted(self) -> str:
        """Why nothing more interrupts today."""
        ...

    def refusal(self, incident: Incident) -> str | None:
        """Why its kind and severity do not interrupt now; `None` = they do."""
        ...

    def spend(self) -> None:
        """Count one interruption against the day's budget."""
        ...


def _a_minute(_kind: str) -> int:
    return 60_000


@dataclass(slots=True)
class StageState:
    """Everything that stages decide by besides the incident itself. They only read it.

    Attributes:
        outages: by exchange and incident id, what is wrong with the exchange as a whole.
        silences: those in force.
        identities: of those that still hold, by id, so that it is not worked out again.
        cooling: by identity.
        quiet_ms: by kind, after how long without a notice of its group the next one goes out at once.
        budget: what interrupts now; `None` = everything.
    """

    policies: Policies
    routes: tuple[Route, ...] = ()
    quiet_ms: Callable[[str], int] = _a_minute
    budget: "BudgetBook | None" = None
    outages: dict[str, dict[str, Incident]] = field(default_factory=dict)
    silences: tuple[Matcher, ...] = ()
    identities: Mapping[str, str] = field(default_factory=dict)
    cooling: Mapping[str, Cooling] = field(default_factory=dict)
    groups: Mapping[GroupKey, Group] = field(default_factory=dict)

    def identity(self, incident: Incident) -> str:
        """Return the identity of an incident, without working it out where it is known."""
        return self.identities.get(incident.id) or incident.identity


class Decisions:
    """Counts by stage how many incidents `passed` and how many were `withheld`."""

    def __init__(self, stages: Iterable[str]) -> None:
        self.counts = {stage: {"passed": 0, "withheld": 0} for stage in stages}

    def count(self, stage: str, split: Split) -> None:
        """Add to a stage's totals how many incidents it passed and withheld."""
        counts = self.counts[stage]
        counts["passed"] += len(split.passed)
        counts["withheld"] += len(split.withheld)

    def withhold(
        self, stage: str, withheld: Iterable[Withheld], steps: Steps, log: IncidentLog, now_ms: int
    ) -> list[Incident]:
        """Write into incidents what a stage decided about them; returns them as they are now."""
        ways: dict[str, Steps] = {}
        decided = []
        for each in withheld:
            incident, by = each.incident, stage if each.for_now else None
            way = ways.get(each.reason)
            if way is None:
                way = ways[each.reason] = (*steps, Step(now_ms, stage, passed=False, reason=each.reason))
            path = lengthened(incident.path, way)
            if path is not incident.path or by != incident.suppressed_by:
                incident = replace(incident, path=path, suppressed_by=by)
            decided.append(incident)
        log.replace(*decided)
        return decided


def is_ending(incident: Incident) -> bool:
    """Say whether people were notified of it and it is over, so that only its end is left to be said."""
    return incident.resolved_ms is not None and incident.notified is not None


def by_weight(incident: Incident) -> tuple[int, int, str]:
    """Give the key that sorts the most severe first, then the earliest."""
    return -incident.severity.rank, incident.fired_ms, incident.id

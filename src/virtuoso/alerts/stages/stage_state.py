"""What stages see, what they answer, and what becomes of it. A stage is pure: `(events, state, now_ms) -> Split`."""

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
    """An incident that a stage does not let pass: why (a name, then words), and whether for now or for good."""

    incident: Incident
    reason: str
    held: bool


class Split(NamedTuple):
    """What a stage made of the incidents it was given."""

    passed: Sequence[Incident]
    withheld: Sequence[Withheld]


class Cooling(msgspec.Struct, frozen=True, gc=False):
    """An identity was told at `at_ms`, or is about to be, by this incident."""

    at_ms: int
    severity: Severity
    incident: str


class Matcher(NamedTuple):
    """A silence made ready: labels that must be equal, then those whose value must be like something."""

    silence: Silence
    equal: ItemsView[str, str]
    like: tuple[tuple[str, Callable[[str], object]], ...]


@dataclass(slots=True)
class Group:
    """Incidents of one kind, exchange and side that come close together.

    Attributes:
        leader: the first.
        rank: of the most severe that was told.
        told_ms: when a notice went out last.
        notice: the id of the message that is kept current; `None` where followers are told in messages of their own.
        told: those that it told of, by id.
        widths: how wide the widest of them was when it was told, in whole widths of what it is measured by.
        folded_ms: when several were folded last.
        due_ms: when those that wait are told.
    """

    leader: Incident
    rank: int
    told_ms: int
    folded_ms: int | None = None
    due_ms: int | None = None
    waiting: dict[str, Incident] = field(default_factory=dict)
    notice: str | None = None
    told: dict[str, Incident] = field(default_factory=dict)
    widths: int = 0

    def quiet(self, now_ms: int, interval_ms: int) -> bool:
        """Nothing waits, and an interval has passed since it spoke."""
        return not self.waiting and now_ms >= self.told_ms + interval_ms


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
    """What may interrupt people now."""

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
        """People were interrupted."""
        ...


def _a_minute(_kind: str) -> int:
    return 60_000


@dataclass(slots=True)
class StageState:
    """Everything that decides besides the incident itself. Stages only read it.

    Attributes:
        outages: by exchange and incident id, what is wrong with the exchange as a whole.
        silences: those in force.
        identities: of those that still hold, by id, so that it is not worked out again.
        cooling: by identity.
        quiet_ms: by kind, after what silence of a group the next is told at once.
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


class Decisions:
    """By stage, how many incidents `passed` and how many were `withheld`."""

    def __init__(self, stages: Iterable[str]) -> None:
        self.counts = {stage: {"passed": 0, "withheld": 0} for stage in stages}

    def count(self, stage: str, split: Split) -> None:
        """Count what a stage decided."""
        counts = self.counts[stage]
        counts["passed"] += len(split.passed)
        counts["withheld"] += len(split.withheld)

    def withhold(
        self, stage: str, withheld: Iterable[Withheld], steps: Steps, log: IncidentLog, now_ms: int
    ) -> list[Incident]:
        """Write into them what a stage decided about them; as they are now."""
        ways: dict[str, Steps] = {}
        decided = []
        for each in withheld:
            incident, by = each.incident, stage if each.held else None
            way = ways.get(each.reason)
            if way is None:
                way = ways[each.reason] = (*steps, Step(now_ms, stage, passed=False, reason=each.reason))
            path = lengthened(incident.path, way)
            if path is not incident.path or by != incident.held:
                incident = replace(incident, path=path, held=by)
            decided.append(incident)
        log.replace(*decided)
        return decided


def is_ending(incident: Incident) -> bool:
    """It was told, and is over: only that is left to be said."""
    return incident.resolved_ms is not None and incident.told is not None


def by_weight(incident: Incident) -> tuple[int, int, str]:
    """Sorts the most severe first, then the earliest."""
    return -incident.severity.rank, incident.fired_ms, incident.id

"""What the life of incidents and their stages mean, written slowly and obviously: everything is looked at every time.

It knows no timers, no indexes and no events. Times are whole milliseconds; it is stepped at every instant there is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from virtuoso.alerts.policy import Policy
from virtuoso.model.alerts.incident import Severity, Silence, identity_of, incident_id

LADDER = list(Severity)
Key = tuple[str, int]
Said = tuple[str, frozenset[Key]]
"""Role, and which incidents: identity and when it fired."""


@dataclass(eq=False)
class Record:
    """An incident."""

    kind: str
    labels: dict[str, str]
    severity: Severity
    value: float | None
    fired: int
    symbol: str | None
    escalated: int | None = None
    resolved: int | None = None
    acknowledged: bool = False
    told: tuple[int, Severity, float | None] | None = None
    over_when_told: bool = False
    end_told: bool = False
    notice: "list[Record] | None" = None
    phase: str = "new"
    changed: bool = True

    @property
    def key(self) -> Key:
        return identity_of(self.labels), self.fired

    @property
    def rank(self) -> int:
        return LADDER.index(self.severity)

    @property
    def weight(self) -> tuple[int, int, str]:
        return -self.rank, self.fired, incident_id(self.labels, self.fired)

    @property
    def group(self) -> tuple[str, ...]:
        return self.kind, self.labels.get("side", "")


@dataclass
class Folding:
    """A group."""

    rank: int
    told: int
    folded: int | None = None
    due: int | None = None
    waiting: list[Record] = field(default_factory=list)


class Model:
    """The same verbs as the log and the pipeline."""

    def __init__(self, policies: Callable[[str], Policy], wait: int, interval: int) -> None:
        self.policies, self.wait, self.interval = policies, wait, interval
        self.records: list[Record] = []
        self.pending: dict[str, Record] = {}
        self.lapsing: dict[str, int] = {}
        self.cooling: dict[str, tuple[int, int, Record]] = {}
        self.groups: dict[tuple[str, ...], Folding] = {}

    def open(self) -> list[Record]:
        return [r for r in self.records if r.resolved is None]

    def _find(self, labels: dict[str, str]) -> Record | None:
        return next((r for r in self.open() if r.labels == labels), None)

    def fire(self, labels: dict[str, str], severity: Severity, value: float | None, now: int) -> None:
        kind, identity = labels["kind"], identity_of(labels)
        self.pass_time(now)
        new = Record(kind, labels, severity, value, now, labels.get("symbol"))
        found = self._find(labels)
        if found is not None:
            self.lapsing.pop(identity, None)
            worse = new.rank > found.rank
            if worse or self.policies(kind).grown(value, found.value):
                found.changed = True
                found.value = found.value if value is None else value
                if worse:
                    found.severity, found.escalated = severity, now
        elif identity in self.pending:
            before = self.pending[identity]
            new.fired, new.severity = before.fired, max(before.severity, severity, key=LADDER.index)
            self.pending[identity] = new
        elif self.policies(kind).hold_ms > 0:
            self.pending[identity] = new
        else:
            self._begin(new, now)

    def _begin(self, record: Record, at: int) -> None:
        record.fired = at
        while any(r.key == record.key for r in self.records):
            record.fired += 1
        self.records.append(record)

    def resolve(self, labels: dict[str, str], now: int, *, expire: bool = False) -> None:
        self.pass_time(now)
        identity = identity_of(labels)
        self.pending.pop(identity, None)
        found = self._find(labels)
        if found is None:
            return
        if expire or self.policies(found.kind).rearm_ms == 0:
            self._close(found, now)
        else:
            self.lapsing.setdefault(identity, now)

    def _close(self, record: Record, at: int) -> None:
        record.resolved, record.changed = max(at, record.fired), True
        self.lapsing.pop(identity_of(record.labels), None)

    def acknowledge(self, record: Record) -> None:
        record.changed = record.changed or not record.acknowledged
        record.acknowledged = True

    def pass_time(self, now: int) -> None:
        """All that became due, as of when it did."""
        for identity, record in list(self.pending.items()):
            due = record.fired + self.policies(record.kind).hold_ms
            if due <= now:
                del self.pending[identity]
                self._begin(record, due)
        for record in self.open():
            policy, since = self.policies(record.kind), self.lapsing.get(identity_of(record.labels))
            if since is not None:
                if since + policy.rearm_ms <= now:
                    self._close(record, since)
                continue
            while policy.escalate_after_ms is not None and record.rank < 2 and not record.acknowledged:
                due = (record.fired if record.escalated is None else record.escalated) + policy.escalate_after_ms
                if due > now:
                    break
                record.severity, record.escalated, record.changed = LADDER[record.rank + 1], due, True

    def step(self, now: int, silences: Sequence[Silence]) -> set[Said]:
        """What is said at this instant."""
        self.pass_time(now)
        said: set[Said] = set()
        arrived = [r for r in self.records if self._comes_to_its_group(r, now, silences)]
        for record in sorted(arrived, key=lambda r: r.weight):
            group = self.groups.get(record.group)
            if group is None or (not group.waiting and now >= group.told + self.interval):
                group = self.groups[record.group] = Folding(-1, now)
            if record.rank > group.rank:
                group.rank, group.told = record.rank, now
                said |= self._tell([record], now)
            else:
                record.phase = "waiting"
                group.waiting.append(record)
                if group.due is None:
                    group.due = now + self.wait
                    if group.folded is not None:
                        group.due = max(group.due, group.folded + self.interval)
        for group in self.groups.values():
            if group.due is not None and group.due <= now:
                members, group.waiting, group.due = group.waiting, [], None
                if members:
                    group.rank = max(group.rank, *(r.rank for r in members))
                    group.told = group.folded = now
                    said |= self._tell(members, now)
        return said | self._ends()

    def _comes_to_its_group(self, record: Record, now: int, silences: Sequence[Silence]) -> bool:
        """Whether nothing before the group withholds it."""
        if record.phase in {"settled", "over"} and not record.changed:
            return False
        if record.phase == "settled" and record.told is None and record.resolved is not None:
            return False  # nobody was to hear of it, and it is over
        if record.phase == "waiting":
            lost = record.resolved is not None and record.told is None and not record.acknowledged
            if lost or not record.changed:
                return False
            self.groups[record.group].waiting.remove(record)
        record.changed = False
        ending = record.told is not None and record.resolved is not None
        held = "settled" if record.resolved is not None and not ending else None
        if record.symbol and not ending and any(r.kind == "stale_feed" for r in self.open()):
            record.phase = held or "inhibit"
        elif any(s.starts_ms <= now < s.ends_ms and _matches(s, record) for s in silences):
            record.phase = held or "silence"
        elif ending:
            record.phase = "settled" if record.end_told else "over"
        elif record.acknowledged or (record.told is not None and not self._worse(record)):
            record.phase = "settled"
        elif record.told is None and self._cools(record, now):
            record.phase = held or "cooldown"
        else:
            return True
        return False

    def _worse(self, record: Record) -> bool:
        assert record.told is not None
        _, severity, value = record.told
        return record.rank > LADDER.index(severity) or self.policies(record.kind).grown(record.value, value)

    def _cools(self, record: Record, now: int) -> bool:
        identity = identity_of(record.labels)
        at, rank, by = self.cooling.get(identity, (0, -1, record))
        if by is not record and record.rank <= rank and now < at + self.policies(record.kind).cooldown_ms:
            return True
        self.cooling[identity] = now, record.rank, record
        return False

    def _tell(self, members: list[Record], now: int) -> set[Said]:
        if self.policies(members[0].kind).channels == ():
            for record in members:
                record.phase = "settled"
                identity = identity_of(record.labels)
                if record.told is None and identity in self.cooling and self.cooling[identity][2] is record:
                    del self.cooling[identity]
            return set()
        role = "group" if len(members) > 1 else "alert" if members[0].told is None else "update"
        first = [record for record in members if record.told is None]
        for record in sorted(members, key=lambda r: r.weight):
            if record.told is None:
                record.notice, record.over_when_told = first, record.resolved is not None
            record.told, record.end_told = (now, record.severity, record.value), record.resolved is not None
            record.phase = "settled"
            self.cooling[identity_of(record.labels)] = now, record.rank, record
        return {(role, frozenset(record.key for record in members))}

    def _ends(self) -> set[Said]:
        said: set[Said] = set()
        for record in self.records:
            if record.phase == "over" and record.notice is not None:
                expected = [r for r in record.notice if not r.over_when_told]
                if all(r.phase == "over" for r in expected):
                    said.add(("resolved", frozenset(r.key for r in expected)))
                    for each in expected:
                        each.phase, each.end_told = "settled", True
        return said

    def restart(self, now: int) -> None:
        """What is not kept is lost: what was pending or about to end. Groups have waited enough."""
        self.pending, self.lapsing, self.cooling, self.groups = {}, {}, {}, {}
        told = [r for r in self.records if r.told is not None]
        for record in sorted(told, key=lambda r: r.told[0] if r.told else 0):
            at, severity, _ = record.told or (0, record.severity, None)
            self.cooling[identity_of(record.labels)] = at, LADDER.index(severity), record
            if now < at + self.interval:
                group = self.groups.setdefault(record.group, Folding(-1, at))
                group.rank, group.told = max(group.rank, record.rank), max(group.told, at)
        for record in self.records:
            if record.phase == "settled" and record.resolved is None and record.told is None:
                record.changed = True
            if record.phase == "waiting":
                if record.told is None:
                    self.cooling[identity_of(record.labels)] = now, record.rank, record
                group = self.groups.setdefault(record.group, Folding(-1, now))
                group.waiting.append(record)
                group.due = now


def _matches(silence: Silence, record: Record) -> bool:
    names = {**record.labels, "severity": record.severity.value}
    return all(name in names and fnmatchcase(names[name], wanted) for name, wanted in silence.matcher.items())

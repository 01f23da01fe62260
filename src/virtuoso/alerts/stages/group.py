"""Group: people are notified of the first at once, and of those that follow together."""

from collections.abc import Callable, Iterable, Sequence

from virtuoso.alerts.path import first_notice
from virtuoso.alerts.stages.stage_state import (
    Group,
    GroupKey,
    Split,
    StageState,
    Withheld,
    by_weight,
    key_of,
    widths_of,
)
from virtuoso.alerts.timers import earliest
from virtuoso.model.alerts.incident import Incident, Severity


def group(events: Sequence[Incident], state: StageState, now_ms: int) -> Split:
    """Pass the first of a quiet group, and what is more severe, or whole widths wider, than its notifications said."""
    passed, withheld = [], []
    arrivals: dict[GroupKey, list[Incident]] = {}
    for incident in events:
        arrivals.setdefault(key_of(incident), []).append(incident)
    for key, members in arrivals.items():
        heaviest = min(members, key=by_weight)
        known = state.groups.get(key)
        if known is None or known.quiet(now_ms, state.quiet_ms(key[0])):
            leader, passes = heaviest.id, True
        else:
            leader, passes = known.leader.id, heaviest.severity.rank > known.rank
            widest = max(members, key=widths_of)
            if not passes and known.notice is not None and widths_of(widest) > known.widths:
                heaviest, passes = widest, state.budget is None or state.budget.left > 0
        if passes:
            passed.append(heaviest)
        why = f"grouped: follows {leader}"
        withheld += [Withheld(each, why, for_now=True) for each in members if not (passes and each is heaviest)]
    return Split(passed, withheld)


_MOST_NOTIFIED = 500
"""Incidents of one message that is kept current; of more, the first are forgotten."""


class Groups:
    """Holds the groups that are not quiet, and the incidents that wait in them."""

    def __init__(self, wait_ms: int, interval_ms: int, quiet_ms: Callable[[str], int]) -> None:
        self.wait_ms = wait_ms
        self.interval_ms = interval_ms
        self.quiet_ms = quiet_ms
        self.by_key: dict[GroupKey, Group] = {}
        self.waits: dict[str, Group] = {}
        """By incident, the group that it waits in."""

    def lead(self, incident: Incident, now_ms: int) -> None:
        """Note that people are notified of `incident` at once: it opens its group, or raises the severity of it."""
        key, rank = key_of(incident), incident.severity.rank
        known = self.by_key.get(key)
        if known is None or known.quiet(now_ms, self.quiet_ms(key[0])):
            self.by_key[key] = Group(incident, rank, now_ms)
        else:
            known.rank = max(known.rank, rank)
            known.notified_ms = max(known.notified_ms, now_ms)

    def keep_current(self, key: GroupKey, notice: str, members: Iterable[Incident]) -> None:
        """Name the message of a group that those who follow are added to; the latest one is kept current."""
        known = self.by_key[key]
        known.notice = notice
        self.add(known, members)

    @staticmethod
    def add(group: Group, members: Iterable[Incident]) -> None:
        """Add incidents to what the message of the group says."""
        for member in members:
            group.notified[member.id] = member
            group.widths = max(group.widths, widths_of(member))
        while len(group.notified) > _MOST_NOTIFIED:
            del group.notified[next(iter(group.notified))]

    def follow(self, incidents: Iterable[Incident], now_ms: int) -> None:
        """Let incidents wait, for a moment, or until an interval has passed since the last were folded."""
        for incident in incidents:
            known = self.by_key[key_of(incident)]
            known.waiting[incident.id] = incident
            self.waits[incident.id] = known
            if known.due_ms is None:
                known.due_ms = now_ms + self.wait_ms
                if known.folded_ms is not None:
                    known.due_ms = max(known.due_ms, known.folded_ms + self.interval_ms)

    def resume(self, waiting: Sequence[Incident], notified: Sequence[Incident], now_ms: int) -> None:
        """Go on from an earlier run: groups with a recent notification are open, and those that waited are due."""
        for incident in sorted(notified, key=_notified_ms):
            at_ms = _notified_ms(incident)
            if now_ms < at_ms + self.quiet_ms(incident.kind):
                self.lead(incident, at_ms)
                notice = first_notice(incident.path)
                kept = self.quiet_ms(incident.kind) > self.interval_ms and incident.severity is not Severity.CRITICAL
                if notice is not None and kept:
                    self.keep_current(key_of(incident), notice, (incident,))
        for incident in sorted(waiting, key=by_weight):
            known = self.by_key.setdefault(key_of(incident), Group(incident, -1, now_ms))
            known.waiting[incident.id] = incident
            known.due_ms = now_ms
            self.waits[incident.id] = known

    def refresh(self, incident: Incident) -> None:
        """Take how an incident is now, so that a message that is kept current says so when it is next edited."""
        known = self.by_key.get(key_of(incident))
        if known is not None and incident.id in known.notified:
            known.notified[incident.id] = incident

    def update(self, incident: Incident) -> None:
        """Replace one that waits by how it is now."""
        self.waits[incident.id].waiting[incident.id] = incident

    def leave(self, incident_id: str) -> None:
        """Remove one that does not wait any more."""
        known = self.waits.pop(incident_id, None)
        if known is not None:
            del known.waiting[incident_id]

    def due(self, now_ms: int) -> list[tuple[Group, list[Incident]]]:
        """Take out the incidents that have waited enough, by group, the heaviest first, and forget quiet groups."""
        found = []
        for key, known in list(self.by_key.items()):
            if known.due_ms is not None and known.due_ms <= now_ms:
                known.due_ms = None
                if known.waiting:
                    members = sorted(known.waiting.values(), key=by_weight)
                    known.waiting = {}
                    known.rank = max(known.rank, members[0].severity.rank)
                    known.notified_ms = known.folded_ms = now_ms
                    found.append((known, members))
                    for member in members:
                        del self.waits[member.id]
            elif known.quiet(now_ms, self.quiet_ms(key[0])):
                del self.by_key[key]
        return found

    @property
    def next_ms(self) -> int | None:
        """When the first of them have waited enough (epoch ms); `None` while none waits."""
        return earliest(*(known.due_ms for known in self.by_key.values()))


def _notified_ms(incident: Incident) -> int:
    return 0 if incident.notified is None else incident.notified.at_ms

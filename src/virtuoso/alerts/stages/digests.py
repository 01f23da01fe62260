"""Collects what waits for a digest, and says when it is sent and what stands in it."""

from collections.abc import Sequence

from msgspec.structs import replace

from virtuoso.alerts.path import lengthened
from virtuoso.alerts.stages.notices import digest
from virtuoso.alerts.stages.stage_state import by_weight
from virtuoso.model.alerts.incident import Incident, Notified, Step
from virtuoso.model.alerts.notice import Notice
from virtuoso.model.timeframe import DAY_MS

MOST_WAITING = 1_000
"""As soon as so many wait, a digest is sent."""
_MINUTE_MS = 60_000


class Digests:
    """Holds what the budget withheld, by id. What is over meanwhile stands in the digest all the same."""

    def __init__(self, minutes: Sequence[int]) -> None:
        self.minutes = tuple(minutes)
        self.waiting: dict[str, Incident] = {}
        self._due_ms: int | None = None

    def wait(self, incident: Incident, withheld_ms: int) -> None:
        """Let it wait for the first digest after `withheld_ms` (epoch ms)."""
        self.waiting[incident.id] = incident
        due_ms = digest_after(withheld_ms, self.minutes)
        self._due_ms = due_ms if self._due_ms is None else min(self._due_ms, due_ms)

    def update(self, incident: Incident) -> None:
        """Replace one that waits by how it is now."""
        self.waiting[incident.id] = incident

    def leave(self, incident_id: str) -> None:
        """Remove one that does not wait any more."""
        del self.waiting[incident_id]

    def due(self, now_ms: int) -> list[Incident]:
        """Take out all who wait, the most severe first, where it is time for a digest."""
        if len(self.waiting) < MOST_WAITING and (self._due_ms is None or now_ms < self._due_ms):
            return []
        members = sorted(self.waiting.values(), key=by_weight)
        self.waiting.clear()
        self._due_ms = None
        return members

    @property
    def next_ms(self) -> int | None:
        """When the next digest is sent; `None` while nobody waits."""
        return self._due_ms if self.waiting else None


def digest_after(at_ms: int, minutes: Sequence[int]) -> int:
    """Find the first of the daily times (minutes after 00:00 UTC) after `at_ms`; epoch ms."""
    midnight_ms = at_ms // DAY_MS * DAY_MS
    times = [midnight_ms + day * DAY_MS + minute * _MINUTE_MS for day in (0, 1) for minute in minutes]
    return min(time for time in times if time > at_ms)


def digested(taking: Sequence[tuple[Incident, Sequence[str]]], now_ms: int) -> tuple[dict[str, Notice], list[Incident]]:
    """Make the digest of each channel, of those that it takes, and the incidents as they are once it is sent."""
    members: dict[str, list[Incident]] = {}
    for incident, channels in taking:
        for channel in channels:
            members.setdefault(channel, []).append(incident)
    made = {channel: digest(those, now_ms) for channel, those in members.items()}
    decided = []
    for incident, channels in taking:
        reason = f"digested: notice {made[channels[0]].id} to {', '.join(channels)}"
        path = lengthened(incident.path, (Step(now_ms, "route", passed=True, reason=reason),))
        notified = Notified(
            at_ms=now_ms, severity=incident.severity, value=incident.value, resolved=incident.resolved_ms is not None,
            digest=True,
        )  # fmt: skip
        decided.append(replace(incident, suppressed_by=None, notified=notified, path=path))
    return made, decided

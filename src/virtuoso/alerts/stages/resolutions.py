"""Finds the notices all of whose incidents are over, so that people are notified of that once."""

from collections.abc import Iterable

from virtuoso.alerts.path import first_notice
from virtuoso.alerts.stages.stage_state import by_weight
from virtuoso.model.alerts.incident import Incident


class Resolutions:
    """Holds by notice which of its incidents still hold and which are over, as long as one holds."""

    def __init__(self) -> None:
        self._notices: dict[str, tuple[set[str], dict[str, Incident]]] = {}

    def expect(self, notice: str, members: Iterable[Incident]) -> None:
        """Note the incidents whose first notice this is; some may be over already."""
        holding, over = self._notices.setdefault(notice, (set(), {}))
        for member in members:
            if member.resolved_ms is not None:
                over[member.id] = member
            else:
                holding.add(member.id)
        if not holding:
            del self._notices[notice]

    def resume(self, incidents: Iterable[Incident]) -> None:
        """Go on from an earlier run. An incident that is over counts as such once its end passed the stages."""
        notified: dict[str, list[Incident]] = {}
        for incident in incidents:
            notice = None if incident.notified is None else first_notice(incident.path)
            if notice is not None:
                notified.setdefault(notice, []).append(incident)
        for notice, members in notified.items():
            if any(not (member.notified and member.notified.resolved) for member in members):
                holding = {
                    member.id for member in members if member.resolved_ms is None or member.suppressed_by == "silence"
                }
                self._notices[notice] = (holding, {m.id: m for m in members if m.id not in holding})

    def over(self, incident: Incident) -> str:
        """Note that it is over; returns the id of its first notice, or its own where that is not known."""
        notice = first_notice(incident.path) or incident.id
        holding, over = self._notices.setdefault(notice, (set(), {}))
        holding.discard(incident.id)
        over[incident.id] = incident
        return notice

    def holding(self, notice: str) -> int:
        """Count the incidents of a notice that still hold."""
        return len(self._notices[notice][0])

    def take(self, notice: str) -> list[Incident]:
        """Take out all incidents of a notice that is over, the most severe first."""
        return sorted(self._notices.pop(notice)[1].values(), key=by_weight)

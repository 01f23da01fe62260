"""What is over: said once all incidents of the notice that told of them first are."""

from collections.abc import Iterable

from virtuoso.alerts.path import first_notice
from virtuoso.alerts.stages.stage_state import by_weight
from virtuoso.model.alerts.incident import Incident


class Resolutions:
    """By notice, which of its incidents still hold, and which are over. Notices are kept while one of theirs holds."""

    def __init__(self) -> None:
        self._notices: dict[str, tuple[set[str], dict[str, Incident]]] = {}

    def expect(self, notice: str, members: Iterable[Incident]) -> None:
        """The notice told of these first; some may be over already."""
        holding, over = self._notices.setdefault(notice, (set(), {}))
        for member in members:
            if member.resolved_ms is not None:
                over[member.id] = member
            else:
                holding.add(member.id)
        if not holding:
            del self._notices[notice]

    def resume(self, incidents: Iterable[Incident]) -> None:
        """Of an earlier run: those told. One that is over by itself counts once its end passed the stages."""
        told: dict[str, list[Incident]] = {}
        for incident in incidents:
            notice = None if incident.told is None else first_notice(incident.path)
            if notice is not None:
                told.setdefault(notice, []).append(incident)
        for notice, members in told.items():
            if any(not (member.told and member.told.resolved) for member in members):
                holding = {member.id for member in members if member.resolved_ms is None or member.held == "silence"}
                self._notices[notice] = (holding, {m.id: m for m in members if m.id not in holding})

    def over(self, incident: Incident) -> str:
        """It is over; the id of the notice that told of it first, or its own where that is not known."""
        notice = first_notice(incident.path) or incident.id
        holding, over = self._notices.setdefault(notice, (set(), {}))
        holding.discard(incident.id)
        over[incident.id] = incident
        return notice

    def holding(self, notice: str) -> int:
        """How many of its incidents still hold."""
        return len(self._notices[notice][0])

    def take(self, notice: str) -> list[Incident]:
        """All incidents of a notice that is over, the most severe first; it is forgotten."""
        return sorted(self._notices.pop(notice)[1].values(), key=by_weight)

"""Dedup: nobody is notified twice of the same, or of what somebody acknowledged."""

from collections.abc import Sequence

from virtuoso.alerts.stages.stage_state import Split, StageState, Withheld
from virtuoso.model.alerts.incident import Incident, Notified


def dedup(events: Sequence[Incident], state: StageState, now_ms: int) -> Split:  # noqa: ARG001 - one signature
    """Pass what is new: an incident without a notification, a higher severity, a material change, an end."""
    passed, withheld = [], []
    for incident in events:
        new = incident.notified is None and incident.resolved_ms is None and not incident.acknowledged
        why = None if new else _known(incident, state)
        if why is None:
            passed.append(incident)
        else:
            withheld.append(Withheld(incident, why, for_now=False))
    return Split(passed, withheld)


def _ended(notified: Notified) -> str | None:
    return "notified: also that it is over" if notified.resolved else None


def _known(incident: Incident, state: StageState) -> str | None:
    notified = incident.notified
    if notified is not None and incident.resolved_ms is not None:
        return "notified: in a digest, which says no ends" if notified.digest else _ended(notified)
    if incident.acknowledged:
        return f"acknowledged: by {incident.acknowledged_by}"
    if notified is None and incident.resolved_ms is not None and incident.suppressed_by is None and incident.path:
        return "ended: it was decided that nobody is notified, and it is over"
    if notified is None or incident.severity.rank > notified.severity.rank:
        return None
    if state.policies(incident.kind).grown(incident.value, notified.value):
        return None
    return f"notified: as {notified.severity}, and it is no worse"

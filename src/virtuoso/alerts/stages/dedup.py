"""Dedup: what was told, or is known to somebody, is not told again."""

from collections.abc import Sequence

from virtuoso.alerts.stages.stage_state import Split, StageState, Withheld
from virtuoso.model.alerts.incident import Incident, Told


def dedup(events: Sequence[Incident], state: StageState, now_ms: int) -> Split:  # noqa: ARG001 - one signature
    """What is new passes: an incident nobody heard of, a higher severity, a material change, an end."""
    passed, withheld = [], []
    for incident in events:
        new = incident.told is None and incident.resolved_ms is None and not incident.acknowledged
        why = None if new else _known(incident, state)
        if why is None:
            passed.append(incident)
        else:
            withheld.append(Withheld(incident, why, held=False))
    return Split(passed, withheld)


def _ended(told: Told) -> str | None:
    return "told: also that it is over" if told.resolved else None


def _known(incident: Incident, state: StageState) -> str | None:
    told = incident.told
    if told is not None and incident.resolved_ms is not None:
        return "told: in a digest, which says no ends" if told.digest else _ended(told)
    if incident.acknowledged:
        return f"acknowledged: by {incident.acknowledged_by}"
    if told is None and incident.resolved_ms is not None and incident.held is None and incident.path:
        return "untold: it was decided that nobody hears of it, and it is over"
    if told is None or incident.severity.rank > told.severity.rank:
        return None
    if state.policies(incident.kind).grown(incident.value, told.value):
        return None
    return f"told: as {told.severity}, and it is no worse"

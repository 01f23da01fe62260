"""Cooldown: after an identity was told, a new incident of it must be more severe, or wait."""

from collections.abc import Sequence

from virtuoso.alerts.stages.stage_state import Cooling, Split, StageState, Withheld
from virtuoso.model.alerts.incident import Incident
from virtuoso.model.clock import iso


def cooldown(events: Sequence[Incident], state: StageState, now_ms: int) -> Split:
    """Those that still hold at the end of the cooldown pass then; what is over by then is never told."""
    passed, withheld = [], []
    passing: dict[str, Cooling] = {}
    for incident in events:
        if incident.told is not None:  # cooldowns are between incidents
            passed.append(incident)
            continue
        identity = state.identities.get(incident.id) or incident.identity
        told = passing.get(identity) or state.cooling.get(identity)
        until_ms = None if told is None else cooled_ms(incident, told, state)
        if told is None or until_ms is None or until_ms <= now_ms:
            passing[identity] = Cooling(now_ms, incident.severity, incident.id)
            passed.append(incident)
        else:
            why = f"cooldown: {told.incident} told of it as {told.severity}; not again before {iso(until_ms)}"
            withheld.append(Withheld(incident, why, incident.resolved_ms is None))
    return Split(passed, withheld)


def cooled_ms(incident: Incident, told: Cooling, state: StageState) -> int | None:
    """Until when it waits because of what was told; `None` = it need not wait."""
    if told.incident == incident.id or incident.severity.rank > told.severity.rank:
        return None
    return told.at_ms + state.policies(incident.kind).cooldown_ms

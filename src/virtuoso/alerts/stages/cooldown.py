"""Cooldown: after an identity was told, a new incident of it must be more severe, or wait."""

from collections.abc import Iterable, Mapping, Sequence

from virtuoso.alerts.stages.stage_state import Cooling, Split, StageState, Withheld
from virtuoso.model.alerts.incident import Incident
from virtuoso.model.clock import iso

_MOST_IDENTITIES = 100_000


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


class Cooldowns:
    """Of each identity, what was told last. Of more than 100,000 those that began first are forgotten."""

    def __init__(self) -> None:
        self.by_identity: dict[str, Cooling] = {}

    def begin(self, incidents: Iterable[Incident], identities: Mapping[str, str], at_ms: int) -> None:
        """Note that these are told at `at_ms` (epoch ms); `identities` are those known, by the incident's id."""
        for incident in incidents:
            identity = identities.get(incident.id) or incident.identity
            self.by_identity[identity] = Cooling(at_ms, incident.severity, incident.id)
        while len(self.by_identity) > _MOST_IDENTITIES:
            del self.by_identity[next(iter(self.by_identity))]

    def cancel(self, incidents: Iterable[Incident]) -> None:
        """Nobody was told of these after all."""
        for incident in incidents:
            cooling = self.by_identity.get(incident.identity)
            if incident.told is None and cooling is not None and cooling.incident == incident.id:
                del self.by_identity[incident.identity]

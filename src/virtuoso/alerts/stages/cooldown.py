"""Cooldown: after a notification, a new incident of the same identity must be more severe, or wait."""

from collections.abc import Callable, Iterable, Sequence

from virtuoso.alerts.stages.stage_state import Cooling, Split, StageState, Withheld
from virtuoso.model.alerts.incident import Incident
from virtuoso.model.clock import iso

_MOST_IDENTITIES = 100_000


def cooldown(events: Sequence[Incident], state: StageState, now_ms: int) -> Split:
    """Withhold what is in its cooldown. It passes at the end if it still holds; of what is over nobody is notified."""
    passed, withheld = [], []
    passing: dict[str, Cooling] = {}
    for incident in events:
        if incident.notified is not None:  # cooldowns are between incidents
            passed.append(incident)
            continue
        identity = state.identity(incident)
        notified = passing.get(identity) or state.cooling.get(identity)
        until_ms = None if notified is None else cooled_ms(incident, notified, state)
        if notified is None or until_ms is None or until_ms <= now_ms:
            passing[identity] = Cooling(now_ms, incident.severity, incident.id)
            passed.append(incident)
        else:
            of = f"people were notified of {notified.incident} as {notified.severity}"
            why = f"cooldown: {of}; not again before {iso(until_ms)}"
            withheld.append(Withheld(incident, why, incident.resolved_ms is None))
    return Split(passed, withheld)


def cooled_ms(incident: Incident, notified: Cooling, state: StageState) -> int | None:
    """Return until when it waits because of an earlier notification (epoch ms); `None` = it need not wait."""
    if notified.incident == incident.id or incident.severity.rank > notified.severity.rank:
        return None
    return notified.at_ms + state.policies(incident.kind).cooldown_ms


class Cooldowns:
    """Remembers the last notification of each identity. Of more than 100,000 those that began first are forgotten."""

    def __init__(self, identity: Callable[[Incident], str]) -> None:
        self._identity = identity
        self.by_identity: dict[str, Cooling] = {}

    def begin(self, incidents: Iterable[Incident], at_ms: int) -> None:
        """Note that people are notified of these at `at_ms` (epoch ms)."""
        for incident in incidents:
            self.by_identity[self._identity(incident)] = Cooling(at_ms, incident.severity, incident.id)
        while len(self.by_identity) > _MOST_IDENTITIES:
            del self.by_identity[next(iter(self.by_identity))]

    def cancel(self, incidents: Iterable[Incident]) -> None:
        """Take back what `begin` noted: nobody was notified of these after all."""
        for incident in incidents:
            identity = self._identity(incident)
            cooling = self.by_identity.get(identity)
            if incident.notified is None and cooling is not None and cooling.incident == incident.id:
                del self.by_identity[identity]

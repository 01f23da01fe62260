"""Keeps the incidents that a stage suppresses for now, by what would release them."""

from collections.abc import Collection

from virtuoso.model.alerts.incident import Incident


class Suppressed:
    """Holds incidents by what they wait for: the stage, and a key that says what must change."""

    def __init__(self) -> None:
        self._bays: dict[tuple[str, str], dict[str, Incident]] = {}
        self.where: dict[str, tuple[str, str]] = {}
        """By incident, the stage and the key that it waits for."""

    def put(self, stage: str, key: str, incident: Incident) -> None:
        """Withhold `incident` at `stage` until it is released by `key`."""
        self.where[incident.id] = stage, key
        self._bays.setdefault((stage, key), {})[incident.id] = incident

    def leave(self, incident_id: str) -> None:
        """Remove one that does not wait any more."""
        where = self.where.pop(incident_id)
        bay = self._bays[where]
        del bay[incident_id]
        if not bay:
            del self._bays[where]

    def release(self, stage: str, key: str) -> Collection[Incident]:
        """Remove and return all incidents that wait at `stage` for `key`."""
        bay = self._bays.pop((stage, key), {})
        for incident_id in bay:
            del self.where[incident_id]
        return bay.values()

    def keys(self, stage: str) -> list[str]:
        """List the keys that an incident waits for at this stage."""
        return [key for of, key in self._bays if of == stage]

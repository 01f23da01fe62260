"""Follows what becomes of each incident: whether people are notified of it, how, and what withheld it."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from virtuoso.model.alerts.incident import Incident

_SETTLED_MS = 3_600_000
"""After this long nothing becomes of an incident that is over."""
_COUNTED: dict[str | None, str] = {"at once": "at_once", "in a group": "in_group", "in a digest": "in_digest"}


class Fates:
    """Follows incidents until they are settled; those that hold, or ended within the hour, are in memory."""

    def __init__(self) -> None:
        self._latest: dict[str, Incident] = {}
        self.counts: dict[str, Counter[str]] = {}
        """By kind: `found`, `after_cooldown`, `at_once`, `in_group`, `in_digest`, `untold`."""

    def take(self, incident: Incident, since_ms: int) -> None:
        """Take a changed incident; one that fired before `since_ms` and is not known is settled already."""
        if incident.id in self._latest or incident.fired_ms >= since_ms:
            self._latest[incident.id] = incident

    def settled(self, now_ms: int | None) -> Iterator[dict[str, Any]]:
        """Yield a table row of each incident that is settled by now, of all when `None`, in time order."""
        over = [each for each in self._latest.values() if now_ms is None or _is_settled(each, now_ms)]
        for incident in sorted(over, key=lambda each: (each.fired_ms, each.id)):
            del self._latest[incident.id]
            yield self._row(incident)

    def _row(self, incident: Incident) -> dict[str, Any]:
        withheld = next((step for step in reversed(incident.path) if not step.passed), None)
        how = None
        if incident.notified is not None:
            at_once = any(step.stage == "group" and step.reason.startswith("passed") for step in incident.path)
            how = "in a digest" if incident.notified.digest else "at once" if at_once else "in a group"
        counts = self.counts.setdefault(incident.kind, Counter())
        counts["found"] += 1
        counts["after_cooldown"] += any(step.stage == "cooldown" and step.passed for step in incident.path)
        counts[_COUNTED.get(how, "untold")] += 1
        return {
            "fired": _time(incident.fired_ms),
            "resolved": _time(incident.resolved_ms),
            "kind": incident.kind,
            "symbol": incident.symbol,
            "side": incident.labels.get("side"),
            "severity": incident.severity.value,
            "value": incident.value,
            "message": incident.message,
            "told": _time(None if incident.notified is None else incident.notified.at_ms),
            "how": how,
            "withheld_by": None if how is not None or withheld is None else withheld.stage,
            "reason": None if how is not None or withheld is None else withheld.reason,
        }


def _is_settled(incident: Incident, now_ms: int) -> bool:
    return (
        incident.resolved_ms is not None
        and incident.suppressed_by is None
        and incident.resolved_ms < now_ms - _SETTLED_MS
    )


def _time(ms: int | None) -> datetime | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1_000, UTC)

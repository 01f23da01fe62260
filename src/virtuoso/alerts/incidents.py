"""Incidents, from firing to resolved. Identity is kind and symbol (or part), never the text."""

from collections import deque
from collections.abc import Sequence
from hashlib import blake2s

import msgspec

from virtuoso.model.alert import Incident, Severity

Details = dict[str, str | float | int | bool | None]


class IncidentLog:
    """The latest incidents; at most one of an identity is open at a time."""

    def __init__(self, keep: int) -> None:
        self._recent: deque[Incident] = deque(maxlen=keep)
        self._open: dict[tuple[str, str | None], Incident] = {}
        self._changed: dict[str, Incident] = {}
        self._most_changed = 10 * keep
        self.fired = 0
        self.resolved = 0

    def fire(
        self,
        kind: str,
        severity: Severity,
        message: str,
        now_ms: int,
        *,
        symbol: str | None = None,
        part: str | None = None,
        details: Details | None = None,
    ) -> Incident | None:
        """Open an incident; `None` when one of this identity is open already.

        `part` tells incidents of one kind apart that have no symbol: a task, a connection.
        """
        identity = (kind, part or symbol)
        if identity in self._open:
            return None
        incident = Incident(
            id=blake2s(f"{kind}|{part or symbol}|{now_ms}".encode(), digest_size=8).hexdigest(),
            kind=kind,
            severity=severity,
            message=message,
            fired_ms=now_ms,
            symbol=symbol,
            part=part,
            details=details or {},
        )
        self._open[identity] = incident
        self._recent.append(incident)
        self._change(incident)
        self.fired += 1
        return incident

    def resolve(self, kind: str, now_ms: int, *, symbol: str | None = None, part: str | None = None) -> Incident | None:
        """Close the open incident of this identity, if there is one."""
        incident = self._open.pop((kind, part or symbol), None)
        if incident is None:
            return None
        closed = msgspec.structs.replace(incident, resolved_ms=now_ms)
        for i, kept in enumerate(self._recent):
            if kept.id == incident.id:
                self._recent[i] = closed
                break
        self._change(closed)
        self.resolved += 1
        return closed

    def resume(self, incidents: Sequence[Incident]) -> None:
        """Take over those of an earlier run, oldest first; those still open are not fired again."""
        for incident in incidents:
            self._recent.append(incident)
            if incident.resolved_ms is None:
                self._open[incident.kind, incident.part or incident.symbol] = incident

    def take_changed(self) -> list[Incident]:
        """Those that were fired or resolved since this was last asked, as they are now, oldest change first.

        Bounded: of more than ten times what is kept, the oldest changes are dropped.
        """
        changed = list(self._changed.values())
        self._changed.clear()
        return changed

    def _change(self, incident: Incident) -> None:
        self._changed.pop(incident.id, None)
        self._changed[incident.id] = incident
        if len(self._changed) > self._most_changed:
            del self._changed[next(iter(self._changed))]

    def open(self) -> tuple[Incident, ...]:
        """Those that still hold."""
        return tuple(self._open.values())

    def open_parts(self, kind: str) -> tuple[str, ...]:
        """Parts (or symbols) with an open incident of this kind."""
        return tuple(part for of, part in self._open if of == kind and part is not None)

    def recent(self, limit: int) -> tuple[Incident, ...]:
        """The latest, newest first."""
        return tuple(self._recent)[::-1][:limit]

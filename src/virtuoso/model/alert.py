"""Incidents: an alert's life from firing to resolved."""

from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """How much attention an incident asks for."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One condition that held from `fired_ms` to `resolved_ms` (`None` while it still holds).

    Identity is `kind` + `part` or else `symbol` (never the text): `id` is deterministic from those and `fired_ms`.
    `part` tells those of one kind apart that have no symbol of their own: a task, a connection, a side.
    """

    id: str
    kind: str
    severity: Severity
    message: str
    fired_ms: int
    symbol: str | None = None
    part: str | None = None
    source: str = "monitor"
    details: dict[str, str | float | int | bool | None] = {}
    resolved_ms: int | None = None
    acknowledged: bool = False

"""Incidents: an alert's life, what it is identified by, and what was decided about it."""

from collections.abc import Mapping
from enum import StrEnum
from hashlib import blake2s

import msgspec

Details = dict[str, str | float | int | bool | None]


class Severity(StrEnum):
    """How much attention an incident asks for."""

    INFO = "info"
    """Worth knowing, nothing to do."""
    WARNING = "warning"
    """Worth a look soon."""
    CRITICAL = "critical"
    """Worth a look now."""

    @property
    def rank(self) -> int:
        """The severity as a number from 0 to 2, higher is more severe."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Step(msgspec.Struct, frozen=True, array_like=True):
    """One decision about an incident: `stage` let it pass or withheld it, and why (a name, then words)."""

    at_ms: int
    stage: str
    passed: bool
    reason: str


class Notified(msgspec.Struct, frozen=True, kw_only=True):
    """What was put into the outbox about an incident last: as of when, how severe, at which value.

    Attributes:
        resolved: also that it is over.
        digest: in a digest, which is not amended when it is over.
    """

    at_ms: int
    severity: Severity
    value: float | None
    resolved: bool = False
    digest: bool = False


SIGNAL_ID = "signal_id"
"""Names, among the details of an incident, the signal that it is of, or that stood when it fired."""


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One condition that held from `fired_ms` to `resolved_ms` (`None` while it still holds).

    Identity is `labels` (never the text): kind, exchange, and where they apply symbol, side, part; a rule may add its
    own. `id` is deterministic from those and `fired_ms`. `part` tells those of one kind apart that have no symbol of
    their own: a task, a connection.

    Attributes:
        kind: a built-in kind, or the name of the user's rule.
        severity: the highest so far.
        value: the size that a material change is measured by; `None` where there is none.
        pending_ms: since when the condition holds; before `fired_ms` by the rule's `for`.
        escalated_ms: when it became more severe last.
        ending: `resolved` (the condition is over) or `expired` (nobody can tell any longer).
        suppressed_by: the stage that withholds it for now (`inhibit`, `silence`, `cooldown`, `budget`, `group`);
            `None` = it is decided.
        notified: what people were notified of last; `None` = of nothing.
        path: the latest decisions, oldest first, bounded.
    """

    id: str
    kind: str
    severity: Severity
    message: str
    fired_ms: int
    labels: dict[str, str] = {}
    symbol: str | None = None
    part: str | None = None
    source: str = "monitor"
    details: Details = {}
    value: float | None = None
    pending_ms: int | None = None
    escalated_ms: int | None = None
    resolved_ms: int | None = None
    ending: str | None = None
    acknowledged: bool = False
    acknowledged_by: str | None = None
    suppressed_by: str | None = None
    notified: Notified | None = None
    path: tuple[Step, ...] = ()

    @property
    def state(self) -> str:
        """`firing`, `resolved` or `expired`."""
        return "firing" if self.resolved_ms is None else self.ending or "resolved"

    @property
    def signal_id(self) -> str | None:
        """The signal that it is of, or that stood for its symbol when it fired; `None` where there is none."""
        found = self.details.get(SIGNAL_ID)
        return found if isinstance(found, str) else None

    @property
    def identity(self) -> str:
        """Canonical text of the labels, by which the same incident is known again."""
        return identity_of(self.labels)


def identity_of(labels: Mapping[str, str]) -> str:
    """`exchange=bybit,kind=whale_trade,…`, sorted by name."""
    return ",".join(f"{name}={labels[name]}" for name in sorted(labels))


def incident_id(labels: Mapping[str, str], fired_ms: int) -> str:
    """The same for the same identity and time, whoever makes it: 8 bytes in hex."""
    return blake2s(f"{identity_of(labels)}|{fired_ms}".encode(), digest_size=8).hexdigest()


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Incidents whose labels match all of `matcher` are withheld from `starts_ms` to `ends_ms` (epoch ms).

    A value of the matcher may be a pattern with `*` and `?`. Besides its labels an incident has `severity`.
    """

    id: str
    matcher: dict[str, str]
    created_ms: int
    starts_ms: int
    ends_ms: int
    author: str
    comment: str = ""

"""Documents about alerts, as the HTTP API has them. Times ISO 8601 in UTC; `null` means unknown or never."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from virtuoso.model.alerts.incident import Details, Incident, Silence
from virtuoso.model.alerts.notice import Delivery
from virtuoso.model.alerts.outbox import ChannelStatus
from virtuoso.model.clock import iso

_YEAR_S: Final = 31_536_000
_LINE: Final = r"^[^\x00-\x1f\x7f]*$"
"""Text without control characters."""

Person = Annotated[str, Meta(min_length=1, max_length=100, pattern=_LINE)]
Comment = Annotated[str, Meta(max_length=1000, pattern=_LINE)]
Reason = Annotated[str, Meta(min_length=1, max_length=1000, pattern=_LINE)]
LabelName = Annotated[str, Meta(pattern="^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
LabelPattern = Annotated[str, Meta(min_length=1, max_length=200, pattern=_LINE)]
Matcher = Annotated[dict[LabelName, LabelPattern], Meta(min_length=1, max_length=20)]


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One incident. `held`: the stage that withholds it for now; `told_at`: when a message about it was last made."""

    id: str
    level: str
    message: str
    details: Details
    timestamp: str
    source: str
    alert_type: str
    symbol: str | None
    resolved: bool
    resolved_at: str | None
    acknowledged: bool
    labels: dict[str, str]
    state: str
    value: float | None
    acknowledged_by: str | None
    held: str | None
    told_at: str | None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What one stage decided about an incident: it passed, or was withheld, and why."""

    at: str
    stage: str
    passed: bool
    reason: str


class AlertDetail(Alert, frozen=True, kw_only=True):
    """`/api/alerts/{id}`: with its path, the latest decisions, oldest first."""

    part: str | None
    pending_at: str | None
    escalated_at: str | None
    told_level: str | None
    path: tuple[Decision, ...]


class AlertHistory(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/alerts`: incidents, newest first; `next` is the cursor of the page after, `null` at the end."""

    alerts: tuple[Alert, ...]
    next: str | None
    reason: str | None = None


class NewAcknowledgement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who takes note of an incident; it is not told again until it is over."""

    by: Person
    comment: Comment = ""


class NewSilence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Withhold incidents whose labels (and `severity`) match all of `matcher`, with `*` and `?` as in file names.

    From `starts_in_s` seconds from now, for `duration_s` seconds.
    """

    matcher: Matcher
    duration_s: Annotated[float, Meta(ge=1, le=_YEAR_S)]
    author: Person
    comment: Reason
    starts_in_s: Annotated[float, Meta(ge=0, le=_YEAR_S)] = 0.0


class SilenceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One silence; `state` is `coming`, `active` or `over`."""

    id: str
    state: str
    matcher: dict[str, str]
    starts_at: str
    ends_at: str
    created_at: str
    author: str
    comment: str


class Silences(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/silences`: the last to end first."""

    silences: tuple[SilenceRow, ...]
    reason: str | None = None


class DeliveryRow(msgspec.Struct, frozen=True, kw_only=True):
    """One message for one channel, about `alerts` (ids).

    `state`: `waiting`, `sending`, `sent`, `folded` (into the digest or the channel `folded_into`), `dead` (`error`
    says why) or `expired`. `repeat`: it may have been sent before.
    """

    id: str
    channel: str
    state: str
    role: str
    level: str
    title: str
    alerts: tuple[str, ...]
    created_at: str
    expires_at: str
    attempts: int
    repeat: bool
    error: str | None
    folded_into: str | None


class Deliveries(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/alerts/deliveries`: newest first; `next` is the cursor of the page after, `null` at the end."""

    deliveries: tuple[DeliveryRow, ...]
    next: str | None
    reason: str | None = None


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An empty object: the path says all."""


class PolicyRow(msgspec.Struct, frozen=True, kw_only=True):
    """How the incidents of one kind live and are told; times in seconds.

    `severity`, `null`: as the detector finds; `severities`: those that incidents may have when they fire, the usual one
    first; `change` and `escalate_after`, `null`: never; `channels`, `null`: all that take its severity and scope.
    `when` is the condition: a rule's as it stands in its file (`place`, with the line), a built-in kind's in words,
    with the thresholds in force. Of a built-in kind, `title`, `meaning` and `check` say what it is called, what
    happened, and what to look at first.
    """

    kind: str
    enabled: bool
    system: bool
    severity: str | None
    severities: tuple[str, ...]
    hold: float = msgspec.field(name="for")
    cooldown: float
    rearm: float
    change: float | None
    escalate_after: float | None
    channels: tuple[str, ...] | None
    place: str | None = None
    when: str | None = None
    labels: dict[str, str] = {}
    title: str | None = None
    meaning: str | None = None
    check: str | None = None


class AlertRules(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/alerts/rules`: the built-in kinds, and the user's rules in the order of their files."""

    timestamp: str
    kinds: tuple[PolicyRow, ...]
    rules: tuple[PolicyRow, ...]
    reason: str | None = None


class StageRow(msgspec.Struct, frozen=True, kw_only=True):
    """One stage: how often it let an incident pass and withheld one since the start; `held`: withheld by it now."""

    stage: str
    passed: int
    withheld: int
    held: int


class ChannelRow(msgspec.Struct, frozen=True, kw_only=True):
    """One channel: `up`, `down`, `limited` (no request before `not_before`) or `disabled` (its address is gone).

    `waiting`, `dead`: messages now in the outbox; `oldest`: when the oldest that waits was made; `counters`: since the
    start.
    """

    name: str
    state: str
    since: str | None
    not_before: str | None
    error: str | None
    waiting: int
    dead: int
    oldest: str | None
    counters: dict[str, int]


class AlertPipeline(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/alerts/pipeline`: what became of the incidents since the start, and how the channels are."""

    timestamp: str
    fired: int
    resolved: int
    open: int
    stages: tuple[StageRow, ...]
    channels: tuple[ChannelRow, ...]
    reason: str | None = None


def alert_of(incident: Incident) -> Alert:
    """An incident as the API lists it."""
    return Alert(**_listed(incident))


def detail_of(incident: Incident) -> AlertDetail:
    """An incident with all that was decided about it."""
    return AlertDetail(
        **_listed(incident),
        part=incident.part,
        pending_at=iso(incident.pending_ms),
        escalated_at=iso(incident.escalated_ms),
        told_level=None if incident.told is None else incident.told.severity,
        path=tuple(
            Decision(at=iso(step.at_ms) or "", stage=step.stage, passed=step.passed, reason=step.reason)
            for step in incident.path
        ),
    )


def delivery_of(delivery: Delivery) -> DeliveryRow:
    """A delivery as the API lists it."""
    notice = delivery.notice
    return DeliveryRow(
        id=delivery.id,
        channel=delivery.channel,
        state=delivery.state,
        role=notice.role,
        level=notice.severity,
        title=notice.title,
        alerts=notice.incidents,
        created_at=iso(delivery.created_ms) or "",
        expires_at=iso(delivery.expires_ms) or "",
        attempts=delivery.attempts,
        repeat=delivery.repeat,
        error=delivery.error,
        folded_into=delivery.folded_into,
    )


def channel_of(status: ChannelStatus) -> ChannelRow:
    """A channel as the API lists it."""
    return ChannelRow(
        name=status.name,
        state=status.state,
        since=iso(status.since_ms),
        not_before=iso(status.not_before_ms),
        error=status.error,
        waiting=status.waiting,
        dead=status.dead,
        oldest=iso(status.oldest_ms),
        counters=status.counters,
    )


def silence_of(silence: Silence, now_ms: int) -> SilenceRow:
    """A silence as the API lists it at `now_ms` (epoch ms)."""
    state = "over" if silence.ends_ms <= now_ms else "active" if silence.starts_ms <= now_ms else "coming"
    return SilenceRow(
        id=silence.id,
        state=state,
        matcher=silence.matcher,
        starts_at=iso(silence.starts_ms) or "",
        ends_at=iso(silence.ends_ms) or "",
        created_at=iso(silence.created_ms) or "",
        author=silence.author,
        comment=silence.comment,
    )


def _listed(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.id, "level": incident.severity, "message": incident.message, "details": incident.details,
        "timestamp": iso(incident.fired_ms) or "", "source": incident.source, "alert_type": incident.kind,
        "symbol": incident.symbol, "resolved": incident.resolved_ms is not None,
        "resolved_at": iso(incident.resolved_ms), "acknowledged": incident.acknowledged, "labels": incident.labels,
        "state": incident.state, "value": incident.value, "acknowledged_by": incident.acknowledged_by,
        "held": incident.held, "told_at": None if incident.told is None else iso(incident.told.at_ms),
    }  # fmt: skip

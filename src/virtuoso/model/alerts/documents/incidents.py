"""Documents of incidents: the lists, one with every decision about it, and taking note of it."""

from collections.abc import Iterable
from math import expm1
from typing import Any

import msgspec

from virtuoso.model.alerts.documents.texts import Comment, Person
from virtuoso.model.alerts.incident import Details, Incident, Step
from virtuoso.model.alerts.outcome import Outcome
from virtuoso.model.clock import iso


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One incident: a condition from when it fired to when it was over."""

    id: str
    """Identity of the incident: 16 hex digits that follow from its labels and when it fired."""
    level: str
    """How much attention it asks for, the most so far: `info`, `warning` or `critical`."""
    message: str
    """What happened, in one sentence for people."""
    details: Details
    """The figures behind the message, by name; its end says the unit: `_pct` is percent, `_bp` bp, `_ms` ms."""
    timestamp: str
    """When it fired, ISO 8601 in UTC."""
    source: str
    """Who found it; always `monitor` so far."""
    alert_type: str
    """Its kind: a built-in one as `/api/alerts/rules` lists them, or the name of the user's rule."""
    symbol: str | None
    """The symbol that it is about; `null` where it is about the market or the program."""
    resolved: bool
    """Whether it ended, in whatever way."""
    resolved_at: str | None
    """When it ended, ISO 8601 in UTC; `null` while it holds."""
    acknowledged: bool
    """Whether somebody took note of it; nobody is notified of it again until it is over."""
    labels: dict[str, str]
    """What it is identified by: kind, exchange, where they apply symbol, side and part, and those of the user's
    rule."""
    state: str
    """How far it is: `firing` (it holds), `resolved` (it is over) or `expired` (nobody can tell any longer)."""
    value: float | None
    """The size that a material change is measured by, in the unit of its kind; `null` where it has none."""
    acknowledged_by: str | None
    """Who took note of it first; `null` while nobody did."""
    held: str | None
    """The stage that withholds it for now: `inhibit`, `silence`, `cooldown`, `budget` or `group`; `null` while none
    does."""
    told_at: str | None
    """When a message about it was last made, ISO 8601 in UTC; `null` where nobody was notified."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What one stage decided about an incident."""

    at: str
    """When it was decided, ISO 8601 in UTC."""
    stage: str
    """The stage: `inhibit`, `silence`, `dedup`, `cooldown`, `budget`, `group` or `route`."""
    passed: bool
    """Whether it let the incident pass, or withheld it."""
    reason: str
    """Why it did so: a name, a colon, and words."""


class AlertOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What followed an incident over one horizon, from its delivery on; nothing of what raised it counts.

    Its times are the exchange's, as those of bars are.
    """

    horizon_min: int
    """How far it is looked ahead, minutes."""
    symbol: str
    """The symbol whose price is looked at: the incident's, or that which led a move of the market."""
    delivered_at: str
    """When the stages decided about it, ISO 8601 in UTC."""
    due_at: str
    """When the last bar of the horizon closes, ISO 8601 in UTC."""
    settled_at: str | None
    """When it was looked at, ISO 8601 in UTC; `null` while it is still to come."""
    interrupted: bool
    """Whether a message of its own went out; else it stood in a digest, or in a message kept current."""
    band: tuple[float, float] | None
    """Both ends of the 95 % band of the closing return that was issued just before, percent of the entry; `null` where
    there was no forecast."""
    band_reason: str | None
    """Why there is no band; `null` where there is one."""
    base: float | None
    """How often minutes of equal forecast volatility and hour left theirs, 0–1; `null` where that is not known."""
    entry: float | None
    """The price that returns are of: the open of the first minute after the delivery, quote units; `null` while
    unknown."""
    closed: float | None
    """Return at the end of the horizon, percent; `null` while unknown."""
    highest: float | None
    """Return to the highest high on the way, percent; `null` while unknown."""
    lowest: float | None
    """Return to the lowest low on the way, percent; `null` while unknown."""
    left_band: bool | None
    """Whether the price was outside the band at the end; `null` while unknown."""
    touched_min: int | None
    """How long after the entry it first left the band, minutes, the first being 1; `null` where it did not, or while
    unknown."""
    reason: str | None
    """Why nothing is known of the way, once it is due; `null` otherwise."""


class NearbyAlert(msgspec.Struct, frozen=True, kw_only=True):
    """Another incident of about the same time, and whether people were notified of it."""

    id: str
    """Identity of the incident: 16 hex digits."""
    level: str
    """How much attention it asks for: `info`, `warning` or `critical`."""
    message: str
    """What happened, in one sentence for people."""
    alert_type: str
    """Its kind: a built-in one, or the name of the user's rule."""
    symbol: str | None
    """The symbol that it is about; `null` where it is about the market or the program."""
    timestamp: str
    """When it fired, ISO 8601 in UTC."""
    resolved: bool
    """Whether it ended, in whatever way."""
    state: str
    """How far it is: `firing`, `resolved` or `expired`."""
    told_at: str | None
    """When a message about it was last made, ISO 8601 in UTC; `null` where nobody was notified."""
    withheld: Decision | None
    """The last decision that withheld it; `null` where none did."""


class AlertDetail(Alert, frozen=True, kw_only=True):
    """`/api/alerts/{id}`: one incident, and every decision about it."""

    part: str | None
    """What tells it apart from others of its kind without a symbol, such as the name of a task; `null` where nothing
    needs to."""
    pending_at: str | None
    """Since when its condition held before it fired, ISO 8601 in UTC; `null` where it fired at once."""
    escalated_at: str | None
    """When it became more severe last, ISO 8601 in UTC; `null` where it never did."""
    told_level: str | None
    """The level of the last notification: `info`, `warning` or `critical`; `null` where there was none."""
    signal: str | None
    """Path of the page of the signal that it is of, or that stood for its symbol when it fired; `null` where none
    did."""
    path: tuple[Decision, ...]
    """The latest decisions, oldest first; 30 at most."""
    outcomes: tuple[AlertOutcome, ...] = ()
    """What followed, the nearest horizon first; empty where no symbol's price can be looked at."""
    around: tuple[NearbyAlert, ...] = ()
    """Other incidents that fired within a quarter of an hour of it, the nearest in time first; 20 at most."""


class AlertHistory(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/alerts`: incidents by filters, newest first."""

    alerts: tuple[Alert, ...]
    """The incidents of this page, newest first."""
    next: str | None
    """Give it as `cursor` for the page after; `null` at the end."""
    reason: str | None = None
    """Why there is nothing, or something is left out: no database is kept, it does not answer, or rows of its tables
    are damaged; `null` otherwise."""


class NewAcknowledgement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who takes note of an incident; nobody is notified of it again until it is over."""

    by: Person
    """Who takes note: a name, 100 characters at most."""
    comment: Comment = ""
    """What there is to say about it, 1000 characters at most."""


def alert_of(incident: Incident) -> Alert:
    """An incident as the API lists it."""
    return Alert(**_listed(incident))


def detail_of(incident: Incident, outcomes: Iterable[Outcome] = (), around: Iterable[Incident] = ()) -> AlertDetail:
    """An incident with all that was decided about it, what followed, and others of about the same time."""
    return AlertDetail(
        **_listed(incident),
        part=incident.part,
        pending_at=iso(incident.pending_ms),
        escalated_at=iso(incident.escalated_ms),
        told_level=None if incident.notified is None else incident.notified.severity,
        signal=None if incident.signal_id is None else f"/signals/{incident.signal_id}",
        path=tuple(map(_decision, incident.path)),
        outcomes=tuple(map(_outcome, outcomes)),
        around=tuple(map(_nearby, around)),
    )


def _decision(step: Step) -> Decision:
    return Decision(at=iso(step.at_ms) or "", stage=step.stage, passed=step.passed, reason=step.reason)


def _nearby(incident: Incident) -> NearbyAlert:
    listed = _listed(incident)
    withheld = next((step for step in reversed(incident.path) if not step.passed), None)
    return NearbyAlert(
        **{name: listed[name] for name in NearbyAlert.__struct_fields__ if name != "withheld"},
        withheld=None if withheld is None else _decision(withheld),
    )


def _outcome(outcome: Outcome) -> AlertOutcome:
    edge = outcome.edge
    return AlertOutcome(
        horizon_min=outcome.horizon_min,
        symbol=outcome.symbol,
        delivered_at=iso(outcome.delivered_ms) or "",
        due_at=iso(outcome.due_ms) or "",
        settled_at=iso(outcome.settled_ms),
        interrupted=outcome.interrupted,
        band=None if edge is None else (100.0 * expm1(edge.low), 100.0 * expm1(edge.high)),
        band_reason=outcome.edge_reason,
        base=outcome.base,
        entry=outcome.entry,
        closed=_percent(outcome.closed),
        highest=_percent(outcome.highest),
        lowest=_percent(outcome.lowest),
        left_band=outcome.hit,
        touched_min=outcome.touched_min,
        reason=outcome.reason,
    )


def _percent(log_return: float | None) -> float | None:
    return None if log_return is None else 100.0 * expm1(log_return)


def _listed(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.id, "level": incident.severity, "message": incident.message, "details": incident.details,
        "timestamp": iso(incident.fired_ms) or "", "source": incident.source, "alert_type": incident.kind,
        "symbol": incident.symbol, "resolved": incident.resolved_ms is not None,
        "resolved_at": iso(incident.resolved_ms), "acknowledged": incident.acknowledged, "labels": incident.labels,
        "state": incident.state, "value": incident.value, "acknowledged_by": incident.acknowledged_by,
        "held": incident.suppressed_by, "told_at": None if incident.notified is None else iso(incident.notified.at_ms),
    }  # fmt: skip

"""Keeps incidents through their life: pending → firing → resolved or expired. Labels identify them, not texts."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from virtuoso.alerts.labels import built, labels_of
from virtuoso.alerts.path import lengthened
from virtuoso.alerts.policy import Policies, default_policy
from virtuoso.alerts.timers import Timers
from virtuoso.model.alerts.incident import Details, Incident, Severity, Step, identity_of, incident_id

__all__ = ["MOST_CHANGED", "Details", "IncidentLog"]

MOST_CHANGED = 100_000
"""Changes that wait to be taken; of more, the oldest are dropped and counted."""
ENDED_BY = "ended_by"
"""In the details of one that ended without being over: why."""
_LADDER = tuple(Severity)


class IncidentLog:
    """Holds incidents: at most one of an identity is open at a time; the latest `keep` are listed.

    All times are epoch milliseconds. Each verb first lets time pass for the identity that it is about, so that late
    ticks change nothing but when something becomes known. `on_change` is called when there is something to commit, or
    when `next_ms` may have become earlier.
    """

    def __init__(
        self,
        keep: int,
        *,
        exchange: str = "",
        policies: Policies = default_policy,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        self.keep = keep
        self._exchange = exchange or None
        self._policies = policies
        self._on_change = on_change
        self._recent: OrderedDict[str, Incident] = OrderedDict()
        self._open: dict[str, Incident] = {}
        self._pending: dict[str, Incident] = {}  # not yet incidents: no id, and `fired_ms` is when they began
        self._lapsing: dict[str, int] = {}  # since when the condition of an open one is false
        self._identities: dict[str, str] = {}  # of those open, by id
        self._named: dict[tuple[str, str], str] = {}  # identity by kind and part
        self._timers = Timers()
        self._changed: dict[str, Incident] = {}
        self._unsettled: dict[str, Incident] = {}
        self.fired = 0
        self.resolved = 0
        """Those that ended, in whatever way."""
        self.dropped = 0
        """Changes lost because nobody took them in time: should be zero."""

    def fire(
        self,
        kind: str,
        severity: Severity,
        message: str,
        now_ms: int,
        *,
        symbol: str | None = None,
        side: str | None = None,
        part: str | None = None,
        labels: Mapping[str, str] | None = None,
        value: float | None = None,
        details: Details | None = None,
    ) -> Incident | None:
        """Note that a condition holds; returns the incident if it opened now, `None` while pending or open already.

        A higher severity, or a material change of `value`, goes into the one that is open. `part` tells incidents of
        one kind apart that have no symbol: a task, a connection. `labels` are a rule's own.
        """
        policy = self._policies(kind)
        if not policy.enabled:
            return None
        all_labels = built(kind, self._exchange, symbol, side, part, labels)
        identity = identity_of(all_labels)
        self._advance(identity, now_ms)
        found = Incident(
            id="", kind=kind, severity=policy.severity or severity, message=message, fired_ms=now_ms, labels=all_labels,
            symbol=symbol, part=part, details=details or {}, value=value,
        )  # fmt: skip
        if identity in self._open:
            self._again(identity, found, now_ms)
            return None
        pending = self._pending.get(identity)
        if pending is None and policy.hold_ms <= 0:
            return self._begin(identity, found, now_ms, None)
        if pending is not None:
            worst = max(pending.severity, found.severity, key=_LADDER.index)
            self._pending[identity] = replace(found, fired_ms=pending.fired_ms, severity=worst)
            return None
        self._pending[identity] = found
        self._name(identity, found)
        self._schedule(identity)
        self._notify()
        return None

    def resolve(
        self,
        kind: str,
        now_ms: int,
        *,
        symbol: str | None = None,
        side: str | None = None,
        part: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Incident | None:
        """Note that a condition is over; returns the incident if that closed it. With `rearm`, `tick` closes it later.

        Named as it was fired; or by its part alone, which is unique within its kind.
        """
        identity = self._find(kind, symbol, side, part, labels)
        self._advance(identity, now_ms)
        if self._forget_pending(identity) or identity not in self._open:
            return None
        if self._policies(kind).rearm_ms <= 0:
            return self._close(identity, now_ms, "resolved")
        if identity not in self._lapsing:
            self._lapsing[identity] = now_ms
            self._schedule(identity)
            self._notify()
        return None

    def expire(
        self,
        kind: str,
        now_ms: int,
        *,
        symbol: str | None = None,
        side: str | None = None,
        part: str | None = None,
        labels: Mapping[str, str] | None = None,
        why: str | None = None,
    ) -> Incident | None:
        """Close an incident at once, because nobody can tell whether it holds: its symbol, rule or data is gone.

        `why` is said with its end.
        """
        identity = self._find(kind, symbol, side, part, labels)
        self._advance(identity, now_ms)
        if self._forget_pending(identity) or identity not in self._open:
            return None
        return self._close(identity, now_ms, "expired", why)

    def acknowledge(self, incident_id: str, by: str, now_ms: int) -> Incident | None:
        """Note that somebody knows of it; returns `None` if there is no such incident."""
        identity, incident = self._identities.get(incident_id), self.get(incident_id)
        if incident is None or incident.acknowledged:
            return incident
        path = lengthened(incident.path, (Step(now_ms, "acknowledge", passed=True, reason=f"acknowledged: by {by}"),))
        incident = replace(incident, acknowledged=True, acknowledged_by=by, path=path)
        if identity is not None:
            self._open[identity] = incident
            self._schedule(identity)
        elif incident.suppressed_by is None and incident_id not in self._unsettled:  # it is over and dealt with
            self._record(incident)
            self._notify()
            return incident
        self._change(incident)
        return incident

    def tick(self, now_ms: int) -> None:
        """Let time pass: pending ones fire, ends become final, what nobody acknowledged becomes more severe."""
        for identity in self._timers.pop(now_ms):
            self._advance(identity, now_ms)

    @property
    def next_ms(self) -> int | None:
        """When `tick` must be called next."""
        return self._timers.next_ms

    def resume(self, incidents: Sequence[Incident]) -> tuple[Incident, ...]:
        """Take over those of an earlier run, oldest first; those still open are not fired again.

        Returned as they are here: those from before there were labels have them now.
        """
        resumed = tuple(replace(each, labels=labels_of(each, self._exchange)) for each in incidents)
        for incident in resumed:
            self._list(incident)
            if incident.resolved_ms is None:
                identity = incident.identity
                self._open[identity] = incident
                self._identities[incident.id] = identity
                self._name(identity, incident)
                self._schedule(identity)
        return resumed

    def unsettled(self) -> tuple[Incident, ...]:
        """List the incidents that changed since the stages decided about them last, oldest change first."""
        return tuple(self._unsettled.values())

    def replace(self, *incidents: Incident) -> None:
        """Take what the stages decided: `path`, `suppressed_by`, `notified`. An unchanged one is merely settled."""
        still_open, identities, changed, recent = self._open, self._identities, self._changed, self._recent
        for incident in incidents:
            known = self._unsettled.pop(incident.id, None)
            identity = identities.get(incident.id)
            if identity is not None:
                known, still_open[identity] = still_open[identity], incident
            if known is incident:
                continue
            if incident.id in changed:
                changed[incident.id] = incident
            else:
                self._put(changed, incident)
            if incident.id in recent:
                recent[incident.id] = incident

    @property
    def identities(self) -> Mapping[str, str]:
        """The identities of incidents that still hold, by id, so that they need not be worked out again."""
        return self._identities

    def take_changed(self) -> list[Incident]:
        """Take out the incidents that changed since the last call, as they are now, oldest change first."""
        changed = list(self._changed.values())
        self._changed.clear()
        return changed

    def open(self) -> tuple[Incident, ...]:
        """Return the incidents that have not ended yet."""
        return tuple(self._open.values())

    def open_parts(self, kind: str) -> tuple[str, ...]:
        """List the parts (or symbols) with a condition of this kind that holds, those pending included."""
        under_way = [i for each in (self._open, self._pending) for i in each.values() if i.kind == kind]
        return tuple(part for i in under_way if (part := i.part or i.symbol) is not None)

    def get(self, incident_id: str) -> Incident | None:
        """Return the incident with this id, as far as it is open or among the latest."""
        identity = self._identities.get(incident_id)
        return self._recent.get(incident_id) if identity is None else self._open[identity]

    def recent(self, limit: int | None = None) -> tuple[Incident, ...]:
        """Return the latest, newest first; all that are kept where no limit is given."""
        return tuple(self._recent.values())[::-1][:limit]

    def _find(
        self, kind: str, symbol: str | None, side: str | None, part: str | None, labels: Mapping[str, str] | None
    ) -> str:
        if part is not None and symbol is None and (kind, part) in self._named:
            return self._named[kind, part]
        return identity_of(built(kind, self._exchange, symbol, side, part, labels))

    def _again(self, identity: str, found: Incident, now_ms: int) -> None:
        """Update an incident whose condition holds on, perhaps worse."""
        incident = self._open[identity]
        if self._lapsing.pop(identity, None) is not None:
            self._schedule(identity)
        worse = found.severity.rank > incident.severity.rank
        if not worse and not self._policies(found.kind).grown(found.value, incident.value):
            return
        self._open[identity] = replace(
            incident,
            severity=found.severity if worse else incident.severity,
            escalated_ms=now_ms if worse else incident.escalated_ms,
            message=found.message,
            details=found.details,
            value=incident.value if found.value is None else found.value,
        )
        self._change(self._open[identity])
        self._schedule(identity)

    def _begin(self, identity: str, found: Incident, fired_ms: int, pending_ms: int | None) -> Incident:
        while (new := incident_id(found.labels, fired_ms)) in self._recent:  # ended and fired again within the ms
            fired_ms += 1
        incident = replace(found, id=new, fired_ms=fired_ms, pending_ms=pending_ms)
        self._open[identity] = incident
        self._identities[new] = identity
        self._name(identity, incident)
        self._list(incident)
        self._change(incident)
        self._schedule(identity)
        self.fired += 1
        return incident

    def _close(self, identity: str, at_ms: int, ending: str, why: str | None = None) -> Incident:
        incident = self._open.pop(identity)
        details = incident.details if why is None else {**incident.details, ENDED_BY: why}
        closed = replace(incident, resolved_ms=max(at_ms, incident.fired_ms), ending=ending, details=details)
        del self._identities[closed.id]
        self._lapsing.pop(identity, None)
        self._unname(closed)
        self._schedule(identity)
        self._change(closed)
        self.resolved += 1
        return closed

    def _forget_pending(self, identity: str) -> bool:
        pending = self._pending.pop(identity, None)
        if pending is None:
            return False
        self._unname(pending)
        self._schedule(identity)
        return True

    def _advance(self, identity: str, now_ms: int) -> None:
        """Do what is due for an identity, as of when it was due."""
        while (due_ms := self._due_ms(identity)) is not None and due_ms <= now_ms:
            if identity in self._pending:
                pending = self._pending.pop(identity)
                self._begin(identity, pending, due_ms, pending.fired_ms)
            elif identity in self._lapsing:
                self._close(identity, self._lapsing[identity], "resolved")
            else:
                incident = self._open[identity]
                worse = _LADDER[incident.severity.rank + 1]
                self._open[identity] = replace(incident, severity=worse, escalated_ms=due_ms)
                self._change(self._open[identity])
        self._schedule(identity)

    def _due_ms(self, identity: str) -> int | None:
        """Return when something is due for an identity (epoch ms)."""
        pending = self._pending.get(identity)
        if pending is not None:
            return pending.fired_ms + self._policies(pending.kind).hold_ms
        incident = self._open.get(identity)
        if incident is None:
            return None
        policy = self._policies(incident.kind)
        if identity in self._lapsing:
            return self._lapsing[identity] + policy.rearm_ms
        if policy.escalate_after_ms is None or incident.acknowledged or incident.severity is Severity.CRITICAL:
            return None
        since_ms = incident.fired_ms if incident.escalated_ms is None else incident.escalated_ms
        return since_ms + policy.escalate_after_ms

    def _schedule(self, identity: str) -> None:
        due_ms = self._due_ms(identity)
        if due_ms is None:
            self._timers.drop(identity)
        else:
            self._timers.set(identity, due_ms)

    def _name(self, identity: str, incident: Incident) -> None:
        if incident.part is not None:
            self._named[incident.kind, incident.part] = identity

    def _unname(self, incident: Incident) -> None:
        if incident.part is not None:
            self._named.pop((incident.kind, incident.part), None)

    def _list(self, incident: Incident) -> None:
        self._recent[incident.id] = incident
        if len(self._recent) > self.keep:
            self._recent.popitem(last=False)

    def _change(self, incident: Incident) -> None:
        self._record(incident)
        self._put(self._unsettled, incident)
        self._notify()

    def _record(self, incident: Incident) -> None:
        if incident.id in self._recent:
            self._recent[incident.id] = incident
        self._put(self._changed, incident)

    def _put(self, among: dict[str, Incident], incident: Incident) -> None:
        among.pop(incident.id, None)
        among[incident.id] = incident
        if len(among) > MOST_CHANGED:
            del among[next(iter(among))]
            self.dropped += 1

    def _notify(self) -> None:
        if self._on_change is not None:
            self._on_change()

"""Makes incidents of what detectors find: one of an identity at a time, resolved when over or after a quiet time."""

from collections.abc import Sequence

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.labels import labels_of
from virtuoso.model.alerts.incident import Details, Incident, Severity

_NS_PER_MS = 1_000_000
_Identity = tuple[str, str | None, str | None]


class Findings:
    """Opens and closes incidents. An identity is kind, symbol and side, never the text.

    What happens at an instant (a trade, a liquidation) is found with a quiet time: the incident is resolved when that
    has passed without another of its identity, with the end of the quiet time as its time, whenever `sweep` is called.
    What lasts is found without one, and said to be `over` by its detector.
    """

    def __init__(self, log: IncidentLog) -> None:
        self._log = log
        self._open: dict[_Identity, int | None] = {}

    def found(
        self,
        kind: str,
        severity: Severity,
        message: str,
        now_ns: int,
        *,
        symbol: str | None,
        side: str | None = None,
        value: float | None = None,
        details: Details,
        quiet_ms: int | None = None,
    ) -> bool:
        """Open an incident, or prolong the quiet time of the open one; returns whether it is a new one.

        `value` is the size by which it may grow materially.
        """
        now_ms = now_ns // _NS_PER_MS
        identity = (kind, symbol, side)
        due_ms = None if quiet_ms is None else now_ms + quiet_ms
        if identity in self._open:
            until_ms = self._open[identity]
            if until_ms is not None and due_ms is not None:
                if until_ms > now_ms:
                    due_ms = max(until_ms, due_ms)
                else:  # it was over before this one began
                    self._log.resolve(kind, until_ms, symbol=symbol, side=side)
        self._open[identity] = due_ms
        new = self._log.fire(
            kind, severity, message, now_ms, symbol=symbol, side=side, value=value, details=details
        )  # fmt: skip
        return new is not None

    def over(self, kind: str, now_ns: int, *, symbol: str | None, side: str | None = None) -> None:
        """End an incident, if it is open."""
        identity = (kind, symbol, side)
        if identity in self._open:
            del self._open[identity]
            self._log.resolve(kind, now_ns // _NS_PER_MS, symbol=symbol, side=side)

    def resume(self, incidents: Sequence[Incident], now_ns: int, quiet_ms: int) -> None:
        """Take over the open ones of an earlier run, of the kinds that are found here.

        Nobody watched meanwhile: unless found again within `quiet_ms` they count as over.
        """
        due_ms = now_ns // _NS_PER_MS + quiet_ms
        for incident in incidents:
            if incident.resolved_ms is None:
                side = labels_of(incident, None).get("side")
                self._open[incident.kind, incident.symbol, side] = due_ms

    def doubt(self, now_ns: int, quiet_ms: int) -> None:
        """Count what lasts as over unless it is found again within `quiet_ms`: its detector has no data any more."""
        due_ms = now_ns // _NS_PER_MS + quiet_ms
        self._open = {identity: due_ms if until is None else until for identity, until in self._open.items()}

    def sweep(self, now_ns: int) -> None:
        """Resolve what has been quiet for long enough."""
        now_ms = now_ns // _NS_PER_MS
        due = [(until, identity) for identity, until in self._open.items() if until is not None and until <= now_ms]
        for until_ms, (kind, symbol, side) in sorted(due, key=lambda each: each[0]):
            del self._open[kind, symbol, side]
            self._log.resolve(kind, until_ms, symbol=symbol, side=side)

    def forget(self, symbol: str, now_ns: int) -> None:
        """End what is open of a symbol that is no longer watched, as unknown."""
        for kind, of, side in [identity for identity in self._open if identity[1] == symbol]:
            del self._open[kind, of, side]
            self._log.expire(kind, now_ns // _NS_PER_MS, symbol=of, side=side)

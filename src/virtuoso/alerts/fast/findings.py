"""What detectors find becomes incidents: one of an identity at a time, resolved when over or after a quiet time."""

from collections.abc import Sequence

from virtuoso.alerts.incidents import Details, IncidentLog
from virtuoso.model.alert import Incident, Severity

_NS_PER_MS = 1_000_000
_Identity = tuple[str, str]


class Findings:
    """Opens and closes incidents. An identity is kind, symbol and side, never the text.

    What happens at an instant (a trade, a liquidation) is found with a quiet time: the incident is resolved when that
    has passed without another of its identity, with the end of the quiet time as its time, whenever `sweep` is called.
    What lasts is found without one, and said to be `over` by its detector.
    """

    def __init__(self, log: IncidentLog) -> None:
        self._log = log
        self._open: dict[_Identity, tuple[str | None, int | None]] = {}

    def found(
        self,
        kind: str,
        severity: Severity,
        message: str,
        now_ns: int,
        *,
        symbol: str | None,
        side: str | None = None,
        details: Details,
        quiet_ms: int | None = None,
    ) -> bool:
        """Open an incident, or prolong the quiet time of the one that is open; whether it is a new one."""
        now_ms = now_ns // _NS_PER_MS
        part = _part(symbol, side)
        due_ms = None if quiet_ms is None else now_ms + quiet_ms
        open_until = self._open.get((kind, part))
        if open_until is not None:
            _, until_ms = open_until
            if until_ms is None or due_ms is None or until_ms > now_ms:
                self._open[kind, part] = (
                    symbol,
                    due_ms if until_ms is None or due_ms is None else max(until_ms, due_ms),
                )
                return False
            self._log.resolve(kind, until_ms, part=part)  # it was over before this one began
        self._open[kind, part] = (symbol, due_ms)
        return self._log.fire(kind, severity, message, now_ms, symbol=symbol, part=part, details=details) is not None

    def over(self, kind: str, now_ns: int, *, symbol: str | None, side: str | None = None) -> None:
        """It has ended; nothing happens if it is not open."""
        part = _part(symbol, side)
        if self._open.pop((kind, part), None) is not None:
            self._log.resolve(kind, now_ns // _NS_PER_MS, part=part)

    def resume(self, incidents: Sequence[Incident], now_ns: int, quiet_ms: int) -> None:
        """Take over the open ones of an earlier run, of the kinds that are found here.

        Nobody watched meanwhile: unless found again within `quiet_ms` they count as over.
        """
        due_ms = now_ns // _NS_PER_MS + quiet_ms
        for incident in incidents:
            if incident.resolved_ms is None and incident.part is not None:
                self._open[incident.kind, incident.part] = (incident.symbol, due_ms)

    def sweep(self, now_ns: int) -> None:
        """Resolve what has been quiet for long enough."""
        now_ms = now_ns // _NS_PER_MS
        due = [
            (until, identity) for identity, (_, until) in self._open.items() if until is not None and until <= now_ms
        ]
        for until_ms, identity in sorted(due):
            del self._open[identity]
            self._log.resolve(identity[0], until_ms, part=identity[1])

    def forget(self, symbol: str, now_ns: int) -> None:
        """Resolve everything of a symbol that is no longer watched."""
        for identity in [identity for identity, (of, _) in self._open.items() if of == symbol]:
            del self._open[identity]
            self._log.resolve(identity[0], now_ns // _NS_PER_MS, part=identity[1])


def _part(symbol: str | None, side: str | None) -> str:
    of = symbol or "market"
    return of if side is None else f"{of} {side}"

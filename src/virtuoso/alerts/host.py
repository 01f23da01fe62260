"""Judges the machine: processors, memory, disk, a late event loop, too many crashes.

How long one must hold is the `for` of its kind's policy. Once it has fired, it is over only when the value
is clearly below the threshold again; before that, falling below the threshold ends the wait.
"""

from dataclasses import dataclass
from typing import Final

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.model.alerts.incident import Severity

POINTS: Final = 5.0
"""Percentage points below the threshold at which an incident is over."""
_LAG_RATIO: Final = 0.9
"""The same for the loop's lag: of the threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """How the machine is. `None` is unknown, and changes nothing.

    Attributes:
        cpu_pct: of all processors.
        memory_pct: of the machine's memory.
        disk_pct: of the disk of the data folder.
        loop_lag_ms: 95th percentile.
    """

    cpu_pct: float | None
    memory_pct: float | None
    disk_pct: float | None
    loop_lag_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLimits:
    """From which value each counts, in the units of `HostState`."""

    cpu_pct: float
    memory_pct: float
    disk_pct: float
    loop_lag_ms: float


def observe_host(log: IncidentLog, state: HostState, limits: HostLimits, now_ms: int) -> None:
    """Judge the machine; call it every few seconds."""
    for kind, what, value, limit in (
        ("cpu", "of all processors' time is taken", state.cpu_pct, limits.cpu_pct),
        ("memory", "of what this machine has is in use", state.memory_pct, limits.memory_pct),
        ("disk", "of what the data folder lies on is in use", state.disk_pct, limits.disk_pct),
    ):
        text = "" if value is None else f"{value:.0f} % {what} (threshold {limit:g} %)"
        _observe(log, kind, value, limit, limit - POINTS, text, now_ms)
    lag, limit = state.loop_lag_ms, limits.loop_lag_ms
    text = "" if lag is None else f"the event loop is {lag:.0f} ms late (95th percentile; threshold {limit:g} ms)"
    _observe(log, "loop_lag", lag, limit, limit * _LAG_RATIO, text, now_ms)


def observe_crashes(log: IncidentLog, crashes: int, most: int, within_s: float, now_ms: int) -> None:
    """Judge how often the monitor ended without having been stopped within the last `within_s` seconds."""
    text = f"the monitor crashed and was restarted {crashes} times within {within_s / 60:.0f} min (threshold {most})"
    if crashes >= most:
        details = {"crashes": crashes, "threshold": most, "within_s": within_s}
        log.fire("restarts", Severity.CRITICAL, text, now_ms, value=float(crashes), details=dict(details))
    else:
        log.resolve("restarts", now_ms)


def _observe(
    log: IncidentLog, kind: str, value: float | None, limit: float, over: float, text: str, now_ms: int
) -> None:
    if value is None:
        return
    if value >= limit or (value > over and _is_open(log, kind)):
        details = {"value": round(value, 1), "threshold": limit}
        log.fire(kind, Severity.WARNING, text, now_ms, value=value, details=dict(details))
    else:
        log.resolve(kind, now_ms)


def _is_open(log: IncidentLog, kind: str) -> bool:
    return any(incident.kind == kind for incident in log.open())

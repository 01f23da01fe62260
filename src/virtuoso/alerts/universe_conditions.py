"""Judges the universe: a list that is doubted, a configured name that is not listed, nothing to watch."""

from collections.abc import Mapping
from dataclasses import dataclass

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.model.alerts.incident import Details, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseState:
    """What is wrong with the universe now.

    Attributes:
        doubts: by list (`instruments`, `tickers`) why it is not believed, and the numbers.
        empty: why nothing is watched; `None` while something is.
        unknown: by name of `universe.include`, that the exchange does not list it and which may be meant.
    """

    doubts: Mapping[str, tuple[str, Details]]
    empty: str | None
    unknown: Mapping[str, str]


def observe_universe(log: IncidentLog, state: UniverseState, now_ms: int) -> None:
    """Open an incident of the universe when each thing begins, and resolve it when that is over."""
    unknown: dict[str, tuple[str, Details]] = {name: (text, {"include": name}) for name, text in state.unknown.items()}
    _observe(log, "list_doubted", Severity.WARNING, state.doubts, now_ms)
    _observe(log, "include_unknown", Severity.WARNING, unknown, now_ms)
    if state.empty is None:
        log.resolve("universe_empty", now_ms)
    else:
        log.fire("universe_empty", Severity.CRITICAL, state.empty, now_ms)


def _observe(
    log: IncidentLog, kind: str, severity: Severity, wrong: Mapping[str, tuple[str, Details]], now_ms: int
) -> None:
    """Open an incident for each part that is wrong, and resolve the others."""
    for part, (text, details) in wrong.items():
        log.fire(kind, severity, text, now_ms, part=part, details=details)
    for part in log.open_parts(kind):
        if part not in wrong:
            log.resolve(kind, now_ms, part=part)

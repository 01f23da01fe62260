"""Keeps the path of an incident: the latest decisions about it, and the first notice that people had of it."""

from collections.abc import Sequence

from virtuoso.model.alerts.incident import Step

MOST = 30
_NOTIFIED = "notified: notice "
_BEGINNINGS = (_NOTIFIED, "told: notice ")
"""How the reason of such a step begins, and how it did in databases of earlier versions."""


def lengthened(path: tuple[Step, ...], steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Append steps and keep the latest 30. Withheld again for the same reason, it keeps its path as it is.

    The step of the first notice stays in any case: a restart reads it.
    """
    if not path:
        return steps
    latest = steps[-1]
    if not latest.passed and (path[-1].stage, path[-1].reason) == (latest.stage, latest.reason):
        return path
    longer = path + steps
    if len(longer) <= MOST:
        return longer
    kept = longer[-MOST:]
    first = _first_notified(longer)
    return kept if first is None or first in kept else (first, *kept[1:])


def notified_step(at_ms: int, stage: str, notice: str, channels: Sequence[str]) -> Step:
    """Make the step that says by which notice, and through which channels, people were notified."""
    return Step(at_ms, stage, passed=True, reason=f"{_NOTIFIED}{notice} to {', '.join(channels)}")


def first_notice(path: tuple[Step, ...]) -> str | None:
    """Return the id of the first notice of it; `None` where people were never notified."""
    step = _first_notified(path)
    return None if step is None else step.reason.partition(": notice ")[2].partition(" ")[0]


def _first_notified(path: tuple[Step, ...]) -> Step | None:
    return next((step for step in path if step.passed and step.reason.startswith(_BEGINNINGS)), None)

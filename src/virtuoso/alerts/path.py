"""The path of an incident: what was decided about it, bounded; and what it says about where it was told."""

from collections.abc import Sequence

from virtuoso.model.alerts.incident import Step

MOST = 30
_TOLD = "told: notice "


def lengthened(path: tuple[Step, ...], steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The latest 30. A second look that withholds it for the reason of the first leaves no trace.

    The step that tells of the first notice is kept in any case: a restart reads it.
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
    first = _first_told(longer)
    return kept if first is None or first in kept else (first, *kept[1:])


def told_step(at_ms: int, stage: str, notice: str, channels: Sequence[str]) -> Step:
    """It was told by this notice."""
    return Step(at_ms, stage, passed=True, reason=f"{_TOLD}{notice} to {', '.join(channels)}")


def first_notice(path: tuple[Step, ...]) -> str | None:
    """The id of the notice that told of it first."""
    step = _first_told(path)
    return None if step is None else step.reason[len(_TOLD) :].partition(" ")[0]


def _first_told(path: tuple[Step, ...]) -> Step | None:
    return next((step for step in path if step.passed and step.reason.startswith(_TOLD)), None)

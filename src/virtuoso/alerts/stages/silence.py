"""Silence: withholds what somebody does not want to be notified of for a time."""

import re
from collections.abc import Callable, Sequence
from fnmatch import translate

from virtuoso.alerts.stages.stage_state import Matcher, Split, StageState, Withheld
from virtuoso.model.alerts.incident import Incident, Silence


def matcher_of(silence: Silence) -> Matcher:
    """Make a silence ready to be tried on many incidents."""
    plain = {name: wanted for name, wanted in silence.matcher.items() if not {"*", "?"} & set(wanted)}
    like = [(name, _pattern(wanted)) for name, wanted in silence.matcher.items() if name not in plain]
    severity = plain.pop("severity", None)  # it is no label
    if severity is not None:
        like.append(("severity", severity.__eq__))
    return Matcher(silence, plain.items(), tuple(like))


def silence(events: Sequence[Incident], state: StageState, now_ms: int) -> Split:  # noqa: ARG001 - one signature
    """Withhold what a silence in force matches until it ends. Nobody is notified of what began and ended under it."""
    if not state.silences:
        return Split(events, ())
    passed, withheld = [], []
    for incident in events:
        by = _by(incident, state.silences)
        if by is None:
            passed.append(incident)
        else:
            for_now = incident.resolved_ms is None or incident.notified is not None
            withheld.append(Withheld(incident, f"silenced: {by.id} by {by.author}", for_now))
    return Split(passed, withheld)


def _by(incident: Incident, silences: Sequence[Matcher]) -> Silence | None:
    """Return the first silence that matches the incident, or `None`."""
    labels = incident.labels
    items = labels.items()
    for silence, equal, like in silences:
        if equal <= items:
            for name, test in like:
                value = labels.get(name) if name != "severity" else incident.severity.value
                if value is None or not test(value):
                    break
            else:
                return silence
    return None


def _pattern(wanted: str) -> Callable[[str], object]:
    return re.compile(translate(wanted.replace("[", "[[]"))).match  # `*` and `?` only

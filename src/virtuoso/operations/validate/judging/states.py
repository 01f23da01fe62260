"""The status documents of a window as a series: counters that only rise, intervals, and how long something was so."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from virtuoso.operations.validate.reducing import FEED
from virtuoso.operations.validate.samples import Sample, Samples, moment


@dataclass(frozen=True, slots=True)
class State:
    """A status document, and when it was received (epoch ms)."""

    at_ms: float
    body: dict[str, Any]

    def of(self, *path: str) -> Any:
        """A value by its path; `None` where there is none."""
        found: Any = self.body
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def number(self, *path: str) -> float | None:
        """A number by its path; `None` of anything else."""
        found = self.of(*path)
        return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def states(samples: Samples) -> list[State]:
    """The status documents that came, in their order; those of before the first publication left out."""
    found = []
    for sample in samples.status:
        if sample.status == 200 and isinstance(sample.body, dict) and (at_ms := moment(sample.at)) is not None:
            state = State(at_ms, sample.body)
            if (moment(state.of("timestamp")) or 0) > 0:
                found.append(state)
    return found


def risen(found: list[State], *path: str) -> float | None:
    """By how much a counter rose over the series; a restart begins it anew."""
    values = (state.number(*path) for state in found)
    return rises([value for value in values if value is not None])


def rises(values: Sequence[float]) -> float | None:
    """By how much a counter rose over its values; a lower one began anew. `None` of fewer than two values."""
    if len(values) < 2:
        return None
    return sum(now - before if now >= before else now for before, now in pairwise(values))


def rises_by_name(counters: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """By how much each counter of dictionaries rose, those that did; one that is not there is 0."""
    names = dict.fromkeys(name for each in counters for name in each)
    return {name: rose for name in names if (rose := rises([each.get(name, 0) for each in counters]))}


def risen_by_name(found: list[State], *path: str) -> dict[str, float]:
    """By how much each counter of a dictionary in the status rose."""
    return rises_by_name([state.of(*path) or {} for state in found])


def lasted(found: list[State], holds: Callable[[State], bool]) -> float:
    """For how many seconds on end something was so at most, as far as samples tell: each stands until the next one."""
    longest = run = 0.0
    for before, now in pairwise(found):
        run = run + (now.at_ms - before.at_ms) / 1000 if holds(before) else 0.0
        longest = max(longest, run)
    return longest


def feed(state: State, topic: str, field: str) -> Any:
    """A field of a feed; `None` where there is no such feed."""
    fields = (state.of("feeds") or {}).get(topic)
    return None if fields is None else fields[FEED[field]]


def topics(found: list[State]) -> list[str]:
    """Every topic that was watched at some time."""
    return sorted({topic for state in found for topic in state.of("feeds") or {}})


def passes(found: list[State]) -> Iterator[tuple[float, int]]:
    """When passes succeeded (epoch ms by the deployment's clock), each with how many were counted since the last."""
    before: State | None = None
    for state in found:
        done, count = moment(state.of("cycle", "last_success")), state.number("cycle", "count")
        if done is None or count is None:
            continue
        if before is None:
            yield done, 1
            before = state
        elif done > (moment(before.of("cycle", "last_success")) or 0):
            rise = count - (before.number("cycle", "count") or 0)
            yield done, int(rise) if rise > 0 else 1
            before = state


def intervals(found: list[State]) -> list[float]:
    """Seconds from one successful pass to the next; where several passed unseen, their mean that many times."""
    done = list(passes(found))
    return [
        (now - before) / 1000 / max(1, count)
        for (before, _), (now, count) in pairwise(done)
        for _ in range(max(1, min(count, 1_000)))
    ]


def times(samples: list[Sample]) -> list[float]:
    """How long the answers took that came, ms."""
    return [one.took_ms for one in samples if one.took_ms is not None and one.status is not None]

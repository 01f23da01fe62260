"""Times of documents: with a zone, inside the window, and moving."""

from collections.abc import Iterator
from typing import Any, Final

from virtuoso.model.clock import iso
from virtuoso.model.text.numbers import UNKNOWN
from virtuoso.operations.validate.judging.states import states
from virtuoso.operations.validate.judging.words import Judge, naming, seconds
from virtuoso.operations.validate.report import Section, Table
from virtuoso.operations.validate.samples import (
    ALERTS,
    DASHBOARD,
    OVERVIEW,
    SIGNALS,
    STATUS,
    Samples,
    assumed_utc,
    moment,
    naive,
)

_FRESH_S: Final = 60.0
_AHEAD_S: Final = 5.0
_PASSES: Final = 3
"""So many intervals, and a minute at least, a document may stand still that is published with every pass."""
_MOVES: Final = {
    OVERVIEW: ("timestamp",), SIGNALS: ("timestamp",), STATUS: ("timestamp",),
    DASHBOARD: ("system_status", "last_update"),
}  # fmt: skip
"""Where a document says when it was published, of those that are published with every pass."""


def freshness(samples: Samples) -> Section:
    """Times of documents: with a zone, inside the window, and moving."""
    judge = Judge("Freshness")
    rows, oldest_s = [], _oldest_s(samples)
    for path, place in _MOVES.items():
        answers = samples.good(path) if path != STATUS else [one for one in samples.status if one.status == 200]
        told = [(moment(one.at), _at(one.body, place)) for one in answers]
        if told:
            rows.append(_freshness_of(judge, samples, path, told, oldest_s))
    without = naming(
        f"{path} says `{said}`" for path, said in _every_time(samples) if naive(said)
    )  # fmt: skip
    judge.holds(
        "every time says its zone", not without if rows else None,
        f"naive times: {without}" if without else "every one does" if rows else "no document with a time came",
        "write times in UTC with Z: a naive one is of any zone",
    )  # fmt: skip
    columns = ("document", "answers", "first", "last", "distinct", "oldest")
    table = Table(title="When documents were published", columns=columns, rows=tuple(rows))
    return Section(title="Data freshness", tables=(table,), checks=tuple(judge.checks))


def _freshness_of(
    judge: Judge, samples: Samples, path: str, told: list[tuple[float | None, Any]], oldest_s: float
) -> tuple[str, ...]:  # fmt: skip
    known = [(at, at_said) for at, said in told if (at_said := assumed_utc(said)) is not None]
    distinct = len({said for _, said in known})
    ages = [(at - said) / 1000 for at, said in known if at is not None]
    outside = [said for _, said in known if not _within(samples, said, oldest_s)]
    if not known:
        judge.holds(f"{path} says when it was published", None, "it holds no time")
    else:
        judge.holds(
            f"times of {path} lie in the window", not outside,
            f"{len(known) - len(outside)} of {len(known)} do"
            f"{'; not ' if outside else ''}{iso(outside[0]) if outside else ''}",
            "it is not published any more, or by another clock",
        )  # fmt: skip
    if ages:
        judge.holds(
            f"{path} is fresh whenever it is asked for", max(ages) <= oldest_s, f"at most {seconds(max(ages))} old",
            "it stood still for a while, or is published by another clock",
        )  # fmt: skip
    if len(known) < 2:
        judge.unknown(f"times of {path} move", "it was asked once: nobody can see whether it moves")
    elif samples.seconds >= _FRESH_S or distinct > 1:
        judge.holds(
            f"times of {path} move", distinct > 1, f"{distinct} distinct times in {len(known)} answers",
            "the document is not published any more",
        )  # fmt: skip
    first, last = (iso(known[0][1]), iso(known[-1][1])) if known else (None, None)
    oldest = seconds(max(ages)) if ages else UNKNOWN
    return (path, str(len(told)), first or UNKNOWN, last or UNKNOWN, str(distinct), oldest)


def _oldest_s(samples: Samples) -> float:
    """How old a document may be that is published with every pass."""
    found = states(samples)
    interval_s = found[-1].number("cycle", "interval_configured") if found else None
    return max(_FRESH_S, _PASSES * (interval_s or 0.0))


def _within(samples: Samples, said: float, oldest_s: float) -> bool:
    return samples.began_ms - oldest_s * 1000 <= said <= samples.ended_ms + _AHEAD_S * 1000


def _at(body: Any, place: tuple[str, ...]) -> Any:
    for name in place:
        body = body.get(name) if isinstance(body, dict) else None
    return body


def _every_time(samples: Samples) -> Iterator[tuple[str, Any]]:
    for path, answers in samples.answers.items():
        for one in answers[:3]:
            for said in _times_in(one.body):
                yield path, said
    for item in samples.incidents.values():
        yield ALERTS, item.get("timestamp")


def _times_in(body: Any, depth: int = 0) -> Iterator[Any]:
    if depth > 4:
        return
    if isinstance(body, dict):
        for name, value in body.items():
            if name in {"timestamp", "last_update"}:
                yield value
            else:
                yield from _times_in(value, depth + 1)
    elif isinstance(body, list):
        for value in body[:50]:
            yield from _times_in(value, depth + 1)

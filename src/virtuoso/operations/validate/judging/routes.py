"""Every documented route: whether it answers, how fast, how fresh, and whether what it says moves."""

from collections.abc import Iterator
from typing import Final

from virtuoso.model.text.numbers import UNKNOWN, counted
from virtuoso.operations.validate.judging.states import times
from virtuoso.operations.validate.judging.words import Judge, ms, naming, percent, rank, seconds
from virtuoso.operations.validate.report import Section, Table
from virtuoso.operations.validate.samples import (
    HEALTH,
    Route,
    Sample,
    Samples,
    moment,
)

_SLOW_MS: Final = 1_000.0


def good(sample: Sample) -> bool:
    """Whether an answer is as documented: of `/health`, also that something is wrong."""
    if sample.status == 503 and sample.path.startswith(HEALTH):
        return isinstance(sample.body, dict)
    return sample.status is not None and 200 <= sample.status < 300


def asked(samples: Samples) -> list[Route]:
    """The documented routes that were asked for."""
    return [route for route in samples.routes if route.method == "GET" and samples.answers.get(route.path)]


def availability(samples: Samples) -> float | None:
    """Share of documented routes all whose answers were good, percent; `None` where none was asked."""
    routes = asked(samples)
    if not routes:
        return None
    return 100 * sum(all(map(good, samples.answers[route.path])) for route in routes) / len(routes)


def api(samples: Samples) -> Section:
    """Each documented route with its status, latency and freshness."""
    judge = Judge("API")
    routes = asked(samples)
    bad = [
        f"{route.path} ({_statuses(samples.answers[route.path])})" for route in routes if not _all_good(samples, route)
    ]
    judge.holds(
        "every documented route answers", not bad if routes else None,
        f"{len(routes) - len(bad)} of {counted(len(routes), 'route')} always did"
        f"{': not ' if bad else ''}{naming(bad)}" if routes else "no route was asked",
        "ask each of them by hand, and read its problem document",
    )  # fmt: skip
    unasked = [route for route in samples.routes if route.method == "GET" and not samples.answers.get(route.path)]
    for route in unasked:
        judge.unknown(f"{route.path} answers", route.reason or "it was not asked before the window ended")
    _changing(judge, samples)
    slow = {route.path: rank(times(samples.answers[route.path]), 0.95) for route in routes}
    late = [f"{path} ({ms(value)})" for path, value in slow.items() if value is not None and value > _SLOW_MS]
    known = any(value is not None for value in slow.values())
    judge.holds(
        "every route answers within a second", not late if known else None,
        f"95th percentile above it: {naming(late)}" if late else
        f"the slowest 95th percentile is {ms(max((v for v in slow.values() if v is not None), default=None))}"
        if known else "nobody measured how long answers took",
        "see the machine's load, loop lag and the stores",
    )  # fmt: skip
    text = (f"Availability: {percent(availability(samples))} of the documented routes answered every time.",)
    return Section(title="API", text=text, tables=(_table(samples),), checks=tuple(judge.checks))


def _changing(judge: Judge, samples: Samples) -> None:
    """Routes that change something are not called; `OPTIONS` says whether they are there."""
    answers = {one.path: one for one in samples.changing}
    lacking = []
    for path, one in answers.items():
        allowed = str(one.body or "") if isinstance(one.body, str) else ""
        if path.partition(" ")[0] not in allowed:
            lacking.append(f"{path} ({one.error or one.status})")
    if answers:
        judge.holds(
            "every documented operation that changes something is there", not lacking,
            f"{len(answers) - len(lacking)} of {len(answers)} are allowed by OPTIONS (none was called)"
            f"{': not ' if lacking else ''}{naming(lacking)}", "compare the OpenAPI document with the routes",
        )  # fmt: skip


def _all_good(samples: Samples, route: Route) -> bool:
    return all(map(good, samples.answers[route.path]))


def _statuses(answers: list[Sample]) -> str:
    """What else than good came: `404 each time`, `503 twice of 80`."""
    bad = [one for one in answers if not good(one)]
    said = naming(str(one.status or one.error) for one in bad)
    return f"{said}, {len(bad)} of {len(answers)} times"


def _table(samples: Samples) -> Table:
    rows = []
    for route in samples.routes:
        answers = samples.answers.get(route.path, []) if route.method == "GET" else []
        if not answers:
            said = "not called: it changes something" if route.method != "GET" else f"not asked: {route.reason}"
            rows.append((f"{route.method} {route.path}", said, *[UNKNOWN] * 5))
            continue
        took = times(answers)
        ages = list(_ages(answers))
        said = "good" if all(map(good, answers)) else _statuses(answers)
        age = seconds(max(ages) / 1000) if ages else UNKNOWN
        rows.append((
            f"GET {route.path}", said, str(len(answers)), ms(rank(took, 0.5)), ms(rank(took, 0.95)),
            ms(max(took, default=None)), age,
        ))  # fmt: skip
    titles = ("route", "answers", "asked", "median", "95th percentile", "slowest", "oldest")
    note = "oldest: greatest age of the document's own timestamp when it was received"
    return Table(title="Routes", columns=titles, rows=tuple(rows), note=note)


def _ages(answers: list[Sample]) -> Iterator[float]:
    """How old each document was by its own time, ms."""
    for one in answers:
        at, said = moment(one.at), moment(one.body.get("timestamp")) if isinstance(one.body, dict) else None
        if at is not None and said is not None and said > 0:
            yield at - said

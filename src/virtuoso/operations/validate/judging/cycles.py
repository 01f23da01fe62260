"""Stability: one process that ran through, and passes as often as configured."""

from virtuoso.model.text.numbers import UNKNOWN, counted, number_text
from virtuoso.operations.validate.judging.states import State, intervals, risen, states
from virtuoso.operations.validate.judging.words import Judge, mean, ms, naming, rank, seconds
from virtuoso.operations.validate.report import Section, Table
from virtuoso.operations.validate.samples import HEALTH, Samples, moment

_LATE = 1.25
"""Passes may be this much slower than configured, on the mean."""
_GAP = 3.0
_MOST_BEHIND_MS = 60_000


def deployment(samples: Samples) -> Section:
    """What runs there, and whether it ran through."""
    judge, found = Judge("Deployment"), states(samples)
    if not found:
        judge.holds("the deployment says what it is", None, "no status document came")
        return Section(title="Deployment", checks=tuple(judge.checks))
    instances = list(
        dict.fromkeys(f"{state.of('instance')} since {state.of('build', 'started_at')}" for state in found)
    )
    judge.holds(
        "one process ran through the window", len(instances) == 1,
        f"{counted(len(instances), 'instance')}, up for {seconds(found[-1].number('uptime_s'))} at the end",
        "it was restarted: read the end of the log before each start",
    )  # fmt: skip
    _uptime(judge, found)
    last = found[-1]
    exchange = " ".join(str(last.of("exchange", name)) for name in ("name", "category", "mode"))
    rows = (
        ("version", str(last.of("build", "version") or UNKNOWN)),
        ("Python", str(last.of("build", "python") or UNKNOWN)),
        ("started", str(last.of("build", "started_at") or UNKNOWN)),
        ("exchange", f"{exchange}; its data is `{last.of('data_source')}`"),
        ("state at the end", str(last.of("state"))),
    )  # fmt: skip
    table = Table(title="What runs", columns=("what", "is"), rows=rows)
    return Section(title="Deployment", tables=(table,), checks=tuple(judge.checks))


def _uptime(judge: Judge, found: list[State]) -> None:
    """Hold the uptime that it states against the window: a clock that lies shows here."""
    first, last = found[0], found[-1]
    then, now = first.number("uptime_s"), last.number("uptime_s")
    if then is None or now is None or last.at_ms - first.at_ms < 1000:
        judge.unknown("its uptime grows with the window", "fewer than two status documents came")
        return
    grew, passed = now - then, (last.at_ms - first.at_ms) / 1000
    judge.holds(
        "its uptime grows with the window", abs(grew - passed) <= max(2.0, 0.02 * passed),
        f"grew by {seconds(grew)} in {seconds(passed)}", "its clock runs at another speed, or it was restarted",
    )  # fmt: skip


def stability(samples: Samples) -> Section:
    """Passes: how many, how far apart, how long, against what is configured."""
    judge, found = Judge("Stability and cycle timing"), states(samples)
    if not found:
        judge.holds("cycles are completed", None if samples.statement else False, "no status document came")
        _health(judge, samples)
        return Section(title="Stability and cycles", checks=tuple(judge.checks))
    gaps, wanted = intervals(found), found[-1].number("cycle", "interval_configured")
    average = mean(gaps)
    failures, overruns = risen(found, "cycle", "failures"), risen(found, "cycle", "overruns")
    judge.holds(
        "cycles are completed", bool(gaps) or (wanted is not None and samples.seconds < 2 * wanted and None),
        f"{len(gaps) + bool(gaps)} were seen to succeed",
        "nothing is analysed: see `cycle.last_error` of the status, and the log",
    )  # fmt: skip
    judge.holds(
        "no cycle fails", None if failures is None else failures == 0,
        f"{number_text(failures)} failed: {found[-1].of('cycle', 'last_error')}" if failures else "none failed",
        "read `cycle.last_error` and the log",
    )  # fmt: skip
    if average is not None and wanted:
        judge.holds(
            "cycles come as often as configured", average <= _LATE * wanted,
            f"every {seconds(average)} on the mean; configured are {seconds(wanted)}",
            "see which stage takes the time (`cycle.stages`), and which key sets the interval",
        )  # fmt: skip
        judge.holds(
            "no cycle is left out", max(gaps) <= _GAP * wanted,
            f"the longest gap was {seconds(max(gaps))}; {number_text(overruns)} were skipped as overruns",
            "something held the monitor up: see stages, loop lag and the machine's load",
        )  # fmt: skip
    _health(judge, samples)
    return Section(
        title="Stability and cycles", tables=(_timing(gaps, wanted), _stages(found[-1])), checks=tuple(judge.checks)
    )


def _health(judge: Judge, samples: Samples) -> None:
    answers = samples.answers.get(HEALTH, [])
    bodies = [one.body for one in answers if isinstance(one.body, dict)]
    wrong = [str(reason) for body in bodies if body.get("status") != "healthy" for reason in body.get("reasons") or ()]
    bad = sum(body.get("status") != "healthy" for body in bodies)
    if bodies:
        judge.holds(
            "it is healthy by its own word", bad == 0,
            f"{bad} of {len(bodies)} answers of /health say otherwise{': ' if wrong else ''}{naming(wrong)}",
            "the reasons stand in /health",
        )  # fmt: skip
    if bodies and all("last_cycle_age_s" not in body for body in bodies):
        judge.observed(
            "health is more than a constant", "/health tells no age of a cycle: it would say the same of a standstill",
            "let it be judged by the age of the last successful cycle",
        )  # fmt: skip


def _timing(gaps: list[float], wanted: float | None) -> Table:
    rows = [
        ("intervals seen", str(len(gaps))),
        ("configured", seconds(wanted)),
        ("shortest", seconds(min(gaps, default=None))),
        ("mean", seconds(mean(gaps))),
        ("95th percentile", seconds(rank(gaps, 0.95))),
        ("longest", seconds(max(gaps, default=None))),
    ]
    note = "a pass is also made as a minute closes, between two of those that come by the interval"
    return Table(title="From one pass to the next", columns=("interval", "is"), rows=tuple(rows), note=note)


def _stages(last: State) -> Table:
    stages = {**(last.of("cycle", "stages") or {}), "event loop late by": last.of("loop_lag_ms")}
    rows = tuple(
        (name, *(ms(times.get(key)) for key in ("p50", "p95", "max"))) for name, times in stages.items()
        if isinstance(times, dict)
    )  # fmt: skip
    return Table(
        title="What a pass takes", columns=("stage", "median", "95th percentile", "longest"), rows=rows,
        note="of the last 500 passes, as the status says",
    )  # fmt: skip


def fetching(samples: Samples) -> Section:
    """Requests to the exchange: how many, how long, and whether that is possible."""
    judge, found = Judge("Fetching"), states(samples)
    requests, waits = risen(found, "rate_budget", "requests"), risen(found, "rate_budget", "waits")
    slowest = [value for state in found if (value := state.number("cycle", "slowest_fetch_ms"))]
    size = found[-1].number("universe", "size") if found else None
    failed = {str(name): str(why) for state in found for name, why in (state.of("universe", "failed") or {}).items()}
    if found:
        judge.holds(
            "every watched symbol is fetched and scored", not failed,
            naming(f"{name}: {why}" for name, why in failed.items()) or f"{number_text(size)} symbols, none failed",
            "the reasons stand in `universe.failed` of the status",
        )  # fmt: skip
        late = max((state.at_ms - ((moment(state.of("timestamp"))) or 0) for state in found), default=0.0)
        judge.holds(
            "the status is published at its pace", abs(late) <= _MOST_BEHIND_MS,
            f"at most {seconds(late / 1000)} old when it was received", "the monitor publishes late, or not at all",
        )  # fmt: skip
    rows = (
        ("symbols watched", number_text(size)),
        ("REST requests in the window", number_text(requests)),
        ("of them had to wait for the rate budget", number_text(waits)),
        ("slowest fetch of a refresh", ms(max(slowest, default=None))),
    )
    table = Table(
        title="Requests", columns=("what", "is"), rows=rows,
        note="while streams deliver nothing is fetched in a pass: a fetch of 0 ms means that none was needed",
    )  # fmt: skip
    return Section(title="Parallel fetching", tables=(table,), checks=tuple(judge.checks))

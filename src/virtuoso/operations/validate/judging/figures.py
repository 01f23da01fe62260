"""The numbers that a summary states: of the samples themselves, and of a statement that somebody made of them."""

from typing import Final

from virtuoso.operations.validate.judging.logs import errors, fetches
from virtuoso.operations.validate.judging.routes import asked, availability
from virtuoso.operations.validate.judging.states import State, intervals, risen, states, times
from virtuoso.operations.validate.judging.words import mean, rank
from virtuoso.operations.validate.report import Figures
from virtuoso.operations.validate.samples import STATUS, Samples, Statement, assumed_utc

OURS: Final = "this report"
MONITOR: Final = "monitor"
"""The role of the process that there must be one of."""


def measured(samples: Samples) -> Figures:
    """Work out the figures that the samples show."""
    found = states(samples)
    listed = samples.processes[-1].processes if samples.processes else ()
    monitors = tuple(item.pid for item in listed if item.role == MONITOR)
    count = risen(found, "cycle", "count")
    elapsed = (found[-1].at_ms - found[0].at_ms) / 1000 if len(found) > 1 else None
    return Figures(
        source=OURS,
        window_s=samples.seconds if samples.run.window_s is not None else None,
        elapsed_s=elapsed,
        cycles=None if count is None else round(count),
        interval_s=mean(intervals(found)),
        wanted_s=found[-1].number("cycle", "interval_configured") if found else None,
        skipped=round(risen(found, "cycle", "overruns") or 0),
        available_pct=availability(samples),
        processes=len(monitors) if samples.processes else None,
        pids=monitors,
        role=MONITOR,
        symbols=None if not found else round(found[-1].number("universe", "size") or 0),
        fetches=(*fetches(samples.log), *_slowest(found)) if samples.run.here else (),
        round_trip_ms=min(times(samples.exchange), default=None),
        errors=errors(samples.log) if any(file.name == "log.txt" for file in samples.files) else None,
    )


def _slowest(found: list[State]) -> tuple[tuple[int, float], ...]:
    """The slowest request of each refresh that needed one and got all it asked for, as (1, seconds).

    While the exchange answers nothing it is not asked either, which takes no time.
    """
    whole = (state for state in found if not state.of("universe", "failed"))
    told = dict.fromkeys(state.number("cycle", "slowest_fetch_ms") for state in whole)
    return tuple((1, value / 1000) for value in told if value)


def stated(statement: Statement, samples: Samples) -> Figures:
    """The figures that somebody states of the same time."""
    began, ended = assumed_utc(statement.began), assumed_utc(statement.ended)
    gaps = statement.cycle_intervals_s
    return Figures(
        source=statement.source,
        window_s=statement.window_s,
        elapsed_s=None if began is None or ended is None else (ended - began) / 1000,
        cycles=statement.cycles,
        interval_s=statement.interval_s if statement.interval_s is not None else mean(gaps),
        wanted_s=statement.interval_wanted_s,
        available_pct=statement.available_pct,
        processes=statement.processes,
        pids=statement.pids,
        role=statement.role,
        symbols=statement.symbols,
        fetches=tuple((each.symbols, each.total_s) for each in statement.fetches),
        round_trip_ms=min(times(samples.exchange), default=None),
        errors=statement.errors,
    )


def measures(samples: Samples, figures: Figures) -> dict[str, float]:
    """What a later validation compares itself with, by name; what is not known is left out."""
    found = states(samples)
    known: dict[str, float | None] = {
        "cycle interval, s": figures.interval_s,
        "cycle, 95th percentile, ms": found[-1].number("cycle", "stages", "total", "p95") if found else None,
        "loop lag, 95th percentile, ms": found[-1].number("loop_lag_ms", "p95") if found else None,
        "memory of the monitor, MB": found[-1].number("memory_mb") if found else None,
        **{f"GET {route.path}, 95th percentile, ms": rank(times(samples.answers[route.path]), 0.95)
           for route in asked(samples)},
    }  # fmt: skip
    if samples.status:
        known[f"GET {STATUS}, median, ms"] = rank(times(samples.status), 0.5)
    return {name: round(value, 3) for name, value in known.items() if value is not None}

"""The embedded time series: bars of 600 symbols committed minute by minute, and read back, beside other files."""

from contextlib import ExitStack

from benchmarks.environments import LOCKS, python_of
from benchmarks.figures import Section, Series, Target
from benchmarks.processes import own_module, worker

OURS, KEYED, TABLE, PARQUET, DUCKDB = (
    "virtuoso, embedded store", "SQLite keyed by symbol and time", "SQLite without a key",
    "Parquet, a row group a minute",
    "DuckDB, primary key",
)  # fmt: skip
WARM_UP = "virtuoso, last 300 bars of 600 symbols × 4 timeframes"


def measure(rounds: int) -> list[Section]:
    """By turns: an hour of minutes each, and a day of one symbol's minutes read."""
    section = Section("timeseries", "Time series in files: bars of 600 symbols, a commit each minute")
    driver = own_module("benchmarks.drivers.timeseries")
    commands = {
        OURS: [*driver, "virtuoso"],
        KEYED: [*driver, "keyed"],
        TABLE: [*driver, "table"],
        PARQUET: [*driver, "parquet"],
        DUCKDB: [str(python_of("duckdb")), str(LOCKS / "duckdb_driver.py")],
        WARM_UP: [*driver, "warm-up"],
    }
    answers: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
    with ExitStack() as stack:
        workers = {name: stack.enter_context(worker(command)) for name, command in commands.items()}
        for name, one in workers.items():  # made ready before any is measured
            answers[name].append(one.sample())
        for found in answers.values():
            found.clear()
        for _ in range(rounds):
            for name, one in workers.items():
                answers[name].append(one.sample())
    rates = {name: _series(name, "rows/s", "rate", found) for name, found in answers.items() if name != WARM_UP}
    commits = [_series(f"{name}, a commit", "ms", "commit_ms", answers[name]) for name in rates]
    reads = {name: _series(f"{name}, a symbol's minutes read", "ms", "read_ms", answers[name])
             for name in (OURS, KEYED, DUCKDB)}  # fmt: skip
    warm = _series(WARM_UP, "s", "seconds", answers[WARM_UP])
    section.series += [*rates.values(), *commits, *reads.values(), warm]
    section.targets += [
        Target.value("rows committed, 600 at a time", "≥", 200_000.0, rates[OURS]),
        Target.ratio("virtuoso over SQLite keyed by symbol and time", "≥", 2.0, rates[OURS], rates[KEYED]),
        Target.ratio("virtuoso over DuckDB", "≥", 2.0, rates[OURS], rates[DUCKDB]),
        Target.ratio("SQLite without a key over virtuoso", "≤", 3.0, rates[TABLE], rates[OURS]),
        Target.value("a day of one symbol's minutes read", "≤", 2.0, reads[OURS]),
        Target.value("warm-up read", "≤", 1.0, warm),
    ]
    section.notes += [
        "Ours is measured from `write` to `settle`: through the event loop, the queue and the writing thread.",
        "A Parquet file can be read only once it is closed, and is not synced; a table without a key finds nothing.",
    ]
    return [section]


def _series(name: str, unit: str, key: str, answers: list[dict[str, float]]) -> Series:
    return Series(name, unit, [answer[key] for answer in answers])

"""Rows of every measurement, an oracle that remembers them, and a store over a real server."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.servers import Server
from virtuoso.model.clock import SystemClock
from virtuoso.storage.timeseries.influx.store import InfluxStore
from virtuoso.storage.timeseries.protocol import Tags, TimeSeries
from virtuoso.storage.timeseries.schema import MEASUREMENTS, Measurement, Row

START_MS = 1_767_225_600_000
MINUTE_MS = 60_000
DATABASE = "virtuoso"

Kept = dict[str, dict[tuple[Tags, int], tuple[Any, ...]]]


def store_for(server: Server | str, folder: Path, **options: Any) -> InfluxStore:
    """A store with short waits."""
    address = server if isinstance(server, str) else server.address
    settings: dict[str, Any] = {"version": 1, "database": DATABASE, "flush_s": 0.05, "timeout_s": 5.0, **options}
    return InfluxStore(url=f"http://{address}", spool=folder / "spool", clock=SystemClock(), **settings)


@asynccontextmanager
async def running(server: Server | str, folder: Path, **options: Any) -> AsyncIterator[InfluxStore]:
    """A started store."""
    store = store_for(server, folder, **options)
    await store.start()
    try:
        yield store
    finally:
        await store.close()


def symbols(count: int) -> list[str]:
    """Names of pairs."""
    return [f"S{number:03d}USDT" for number in range(count)]


def rows_of_minute(minute: int, names: Sequence[str], seed: int = 0) -> dict[str, list[Row]]:
    """A minute's rows of every measurement; now and then a field is not known."""
    rng = np.random.default_rng([seed, minute])
    time_ms = START_MS + minute * MINUTE_MS

    def values(measurement: Measurement) -> tuple[Any, ...]:
        made: list[Any] = []
        for kind in measurement.fields.values():
            if made and rng.random() < 0.05:
                made.append(None)
            elif kind is float:
                made.append(float(rng.lognormal(3, 4)))
            elif kind is int:
                made.append(int(rng.integers(-5, 1_000_000)))
            elif kind is bool:
                made.append(bool(rng.random() < 0.5))
            else:
                made.append(str(rng.choice(["LONG", "SHORT", "a b", 'x"y\\,=', "neutral"])))
        return tuple(made)

    tags: dict[str, list[Tags]] = {
        "bars": [(name, "1m") for name in names],
        "tickers": [(name,) for name in names],
        "factors": [(name,) for name in names],
        "signals": [(name,) for name in names[minute % 7 :: 50]],
        "market": [()],
        "cycles": [()],
        "feeds": [("kline",), ("tickers",)],
    }
    kinds = MEASUREMENTS.items()
    return {name: [(time_ms, *one, *values(measurement)) for one in tags[name]] for name, measurement in kinds}


class Oracle:
    """What was given to a store."""

    def __init__(self) -> None:
        self.kept: Kept = {name: {} for name in MEASUREMENTS}
        self.rows = 0

    def write(self, store: TimeSeries, minute: dict[str, list[Row]]) -> None:
        """Give a minute to the store, and remember it."""
        for name, rows in minute.items():
            measurement = MEASUREMENTS[name]
            self.remember(measurement, rows)
            store.write(measurement, rows)

    def remember(self, measurement: Measurement, rows: Iterable[Row]) -> None:
        """A field that is not known leaves the earlier one, as InfluxDB has it."""
        kept, first = self.kept[measurement.name], 1 + len(measurement.tags)
        for row in rows:
            key, values = (row[1:first], row[0]), row[first:]
            if key in kept:
                values = tuple(old if new is None else new for old, new in zip(kept[key], values, strict=True))
            kept[key] = values
            self.rows += 1

    def sums(self) -> dict[tuple[str, Tags], tuple[int, float]]:
        """Of each series: rows, and a checksum of its values."""
        return _sums(self.kept)


def checksum(time_ms: int, values: Sequence[Any]) -> float:
    """Of a row; every bit of every value counts, in its place."""
    return float(hash((time_ms, *values)) % 1_000_003)


def _sums(kept: Kept) -> dict[tuple[str, Tags], tuple[int, float]]:
    sums: dict[tuple[str, Tags], tuple[int, float]] = {}
    for name, rows in kept.items():
        for (tags, time_ms), values in rows.items():
            count, total = sums.get((name, tags), (0, 0.0))
            sums[name, tags] = (count + 1, total + checksum(time_ms, values))
    return sums


async def read_back(store: TimeSeries) -> Oracle:
    """Everything in the store."""
    found = Oracle()
    for measurement in MEASUREMENTS.values():
        for tags, rows in (await store.read(measurement, 0, START_MS * 2, tags={})).items():
            assert [row[0] for row in rows] == sorted(row[0] for row in rows)
            found.remember(measurement, [(row[0], *tags, *row[1:]) for row in rows])
    return found


def known(values: Iterable[Any]) -> tuple[Any, ...]:
    """As a store gives them back: not a number and infinite are not known."""
    return tuple(None if isinstance(v, float) and not math.isfinite(v) else v for v in values)


async def until(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Wait for a condition."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not condition():
        assert loop.time() - began < seconds, f"{what}: not within {seconds} s"
        await asyncio.sleep(0.01)


def bars(count: int, first: int = 0) -> list[Row]:
    """One a millisecond; the values number them."""
    return [(START_MS + number, "A", "1m", *[float(number)] * 7) for number in range(first, first + count)]


def counts(store: InfluxStore) -> dict[str, Any]:
    """As its status has them."""
    return store.status().counts


async def drained(store: InfluxStore, seconds: float = 60) -> None:
    """Wait until nothing is in the spool or in memory."""
    await until(lambda: not counts(store)["spooled"] and not counts(store)["pending"], "drained", seconds)

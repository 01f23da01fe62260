"""Rows for the embedded time series, and the same kept in a dictionary: the oracle of its tests."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from virtuoso.model.clock import Clock, ManualClock
from virtuoso.storage.timeseries.embedded.retention import Retention
from virtuoso.storage.timeseries.embedded.store import EmbeddedStore
from virtuoso.storage.timeseries.schema import Measurement, Row

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
START_MS = 1_779_667_200_000
"""2026-05-25T00:00:00Z, a Monday: days, weeks and years of files begin here or are cut by it."""
FOREVER = Retention(minutes=None, middle=None, hours=None, depth=None)


def bars(symbols: Sequence[str], times_ms: Sequence[int], timeframe: str = "1m", seed: int = 1) -> list[Row]:
    """Bars by time, then symbol, with values that tell which bar they are of."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(1, 100, (len(times_ms), len(symbols), 7)).tolist()
    return [
        (time_ms, symbol, timeframe, *values[i][j])
        for i, time_ms in enumerate(times_ms)
        for j, symbol in enumerate(symbols)
    ]


@asynccontextmanager
async def running_store(folder: Path, clock: Clock | None = None, **options: Any) -> AsyncIterator[EmbeddedStore]:
    """A store that keeps everything unless told otherwise, closed in the end."""
    options = {"retention": FOREVER, "min_free_bytes": 0, **options}
    store = EmbeddedStore(folder, clock=clock or ManualClock((START_MS + 10 * DAY_MS) * 10**6), **options)
    await store.start()
    try:
        yield store
    finally:
        await store.close()


async def kept(store: EmbeddedStore, measurement: Measurement, rows: Sequence[Row]) -> None:
    """Write, and wait until it is committed."""
    store.write(measurement, rows)
    assert await store.settle(60), store.status()


async def until(what: str, holds: Callable[[], Any], seconds: float = 30.0) -> None:
    """Wait for a condition."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.02)


class Oracle:
    """The last row of each key."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, tuple[str, ...], int], tuple[Any, ...]] = {}

    def write(self, measurement: Measurement, rows: Sequence[Row]) -> None:
        """Later rows replace earlier ones."""
        tags = len(measurement.tags)
        for row in rows:
            key: Any = row[1 : 1 + tags]
            self._rows[measurement.name, key, row[0]] = row[1 + tags :]

    def read(
        self, measurement: Measurement, first_ms: int, last_ms: int, tags: Mapping[str, Sequence[str]],
        fields: Sequence[str] | None = None, limit: int | None = None,
    ) -> dict[tuple[str, ...], list[Row]]:  # fmt: skip
        """As `TimeSeries.read` promises."""
        places = [list(measurement.fields).index(f) for f in (measurement.fields if fields is None else fields)]
        found: dict[tuple[str, ...], list[Any]] = {}
        for (name, series, time_ms), values in self._rows.items():
            if name != measurement.name or not first_ms <= time_ms <= last_ms:
                continue
            named = dict(zip(measurement.tags, series, strict=True))
            if all(named[tag] in allowed for tag, allowed in tags.items()):
                found.setdefault(series, []).append((time_ms, *(values[i] for i in places)))
        cut = 0 if limit is None else -limit
        return {series: sorted(rows)[cut:] for series, rows in found.items()}


def hour_of(symbol: str, hour_ms: int) -> list[Row]:
    """The sixty minutes of an hour."""
    return bars([symbol], [hour_ms + i * MINUTE_MS for i in range(60)], seed=hour_ms // HOUR_MS)

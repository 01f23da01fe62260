"""The embedded time series between processes: read while written, killed at any instant, and nothing lost by it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from tests.support import warm
from tests.support.embedded import DAY_MS, MINUTE_MS, START_MS, bars, kept, running_store
from tests.support.soak import SOAK

from virtuoso.storage.timeseries.embedded import partitions
from virtuoso.storage.timeseries.embedded.reader import EmbeddedReader
from virtuoso.storage.timeseries.schema import BARS

KILLS = 50 if SOAK else 5
SYMBOLS = 40
YEARS_MS = 1000 * DAY_MS


@contextmanager
def _writer(folder: Path, first: int) -> Iterator["subprocess.Popen[str]"]:
    process = warm.Popen(
        [sys.executable, "-m", "tests.support.embedded_writer", str(folder), str(SYMBOLS), str(first)],
        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


def _line(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"the writer ended with {process.wait(10)}"
    return int(line)


@pytest.mark.slow
async def test_a_reader_never_sees_an_error_nor_half_a_minute(tmp_path: Path) -> None:
    reader = EmbeddedReader(tmp_path)
    newest, reads, began = -1, 0, time.monotonic()
    with _writer(tmp_path, 1400) as process:  # midnight, and with it a second file, is soon
        while newest < 1400 + 150 or reads < 20:
            acknowledged = _line(process)
            found = await reader.read(BARS, START_MS, START_MS + YEARS_MS, tags={"timeframe": ["1m"]}, limit=30)
            times = {series: [row[0] for row in rows] for series, rows in found.items()}
            assert len(times) == SYMBOLS
            assert len(set(map(tuple, times.values()))) == 1, "all symbols of a minute are there, or none"
            for rows in found.values():
                for row in rows:
                    assert set(row[1:]) == {float((row[0] - START_MS) // MINUTE_MS)}
            newest = (times["S0", "1m"][-1] - START_MS) // MINUTE_MS
            assert newest >= acknowledged
            reads += 1
            assert time.monotonic() - began < 60
    await reader.close()
    assert reads >= 20


@pytest.mark.slow
async def test_what_was_acknowledged_outlives_being_killed(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    acknowledged, first = -1, 0
    for _ in range(KILLS):
        with _writer(tmp_path, first) as process:
            acknowledged = _line(process)
            deadline = time.monotonic() + rng.uniform(0, 0.4)
            while time.monotonic() < deadline:
                acknowledged = _line(process)
            process.kill()
            assert process.stdout is not None
            for line in process.stdout.read().split("\n")[:-1]:
                acknowledged = int(line)
        first = acknowledged + 1
        async with running_store(tmp_path) as store:
            found = await store.read(BARS, START_MS, START_MS + YEARS_MS, tags={"timeframe": ["1m"]})
        for i in range(SYMBOLS):
            numbers = [(row[0] - START_MS) // MINUTE_MS for row in found[f"S{i}", "1m"]]
            assert numbers == list(range(len(numbers))), "none lost, none twice"
            assert len(numbers) >= acknowledged + 1
            assert [row[1] for row in found[f"S{i}", "1m"]] == numbers


async def test_a_file_that_is_removed_or_replaced_under_a_reader(tmp_path: Path) -> None:
    """As retention does, in another process."""
    days = {day: bars(["A"], [START_MS + day * DAY_MS + m * MINUTE_MS for m in range(3)], seed=day) for day in range(3)}
    async with running_store(tmp_path) as store:
        for rows in days.values():
            await kept(store, BARS, rows)
    reader = EmbeddedReader(tmp_path)

    async def opens() -> list[int]:
        found = await reader.read(BARS, START_MS, START_MS + YEARS_MS, tags={"symbol": ["A"], "timeframe": ["1m"]})
        return [row[0] for row in found.get(("A", "1m"), [])]

    assert await opens() == [row[0] for rows in days.values() for row in rows]
    for day in (0, 2, 1):
        partitions.remove(tmp_path, partitions.Partition.of(partitions.MINUTES, START_MS + day * DAY_MS))
        del days[day]
        assert await opens() == sorted(row[0] for rows in days.values() for row in rows)
    async with running_store(tmp_path) as store:
        again = bars(["A"], [START_MS + DAY_MS + 7 * MINUTE_MS])
        await kept(store, BARS, again)
        assert await opens() == [again[0][0]]
    await reader.close()

"""What is too old is archived to Parquet and removed, whenever the process is killed in between."""

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.support.embedded import DAY_MS, HOUR_MS, MINUTE_MS, START_MS, bars, kept, running_store, until
from tests.support.soak import SOAK

from virtuoso.model.clock import ManualClock
from virtuoso.storage.timeseries.embedded.partitions import MINUTES, Partition
from virtuoso.storage.timeseries.embedded.retention import Retention
from virtuoso.storage.timeseries.schema import BARS, CYCLES, Row

NOW = (START_MS + 40 * DAY_MS) * 10**6
SYMBOLS = ["A", "B", "C"]
KEEP = Retention(minutes=30, middle=28, hours=None, archive=True)


def _minutes(day: int, count: int = 400) -> list[Row]:
    return bars(SYMBOLS, [START_MS + day * DAY_MS + m * MINUTE_MS for m in range(count)], seed=day + 1)


def _archived(path: Path) -> set[tuple[Any, ...]]:
    table = pq.read_table(path)
    columns = [table["ts"].cast("int64").to_pylist(), *(table[name].to_pylist() for name in table.column_names[1:])]
    return set(zip(*columns, strict=True))


async def _filled(folder: Path) -> None:
    """As it was when all of this was new."""
    async with running_store(folder, ManualClock((START_MS + 12 * DAY_MS) * 10**6)) as store:
        for day in (0, 1, 11):
            await kept(store, BARS, _minutes(day))
        await kept(store, BARS, bars(SYMBOLS, [START_MS + h * HOUR_MS for h in range(7)], "5m"))
        await kept(store, CYCLES, [(START_MS + i, i % 2 == 0, 3, 1.0, 2.0, None, 3.0, 4.0) for i in range(5)])


def _files(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.db")}


@pytest.mark.slow
async def test_what_is_too_old_is_archived_then_removed_and_never_written_again(tmp_path: Path) -> None:
    await _filled(tmp_path)
    async with running_store(tmp_path, ManualClock(NOW), retention=KEEP) as store:
        await until("old files are gone", lambda: len(_files(tmp_path)) == 2, 180)
        assert _files(tmp_path) == {"minutes-2026-06-05.db", "hours-2025-10-27.db"}
        await until("they are counted", lambda: store.status().counts["archived"] == 3)
        store.write(BARS, _minutes(0, 1))
        assert not await store.settle(30), "too late"
        assert store.status().counts["dropped"] == 3
    archive = tmp_path / "archive"
    assert _archived(archive / "minutes/bars/2026-05-25.parquet") == set(_minutes(0))
    assert _archived(archive / "minutes/bars/2026-05-26.parquet") == set(_minutes(1))
    assert len(_archived(archive / "middle/bars/2026-05-25.parquet")) == 21
    cycles = _archived(archive / "minutes/cycles/2026-05-25.parquet")
    assert (START_MS + 1, False, 3, 1.0, 2.0, None, 3.0, 4.0) in cycles
    assert len(cycles) == 5
    assert len(list(archive.rglob("*.*"))) == 4
    assert pq.read_metadata(archive / "minutes/bars/2026-05-25.parquet").row_group(0).column(4).compression == "ZSTD"


async def test_without_an_archive_it_is_removed(tmp_path: Path) -> None:
    await _filled(tmp_path)
    async with running_store(tmp_path, ManualClock(NOW), retention=Retention()):
        await until("old files are gone", lambda: len(_files(tmp_path)) == 2)
    assert not (tmp_path / "archive").exists()


@pytest.mark.slow
async def test_archiving_that_is_killed_at_any_instant_is_done_again(tmp_path: Path) -> None:
    await _filled(tmp_path)
    rng = np.random.default_rng(5)
    partition = Partition.of(MINUTES, START_MS)
    command = [
        sys.executable, "-m", "virtuoso.storage.timeseries.archive", str(tmp_path / partition.name),
        str(tmp_path / "archive"),
    ]  # fmt: skip
    began = time.monotonic()
    subprocess.run(command, check=True)
    whole = time.monotonic() - began
    path = tmp_path / "archive/minutes/bars/2026-05-25.parquet"
    path.unlink()
    for _ in range(50 if SOAK else 3):
        process = subprocess.Popen(command)
        await asyncio.sleep(rng.uniform(0.2, 1.0) * whole)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        assert not path.exists() or _archived(path) == set(_minutes(0)), "whole or not at all"
        assert (tmp_path / partition.name).exists()
    async with running_store(tmp_path, ManualClock(NOW), retention=KEEP):
        await until("old files are gone", lambda: len(_files(tmp_path)) == 2, 180)
    assert _archived(path) == set(_minutes(0))


async def test_what_cannot_be_archived_stays(tmp_path: Path) -> None:
    await _filled(tmp_path)
    (tmp_path / "archive").write_text("in the way")
    async with running_store(tmp_path, ManualClock(NOW), retention=KEEP) as store:
        await asyncio.sleep(2)
        assert (store.status().state, len(_files(tmp_path))) == ("up", 5)


def test_the_store_does_not_load_what_parquet_takes() -> None:
    code = "import sys, virtuoso.storage.timeseries.embedded.store as s; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

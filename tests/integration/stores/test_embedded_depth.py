"""Depth in the embedded store: files of its own, kept for its own days and within its own budget, the first to go."""

from pathlib import Path

import pytest
from tests.support.embedded import DAY_MS, FOREVER, HOUR_MS, START_MS, bars, kept, running_store, until

from virtuoso.model.clock import ManualClock
from virtuoso.storage.timeseries.embedded.folder import Folder
from virtuoso.storage.timeseries.embedded.partitions import DEPTHS, Partition, named
from virtuoso.storage.timeseries.embedded.reader import EmbeddedReader
from virtuoso.storage.timeseries.embedded.retention import Retention
from virtuoso.storage.timeseries.schema import BARS, DEPTH, Row

SPAN_MS = 3 * HOUR_MS


def depth(start_ms: int, count: int, symbols: tuple[str, ...] = ("A", "B"), size: int = 700) -> list[Row]:
    """Blocks of ten seconds, each with bytes of its own."""
    return [
        (start_ms + 10_000 * i, symbol, f"{symbol} {i}".encode().ljust(size, b"."))
        for i in range(count)
        for symbol in symbols
    ]


def files(folder: Path, kind: str = "depth") -> list[str]:
    return sorted(path.name for path in folder.glob(f"{kind}-*.db"))


def test_a_file_is_named_by_the_hour_in_which_its_span_begins() -> None:
    partition = Partition.of(DEPTHS, START_MS + 7 * HOUR_MS)
    assert partition.name == "depth-2026-05-25T06.db"
    assert named(partition.name) == partition
    assert named("depth-2026-05-25T07.db") is None
    assert named("depth-2026-05-25.db") is None


async def test_what_is_written_is_read_also_by_another_process_and_over_files(tmp_path: Path) -> None:
    rows = depth(START_MS + SPAN_MS - 60_000, 30)
    async with running_store(tmp_path) as store:
        await kept(store, DEPTH, rows)
        reader = EmbeddedReader(tmp_path)
        found = await reader.read(DEPTH, START_MS, START_MS + DAY_MS, tags={"symbol": ["B"]})
        span = await reader.span_ms(DEPTH)
        await reader.close()
    assert found == {("B",): [(row[0], row[2]) for row in rows if row[1] == "B"]}
    assert span == (START_MS, START_MS + 2 * SPAN_MS)
    assert files(tmp_path) == ["depth-2026-05-25T00.db", "depth-2026-05-25T03.db"]


async def test_it_goes_after_its_own_days_and_is_not_archived(tmp_path: Path) -> None:
    async with running_store(tmp_path, ManualClock((START_MS + HOUR_MS) * 10**6)) as store:
        await kept(store, DEPTH, depth(START_MS, 5))
        await kept(store, BARS, bars(["A"], [START_MS]))
    keep = Retention(minutes=30, depth=2, archive=True)
    later = ManualClock((START_MS + 2 * DAY_MS + SPAN_MS) * 10**6)
    async with running_store(tmp_path, later, retention=keep) as store:
        await until("it is gone", lambda: not files(tmp_path))
        assert store.status().counts["archived"] == 0
    assert files(tmp_path, "minutes") == ["minutes-2026-05-25.db"]


@pytest.mark.parametrize("budget_files", [2, 4])
async def test_it_keeps_to_its_budget_and_leaves_the_rest_alone(
    tmp_path: Path, budget_files: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("virtuoso.storage.timeseries.embedded.writer._MEASURE_S", 0.0)
    async with running_store(tmp_path) as store:
        await kept(store, DEPTH, depth(START_MS, 400))
        await kept(store, BARS, bars(["A"], [START_MS]))
    one = (tmp_path / files(tmp_path)[0]).stat().st_size
    keep = Retention(minutes=None, middle=None, depth=None, depth_bytes=round((budget_files + 0.5) * one))
    for i in range(1, 7):
        async with running_store(tmp_path, retention=keep) as store:
            await kept(store, DEPTH, depth(START_MS + i * SPAN_MS, 400))
    assert len(files(tmp_path)) == budget_files
    assert files(tmp_path)[-1] == "depth-2026-05-25T18.db"
    assert files(tmp_path, "minutes") == ["minutes-2026-05-25.db"]


async def test_the_file_that_is_written_stays_when_nothing_came_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("virtuoso.storage.timeseries.embedded.writer._MEASURE_S", 0.0)
    async with running_store(tmp_path, retention=Retention(depth=None, depth_bytes=1)) as store:
        await kept(store, DEPTH, depth(START_MS, 5) + depth(START_MS + SPAN_MS, 5))
        await kept(store, BARS, bars(["A"], [START_MS]))
        assert files(tmp_path) == ["depth-2026-05-25T03.db"]


async def test_on_a_full_disk_it_goes_before_anything_else(tmp_path: Path) -> None:
    async with running_store(tmp_path, retention=FOREVER) as store:
        await kept(store, BARS, bars(["A"], [START_MS]))
        await kept(store, DEPTH, depth(START_MS + DAY_MS, 5))
    folder = Folder(tmp_path, lambda _: None)
    now_ms = START_MS + 9 * DAY_MS
    assert folder.make_room(now_ms, ())
    assert (files(tmp_path), len(files(tmp_path, "minutes"))) == ([], 1)
    assert folder.make_room(now_ms, ())
    assert files(tmp_path, "minutes") == []
    folder.close()

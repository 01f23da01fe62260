"""The embedded time series on a disk that is full, and with files that are damaged."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.support.embedded import DAY_MS, MINUTE_MS, START_MS, bars, kept, running_store, until

from virtuoso.model.clock import ManualClock
from virtuoso.storage.timeseries.embedded import partitions
from virtuoso.storage.timeseries.embedded.partitions import MINUTES, Partition
from virtuoso.storage.timeseries.embedded.reader import EmbeddedReader
from virtuoso.storage.timeseries.embedded.store import EmbeddedStore
from virtuoso.storage.timeseries.schema import BARS, Row

SYMBOLS = [f"S{i}" for i in range(60)]
EVERYTHING = (START_MS - 400 * DAY_MS, START_MS + 400 * DAY_MS)


@contextmanager
def _disk(folder: Path, size: str) -> Iterator[Path]:
    """A real file system of a size; root may mount one, as in containers that build and test this."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _resize(folder: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)


def _fill(file: Path) -> None:
    """To the last page."""
    with suppress(OSError), file.open("wb", buffering=0) as ballast:
        while ballast.write(bytes(4096)):
            pass


def _day(day: int, minutes: int = 300) -> list[Row]:
    return bars(SYMBOLS, [START_MS + day * DAY_MS + m * MINUTE_MS for m in range(minutes)], seed=day)


async def _days(store: EmbeddedStore) -> dict[int, int]:
    """Rows of the first symbol by day."""
    found = await store.read(BARS, *EVERYTHING, tags={"symbol": ["S0"], "timeframe": ["1m"]}, fields=["close"])
    days = [(row[0] - START_MS) // DAY_MS for row in found.get(("S0", "1m"), [])]
    return {day: days.count(day) for day in sorted(set(days))}


@pytest.mark.slow
async def test_a_full_disk_sheds_the_oldest_then_stops_and_recovers_by_itself(tmp_path: Path) -> None:
    clock = ManualClock(START_MS * 10**6)
    with _disk(tmp_path / "disk", "10m") as disk:
        folder, ballast = disk / "timeseries", disk / "ballast"
        async with running_store(folder, clock, max_pending=40_000) as store:
            for day in range(12):
                clock.advance_to((START_MS + day * DAY_MS) * 10**6 + 1)
                for first in range(0, 300, 100):
                    await kept(store, BARS, _day(day)[first * 60 : (first + 100) * 60])
            status = store.status()
            assert (status.state, status.counts["dropped"]) == ("up", 0)
            assert status.counts["shed"] > 0, "twelve days do not fit"
            days = await _days(store)
            assert days == dict.fromkeys(range(min(days), 12), 300), "the newest are there, whole"
            assert len(days) >= 2

            _fill(ballast)
            later = _day(11, 1440)[300 * 60 :]
            for first in range(0, len(later), 600):
                store.write(BARS, later[first : first + 600])
                assert not await store.settle(0.01) or store.status().state == "up"
            await until("the disk is full", lambda: store.status().state == "full")
            assert list(await _days(store)) == [11], "all that is older went first"
            status = store.status()
            assert status.counts["pending"] <= 40_000
            assert status.counts["dropped"] > 0, "the oldest that waited went"
            assert "make room" in str(status.error)

            _resize(disk, "64m")
            await until("it goes on", lambda: store.status().state == "up" and not store.status().counts["pending"])
            assert store.status().error is None
            found = await store.read(BARS, *EVERYTHING, tags={"symbol": ["S7"], "timeframe": ["1m"]})
            assert found["S7", "1m"][-1] == (later[-60 + 7][0], *later[-60 + 7][3:])
            kept_rows = sum(map(len, (await store.read(BARS, *EVERYTHING, tags={"timeframe": ["1m"]})).values()))
            assert kept_rows == 300 * 60 + len(later) - int(store.status().counts["dropped"] or 0)
        async with running_store(folder, clock) as store:
            assert store.status().state == "up"


async def test_room_is_made_before_it_is_needed_but_not_for_others(tmp_path: Path) -> None:
    clock = ManualClock((START_MS + 20 * DAY_MS) * 10**6)
    with _disk(tmp_path / "disk", "24m") as disk:
        async with running_store(disk / "timeseries", clock) as store:
            for day in range(5):
                await kept(store, BARS, _day(day))
        size = sum(path.stat().st_size for path in (disk / "timeseries").iterdir())
        async with running_store(disk / "timeseries", clock, min_free_bytes=(24 << 20) - size + (1 << 20)) as store:
            await kept(store, BARS, _day(20, 1))
            assert 1 <= int(store.status().counts["shed"] or 0) <= 2
            left = await _days(store)
            assert 0 not in left
            assert 4 in left
        (disk / "ballast").write_bytes(b"\0" * (17 << 20))
        async with running_store(disk / "timeseries", clock, min_free_bytes=20 << 20) as store:
            await kept(store, BARS, _day(20, 2))
            assert store.status().counts["shed"] == 0, (
                "removing all of ours would not be enough: another fills the disk"
            )
            assert await _days(store) == {**left, 20: 2}


@pytest.mark.parametrize("damage", ["garbage", "truncated", "empty pages"])
async def test_a_damaged_file_is_set_aside_and_the_rest_goes_on(tmp_path: Path, damage: str) -> None:
    async with running_store(tmp_path) as store:
        for day in (0, 1):
            await kept(store, BARS, _day(day, 100))
    path = tmp_path / Partition.of(MINUTES, START_MS + DAY_MS).name
    data = path.read_bytes()
    path.write_bytes({
        "garbage": b"no database at all " * 999, "truncated": data[: len(data) // 3],
        "empty pages": data[:4096] + bytes(len(data) - 4096),
    }[damage])  # fmt: skip
    reader = EmbeddedReader(tmp_path)
    found = await reader.read(BARS, *EVERYTHING, tags={"symbol": ["S0"], "timeframe": ["1m"]})
    assert len(found["S0", "1m"]) in range(100, 200), "those of the other day"
    await reader.close()
    async with running_store(tmp_path) as store:
        await kept(store, BARS, _day(1, 50))
        assert store.status().counts["broken"] == 1
        assert store.status().state == "up"
        assert await _days(store) == {0: 100, 1: 50}
    assert [p.name for p in tmp_path.glob("*.broken*")] == [f"{path.name}.broken"]


async def test_damage_while_it_is_written(tmp_path: Path) -> None:
    async with running_store(tmp_path) as store:
        await kept(store, BARS, _day(0, 100))
        path = tmp_path / Partition.of(MINUTES, START_MS).name
        path.with_name(path.name + "-wal").unlink()
        path.write_bytes(b"\xff" * 40_000)
        for minute in range(100, 130):
            store.write(BARS, _day(0, 130)[minute * 60 : (minute + 1) * 60])
            await store.settle(30)
        assert store.status().state == "up"
    async with running_store(tmp_path) as store:
        await kept(store, BARS, _day(0, 1))
        assert set(await _days(store)) == {0}


async def test_a_folder_that_cannot_be_had_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "timeseries").write_text("in the way")
    async with running_store(tmp_path / "timeseries") as store:
        store.write(BARS, _day(0, 2))
        assert not await store.settle(0.2)
        assert store.status().state == "down"
        assert "tried again" in str(store.status().error)
        (tmp_path / "timeseries").unlink()
        assert await store.settle(30)
        assert store.status().state == "up"
        assert await _days(store) == {0: 2}


async def test_what_a_killed_process_left_half_made_is_removed(tmp_path: Path) -> None:
    names = ["minutes-2026-05-25.db.new", "minutes-2026-05-25.db.new-wal", "minutes-2026-05-24.db-wal", "notes.txt"]
    for name in names:
        (tmp_path / name).write_bytes(b"half")
    async with running_store(tmp_path) as store:
        await kept(store, BARS, _day(0, 2))
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", "minutes-2026-05-25.db"}
    assert [p.name for p in partitions.listed(tmp_path)] == ["minutes-2026-05-25.db"]


async def test_a_folder_deleted_under_it_is_noticed_and_not_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "timeseries"
    async with running_store(folder) as store:
        await kept(store, BARS, _day(0, 2))
        assert store.status().state == "up"
        folder.rename(tmp_path / "elsewhere")
        await until("it is noticed", lambda: store.status().state == "down")
        assert "deleted or replaced while its files were open" in (store.status().error or "")
        assert "restart virtuoso" in (store.status().error or "")
        store.write(BARS, _day(0, 3))
        assert not await store.settle(0.2)
        folder.mkdir()
        assert not await store.settle(1.2)
        assert list(folder.iterdir()) == []
        folder.rmdir()
        (tmp_path / "elsewhere").rename(folder)  # put back, it goes on with what waited
        assert await store.settle(30)
        assert store.status().state == "up"
        assert await _days(store) == {0: 3}


async def test_a_file_removed_under_it_is_begun_anew_and_counted(tmp_path: Path) -> None:
    async with running_store(tmp_path) as store:
        await kept(store, BARS, _day(0, 2))
        (tmp_path / Partition.of(MINUTES, START_MS).name).unlink()
        await kept(store, BARS, [row for row in _day(0, 3) if row[0] > START_MS + MINUTE_MS])
        assert store.status().counts["vanished"] == 1
        assert await _days(store) == {0: 1}
        assert store.status().state == "up"

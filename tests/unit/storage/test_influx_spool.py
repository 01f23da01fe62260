"""Batches on the disk: order, bounds, torn ends and damage."""

import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.storage.timeseries.influx.batch import Intake
from virtuoso.storage.timeseries.influx.spool import Spool
from virtuoso.storage.timeseries.schema import BARS


def opened(folder: Path, max_bytes: int = 1 << 20) -> Spool:
    spool = Spool(folder, max_bytes)
    spool.open()
    return spool


def drained(spool: Spool) -> list[tuple[bytes, int]]:
    found = []
    while (record := spool.first()) is not None:
        found.append((record.body, record.points))
        spool.remove(record)
    return found


def body(number: int, size: int = 100) -> bytes:
    return f"{number:08d}".encode() * (size // 8)


def test_first_in_first_out_and_no_file_stays(tmp_path: Path) -> None:
    spool = opened(tmp_path / "spool", 64 << 10)
    wanted = [(body(number, 1_000), number + 1) for number in range(40)]
    for one in wanted:
        spool.append(*one)
    assert len(list((tmp_path / "spool").iterdir())) > 5
    assert spool.points == sum(points for _, points in wanted)
    assert drained(spool) == wanted
    assert (spool.points, spool.bytes, spool.lost) == (0, 0, 0)
    assert not list((tmp_path / "spool").iterdir())
    spool.append(b"again", 1)
    assert drained(spool) == [(b"again", 1)]


def test_another_process_finds_what_was_left(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.append(b"one", 1)
    first.append(b"two", 2)
    second = opened(tmp_path)  # the first was killed: it closed nothing
    assert second.points == 3
    second.append(b"three", 3)
    assert drained(second) == [(b"one", 1), (b"two", 2), (b"three", 3)]
    first.close()


@pytest.mark.parametrize("cut", [1, 20, 110])
def test_a_torn_end_is_counted_and_what_follows_is_found(tmp_path: Path, cut: int) -> None:
    spool = opened(tmp_path)
    spool.append(body(1), 1)
    spool.append(body(2), 1)
    spool.close()
    (path,) = tmp_path.iterdir()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - cut)
    again = opened(tmp_path)
    assert (again.torn, again.points) == (1, 1)
    again.append(body(3), 1)
    assert drained(again) == [(body(1), 1), (body(3), 1)]
    assert not list(tmp_path.iterdir())


def test_a_damaged_batch_is_skipped_and_counted(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number in (1, 2, 3):
        spool.append(body(number), 10)
    (path,) = tmp_path.iterdir()
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)
    assert drained(spool) == [(body(1), 10), (body(3), 10)]
    assert (spool.torn, spool.lost, spool.points) == (1, 10, 0)


def test_a_file_that_is_none_of_ours_harms_nothing(tmp_path: Path) -> None:
    (tmp_path / "000000000007.spool").write_bytes(os.urandom(500))
    (tmp_path / "notes.txt").write_text("keep me")
    spool = opened(tmp_path)
    assert (spool.torn, spool.points) == (1, 0)
    spool.append(b"x", 1)
    assert drained(spool) == [(b"x", 1)]
    assert (tmp_path / "notes.txt").exists()


def test_a_segment_removed_under_it_is_counted(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append(b"x", 5)
    next(tmp_path.iterdir()).unlink()
    assert spool.first() is None
    assert (spool.lost, spool.points, spool.bytes) == (5, 0, 0)


def test_nothing_is_written_to_a_segment_that_was_removed(tmp_path: Path) -> None:
    spool = opened(tmp_path / "spool")
    spool.append(b"x", 5)
    next((tmp_path / "spool").iterdir()).unlink()
    spool.append(b"y", 2)
    assert drained(spool) == [(b"y", 2)]
    assert (spool.lost, spool.points) == (5, 0)
    spool.append(b"x", 5)
    rmtree(tmp_path / "spool")
    with pytest.raises(FileNotFoundError):
        spool.append(b"y", 2)


@given(st.lists(st.tuples(st.integers(1, 3_000), st.integers(1, 50)), max_size=60))
def test_the_oldest_are_shed_and_every_point_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool, given_points, bodies = opened(folder, 16_384), 0, []
    for number, (size, points) in enumerate(sizes):
        bodies.append((body(number, size + 8), points))
        spool.append(*bodies[-1])
        given_points += points
        assert spool.bytes == sum(path.stat().st_size for path in folder.iterdir()) <= 16_384
        assert spool.points + spool.lost == given_points
    left = drained(spool)
    assert left == bodies[len(bodies) - len(left) :]
    assert sum(points for _, points in left) + spool.lost == given_points


def test_a_batch_shed_while_it_was_under_way_is_not_lost(tmp_path: Path) -> None:
    spool = opened(tmp_path, 8_192)
    spool.append(body(1, 4_000), 7)
    record = spool.first()
    assert record is not None
    for number in range(2, 6):
        spool.append(body(number, 4_000), 1)
    lost = spool.lost
    spool.remove(record)
    assert spool.lost == lost - 7
    spool.close()


def test_a_batch_larger_than_the_spool_is_refused(tmp_path: Path) -> None:
    spool = opened(tmp_path, 8_192)
    spool.append(b"x", 1)
    with pytest.raises(OSError, match="more than the spool may hold"):
        spool.append(bytes(9_000), 1)
    assert drained(spool) == [(b"x", 1)]


def fill(path: Path) -> None:
    """Until there is no space left."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4_096))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_on_a_full_disk_history_makes_room(small_disk: Path) -> None:
    spool = opened(small_disk / "spool")  # it believes it may hold a megabyte
    for number in range(100):
        spool.append(body(number, 2_000), 1)
    left = drained(spool)
    assert left == [(body(number, 2_000), 1) for number in range(100 - len(left), 100)]
    assert 0 < len(left) < 40
    assert len(left) + spool.lost == 100


def test_a_disk_filled_by_others_refuses_until_there_is_room(small_disk: Path) -> None:
    spool = opened(small_disk / "spool")
    spool.append(body(1, 2_000), 1)
    fill(small_disk / "others")
    with pytest.raises(OSError, match="No space left"):
        spool.append(body(2, 30_000), 1)
    assert (spool.points, spool.bytes, spool.lost) == (0, 0, 1)
    (small_disk / "others").unlink()
    spool.append(body(3, 2_000), 1)
    assert drained(spool) == [(body(3, 2_000), 1)]


def test_a_write_cut_short_leaves_no_half_batch(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append(body(1), 1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            spool.append(body(2), 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    spool.append(body(3), 1)
    assert drained(spool) == [(body(1), 1), (body(3), 1)]
    assert spool.torn == 0


def test_the_intake_drops_the_oldest_rows() -> None:
    intake = Intake(10)
    rows = [(number, "A", "1m") for number in range(25)]
    intake.put(BARS, rows[:8])
    intake.put(BARS, rows[8:])
    assert (intake.rows, intake.dropped, intake.start, intake.end) == (10, 15, 15, 25)
    assert intake.take(4) == [(BARS, rows[15:19])]
    intake.put(BARS, rows[:2])
    assert intake.take(100) == [(BARS, rows[19:]), (BARS, rows[:2])]
    assert (intake.rows, intake.start) == (0, 27)

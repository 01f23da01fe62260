"""The writer: a killed process loses a second, a full buffer is counted, a full disk is told once and blocks no one."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from virtuoso.model.clock import ManualClock
from virtuoso.model.errors import UsageError
from virtuoso.recording.keeping import Keep
from virtuoso.recording.reader import read
from virtuoso.recording.records import VERSION, Answer, Dropped, Frame, Header, Record
from virtuoso.recording.writer import FLUSH_S, RecordingWriter

HEADER = Header(VERSION, "bybit", "linear", 1, {})
PROGRAM = Path(__file__).with_name("recording_program.py")


def writer_at(path: Path, failures: list[str] | None = None, **changes: object) -> RecordingWriter:
    arguments: dict[str, object] = {"rotate_bytes": 1 << 30, "rotate_s": 3600.0, "keep": Keep()}
    told = failures.append if failures is not None else pytest.fail
    return RecordingWriter(path, HEADER, on_failure=told, **(arguments | changes))  # type: ignore[arg-type]


def frame(number: int, size: int = 100) -> Frame:
    return Frame(number, 0, os.urandom(size))


def eventually(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.01)


def start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_killed_process_loses_at_most_a_second(tmp_path: Path) -> None:
    """At the first of three kills at which no busy machine let its thread wait; what is there is whole at each."""
    lost_ns = list[int]()
    while len(lost_ns) < 3 and not (lost_ns and lost_ns[-1] < 1_000_000_000):
        lost_ns.append(killed(tmp_path / str(len(lost_ns))))
    assert 0 <= lost_ns[-1] < 1_000_000_000, lost_ns


def killed(folder: Path) -> int:
    """How much of what was put is not in the recording of a process that was killed (ns)."""
    folder.mkdir()
    with start("endless", str(folder / "rec")) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "started\n"
            time.sleep(2.3)
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
    put_ns = int.from_bytes((folder / "rec.put").read_bytes())
    reader = read(folder / "rec")
    header, *frames = list(reader)
    assert isinstance(header, Header)
    numbers = [record.connection for record in frames if isinstance(record, Frame)]
    assert len(numbers) == len(frames) > 100
    assert numbers == list(range(len(numbers)))
    assert len(reader.truncated) == 1
    last = frames[-1]
    assert isinstance(last, Frame)
    return put_ns - last.received_ns


def test_records_are_on_the_disk_before_the_file_is_closed(tmp_path: Path) -> None:
    with writer_at(tmp_path / "rec") as writer:
        assert list(read(tmp_path / "rec")) == [HEADER]
        put = [frame(n) for n in range(10)]
        for record in put:
            writer.put(record)
        eventually(lambda: list(read(tmp_path / "rec")) == [HEADER, *put], FLUSH_S + 5)
        reader = read(tmp_path / "rec")
        list(reader)
        assert len(reader.truncated) == 1, "it is still being written, and the reader says that it ends early"


def test_full_files_are_followed_by_others_and_the_oldest_go(tmp_path: Path) -> None:
    """Each record fills a file. Its file is known beforehand: the one being written may change while it is read."""
    name = tmp_path / "rec"
    put = [frame(n, 4_000) for n in range(5)]
    with writer_at(name, rotate_bytes=3_000, keep=Keep(files=3)) as writer:
        for n, record in enumerate(put, 1):
            writer.put(record)
            eventually(partial(_holds, tmp_path / f"rec.{n:04d}.vrec.zst", record))
    files = sorted(f.name for f in tmp_path.iterdir())
    assert files == [f"rec.{n:04d}.vrec.zst" for n in (3, 4, 5)]
    reader = read(name)
    assert list(reader) == [record for n in (2, 3, 4) for record in (HEADER, put[n])]
    assert reader.truncated == []


def _holds(path: Path, record: Record) -> bool:
    return path.exists() and record in list(read(path))


def test_an_old_file_is_followed_by_another_when_there_is_something_to_write(tmp_path: Path) -> None:
    clock = ManualClock(5)
    with writer_at(tmp_path / "rec", rotate_s=60, clock=clock) as writer:
        first = writer.path
        clock.advance(3_600 * 10**9)
        writer.put(frame(1))
        eventually(lambda: len(list(read(first))) == 2)
        assert writer.path == first, "a file without records is not rotated"
        clock.advance(59 * 10**9)
        clock.advance(1 * 10**9)
        last = frame(2)
        writer.put(last)
        eventually(partial(_holds, tmp_path / "rec.0002.vrec.zst", last))
    assert [r.received_ns for r in read(tmp_path / "rec") if isinstance(r, Frame)] == [1, 2]


def test_a_recording_that_exists_is_continued_also_after_a_crash(tmp_path: Path) -> None:
    name = tmp_path / "new" / "rec.vrec.zst"
    with writer_at(name) as writer:
        writer.put(frame(1))
    first = tmp_path / "new" / "rec.0001.vrec.zst"
    first.write_bytes(first.read_bytes()[:-1])
    with writer_at(name) as writer:
        writer.put(frame(2))
    reader = read(name)
    assert [r.received_ns for r in reader if isinstance(r, Frame)] == [1, 2]
    assert [cut.path for cut in reader.truncated] == [first]


def test_one_process_writes_a_recording(tmp_path: Path) -> None:
    with writer_at(tmp_path / "rec"), pytest.raises(UsageError, match="another process writes this recording"):
        writer_at(tmp_path / "rec")
    writer_at(tmp_path / "rec").close()


def test_what_a_full_buffer_cannot_take_is_counted_where_it_is_missing(tmp_path: Path) -> None:
    clock = ManualClock(77)
    put = [frame(n, 1_000) for n in range(60)]
    with writer_at(tmp_path / "rec", clock=clock, buffer_bytes=12_000) as writer:
        for record in put[:25]:
            writer.put(record)
        assert writer.dropped == 15
        eventually(partial(_holds, writer.path, put[9]))
        clock.advance(3)
        for record in put[25:50]:
            writer.put(record)
        clock.advance(20)
        eventually(partial(_holds, writer.path, put[34]))
        for record in put[50:]:
            writer.put(record)
    first, second = (Dropped(at_ns, 15, "the buffer was full") for at_ns in (77, 80))
    assert list(read(tmp_path / "rec")) == [HEADER, *put[:10], first, *put[25:35], second, *put[50:]]
    assert writer.dropped == 30


def test_a_record_larger_than_the_buffer_is_counted_every_time(tmp_path: Path) -> None:
    clock = ManualClock(77)
    with writer_at(tmp_path / "rec", clock=clock, buffer_bytes=1_000) as writer:
        for n in (1, 2):
            writer.put(frame(n, 1_000))
            eventually(partial(_holds, writer.path, Dropped(77, 1, "the buffer was full")))
            clock.advance(1)
        writer.put(frame(3, 1_000))
    assert sum(r.count for r in read(tmp_path / "rec") if isinstance(r, Dropped)) == 3


def test_under_pressure_every_record_is_written_or_counted(tmp_path: Path) -> None:
    total = 60_000
    with writer_at(tmp_path / "rec", buffer_bytes=3_000_000, rotate_bytes=2_000_000) as writer:
        for n in range(total):
            writer.put(Frame(n, 0, b"x" * 200))
            if n % 10_000 == 0:
                time.sleep(FLUSH_S)
    found = list(read(tmp_path / "rec"))
    frames = [r.received_ns for r in found if isinstance(r, Frame)]
    dropped = sum(r.count for r in found if isinstance(r, Dropped))
    assert frames == sorted(set(frames))
    assert dropped == writer.dropped > 0
    assert len(frames) + dropped == total


def test_a_record_that_has_no_bytes_is_counted_and_costs_no_other(tmp_path: Path) -> None:
    with writer_at(tmp_path / "rec") as writer:
        writer.put(frame(1))
        writer.put(Frame(2**70, 0, b"x"))
        writer.put(Answer(1, 2, "/\ud800", {}, 200, b""))
        writer.put(frame(3))
    _, first, *lost, last = list(read(tmp_path / "rec"))
    assert isinstance(first, Frame)
    assert isinstance(last, Frame)
    assert [(r.count, r.reason.split(":")[0]) for r in lost if isinstance(r, Dropped)] == [(1, "Frame"), (1, "Answer")]


@pytest.mark.parametrize("parent", ["file", "/proc/virtuoso"])
def test_a_place_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path, parent: str) -> None:
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(UsageError, match=r"rec\.0001\.vrec\.zst: cannot be written: .+; choose a directory"):
        writer_at(tmp_path / parent / "rec")
    assert not [t for t in threading.enumerate() if t.name == "recording"]


def test_a_disk_without_room_for_a_header_is_refused_at_the_start(tmp_path: Path) -> None:
    with start("limited", str(tmp_path / "rec"), "20") as child:
        output, errors = child.communicate(timeout=30)
    assert output.startswith("refused "), errors
    assert "cannot be written" in output
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_stops_the_recording_with_one_report(tmp_path: Path) -> None:
    """The kernel refuses to let the file grow (RLIMIT_FSIZE), as a full disk does: in the middle of a block."""
    with start("limited", str(tmp_path / "rec"), "20000") as child:
        output, errors = child.communicate(timeout=60)
    lines = output.splitlines()
    assert [line for line in lines if line.startswith("failed ")] == [lines[0]], errors
    assert "rec.0001.vrec.zst" in lines[0]
    assert "recording stopped" in lines[0]
    assert lines[1].startswith("slowest put ")
    assert float(lines[1].split()[2]) < 0.25
    assert lines[2] == "closed, dropped: True"
    reader = read(tmp_path / "rec")
    records = list(reader)
    assert 1 < len(records) < 200
    assert [cut.lost for cut in reader.truncated] == [0], "the half block was cut off"


def test_a_disk_that_hangs_holds_no_one_up_and_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failures: list[str] = []
    writer = writer_at(tmp_path / "rec", failures)
    goes_on, hangs = threading.Event(), threading.Event()

    def fsync(descriptor: int) -> None:
        hangs.set()
        goes_on.wait(30)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fsync)
    try:
        writer.put(frame(1))
        assert hangs.wait(10)
        before = time.monotonic()
        writer.put(frame(2))
        writer.close(timeout_s=0.2)
        assert time.monotonic() - before < 5
        assert len(failures) == 1
        assert "did not take the last records within 0.2 s" in failures[0]
    finally:
        goes_on.set()
    writer.close()
    assert len(failures) == 1
    reader = read(tmp_path / "rec")
    assert list(reader) == [HEADER]
    assert len(reader.truncated) == 1


def test_a_file_that_cannot_be_followed_is_not_marked_as_closed(tmp_path: Path) -> None:
    failures: list[str] = []
    with writer_at(tmp_path / "rec", failures, rotate_bytes=1_000) as writer:
        (tmp_path / "rec.0002.vrec.zst").mkdir()
        first = writer.path
        put = frame(1, 2_000)
        writer.put(put)
        eventually(lambda: put in list(read(first)))
        writer.put(frame(2))
        eventually(lambda: failures != [])
        writer.put(frame(3))
    assert len(failures) == 1
    assert "rec.0002.vrec.zst" in failures[0]
    reader = read(first)
    assert list(reader) == [HEADER, put]
    assert len(reader.truncated) == 1, "a record is missing after this file, and the reader says so"


def test_arguments_out_of_range_are_refused(tmp_path: Path) -> None:
    for name in ("rotate_bytes", "rotate_s", "buffer_bytes"):
        with pytest.raises(ValueError, match="must be positive"):
            writer_at(tmp_path / "rec", **{name: 0})
    with pytest.raises(ValueError, match="this program writes"):
        RecordingWriter(
            tmp_path / "rec",
            Header(VERSION + 1, "bybit", "linear", 1, {}),
            rotate_bytes=1,
            rotate_s=1,
            on_failure=pytest.fail,
        )
    assert list(tmp_path.iterdir()) == []


def test_a_disk_with_too_little_room_is_not_filled(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="are free on the disk, and there is no older file that could go"):
        writer_at(tmp_path / "rec", keep=Keep(free_bytes=1 << 60))
    assert list(tmp_path.iterdir()) == [tmp_path / "rec.0001.vrec.zst"]


def test_after_closing_nothing_is_taken(tmp_path: Path) -> None:
    writer = writer_at(tmp_path / "rec")
    writer.close()
    writer.put(frame(1))
    writer.close()
    assert writer.dropped == 1
    assert list(read(tmp_path / "rec")) == [HEADER]

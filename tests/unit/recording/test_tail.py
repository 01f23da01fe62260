"""A file and its tail hold all that was flushed, wherever the process was killed; the index finds a time in them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from virtuoso.model.clock import ManualClock
from virtuoso.recording.ahead import unpacking
from virtuoso.recording.blocks import COLUMNS, Packer, block
from virtuoso.recording.files import RecordingError, tail_of
from virtuoso.recording.index import stored
from virtuoso.recording.keeping import Keep, over, size_of
from virtuoso.recording.large import Large
from virtuoso.recording.reader import index_of, read
from virtuoso.recording.records import VERSION, Frame, Header, Record, encode
from virtuoso.recording.segments import Segments

HEADER = Header(VERSION, "bybit", "linear", 1, {})
SECOND = 1_000_000_000


def packed(*records: Record) -> bytes:
    packer = Packer()
    for record in records:
        packer.add(encode(record))
    return packer.block()


def frame(number: int) -> Frame:
    payload = f'{{"topic":"tickers.S{number % 3}","data":{{"p":"{number}.5"}}}}'
    return Frame(number * SECOND, 1, payload.encode())


class Writing:
    """A recording written by hand: a flush is a frame, and a large block is made when it is told."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(5)
        self.segments = Segments(
            folder / "rec", packed(HEADER), rotate_bytes=1 << 30, rotate_s=1e9, keep=Keep(), clock=self.clock
        )
        self.large = Large(self.clock, 1e9)
        self.put: list[Record] = [HEADER]

    def flush(self, *numbers: int) -> None:
        for number in numbers:
            self.put.append(frame(number))
            self.large.add([(frame(number), encode(frame(number)))])
            self.segments.flush(packed(frame(number)))

    def settle(self) -> None:
        self.segments.settle(*self.large.block())


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[Writing]:
    made = Writing(tmp_path)
    yield made
    made.segments.abandon()


def test_whenever_it_is_killed_all_that_was_flushed_is_read(writing: Writing, tmp_path: Path) -> None:
    file = writing.segments.path
    writing.flush(1, 2)
    writing.settle()
    writing.flush(3, 4)
    before, beside = file.read_bytes(), tail_of(file).read_bytes()
    writing.settle()
    after = file.read_bytes()
    for length in range(len(before), len(after) + 1):  # while the large block is written
        file.write_bytes(after[:length])
        tail_of(file).write_bytes(beside)
        reader = read(tmp_path / "rec")
        assert list(reader) == writing.put, length
        assert len(reader.truncated) == 1
    tail_of(file).write_bytes(b"")
    assert list(read(tmp_path / "rec")) == writing.put


def test_a_tail_cut_at_any_byte_gives_its_whole_blocks(writing: Writing, tmp_path: Path) -> None:
    writing.flush(1)
    writing.settle()
    writing.flush(2, 3)
    beside = tail_of(writing.segments.path).read_bytes()
    found = []
    for length in range(len(beside) + 1):
        tail_of(writing.segments.path).write_bytes(beside[:length])
        records = list(read(tmp_path / "rec"))
        assert records == writing.put[: len(records)]
        found.append(len(records))
    assert found == sorted(found)
    assert (found[0], found[-1]) == (2, 4)


def test_a_closed_file_has_no_tail_and_an_index_that_is_the_one_made_anew(writing: Writing, tmp_path: Path) -> None:
    for number in range(1, 10):
        writing.flush(number)
        if number % 3 == 0:
            writing.settle()
    writing.segments.finish()
    file = writing.segments.path
    assert not tail_of(file).exists()
    kept = stored(file)
    assert kept is not None
    assert [(entry.first_ns, entry.last_ns) for entry in kept.entries] == [
        (n * SECOND, (n + 2) * SECOND) for n in (1, 4, 7)
    ]
    assert kept.holds.symbols == ["S0", "S1", "S2"]
    file.write_bytes(file.read_bytes()[:-10])  # its end is lost
    assert stored(file) is None
    anew = index_of(file)
    assert anew.entries[1:] == kept.entries, "the block of the header apart"


@pytest.mark.parametrize("closed", [0, 1])
@pytest.mark.parametrize("from_s", [0, 1, 5, 9, 10, 11, 12])
def test_a_time_is_found_without_reading_what_is_before_it(
    writing: Writing, tmp_path: Path, from_s: int, closed: int
) -> None:
    for number in range(1, 12):
        writing.flush(number)
        if number % 4 == 0:
            writing.settle()
    if closed:
        writing.settle()
        writing.segments.finish()
    reader = read(tmp_path / "rec", from_s * SECOND)
    wholly_before = closed and from_s > 11
    expected = [] if wholly_before else [HEADER, *(frame(n) for n in range(max(1, from_s), 12))]
    assert list(reader) == expected
    assert reader.bytes_read <= reader.bytes_total


def test_blocks_unpacked_ahead_by_another_process_come_in_order(writing: Writing, tmp_path: Path) -> None:
    for number in range(1, 20):
        writing.flush(number)
        if number % 3 == 0:
            writing.settle()
    with unpacking() as unpack:
        reader = read(tmp_path / "rec", None, unpack)
        assert list(reader) == writing.put
        assert len(reader.truncated) == 1
        assert reader.bytes_read == reader.bytes_total
        file = writing.segments.path
        file.write_bytes(file.read_bytes() + block(COLUMNS, b"\x01\0\0\0nothing", 10))
        with pytest.raises(RecordingError, match="differs from its mark"):
            list(read(tmp_path / "rec", None, unpack))


def test_the_oldest_files_go_and_the_reason_is_said(writing: Writing, tmp_path: Path) -> None:
    for number in range(1, 5):
        writing.flush(number)
        writing.settle()
        writing.segments.rotate()
    files = sorted(tmp_path.glob("*.zst"))
    sizes = [size_of(file) for file in files]

    def gone(keep: Keep, now_ns: int = 0) -> dict[str, str]:
        return {file.name[4:8]: reason for file, reason in over(tmp_path / "rec", keep, now_ns)}

    assert gone(Keep()) == {}
    assert gone(Keep(files=4)) == {"0001": "more than 4 files"}
    assert list(gone(Keep(most_bytes=sum(sizes[2:])))) == ["0001", "0002"]
    assert list(gone(Keep(free_bytes=1 << 60))) == ["0001", "0002", "0003", "0004"], "the one being written stays"
    assert gone(Keep(age_s=86_400), int(files[0].stat().st_mtime * 1e9) + 86_399 * SECOND) == {}
    late = gone(Keep(age_s=86_400), int(files[3].stat().st_mtime * 1e9) + 86_402 * SECOND)
    assert set(late.values()) == {"older than 1 days"}
    with pytest.raises(ValueError, match="must be positive"):
        Keep(most_bytes=0)


def test_columns_that_take_too_long_are_done_without_for_a_while() -> None:
    clock = ManualClock(5)
    large = Large(clock, 1e-9)
    made = []
    for _ in range(3):
        large.add([(frame(1), encode(frame(1)))])
        assert large.due == bool(made), "what is packed as it is waits for nothing"
        clock.advance(31 * SECOND)
        assert large.due
        made.append(large.block()[0][8:12])
    clock.advance(600 * SECOND)
    large.add([(frame(1), encode(frame(1)))])
    assert [*made, large.block()[0][8:12]] == [b"VCOL", b"VREC", b"VREC", b"VCOL"]

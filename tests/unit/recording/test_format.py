"""Every record comes back as it was; a file cut anywhere gives a right beginning; a changed byte is always noticed."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtuoso.model.errors import UsageError
from virtuoso.model.signal import Statement
from virtuoso.recording.blocks import Packer, end
from virtuoso.recording.files import RecordingError
from virtuoso.recording.reader import Reader, read
from virtuoso.recording.records import (
    VERSION,
    Answer,
    ClockRead,
    Closed,
    Dropped,
    FitPutOff,
    Frame,
    Header,
    Opened,
    Record,
    Said,
    Sent,
    encode,
)
from virtuoso.recording.writer import RecordingWriter

HEADER = Header(VERSION, "bybit", "linear", 1_790_000_000_000_000_000, {"depth": 50, "symbols": ["BTCUSDT"], "x": None})

_ns = st.integers(-(2**63), 2**64 - 1)
_text = st.text(max_size=40)
_bytes = st.binary(max_size=2_000)
_connection = st.integers(0, 500)
_number = st.none() | st.floats(allow_nan=False)
_word = st.none() | _text
_said = (
    _text, _number, _word, _word, _number, _word, _word, st.tuples(_number, _number, _number), _text
)  # fmt: skip
_records: st.SearchStrategy[Record] = st.one_of(
    st.builds(Frame, _ns, _connection, _bytes),
    st.builds(Sent, _ns, _connection, _bytes),
    st.builds(Opened, _ns, _connection, _text),
    st.builds(Closed, _ns, _connection, _text),
    st.builds(Answer, _ns, _ns, _text, st.dictionaries(_text, _text, max_size=5), st.integers(100, 599), _bytes),
    st.builds(ClockRead, _ns, st.floats(allow_nan=False)),
    st.builds(FitPutOff, _ns, _ns, _ns),
    st.builds(Said, _ns, _ns, st.lists(st.builds(Statement, *_said), max_size=3).map(tuple)),
    st.builds(Dropped, _ns, st.integers(1, 2**40), _text),
)


def block(*records: Record) -> bytes:
    packer = Packer()
    for record in records:
        packer.add(encode(record))
    return packer.block()


def small() -> tuple[list[list[Record]], list[bytes]]:
    """Three blocks of different records, and their bytes."""
    records: list[list[Record]] = [
        [HEADER],
        [Opened(1, 0, "wss://stream"), Sent(2, 0, b'{"op":"subscribe"}'), Frame(3, 0, b'{"topic":"t","n":1}')],
        [
            Answer(5, 4, "/v5/market/time", {"a": "b"}, 200, b"{}"),
            ClockRead(6, -1.5),
            Frame(7, 0, b""),
            Closed(8, 0, ""),
        ],
    ]
    return records, [block(*each) for each in records]


def whole_blocks(records: list[list[Record]], blocks: list[bytes], length: int) -> list[Record]:
    """The records of the blocks that lie within the first `length` bytes."""
    found: list[Record] = []
    at = 0
    for each, data in zip(records, blocks, strict=True):
        at += len(data)
        if at > length:
            break
        found += each
    return found


def drain(reader: Reader) -> tuple[list[Record], RecordingError | None]:
    found: list[Record] = []
    try:
        found.extend(reader)
    except RecordingError as error:
        return found, error
    return found, None


@given(records=st.lists(_records, max_size=30))
@settings(max_examples=40)
def test_what_is_put_is_read(tmp_path_factory: pytest.TempPathFactory, records: list[Record]) -> None:
    name = tmp_path_factory.mktemp("round") / "rec"
    failures: list[str] = []
    with RecordingWriter(name, HEADER, rotate_bytes=1 << 30, rotate_s=3600, on_failure=failures.append) as writer:
        for record in records:
            writer.put(record)
    reader = read(name)
    assert list(reader) == [HEADER, *records]
    assert (reader.truncated, failures, writer.dropped) == ([], [], 0)
    assert reader.bytes_read == reader.bytes_total


def test_a_file_cut_at_any_byte_gives_its_whole_blocks_and_says_so(tmp_path: Path) -> None:
    records, blocks = small()
    data = b"".join(blocks) + end()
    path = tmp_path / "rec.0001.vrec.zst"
    for length in range(len(data)):
        path.write_bytes(data[:length])
        reader = read(path)
        expected = whole_blocks(records, blocks, length)
        assert list(reader) == expected, length
        (cut,) = reader.truncated
        assert (cut.path, cut.offset + cut.lost) == (path, length)
    path.write_bytes(data)
    reader = read(path)
    assert list(reader) == [r for each in records for r in each]
    assert reader.truncated == []


def test_a_tail_of_zeros_is_a_cut_one(tmp_path: Path) -> None:
    """After a power cut the file has its length, but the last block never reached the disk."""
    records, blocks = small()
    data = b"".join(blocks)
    last = len(data) - len(blocks[-1])
    path = tmp_path / "rec.0001.vrec.zst"
    for length in (*range(last, len(data) - 4), 0):
        path.write_bytes(data[:length] + bytes(len(data) - length))
        reader = read(path)
        assert list(reader) == whole_blocks(records, blocks, length), length
        assert reader.truncated[0].offset + reader.truncated[0].lost == len(data)


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_a_changed_byte_is_refused_wherever_it_is(tmp_path: Path, flip: int) -> None:
    records, blocks = small()
    data = b"".join(blocks) + end()
    path = tmp_path / "rec.0001.vrec.zst"
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= flip
        path.write_bytes(changed)
        found, error = drain(read(path))
        assert found == whole_blocks(records, blocks, at), at
        assert error is not None, at
        assert error.offset is not None
        assert error.offset <= at
        assert str(path) in str(error)
        assert f"byte {error.offset:,}" in str(error)


def test_a_missing_block_in_the_middle_cannot_pass_for_a_cut(tmp_path: Path) -> None:
    _, blocks = small()
    path = tmp_path / "rec.0001.vrec.zst"
    path.write_bytes(blocks[0] + blocks[1][:-5] + blocks[2] + end())
    found, error = drain(read(path))
    assert found == [HEADER]
    assert error is not None
    assert error.offset == len(blocks[0])
    assert "checksum" in str(error)


def corrupt_cases() -> list[tuple[str, bytes, str]]:
    other = Header(VERSION + 1, "bybit", "linear", 0, {})
    return [
        ("text", b"2026-08-09 a log file, and not a recording\n" * 4, "is no recording"),
        ("short text", b"hello", "is no recording"),
        ("zstd", bytes.fromhex("28b52ffd") + b"\x20\x05\x29\x00\x00hello" * 9, "is no recording"),
        ("no header", block(Frame(1, 0, b"x")) + end(), "does not begin with a header"),
        ("newer", block(other) + end(), f"is of version {VERSION + 1}, this program reads 1 and 2"),
        ("appended", block(HEADER) + end() + block(Frame(1, 0, b"x")), "after the end"),
    ]


@pytest.mark.parametrize(
    ("data", "message"), [case[1:] for case in corrupt_cases()], ids=[c[0] for c in corrupt_cases()]
)
def test_what_is_no_recording_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "given"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=message) as raised:
        list(read(path))
    assert str(path) in str(raised.value)


def test_a_record_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "given"
    packer = Packer()
    packer.add(b"\x04\x00\x00\x00\x93\xa1q\x01\x02")
    path.write_bytes(block(HEADER) + packer.block() + end())
    found, error = drain(read(path))
    assert found == [HEADER]
    assert "does not know" in str(error)


def test_names_are_resolved_or_refused_with_what_would_be_right(tmp_path: Path) -> None:
    whole = block(HEADER) + end()
    for name in ("a.0001", "a.0002", "a.b.0007"):
        (tmp_path / f"{name}.vrec.zst").write_bytes(whole)
    assert [f.name for f in read(tmp_path / "a").files] == ["a.0001.vrec.zst", "a.0002.vrec.zst"]
    assert [f.name for f in read(tmp_path / "a.vrec.zst").files] == ["a.0001.vrec.zst", "a.0002.vrec.zst"]
    assert [f.name for f in read(tmp_path / "a.b").files] == ["a.b.0007.vrec.zst"]
    assert [f.name for f in read(tmp_path / "a.0002.vrec.zst").files] == ["a.0002.vrec.zst"]
    with pytest.raises(UsageError, match=r"first file would be none\.0001\.vrec\.zst"):
        read(tmp_path / "none")
    with pytest.raises(UsageError, match=r"name a recording in it: a, a\.b"):
        read(tmp_path)
    (tmp_path / "a.0004.vrec.zst").write_bytes(whole)
    with pytest.raises(UsageError, match=r"a\.0003\.vrec\.zst: is missing before a\.0004"):
        read(tmp_path / "a")


def test_plain_zstd_takes_the_compression_off(tmp_path: Path) -> None:
    """Marks are skippable frames: the format stays readable with what every machine has."""
    import zstandard

    records, blocks = small()
    raw = b"".join(encode(record) for each in records for record in each)
    data: Any = b"".join(blocks) + end()
    with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as stream:
        assert stream.read() == raw

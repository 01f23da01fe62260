"""Reads recordings, to the last whole block; what was changed is refused, never guessed."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from virtuoso.recording.blocks import BEGINNING, MARK_BYTES, mark, unpacked
from virtuoso.recording.files import RecordingError, to_read, why
from virtuoso.recording.records import VERSION, Header, Record, decode

_COPY = "take an unchanged copy of it, or read the other files one by one"
_PIECE_BYTES = 1 << 20


class Truncation(NamedTuple):
    """A file that was not closed: the process was killed, the disk was full, or it is still being written.

    Attributes:
        path: the file.
        offset: where its last whole block ends.
        lost: bytes after that, of a block that was cut off; often 0, and yet up to a second of records is missing.
    """

    path: Path
    offset: int
    lost: int


class Reader(Iterator[Record]):
    """The records of one file, or of all files of a recording in order, each file from its `Header` on.

    Attributes:
        files: what is read.
        truncated: the files read so far that were not closed; their records end early.
        bytes_read: of all files together, so far; `bytes_total` of them when reading began.

    Raises:
        RecordingError: while iterating: a file is no recording, was changed, or is of another version. The records
            before that place are right.
    """

    def __init__(self, path: Path) -> None:
        self.files = to_read(path)
        self.truncated: list[Truncation] = []
        self.bytes_read = 0
        self.bytes_total = _size(self.files)
        self._records = self._all()

    def __next__(self) -> Record:
        return next(self._records)

    def _all(self) -> Iterator[Record]:
        for path in self.files:
            try:
                with path.open("rb") as file:
                    yield from self._file(path, file)
            except OSError as error:
                raise RecordingError(path, f"cannot be read: {why(error)}") from error

    def _file(self, path: Path, file: BinaryIO) -> Iterator[Record]:
        at = 0
        while True:
            raw = _block(path, file, at)
            if isinstance(raw, Truncation):
                self.truncated.append(raw)
                return
            if not raw:
                if file.read(1):
                    raise RecordingError(path, f"something was appended after the end; {_COPY}", at + MARK_BYTES)
                return
            yield from _decoded(path, at, raw)
            self.bytes_read += file.tell() - at
            at = file.tell()


def _size(files: list[Path]) -> int:
    try:
        return sum(file.stat().st_size for file in files)
    except OSError as error:
        raise RecordingError(files[0], f"cannot be read: {why(error)}") from error


def _block(path: Path, file: BinaryIO, at: int) -> bytes | Truncation:
    """What the next block holds; empty at the end of a file that was closed."""
    head = file.read(MARK_BYTES)
    if len(head) < MARK_BYTES and head[: len(BEGINNING)] == BEGINNING[: len(head)]:
        return Truncation(path, at, len(head))
    found = mark(head) if len(head) == MARK_BYTES else None
    if found is None:
        begun = head.rstrip(b"\0")[: len(BEGINNING)]
        lost = _zeros(file) if BEGINNING.startswith(begun) else None
        if lost or (lost == 0 and head.endswith(bytes(4))):
            return Truncation(path, at, len(head) + lost)
        if at == 0 and not head.startswith(BEGINNING):
            raise RecordingError(path, f"is no recording; it would begin with {BEGINNING.hex(' ').upper()}", 0)
        raise RecordingError(path, f"was changed: no block begins here; {_COPY}", at)
    if not found.packed:
        return b""
    data = file.read(found.packed)
    if len(data) < found.packed:
        return Truncation(path, at, len(head) + len(data))
    raw = unpacked(found, data)
    if raw is None:
        if data.endswith(bytes(4)) and (lost := _zeros(file)) is not None:
            return Truncation(path, at, len(head) + len(data) + lost)
        raise RecordingError(path, f"was changed: the checksum of the block differs; {_COPY}", at)
    return raw


def _decoded(path: Path, at: int, raw: bytes) -> Iterator[Record]:
    records = decode(raw)
    try:
        first = next(records) if at == 0 else None
        if at == 0 and not isinstance(first, Header):
            raise RecordingError(path, "does not begin with a header; read it with the program that wrote it", 0)
        if isinstance(first, Header):
            if first.version != VERSION:
                known = f"is of version {first.version}, this program reads {VERSION}"
                raise RecordingError(path, f"{known}; read it with the program that wrote it", 0)
            yield first
        yield from records
    except (msgspec.MsgspecError, struct.error) as error:
        unknown = f"holds a record that version {VERSION} does not know ({error})"
        raise RecordingError(path, f"{unknown}; read it with the program that wrote it", at) from error


def _zeros(file: BinaryIO) -> int | None:
    """How many bytes remain, if all are zero, as after a power cut before the last write; else `None`."""
    count = 0
    while piece := file.read(_PIECE_BYTES):
        if any(piece):
            return None
        count += len(piece)
    return count


def read(path: Path) -> Reader:
    """The records of a file, or of a recording `NAME` (its files `NAME.0001.vrec.zst`, … in order).

    Raises:
        RecordingError: there is no such recording.
    """
    return Reader(path)

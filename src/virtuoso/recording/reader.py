"""Reads recordings, to the last whole block; what was changed is refused, never guessed."""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple
from zlib import crc32

import msgspec

from virtuoso.recording.ahead import LEAST_BYTES, Unpack, Unpacked, early, unpacking
from virtuoso.recording.blocks import BEGINNING, COLUMNS, INDEX, MARK_BYTES, RECORDS, Mark, mark, unpacked
from virtuoso.recording.columns import directory
from virtuoso.recording.files import RecordingError, tail_of, to_read, why
from virtuoso.recording.index import Index, stored
from virtuoso.recording.keeping import size_of
from virtuoso.recording.records import READ, VERSION, Header, Record, at_ns, decode
from virtuoso.recording.summary import Summary

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


class Block(NamedTuple):
    """A block as it was read: where it begins, its mark, its data, and what gives the records in it (bytes)."""

    offset: int
    mark: Mark
    data: bytes
    unpack: Unpacked

    def raw(self, path: Path) -> bytes:
        """Unpack the records of the block, and check them against its mark.

        Raises:
            RecordingError: they are not what the mark announces.
        """
        found = self.unpack()
        if found is None:
            raise RecordingError(path, f"was changed: what a block holds differs from its mark; {_COPY}", self.offset)
        return found


class Reader(Iterator[Record]):
    """The records of one file, or of all files of a recording in order, each file from its `Header` on.

    Args:
        path: the file, or the recording.
        from_ns: the time before which records are left out (epoch ns), headers apart. Blocks before it are not read.
        unpack: unpacks blocks, as a rule a few ahead in another process (`ahead.py`); `None`: each when it is due.

    Attributes:
        files: what is read.
        truncated: the files read so far that were not closed; their records end early.
        bytes_read: of all files together, so far; `bytes_total` of them when reading began.

    Raises:
        RecordingError: while iterating: a file is no recording, was changed, or is of another version. The records
            before that place are right.
    """

    def __init__(self, path: Path, from_ns: int | None = None, unpack: Unpack | None = None) -> None:
        self._unpack = unpack
        self.files = to_read(path)
        self.truncated: list[Truncation] = []
        self.bytes_read = 0
        self._sizes = _sizes(self.files)
        self.bytes_total = sum(self._sizes)
        self._records = self._all() if from_ns is None else self._from(from_ns)

    def __next__(self) -> Record:
        return next(self._records)

    def _all(self) -> Iterator[Record]:
        for number, path in enumerate(self.files):
            yield from self._file(path, None)
            self.bytes_read = sum(self._sizes[: number + 1])

    def _from(self, from_ns: int) -> Iterator[Record]:
        for number, path in enumerate(self.files):
            self.bytes_read = sum(self._sizes[:number])
            index = index_of(path)
            begin = index.offset_of(from_ns)
            if begin is None and not tail_of(path).exists():
                continue
            last = index.entries[-1].offset if index.entries else None
            for record in self._file(path, last if begin is None else begin):
                if isinstance(record, Header) or at_ns(record) >= from_ns:
                    yield record

    def _file(self, path: Path, begin: int | None) -> Iterator[Record]:
        """The records of a file; with `begin` its header, and then from the block there on."""
        try:
            with path.open("rb") as file:
                blocks = _blocks(path, file, begin, self._unpack or _when_due)
                for each in blocks if self._unpack is None else early(blocks):
                    if isinstance(each, Truncation):
                        self.truncated.append(each)
                    else:
                        yield from _decoded(path, each.offset, each.raw(path))
                        self.bytes_read += MARK_BYTES + each.mark.packed
        except OSError as error:
            raise RecordingError(path, f"cannot be read: {why(error)}") from error


def _blocks(path: Path, file: BinaryIO, begin: int | None, unpack: Unpack) -> Iterator[Block | Truncation]:
    """The blocks of records in a file, then those of its tail; a truncation where it was not closed."""
    at = 0
    while True:
        found = _block(path, file, at, unpack)
        if isinstance(found, Truncation):
            more = _tail(path, at)
            if more is None:
                yield found
                return
            if more:
                yield from more
                return
        elif found.mark.is_end:
            if file.read(1):
                raise RecordingError(path, f"something was appended after the end; {_COPY}", at + MARK_BYTES)
            return
        else:
            if found.mark.kind != INDEX:
                yield found
            at += MARK_BYTES + found.mark.packed
            if begin is not None and begin > at:
                at, begin = begin, None
        file.seek(at)


def _tail(path: Path, at: int) -> list[Block | Truncation] | None:
    """What was flushed since byte `at` of a file; empty when the file has grown since, `None` when there is no more."""
    beside = tail_of(path)
    blocks, offset, follows = list[Block | Truncation](), 0, None
    try:
        with beside.open("rb") as file:
            while not isinstance(found := _block(beside, file, offset), Truncation):
                if not offset:
                    follows = int.from_bytes(found.data, "little")
                else:
                    blocks.append(found)
                offset += MARK_BYTES + found.mark.packed
    except (FileNotFoundError, RecordingError) as error:
        if _whole_block_at(path, at):
            return []  # while it was read, a large block took its place
        if isinstance(error, FileNotFoundError):
            return None
        raise
    if follows == at:
        return [*blocks, Truncation(path, at, found.lost)]
    return [] if _whole_block_at(path, at) else None


def _whole_block_at(path: Path, at: int) -> bool:
    with path.open("rb") as file:
        file.seek(at)
        return not isinstance(_block(path, file, at), Truncation)


def _sizes(files: list[Path]) -> list[int]:
    try:
        return [size_of(file) for file in files]
    except OSError as error:
        raise RecordingError(files[0], f"cannot be read: {why(error)}") from error


def _when_due(mark: Mark, data: bytes) -> Unpacked:
    return partial(unpacked, mark, data)


def _block(path: Path, file: BinaryIO, at: int, unpack: Unpack = _when_due) -> Block | Truncation:
    """The next block, which begins at byte `at`."""
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
    if found.is_end:
        return Block(at, found, b"", bytes)
    data = file.read(found.packed)
    if len(data) < found.packed:
        return Truncation(path, at, len(head) + len(data))
    if crc32(data) != found.crc:
        if data.endswith(bytes(4)) and (lost := _zeros(file)) is not None:
            return Truncation(path, at, len(head) + len(data) + lost)
        raise RecordingError(path, f"was changed: the checksum of the block differs; {_COPY}", at)
    return Block(at, found, data, unpack(found, data) if found.kind in {RECORDS, COLUMNS} else bytes)


def _decoded(path: Path, at: int, raw: bytes) -> Iterator[Record]:
    records = decode(raw)
    try:
        first = next(records) if at == 0 else None
        if at == 0 and not isinstance(first, Header):
            raise RecordingError(path, "does not begin with a header; read it with the program that wrote it", 0)
        if isinstance(first, Header):
            if first.version not in READ:
                known = f"is of version {first.version}, this program reads {' and '.join(map(str, sorted(READ)))}"
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


def index_of(path: Path) -> Index:
    """The index of a file: as it was closed with, or made anew.

    Raises:
        RecordingError: the file is no recording, or was changed.
    """
    try:
        found = stored(path)
        if found is not None:
            return found
        with path.open("rb") as file:
            made = Index()
            for each in _in_file(path, file):
                made.add(each.offset, _summary(path, each))
            return made
    except OSError as error:
        raise RecordingError(path, f"cannot be read: {why(error)}") from error


def summary_of(path: Path) -> Summary:
    """Sum up what a recording holds, its unclosed tail included.

    Raises:
        RecordingError: the file is no recording, or was changed.
    """
    index = index_of(path)
    found = index.holds
    if not is_closed(path):
        end = index.entries[-1].offset if index.entries else 0
        with path.open("rb") as file:
            file.seek(end)
            last = _block(path, file, end)
        if isinstance(last, Block):
            for more in _tail(path, end + MARK_BYTES + last.mark.packed) or ():
                if isinstance(more, Block):
                    found.join(_summary(path, more))
    return found


def is_closed(path: Path) -> bool:
    """Whether a file was closed as it should."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - MARK_BYTES))
        found = mark(file.read(MARK_BYTES)) if size >= MARK_BYTES else None
    return found is not None and found.is_end


def _in_file(path: Path, file: BinaryIO) -> Iterator[Block]:
    """The blocks of the file itself; those of its tail are found by reading on."""
    at = 0
    while not isinstance(found := _block(path, file, at), Truncation) and not found.mark.is_end:
        if found.mark.kind != INDEX:
            yield found
        at += MARK_BYTES + found.mark.packed


def _summary(path: Path, found: Block) -> Summary:
    if found.mark.kind == COLUMNS:
        return directory(found.data)[0].holds
    holds = Summary()
    for record in _decoded(path, found.offset, found.raw(path)):
        holds.add(record, 0)
    holds.raw = found.mark.raw
    return holds


def read(path: Path, from_ns: int | None = None, unpack: Unpack | None = None) -> Reader:
    """The records of a file, or of a recording `NAME` (its files `NAME.0001.vrec.zst`, … in order), from a time on.

    Raises:
        RecordingError: there is no such recording.
    """
    return Reader(path, from_ns, unpack)


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """The records as `read` gives them, where there are many unpacked ahead in another process.

    Raises:
        RecordingError: there is no such recording.
    """
    if sum(map(size_of, to_read(path))) < LEAST_BYTES:
        yield read(path)
        return
    with unpacking() as unpack:
        yield read(path, None, unpack)

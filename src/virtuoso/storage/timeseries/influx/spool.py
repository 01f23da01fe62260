"""Batches on the disk while the server is away: a folder of segments, oldest first, bounded."""

import errno
import os
import struct
import zlib
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

_FRAME = struct.Struct("<4sIII")
"""Mark, bytes of the body, points in it, CRC-32 of these two numbers and the body."""
_MARK = b"VTS1"
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
_SEGMENTS = 16
_MIN_SEGMENT_BYTES = 4_096


@dataclass(slots=True, eq=False)
class Segment:
    """One file of the spool: batches in frames, in the order of their arrival.

    Attributes:
        path: of the file.
        size: bytes of whole frames.
        points: in frames not yet removed.
        offset: of the first frame not yet removed.
    """

    path: Path
    size: int = 0
    points: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """A batch in the spool, and where."""

    segment: Segment
    body: bytes
    points: int


class Spool:
    """Used from one thread at a time. What `append` took is on the disk and survives the process and a power cut.

    A segment is removed when all of it was; until then a new process gives all of it out again, which does no harm:
    points are unique by series and time.

    Args:
        folder: its directory is made.
        max_bytes: of all segments; the oldest are shed for newer ones, a sixteenth at a time.

    Attributes:
        points: that wait.
        bytes: of the segments.
        lost: points shed, or found damaged.
        torn: segments whose end was not written whole, such as by a SIGKILL, and frames found damaged.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._segment_bytes = max(_MIN_SEGMENT_BYTES, max_bytes // _SEGMENTS)
        self._segments: deque[Segment] = deque()
        self._file: FileIO | None = None
        self._number = 0
        self.points = self.bytes = self.lost = self.torn = 0

    def open(self) -> None:
        """Find what an earlier process left. New batches go to new segments, never behind a torn end.

        Raises:
            OSError: the folder cannot be made or read.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(self._folder.glob("*.spool")):
            self._number = max(self._number, int(path.stem) if path.stem.isdigit() else 0)
            segment = self._scan(path)
            if segment.points:
                self._segments.append(segment)
                self.points += segment.points
                self.bytes += segment.size
            else:
                path.unlink(missing_ok=True)

    def append(self, body: bytes, points: int) -> None:
        """Add a batch behind all others; the oldest segments are shed when there is no room otherwise.

        Raises:
            OSError: it could not be kept, even so.
        """
        check = zlib.crc32(body, zlib.crc32(struct.pack("<II", len(body), points)))
        frame = _FRAME.pack(_MARK, len(body), points, check) + body
        if len(frame) > self._max_bytes:
            raise OSError(errno.EFBIG, f"a batch of {len(frame)} bytes is more than the spool may hold")
        while self.bytes + len(frame) > self._max_bytes:
            self._shed()
        while True:
            try:
                self._write(frame, points)
            except OSError as error:
                if error.errno not in _NO_SPACE or not self._segments:
                    raise
                self._shed()
            else:
                return

    def first(self) -> Record | None:
        """The oldest batch, which stays; a damaged one is skipped and counted.

        Raises:
            OSError: it cannot be read.
        """
        while self._segments:
            segment = self._segments[0]
            try:
                with segment.path.open("rb") as file:
                    file.seek(segment.offset)
                    _, length, points, check = _FRAME.unpack(file.read(_FRAME.size))
                    body = file.read(length)
            except (FileNotFoundError, struct.error):  # someone removed or cut it
                self._shed()
                continue
            record = Record(segment, body, points)
            if zlib.crc32(body, zlib.crc32(struct.pack("<II", length, points))) == check:
                return record
            self.torn += 1
            self.lost += points
            self._advance(segment, _FRAME.size + length, points)
        return None

    def remove(self, record: Record) -> None:
        """Remove a batch that is kept elsewhere."""
        if self._segments and self._segments[0] is record.segment:
            self._advance(record.segment, _FRAME.size + len(record.body), record.points)
        else:  # it was shed meanwhile, but is not lost
            self.lost -= record.points

    def close(self) -> None:
        """Close the segment that is open for writing, if there is one."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _scan(self, path: Path) -> Segment:
        segment = Segment(path)
        total = path.stat().st_size
        with path.open("rb") as file:
            while segment.size + _FRAME.size <= total:
                file.seek(segment.size)
                mark, length, points, _ = _FRAME.unpack(file.read(_FRAME.size))
                if mark != _MARK or segment.size + _FRAME.size + length > total:
                    break
                segment.size += _FRAME.size + length
                segment.points += points
        self.torn += segment.size < total
        return segment

    def _write(self, frame: bytes, points: int) -> None:
        file = self._file
        if file is None or not os.fstat(file.fileno()).st_nlink or self._segments[-1].size >= self._segment_bytes:
            file = self._begin()
        segment = self._segments[-1]
        try:
            left = memoryview(frame)
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                file.truncate(segment.size)
            self.close()  # what follows a torn end would not be found
            if not segment.size:
                self._segments.pop()
                segment.path.unlink(missing_ok=True)
            raise
        segment.size += len(frame)
        segment.points += points
        self.points += points
        self.bytes += len(frame)

    def _begin(self) -> FileIO:
        self.close()
        self._number += 1
        path = self._folder / f"{self._number:012d}.spool"
        self._file = path.open("xb", buffering=0)
        self._segments.append(Segment(path))
        self._sync_folder()
        return self._file

    def _advance(self, segment: Segment, length: int, points: int) -> None:
        segment.offset += length
        segment.points -= points
        self.points -= points
        if segment.offset >= segment.size:
            self._drop_oldest()

    def _shed(self) -> None:
        self.lost += self._segments[0].points
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        segment = self._segments.popleft()
        if not self._segments:  # it was being written
            self.close()
        self.points -= segment.points
        self.bytes -= segment.size
        segment.path.unlink(missing_ok=True)
        self._sync_folder()

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

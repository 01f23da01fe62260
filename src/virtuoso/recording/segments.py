"""The files on the disk: one is written, full ones are closed, old ones are removed.

Beside the file that is written stands its tail: what was flushed since its last large block, in small blocks. A large
block takes their place; whenever the process is killed, file and tail together hold all that was flushed.
"""

import errno
import fcntl
import os
import struct
from contextlib import suppress
from io import FileIO
from pathlib import Path

from virtuoso.model.clock import Clock
from virtuoso.model.text.bytes import size_text
from virtuoso.recording.blocks import TAIL, block, end
from virtuoso.recording.files import RecordingError, files_of, number_of, numbered, tail_of
from virtuoso.recording.index import Index, index_block
from virtuoso.recording.keeping import Keep, free_bytes, over, remove
from virtuoso.recording.reader import index_of
from virtuoso.recording.summary import Summary

_OFFSET = struct.Struct("<Q")


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _append(file: FileIO, block: bytes) -> None:
    left = memoryview(block)
    while left:
        left = left[file.write(left) :]
    os.fsync(file.fileno())


def _refuse_if_written(file: Path) -> None:
    with file.open("rb") as last:
        try:
            fcntl.flock(last, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RecordingError(
                file, "another process writes this recording; stop it or choose another name"
            ) from error


class Segments:
    """Blocks are on the disk when `flush` and `settle` return. A recording that exists is continued.

    Args:
        path: the recording's name, with or without `.vrec.zst`; its directory is made.
        first: the block every file begins with.
        rotate_bytes: a file that holds this much is closed before the next block.
        rotate_s: and so is one of this age.
        keep: what of the recording stays.
        clock: for the age.

    Raises:
        OSError: from every method: the disk is full, the directory is not ours, …
        RecordingError: another process writes this recording.
    """

    def __init__(
        self, path: Path, first: bytes, *, rotate_bytes: int, rotate_s: float, keep: Keep, clock: Clock
    ) -> None:
        self._base, self._first, self._clock = path, first, clock
        self._rotate_bytes, self._rotate_ns, self._keep = rotate_bytes, int(rotate_s * 1e9), keep
        path.parent.mkdir(parents=True, exist_ok=True)
        files = files_of(path)
        if files:
            _refuse_if_written(files[-1])
        self._number = number_of(files[-1]) if files else 0
        self.removed: list[tuple[Path, str]] = []
        """Old files that went since it was looked at last, and why."""
        self._open()

    @property
    def written(self) -> int:
        """Bytes of the file and its tail."""
        return self._bytes + self._tail_bytes

    def _open(self) -> None:
        self._number += 1
        self.path = numbered(self._base, self._number)
        self._file: FileIO = self.path.open("xb", buffering=0)
        self._bytes = self._tail_bytes = 0
        self._index = Index()
        self._opened_ns, self._began_ns = self._clock.monotonic_ns(), self._clock.now_ns()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._tail: FileIO = tail_of(self.path).open("wb", buffering=0)
            _append(self._file, self._first)
            self._bytes = len(self._first)
            _sync_directory(self.path.parent)
            self.tidy()
        except OSError:
            self.abandon()
            if not self._bytes:
                for file in (tail_of(self.path), self.path):
                    with suppress(OSError):
                        file.unlink()
            raise

    def first_ns(self) -> int | None:
        """The first moment that the files hold (epoch ns): of the oldest, of whatever run; `None` where it holds none.

        Raises:
            OSError: the directory or the file cannot be read.
            RecordingError: the oldest file is none of a recording.
        """
        oldest = files_of(self._base)[0]
        return self._began_ns if oldest == self.path else index_of(oldest).holds.first_ns or None

    def tidy(self) -> None:
        """Remove the oldest files that may not stay.

        Raises:
            OSError: too little is free on the disk nevertheless.
        """
        for old, reason in over(self._base, self._keep, self._clock.now_ns()):
            remove(old)
            self.removed.append((old, reason))
        if self._keep.free_bytes is not None and free_bytes(self.path) < self._keep.free_bytes:
            least = f"less than {size_text(self._keep.free_bytes)} are free on the disk"
            raise OSError(errno.ENOSPC, f"{least}, and there is no older file that could go")

    @property
    def full(self) -> bool:
        """Whether the next block belongs to a new file, because this one is full or old."""
        old = self._clock.monotonic_ns() - self._opened_ns >= self._rotate_ns
        return self.written > len(self._first) and (old or self.written >= self._rotate_bytes)

    def rotate(self) -> None:
        """Begin a new file; what was flushed must be settled.

        The new file begins before the old one ends: whenever the process is killed, one of them has no end.
        """
        index, old = self._index, self.path
        with self._file as full, self._tail:
            self._open()
            _append(full, end(index_block(index)))
        tail_of(old).unlink(missing_ok=True)

    def flush(self, small: bytes) -> None:
        """Append a small block to the tail."""
        data = small if self._tail_bytes else block(TAIL, _OFFSET.pack(self._bytes), _OFFSET.size) + small
        _append(self._tail, data)
        self._tail_bytes += len(data)

    def settle(self, large: bytes, holds: Summary) -> None:
        """Append a block that holds all that the tail holds, and more; the tail is empty then."""
        _append(self._file, large)
        self._index.add(self._bytes, holds)
        self._bytes += len(large)
        if self._tail_bytes:
            os.ftruncate(self._tail.fileno(), 0)
            self._tail.seek(0)
            self._tail_bytes = 0

    def finish(self) -> None:
        """Mark the file as closed, and close it; what was flushed must be settled."""
        _append(self._file, end(index_block(self._index)))
        self._file.close()
        self._tail.close()
        tail_of(self.path).unlink(missing_ok=True)

    def abandon(self) -> None:
        """Close the file after an error, cut back to its last whole block. Raises nothing."""
        for file, size in ((self._file, self._bytes), (getattr(self, "_tail", None), self._tail_bytes)):
            if file is not None:
                with suppress(OSError, ValueError):
                    os.ftruncate(file.fileno(), size)
                with suppress(OSError):
                    file.close()
        if not self._tail_bytes:
            with suppress(OSError):
                tail_of(self.path).unlink(missing_ok=True)

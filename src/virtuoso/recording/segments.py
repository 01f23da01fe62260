"""The files on the disk: one is written, full ones are closed, old ones are removed."""

import fcntl
import os
from contextlib import suppress
from io import FileIO
from pathlib import Path

from virtuoso.model.clock import Clock
from virtuoso.recording.blocks import END
from virtuoso.recording.files import RecordingError, files_of, number_of, numbered


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
    """Blocks go to the newest file, and are on the disk when `write` returns. A recording that exists is continued.

    Args:
        path: the recording's name, with or without `.vrec.zst`; its directory is made.
        first: the block every file begins with.
        rotate_bytes: a file that holds this much is closed before the next block.
        rotate_s: and so is one of this age.
        keep: how many files of the recording stay; the oldest are removed. `None` removes none.
        clock: for the age.

    Raises:
        OSError: from every method: the disk is full, the directory is not ours, …
        RecordingError: another process writes this recording.
    """

    def __init__(
        self, path: Path, first: bytes, *, rotate_bytes: int, rotate_s: float, keep: int | None, clock: Clock
    ) -> None:
        self._base, self._first, self._clock = path, first, clock
        self._rotate_bytes, self._rotate_ns, self._keep = rotate_bytes, int(rotate_s * 1e9), keep
        path.parent.mkdir(parents=True, exist_ok=True)
        files = files_of(path)
        if files:
            _refuse_if_written(files[-1])
        self._number = number_of(files[-1]) if files else 0
        self._open()

    def _open(self) -> None:
        self._number += 1
        self.path = numbered(self._base, self._number)
        self._file: FileIO = self.path.open("xb", buffering=0)
        self._bytes = 0
        self._opened_ns = self._clock.monotonic_ns()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _append(self._file, self._first)
            self._bytes = len(self._first)
            _sync_directory(self.path.parent)
            if self._keep is not None:
                for old in files_of(self._base)[: -self._keep]:
                    old.unlink(missing_ok=True)
        except OSError:
            self.abandon()
            if not self._bytes:
                with suppress(OSError):
                    self.path.unlink()
            raise

    def write(self, block: bytes) -> None:
        """Append a block, in a new file if this one is full or old."""
        old = self._clock.monotonic_ns() - self._opened_ns >= self._rotate_ns
        if self._bytes > len(self._first) and (old or self._bytes >= self._rotate_bytes):
            # The new file begins before the old one ends: whenever the process is killed, one of them has no end.
            with self._file as full:
                self._open()
                _append(full, END)
        _append(self._file, block)
        self._bytes += len(block)

    def finish(self) -> None:
        """Mark the file as closed, and close it."""
        _append(self._file, END)
        self._file.close()

    def abandon(self) -> None:
        """Close the file after an error, cut back to its last whole block. Raises nothing."""
        with suppress(OSError, ValueError):
            os.ftruncate(self._file.fileno(), self._bytes)
        with suppress(OSError):
            self._file.close()

"""A file that log lines are added to, by several processes at once; when it is large it is put by and begun anew."""

import fcntl
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path


class LogFile:
    """Writes whole lines. Who rotates it holds a lock; who wrote to what was put by goes on in the new file.

    What cannot be written is said on standard error, once when that begins and once when it ends; the program goes on.

    Args:
        path: of the file; its folder is made.
        most_bytes: size at which it is put by as `NAME.1`, that as `NAME.2`, and so on.
        keep: how many of those stay.

    Raises:
        OSError: it cannot be made or written.
    """

    def __init__(self, path: Path, most_bytes: int, keep: int) -> None:
        self._path, self._most_bytes, self._keep = path.absolute(), most_bytes, keep
        self._lock = threading.RLock()
        self._lost = 0
        self._torn = self._rotating = False
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._opened()

    def write(self, line: str) -> None:
        """Add a line, or what belongs together in several; a line feed is put after it."""
        data = f"{line}\n".encode("utf-8", "backslashreplace")
        with self._lock:
            try:
                self._add(data)
            except OSError as error:
                self._lost += 1
                if self._lost == 1:
                    _say(f"{self._path}: cannot be written: {error.strerror}; log lines are missing there")
            else:
                if self._lost:
                    _say(f"{self._path}: can be written again; {self._lost} log lines are missing there")
                self._lost = 0

    def _add(self, data: bytes) -> None:
        if not self._rotating:  # else the garbage collector found meanwhile what is to be told
            self._keep_within(len(data))
        if self._torn:  # a full disk took half a line: it is not to spoil the next one too
            data = b"\n" + data
        while data:
            data = data[os.write(self._file, data) :]
            self._torn = bool(data)

    def _keep_within(self, coming: int) -> None:
        self._rotating = True
        try:
            if self._is_moved():
                self._reopen()
            size = os.fstat(self._file).st_size
            if size and size + coming > self._most_bytes:
                self._rotate(coming)
        finally:
            self._rotating = False

    def _rotate(self, coming: int) -> None:
        """Put the file by, unless another process has by now."""
        lock = os.open(self._path.with_name(f".{self._path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._is_moved() and os.fstat(self._file).st_size + coming > self._most_bytes:
                names = [
                    self._path,
                    *(self._path.with_name(f"{self._path.name}.{n}") for n in range(1, self._keep + 1)),
                ]
                for older, newer in zip(names[:0:-1], names[-2::-1], strict=True):
                    with suppress(FileNotFoundError):
                        newer.replace(older)
                if not self._keep:
                    self._path.unlink(missing_ok=True)
            self._reopen()
        finally:
            os.close(lock)

    def _is_moved(self) -> bool:
        """Whether the file of this name is another, or none."""
        try:
            return not os.path.samestat(self._path.stat(), os.fstat(self._file))
        except FileNotFoundError:
            return True

    def _reopen(self) -> None:
        new = self._opened()
        os.close(self._file)
        self._file, self._torn = new, False

    def _opened(self) -> int:
        """For appending: what two processes write at once does not mix. For its owner and group to read."""
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)


def _say(text: str) -> None:
    with suppress(OSError, ValueError):  # nobody reads it
        sys.stderr.write(f"virtuoso: {text}\n")

"""The lines that a deployment logs while it is watched: those that a file gains from now on, rotated or not."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Final

from virtuoso.model.errors import UsageError
from virtuoso.model.text.failures import why_unread
from virtuoso.operations.streams import Mask

MOST_LINES: Final = 200_000
MOST_BYTES: Final = 64 * 1024 * 1024
_BLOCK: Final = 1 << 20
_WEBHOOK: Final = re.compile(r"(https?://[^\s\"']*?/webhooks?/)[^\s\"']+", re.IGNORECASE)
_USER: Final = re.compile(r"(://)[^/\s\"'@]*@")


class LogFile:
    """A file that is written to, begun at its end and held open: what it gains is read to the end before its successor.

    Attributes:
        count: lines that it gained so far; beyond 200,000 of them, or 64 MB, they are counted and not told.
        gaps: why some that it gained are not known, a line each.
    """

    def __init__(self, path: Path, secrets: Iterable[str] = ()) -> None:
        self._path = path
        self._mask = Mask(secrets)
        self.count = 0
        self.gaps: list[str] = []
        self._kept = self._bytes = 0
        self._unfinished = b""
        try:
            self._file: BinaryIO = path.open("rb")
            self._file.seek(0, 2)
        except OSError as error:
            raise UsageError(f"--log {path}: cannot be read: {why_unread(error)}") from error

    def gained(self, *, last: bool = False) -> list[str]:
        """The lines since the last call, without secrets; with `last` also one that was begun, and then no more."""
        found: list[str] = []
        try:
            self._read(found)
            while (newer := self._successor()) is not None:
                self._read(found)  # all of it: whoever writes has gone on to the next one
                self._end(found)
                self._file.close()
                self._file = newer
                self._read(found)
        except OSError as error:
            self._note(f"it could not be read: {why_unread(error)}")
        if last:
            self._end(found)
            self._file.close()
        return found

    def _read(self, found: list[str]) -> None:
        """Take what was written since, up to the last whole line."""
        if os.fstat(self._file.fileno()).st_size < self._file.tell():
            self._note("it was cut off while it was written: what it gained just before may be missing")
            self._end(found)
            self._file.seek(0)
        while block := self._file.read(_BLOCK):
            *lines, self._unfinished = (self._unfinished + block).split(b"\n")
            for line in lines:
                self._take(line, found)
            if len(self._unfinished) > _BLOCK:
                self._end(found)

    def _successor(self) -> BinaryIO | None:
        """The file that stands at the path now, where it is another one; `None` until something is written to it."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return None
        if os.fstat(file.fileno()).st_size and not os.path.sameopenfile(file.fileno(), self._file.fileno()):
            return file
        file.close()
        return None

    def _end(self, found: list[str]) -> None:
        line, self._unfinished = self._unfinished, b""
        if line:
            self._take(line, found)

    def _take(self, line: bytes, found: list[str]) -> None:
        self.count += 1
        if self._kept < MOST_LINES and self._bytes + len(line) <= MOST_BYTES:
            self._kept += 1
            self._bytes += len(line)
            found.append(_inert(self._mask(line.decode("utf-8", "replace").rstrip("\r"))))

    def _note(self, gap: str) -> None:
        if gap not in self.gaps:
            self.gaps.append(gap)


def _inert(line: str) -> str:
    """A line without addresses of webhooks and passwords in addresses, which no configuration needs to name."""
    return _USER.sub(r"\1***@", _WEBHOOK.sub(r"\1***", line))

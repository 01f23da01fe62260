"""The lines that a deployment logs while it is watched: those that a file gains from now on."""

import re
from pathlib import Path
from typing import Final

from virtuoso.model.errors import UsageError
from virtuoso.model.text.failures import why_unread

MOST_LINES: Final = 200_000
_MOST_BYTES: Final = 64 * 1024 * 1024
_WEBHOOK: Final = re.compile(r"(https?://[^\s\"']*?/webhooks?/)[^\s\"']+", re.IGNORECASE)
_USER: Final = re.compile(r"(://)[^/\s\"'@]*@")


class LogFile:
    """A file that is written to; begun at its end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as file:
                self._began = file.seek(0, 2)
                self._inode = path.stat().st_ino
        except OSError as error:
            raise UsageError(f"--log {path}: cannot be read: {why_unread(error)}") from error

    def gained(self) -> tuple[list[str], int, str | None]:
        """The lines since, at most 200,000 of them; how many there were; and why they are not known, if so.

        A file that was rotated meanwhile is read from its beginning: what its old one gained last is missing then.
        """
        try:
            with self._path.open("rb") as file:
                rotated = self._path.stat().st_ino != self._inode or file.seek(0, 2) < self._began
                file.seek(0 if rotated else self._began)
                text = file.read(_MOST_BYTES).decode("utf-8", "replace")
        except OSError as error:
            return [], 0, f"the log could not be read again: {why_unread(error)}"
        lines = text.splitlines()
        return [masked(line) for line in lines[:MOST_LINES]], len(lines), None


def masked(line: str) -> str:
    """A line without addresses of webhooks and passwords in addresses."""
    return _USER.sub(r"\1***@", _WEBHOOK.sub(r"\1***", line))

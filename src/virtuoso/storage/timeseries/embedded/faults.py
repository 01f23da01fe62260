"""Which error is which: a full disk, a file that is no database, a file that is gone."""

import errno
import shutil
import sqlite3
from pathlib import Path
from typing import Final

_LITTLE_BYTES: Final = 1 << 20
_PRIMARY: Final = 0xFF


class DiskFull(Exception):
    """No room is left, and nothing old that could be removed."""


class FolderGone(Exception):
    """The folder was deleted or replaced while its files were open: what is written would be lost."""


Identity = tuple[int, int]


def identity_of(path: Path) -> Identity | None:
    """What has this name now, whatever it was before; `None` when nothing has.

    Raises:
        OSError: it cannot be seen.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def is_full(error: BaseException, folder: Path) -> bool:
    """Whether it says that the disk is full. Other words for it are believed when hardly anything is free."""
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    code = _code(error)
    if code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}:
        return free_bytes(folder) < _LITTLE_BYTES
    return code == sqlite3.SQLITE_FULL


def is_broken(error: BaseException) -> bool:
    """Whether it says that the file is damaged, or no database at all."""
    short = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_SHORT_READ
    return short or _code(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def is_missing(error: BaseException) -> bool:
    """Whether it says that there is no such file, or that it vanished."""
    return _code(error) in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY}


def free_bytes(folder: Path) -> int:
    """What the disk of the folder has left.

    Raises:
        OSError: it does not say.
    """
    return shutil.disk_usage(folder).free


def _code(error: BaseException) -> int:
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY

"""Names: the files `NAME.0001.vrec.zst`, `NAME.0002.vrec.zst`, … of a recording."""

import re
from itertools import pairwise
from pathlib import Path

from virtuoso.model.errors import UsageError

SUFFIX = ".vrec.zst"
TAIL_SUFFIX = ".vrec.tail"
_NUMBERED = re.compile(rf"(.+)\.(\d{{4,}}){re.escape(SUFFIX)}")


class RecordingError(UsageError):
    """A recording cannot be written or read; the message names the file, what is wrong and what would be right.

    Attributes:
        path: the file.
        offset: the byte it is about; `None` when it is about the whole file.
    """

    def __init__(self, path: Path, message: str, offset: int | None = None) -> None:
        at = "" if offset is None else f" (byte {offset:,})"
        super().__init__(f"{path}{at}: {message}")
        self.path = path
        self.offset = offset


def why(error: OSError) -> str:
    """The system's words for an error."""
    return error.strerror or str(error)


def numbered(path: Path, number: int) -> Path:
    """File `number` of the recording."""
    return path.with_name(f"{path.name.removesuffix(SUFFIX)}.{number:04d}{SUFFIX}")


def number_of(file: Path) -> int:
    """Which file of its recording this is."""
    match = _NUMBERED.fullmatch(file.name)
    return int(match[2]) if match else 0


def tail_of(file: Path) -> Path:
    """Where what was flushed to a file stands until a large block of it is written."""
    return file.with_name(file.name.removesuffix(SUFFIX) + TAIL_SUFFIX)


def files_of(path: Path) -> list[Path]:
    """The files there are of the recording, in order; none when there is none.

    Raises:
        OSError: the directory cannot be read.
    """
    if not path.parent.is_dir():
        return []
    name = path.name.removesuffix(SUFFIX)
    found = ((_NUMBERED.fullmatch(file.name), file) for file in path.parent.iterdir())
    return sorted((file for match, file in found if match and match[1] == name), key=number_of)


def to_read(path: Path) -> list[Path]:
    """The one file `path` is, or the files of the recording of that name.

    Raises:
        RecordingError: there is no such recording, or one of its files is missing between others.
    """
    try:
        if path.is_file():
            return [path]
        if path.is_dir():
            names = sorted({m[1] for file in path.iterdir() if (m := _NUMBERED.fullmatch(file.name))})
            choice = f"name a recording in it: {', '.join(names)}" if names else "and there is no recording in it"
            raise RecordingError(path, f"is a directory; {choice}")
        files = files_of(path)
    except OSError as error:
        raise RecordingError(path, f"cannot be read: {why(error)}") from error
    if not files:
        raise RecordingError(path, f"there is no such recording; its first file would be {numbered(path, 1).name}")
    for before, after in pairwise(files):
        if number_of(after) != number_of(before) + 1:
            missing = numbered(path, number_of(before) + 1)
            raise RecordingError(missing, f"is missing before {after.name}; put it back, or read the files one by one")
    return files

"""What stays: the oldest files go when they are too many, too large, too old, or the disk is nearly full."""

import os
from dataclasses import dataclass
from pathlib import Path

from virtuoso.model.text.bytes import size_text
from virtuoso.recording.files import files_of, tail_of


@dataclass(frozen=True)
class Keep:
    """Bounds of a recording; `None` is none.

    Attributes:
        files: how many stay.
        most_bytes: that the files take together.
        free_bytes: that must be left on the disk.
        age_s: of a file, since it was written last.
    """

    files: int | None = None
    most_bytes: int | None = None
    free_bytes: int | None = None
    age_s: float | None = None

    def __post_init__(self) -> None:
        if (
            min(value for value in (self.files, self.most_bytes, self.free_bytes, self.age_s, 1) if value is not None)
            <= 0
        ):
            raise ValueError("each bound of what stays must be positive")


def size_of(file: Path) -> int:
    """Bytes of a file and its tail; 0 where it is gone."""
    return sum(each.stat().st_size for each in (file, tail_of(file)) if each.exists())


def remove(file: Path) -> None:
    """Remove a file of a recording, with its tail."""
    for each in (file, tail_of(file)):
        each.unlink(missing_ok=True)


def free_bytes(path: Path) -> int:
    """Bytes that a program without privileges can still write beside a file."""
    found = os.statvfs(path.parent)
    return found.f_bavail * found.f_frsize


def over(path: Path, keep: Keep, now_ns: int) -> list[tuple[Path, str]]:
    """The files of a recording that may not stay, the oldest first, each with the reason. The newest one stays.

    Raises:
        OSError: the directory cannot be read.
    """
    files = files_of(path)
    sizes = [size_of(file) for file in files]
    total, free = sum(sizes), free_bytes(path) if keep.free_bytes is not None else 0
    found = list[tuple[Path, str]]()
    for at, (file, size) in enumerate(zip(files[:-1], sizes[:-1], strict=True)):
        age_s = now_ns / 1e9 - file.stat().st_mtime
        if keep.files is not None and len(files) - at > keep.files:
            reason = f"more than {keep.files} files"
        elif keep.most_bytes is not None and total > keep.most_bytes:
            reason = f"the recording is larger than {size_text(keep.most_bytes)}"
        elif keep.free_bytes is not None and free < keep.free_bytes:
            reason = f"less than {size_text(keep.free_bytes)} are free on the disk"
        elif keep.age_s is not None and age_s > keep.age_s:
            reason = f"older than {keep.age_s / 86_400:g} days"
        else:
            break
        found.append((file, reason))
        total, free = total - size, free + size
    return found

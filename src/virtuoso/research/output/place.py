"""Writes files beside their place first, so that what stood there stays until they are whole."""

import os
from pathlib import Path
from typing import BinaryIO


def part_of(path: Path) -> Path:
    """Name the file that this process writes until it is whole."""
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def closed(file: BinaryIO) -> None:
    """Close a file once all of it is on the disk."""
    file.flush()
    os.fsync(file.fileno())
    file.close()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in one go: what stood there stays until all of `content` is on the disk.

    Raises:
        OSError: it cannot be written; nothing is left beside it.
    """
    part = part_of(path)
    try:
        with part.open("wb") as file:
            file.write(content)
            closed(file)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise

"""Files that are written beside their place first, so that what stood there stays until they are whole."""

import os
from pathlib import Path
from typing import BinaryIO


def part_of(path: Path) -> Path:
    """Where a file is while this process writes it."""
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def closed(file: BinaryIO) -> None:
    """Close a file once all of it is on the disk."""
    file.flush()
    os.fsync(file.fileno())
    file.close()

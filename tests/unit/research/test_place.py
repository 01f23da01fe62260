"""A file that cannot be written whole leaves what stood there, and nothing beside it."""

import os
from pathlib import Path

import pytest

from virtuoso.research.output.place import write_whole


def _full(_descriptor: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_file_is_replaced_only_by_a_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.md"
    write_whole(path, b"first")
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"second")
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"first", [path])
    monkeypatch.undo()
    write_whole(path, b"second")
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"second", [path])

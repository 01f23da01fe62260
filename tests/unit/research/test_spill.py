"""Rows that wait on the disk for their turn: what is read back is what was written, or an error."""

import os
from pathlib import Path

import numpy as np
import pytest

from virtuoso.model.errors import UsageError
from virtuoso.research.bar_files.rows import Rows
from virtuoso.research.bar_files.spill import Spill


def test_what_is_gone_from_the_disk_is_an_error_and_no_bars(tmp_path: Path) -> None:
    minute = np.arange(600)
    rows = Rows(origin=minute, minute=minute, symbol=np.zeros(600, np.uint16), values={"close": minute + 1.0})
    with Spill(tmp_path, 240, ("close",)) as spill:
        spill.add(rows)
        assert [spill.read(span)["close"].tolist() for span in spill.spans()] == [
            list(range(1, 241)), list(range(241, 481)), list(range(481, 601)),
        ]  # fmt: skip
        (file,) = tmp_path.iterdir()
        os.truncate(file, file.stat().st_size - 1)
        with pytest.raises(UsageError, match="shorter than what was written"):
            spill.read(2)
    assert list(tmp_path.iterdir()) == []

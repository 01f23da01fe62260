"""How tests are shared out to processes that run side by side (pytest-xdist): by file, what takes longest first."""

from zlib import crc32

import pytest
from xdist.scheduler import LoadFileScheduling

_LONG, _PARTS = "test_wire_faults.py", 12
"""The one file that is more than a fair share; its tests have nothing in common but what any process can make anew."""


class Sharing(LoadFileScheduling):
    """A file stays in one process, so that what its tests share is made once."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return f"{file} {crc32(nodeid.encode()) % _PARTS}" if file.endswith(_LONG) else file


def longest_first(items: list[pytest.Item]) -> None:
    """Put the quick tests of single units last: they fill the end, where one process would wait for another."""
    items.sort(key=lambda item: (item.path.name != _LONG, "unit" in item.path.parts))

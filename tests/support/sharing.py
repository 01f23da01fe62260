"""How tests are shared out to processes that run side by side (pytest-xdist): by file, kinds of files mixed.

Files of whole programs wait for most of their time, those of single units and the one of the hostile exchange compute:
each kind is spread over the whole run.
"""

from zlib import crc32

import pytest
from xdist.scheduler import LoadFileScheduling

_LONG, _PARTS = "test_wire_faults.py", 12
"""The one file that is more than a fair share; its tests have nothing in common but what any process can make anew."""

_PAGES = "tests/browser"
"""The folder whose files share one Chromium and what its pages are of: they stay in one process, too."""

_SHORT = ("/contract/", "/integration/exchange/", "/integration/stores/")
"""Folders of which no file takes a process for long; the others run whole programs."""


class Sharing(LoadFileScheduling):
    """A file stays in one process, so that what its tests share is made once."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        if file.startswith(f"{_PAGES}/"):
            return _PAGES
        return f"{file} {_part(nodeid)}" if file.endswith(_LONG) else file


def mix(items: list[pytest.Item]) -> None:
    """Put the files in the order in which they are begun; each keeps the order of its tests."""
    kinds: dict[bool, list[str]] = {False: [], True: []}
    files = sorted(dict.fromkeys(str(item.path) for item in items), key=_is_short)
    for file in files:
        kinds["/unit/" in file].append(file)
    places = {file: at / len(alike) for alike in kinds.values() for at, file in enumerate(alike)}
    items.sort(key=lambda item: _part(item.nodeid) / _PARTS if item.path.name == _LONG else places[str(item.path)])


def _is_short(file: str) -> bool:
    """Whether a file is begun last: it ends soon, so that the run has not long to wait for one process."""
    return any(folder in file for folder in _SHORT)


def _part(nodeid: str) -> int:
    return crc32(nodeid.encode()) % _PARTS

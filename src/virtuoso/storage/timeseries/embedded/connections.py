"""Open files of one reading thread: a few, opened when asked for, and again when another file has the name."""

import sqlite3
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Final

from virtuoso.storage.timeseries.embedded import tables
from virtuoso.storage.timeseries.embedded.faults import Identity, identity_of

_OPEN: Final = 16


class Connections:
    """Used by one thread, but for `close`."""

    def __init__(self) -> None:
        self._open: OrderedDict[Path, tuple[Identity, sqlite3.Connection]] = OrderedDict()

    def get(self, path: Path) -> sqlite3.Connection | None:
        """A connection to the file that has this name now; `None` when there is none.

        Raises:
            sqlite3.Error: it cannot be opened.
        """
        identity = identity_of(path)
        held = self._open.get(path)
        if held is not None and held[0] == identity:
            self._open.move_to_end(path)
            return held[1]
        self.forget(path)
        if identity is None:
            return None
        while len(self._open) >= _OPEN:
            self.forget(next(iter(self._open)))
        connection = tables.open_to_read(path)
        self._open[path] = identity, connection
        return connection

    def forget(self, path: Path) -> None:
        """Close the connection to the file at `path`, if it is open."""
        held = self._open.pop(path, None)
        if held is not None:
            with suppress(sqlite3.Error):
                held[1].close()

    def close(self) -> None:
        """Close the connections to all files that are open for reading."""
        for path in list(self._open):
            self.forget(path)

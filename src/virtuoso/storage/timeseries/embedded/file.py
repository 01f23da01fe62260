"""One file, open to be written: rows in, by transactions."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from virtuoso.storage.timeseries.embedded import tables
from virtuoso.storage.timeseries.embedded.faults import identity_of
from virtuoso.storage.timeseries.embedded.partitions import Partition
from virtuoso.storage.timeseries.protocol import Tags
from virtuoso.storage.timeseries.schema import Measurement, Row

_AT_ONCE: Final = 50
"""Rows of a statement. SQLite's module lets go of the interpreter at each statement, and waits to get it back."""
_BAD_ROW: Final = (
    sqlite3.InterfaceError, sqlite3.ProgrammingError, sqlite3.IntegrityError, sqlite3.DataError, OverflowError,
    UnicodeError,
)  # fmt: skip


class PartitionFile:
    """Used by one thread. Every method but `close` raises `sqlite3.Error` when the file or the disk does not do.

    Attributes:
        partition: which it is.
        connection: to read by, and for statements within `transaction`.
        identity: of the file that is open, whatever has its name later.
    """

    def __init__(self, folder: Path, partition: Partition) -> None:
        self.partition = partition
        self.connection = tables.open_to_write(folder / partition.name, partition.kind)
        self.identity = identity_of(folder / partition.name)
        self._ids: dict[str, dict[Tags, int]] = {}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block in one transaction: committed at its end, rolled back if it raises."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            self._ids.clear()
            with suppress(sqlite3.Error):
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
            raise

    def insert(self, measurement: Measurement, rows: Sequence[Row]) -> int:
        """Put rows in, within a transaction; later ones replace earlier ones. How many were no rows, and left out."""
        width = len(measurement.columns)
        with suppress(*_BAD_ROW):
            if set(map(len, rows)) <= {width}:
                self._insert(measurement, rows)
                return 0
        return sum(not self._inserted(measurement, row, width) for row in rows)

    def _inserted(self, measurement: Measurement, row: Row, width: int) -> bool:
        try:
            self._insert(measurement, [row] if len(row) == width else [])
        except _BAD_ROW:
            return False
        return len(row) == width

    def _insert(self, measurement: Measurement, rows: Sequence[Row]) -> None:
        for first in range(0, len(rows), _AT_ONCE):
            part = rows[first : first + _AT_ONCE]
            self.connection.execute(tables.insert(measurement.name, len(part)), self._flat(measurement, part))

    def _flat(self, measurement: Measurement, rows: Sequence[Row]) -> list[Any]:
        ids, values = self.ids(measurement), 1 + len(measurement.tags)
        start, block_ms = self.partition.start_ms, self.partition.kind.block_ms
        flat: list[Any] = []
        add = flat.extend
        for row in rows:
            tags: Any = row[1:values]
            time_ms = row[0]
            add(((time_ms - start) // block_ms, ids.get(tags) or self.number(measurement, tags), time_ms))
            add(row[values:])
        return flat

    def ids(self, measurement: Measurement) -> dict[Tags, int]:
        """By tags, the numbers of a measurement's series in this file."""
        if measurement.name not in self._ids:
            self._ids[measurement.name] = tables.series(self.connection, measurement, {})
        return self._ids[measurement.name]

    def number(self, measurement: Measurement, tags: Tags) -> int:
        """The number of a series, which may be new; within a transaction."""
        ids = self.ids(measurement)
        if tags not in ids:
            ids[tags] = tables.add_series(self.connection, measurement, tags)
        return ids[tags]

    def close(self) -> None:
        """Move its log into it, as far as there is room and nobody reads, and close it."""
        with suppress(sqlite3.Error):
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.connection.close()

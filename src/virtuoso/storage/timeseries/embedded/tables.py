"""The tables of a file: for each measurement its series, and its rows clustered by block, series and time."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from virtuoso.storage.timeseries.embedded.partitions import DEPTHS, NEW, Kind
from virtuoso.storage.timeseries.protocol import Tags
from virtuoso.storage.timeseries.schema import BARS, DEPTH, MEASUREMENTS, Measurement

BUSY_S: Final = 5.0
_CHECKPOINT_PAGES: Final = 4_000
_AFFINITY: Final = {float: "REAL", int: "INTEGER", bool: "INTEGER", str: "TEXT", bytes: "BLOB"}
_ALL: Final = {**MEASUREMENTS, DEPTH.name: DEPTH}
_PRIMARY: Final = "PRIMARY KEY (block, series, time)"

ROLL_UP: Final = "CREATE TABLE IF NOT EXISTS roll_up (time INTEGER PRIMARY KEY)"
"""Spans whose bars changed since they were last summed up (see `rollup`)."""


def names(columns: Sequence[str]) -> str:
    """Quoted: `index` and `count` are words of SQL."""
    return ", ".join(f'"{column}"' for column in columns)


def _held(kind: Kind) -> Iterable[Measurement]:
    """What files of a kind have tables of."""
    return (DEPTH,) if kind is DEPTHS else MEASUREMENTS.values()


def _kept(measurement: Measurement) -> dict[str, str]:
    """Columns beside the key, and their types. `derived` is 1 of a bar that was summed up here, 0 of one given."""
    columns = {name: _AFFINITY[kind] for name, kind in measurement.fields.items()}
    return columns | {"derived": "INTEGER NOT NULL DEFAULT 0"} if measurement is BARS else columns


def _create(measurement: Measurement) -> list[str]:
    tags = "".join(f'"{tag}" TEXT NOT NULL, ' for tag in measurement.tags)
    unique = f", UNIQUE ({names(measurement.tags)})" if measurement.tags else ""
    columns = ", ".join(f'"{name}" {kind}' for name, kind in _kept(measurement).items())
    series = f"id INTEGER PRIMARY KEY, {tags}".rstrip(", ")
    key = "block INTEGER, series INTEGER, time INTEGER"
    return [
        f"CREATE TABLE IF NOT EXISTS {measurement.name}_series ({series}{unique})",
        f"CREATE TABLE IF NOT EXISTS {measurement.name} ({key}, {columns}, {_PRIMARY}) WITHOUT ROWID",
    ]


def _connect(target: str | Path, *, uri: bool = False) -> sqlite3.Connection:
    return sqlite3.connect(target, timeout=BUSY_S, isolation_level=None, check_same_thread=False, uri=uri)


def _make(path: Path, kind: Kind) -> None:
    """Under another name first, so that nobody ever opens it half made."""
    new = path.with_name(path.stem + NEW)
    connection = _connect(new)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN")
        for measurement in _held(kind):
            for statement in _create(measurement):
                connection.execute(statement)
        connection.execute(ROLL_UP)
        connection.execute("COMMIT")
    finally:
        connection.close()
    new.rename(path)


def _extend(connection: sqlite3.Connection, kind: Kind) -> None:
    """Add what a file of an older program lacks."""
    for measurement in _held(kind):
        present = columns_of(connection, measurement)
        if not present:
            for statement in _create(measurement):
                connection.execute(statement)
        else:
            for name, affinity in _kept(measurement).items():
                if name not in present:
                    connection.execute(f'ALTER TABLE {measurement.name} ADD COLUMN "{name}" {affinity}')
    connection.execute(ROLL_UP)


def open_to_write(path: Path, kind: Kind) -> sqlite3.Connection:
    """A connection to write by; the file is made if it is not there.

    Raises:
        sqlite3.Error: it is no database, or cannot be opened, made or locked.
        OSError: it cannot be made.
    """
    if not path.exists():
        _make(path, kind)
    connection = _connect(path)
    try:
        connection.execute(f"PRAGMA synchronous = {'FULL' if kind.durable else 'NORMAL'}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("PRAGMA cache_size = -8000")
        _extend(connection, kind)
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that only reads, for one thread at a time.

    Raises:
        sqlite3.Error: it is not there, or cannot be opened.
    """
    return _connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def columns_of(connection: sqlite3.Connection, measurement: Measurement) -> set[str]:
    """The columns of its table; none when the file has no such table."""
    return {row[1] for row in connection.execute(f"PRAGMA table_info({measurement.name})")}


@cache
def insert(measurement: str, rows: int) -> str:
    """Takes block, series, time and fields of so many rows; a row of the same key is replaced."""
    columns = ("block", "series", "time", *_ALL[measurement].fields)
    row = f"({', '.join('?' * len(columns))})"
    values = ", ".join([row] * rows)
    return f"INSERT OR REPLACE INTO {measurement} ({names(columns)}) VALUES {values}"  # noqa: S608 - names of the schema


def select(measurement: Measurement, fields: Sequence[str], present: set[str]) -> str:
    """Time and fields of one series; takes first block, last block, series, first time, last time; oldest first."""
    wanted = "".join(f', r."{field}"' if field in present else ", NULL" for field in fields)
    return (
        "WITH RECURSIVE b(block) AS (SELECT ? UNION ALL SELECT block + 1 FROM b WHERE block < ?) "  # noqa: S608 - names
        f"SELECT r.time{wanted} FROM b CROSS JOIN {measurement.name} AS r "
        "WHERE r.block = b.block AND r.series = ? AND r.time BETWEEN ? AND ?"
    )


def series(
    connection: sqlite3.Connection, measurement: Measurement, tags: Mapping[str, Sequence[str]]
) -> dict[Tags, int]:
    """The series with these values of tags, and their numbers in this file, in whose order their rows lie."""
    conditions = [f'"{tag}" IN ({", ".join("?" * len(values))})' for tag, values in tags.items()]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    columns = names(("id", *measurement.tags))
    statement = f"SELECT {columns} FROM {measurement.name}_series{where} ORDER BY id"  # noqa: S608 - names of the schema
    found = connection.execute(statement, [value for values in tags.values() for value in values])
    return {row[1:]: row[0] for row in found}


def add_series(connection: sqlite3.Connection, measurement: Measurement, tags: Tags) -> int:
    """A number for a series that has none.

    Raises:
        sqlite3.Error: a tag is missing or no text.
    """
    columns = names(measurement.tags)
    values = f"({columns}) VALUES ({', '.join('?' * len(tags))})" if tags else "DEFAULT VALUES"
    cursor = connection.execute(f"INSERT INTO {measurement.name}_series {values}", tags)
    return int(cursor.lastrowid or 0)

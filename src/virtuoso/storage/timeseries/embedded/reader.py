"""Reading the files, in the writing process or another, while they are written, renamed and removed."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog

from virtuoso.model.errors import StoreUnavailable
from virtuoso.model.text.failures import why_unread
from virtuoso.storage.timeseries.embedded import partitions, tables
from virtuoso.storage.timeseries.embedded.connections import Connections
from virtuoso.storage.timeseries.embedded.faults import is_broken, is_missing
from virtuoso.storage.timeseries.embedded.partitions import Partition
from virtuoso.storage.timeseries.protocol import Tags
from virtuoso.storage.timeseries.schema import Measurement, Row

log = structlog.get_logger(__name__)

_THREADS: Final = 2
_WAITING: Final = 64
_FIRST_BLOCKS: Final = 8
_T = TypeVar("_T")

Chunks = dict[Tags, list[list[Row]]]
"""By series, the newest chunk first; rows of a chunk oldest first."""


@dataclass(frozen=True, slots=True)
class _Query:
    measurement: Measurement
    first_ms: int
    last_ms: int
    tags: Mapping[str, Sequence[str]]
    fields: Sequence[str]
    limit: int | None

    @property
    def series(self) -> int | None:
        """How many series there are at most; `None` when a tag is not restricted."""
        if any(tag not in self.tags for tag in self.measurement.tags):
            return None
        count = 1
        for values in self.tags.values():
            count *= len(values)
        return count


class EmbeddedReader:
    """Reads what an `EmbeddedStore` keeps in `folder`; nothing needs to be there yet.

    Two reads go on at once, each in a thread; 64 may wait.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = ThreadPoolExecutor(_THREADS, "timeseries reader")
        self._local = threading.local()
        self._all: list[Connections] = []
        self._going = 0
        self._told: set[str] = set()

    async def read(
        self, measurement: Measurement, first_ms: int, last_ms: int, *, tags: Mapping[str, Sequence[str]],
        fields: Sequence[str] | None = None, limit: int | None = None,
    ) -> dict[Tags, list[Row]]:  # fmt: skip
        """Rows by series; those without rows are left out (see `TimeSeries.read`).

        Rows of a file are of one instant. A file that vanishes meanwhile has no rows, nor has a damaged one.

        Raises:
            StoreUnavailable: the folder cannot be read, the files are locked, or too many reads wait.
            KeyError: there is no such tag or field.
        """
        wanted = tuple(measurement.fields if fields is None else fields)
        for name in (*tags, *wanted):
            if name not in measurement.columns:
                raise KeyError(f"{measurement.name} has no {name}")
        restricted = {tag: tuple(dict.fromkeys(values)) for tag, values in tags.items()}
        return await self._in_thread(
            lambda: self._read(_Query(measurement, first_ms, last_ms, restricted, wanted, limit))
        )

    async def series(self, measurement: Measurement) -> set[Tags]:
        """The tags of every series that has rows.

        Raises:
            StoreUnavailable: as `read`.
        """
        return await self._in_thread(lambda: self._series(measurement))

    async def span_ms(self, measurement: Measurement, timeframe: str | None = None) -> tuple[int, int] | None:
        """First instant and end of what the files cover that hold these rows, to the file; `None` when there are none.

        Raises:
            StoreUnavailable: as `read`.
        """
        found = await self._in_thread(
            lambda: list(self._partitions(measurement, None if timeframe is None else [timeframe]))
        )
        return (min(p.start_ms for p in found), max(p.end_ms for p in found)) if found else None

    async def close(self) -> None:
        """Let go of the files; what is being read is finished first."""
        await asyncio.to_thread(self._threads.shutdown)
        for connections in self._all:
            connections.close()

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        if self._going >= _THREADS + _WAITING:
            raise StoreUnavailable(f"{self._folder}: {self._going} reads are under way; ask again in a moment")
        self._going += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(f"{self._folder}: cannot be read: {why_unread(error)}") from error
        finally:
            self._going -= 1

    def _partitions(self, measurement: Measurement, timeframes: Sequence[str] | None) -> Iterator[Partition]:
        """Yield the partitions that may hold these timeframes of a measurement, newest first."""
        kinds = partitions.kinds_of(measurement, timeframes)
        return (p for p in reversed(partitions.listed(self._folder)) if p.kind in kinds)

    def _read(self, query: _Query) -> dict[Tags, list[Row]]:
        chunks: Chunks = {}
        full: set[Tags] = set()
        for partition in self._partitions(query.measurement, query.tags.get("timeframe")):
            if partition.start_ms > query.last_ms or partition.end_ms <= query.first_ms:
                continue
            self._with(partition, partial(_collect, query, partition, chunks, full))
            if query.limit is not None and len(full) == query.series:
                break
        limit = query.limit or 0
        return {
            tags: list(chain.from_iterable(reversed(found)))[-limit:] if len(found) > 1 else found[0][-limit:]
            for tags, found in chunks.items()
        }

    def _series(self, measurement: Measurement) -> set[Tags]:
        found: set[Tags] = set()
        for partition in self._partitions(measurement, None):
            self._with(partition, lambda connection: found.update(tables.series(connection, measurement, {})))
        return found

    def _with(self, partition: Partition, work: Callable[[sqlite3.Connection], None]) -> None:
        """Read a file, at one instant of it; not one that is damaged or gone."""
        path = self._folder / partition.name
        try:
            connection = self._connections().get(path)
            if connection is None:
                return
            connection.execute("BEGIN")
            try:
                work(connection)
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            self._connections().forget(path)
            if not is_broken(error) and not (is_missing(error) and not path.exists()):
                raise
            if path.exists() and path.name not in self._told:
                self._told.add(path.name)
                log.warning("a file of the time series is damaged and is not read", file=str(path), error=str(error))

    def _connections(self) -> Connections:
        found: Connections | None = getattr(self._local, "connections", None)
        if found is None:
            found = self._local.connections = Connections()
            self._all.append(found)
        return found


def _collect(
    query: _Query, partition: Partition, chunks: Chunks, full: set[Tags], connection: sqlite3.Connection
) -> None:
    """Add the rows of one file; `full` are the series that have as many as are wanted."""
    measurement = query.measurement
    present = tables.columns_of(connection, measurement)
    if not present:
        return
    statement = tables.select(measurement, query.fields, present)
    bools = [i for i, field in enumerate(query.fields, 1) if measurement.fields[field] is bool]
    for tags, number in tables.series(connection, measurement, query.tags).items():
        if tags in full:
            continue
        missing = None
        if query.limit is not None:
            missing = query.limit - sum(map(len, chunks.get(tags, ())))
        for rows in _newest(query, partition, missing, connection, statement, number):
            chunks.setdefault(tags, []).append(_true_or_false(rows, bools) if bools else rows)
        if query.limit is not None and sum(map(len, chunks.get(tags, ()))) >= query.limit:
            full.add(tags)


def _newest(
    query: _Query,
    partition: Partition,
    missing: int | None,
    connection: sqlite3.Connection,
    statement: str,
    number: int,
) -> Iterator[list[Row]]:
    """The rows of a series in a file, the newest chunk first: all at once, or ever wider until none is missing."""
    lowest, last = partition.block(query.first_ms), partition.block(query.last_ms)
    width = last - lowest + 1 if missing is None else _FIRST_BLOCKS
    while last >= lowest and (missing is None or missing > 0):
        first = max(lowest, last - width + 1)
        rows = connection.execute(statement, (first, last, number, query.first_ms, query.last_ms)).fetchall()
        if rows:
            yield rows
        if missing is not None:
            missing -= len(rows)
        last, width = first - 1, 4 * width


def _true_or_false(rows: list[Row], bools: Sequence[int]) -> list[Row]:
    def told(row: Row) -> Any:
        return tuple(bool(value) if i in bools and value is not None else value for i, value in enumerate(row))

    return [told(row) for row in rows]

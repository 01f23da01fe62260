"""Parquet and CSV of a time series: what is exported, and what retention puts away.

Bars have the columns that `virtuoso backtest` reads. Run as `python -m virtuoso.storage.timeseries.archive FILE FOLDER`
it copies one partition, so that a monitor need not load what Parquet takes.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from virtuoso.model.clock import iso
from virtuoso.model.timeframe import DAY_MS
from virtuoso.storage.timeseries.embedded import tables
from virtuoso.storage.timeseries.embedded.partitions import named
from virtuoso.storage.timeseries.protocol import Readable, Tags
from virtuoso.storage.timeseries.schema import BARS, MEASUREMENTS, Measurement, Row, Value

_SERIES_AT_ONCE: Final = 16
_ROWS: Final = 50_000
_NAMES: Final = {"time": "ts"}
_BAR_NAMES: Final = {"time": "ts", "buy_volume": "taker_buy_volume"}

Write = Callable[[Sequence[Row]], None]
"""Adds rows: time, tags, fields."""


async def export(
    source: Readable,
    measurement: Measurement,
    first_ms: int,
    last_ms: int,
    tags: Mapping[str, Sequence[str]],
    path: Path,
    *,
    step_ms: int = DAY_MS,
    progress: Callable[[float], None] | None = None,
) -> int:
    """Write rows with `first_ms` ≤ time ≤ `last_ms` to `path`, Parquet or (`….csv`) CSV; how many there were.

    Never more than `step_ms` of 16 series are held, if the first tag is restricted. The file is complete and on the
    disk before it has its name; with no rows, none is made.

    Raises:
        StoreUnavailable: the source does not answer.
        OSError: the file cannot be written.
    """
    rows = 0
    main = measurement.tags[0] if measurement.tags and measurement.tags[0] in tags else None
    groups: list[Mapping[str, Sequence[str]]] = [tags]
    if main is not None:
        values = tags[main]
        groups = [{**tags, main: values[i : i + _SERIES_AT_ONCE]} for i in range(0, len(values), _SERIES_AT_ONCE)]
    total, done = -(-(last_ms - first_ms + 1) // step_ms) * len(groups), 0
    with _writing(measurement, path) as write:
        for begin in range(first_ms, last_ms + 1, step_ms):
            for group in groups:
                end = min(begin + step_ms - 1, last_ms)
                for series, found in (await source.read(measurement, begin, end, tags=group)).items():
                    write([_joined(row, series) for row in found])
                    rows += len(found)
                done += 1
                if progress is not None:
                    progress(done / total)
    return rows


def put_away(file: Path, folder: Path) -> int:
    """Copy a partition to `folder`/KIND/MEASUREMENT/DATE.parquet, each synced and with its rows counted; the rows.

    They are by series, then by time, so that one symbol is found without reading all. Done again, it changes nothing.

    Raises:
        OSError: it cannot be written, or a copy has not the rows it should have.
        sqlite3.Error: the partition cannot be read.
    """
    partition = named(file.name)
    if partition is None:
        raise FileNotFoundError(f"{file} is no partition of a time series")
    total = 0
    with closing(tables.open_to_read(file)) as connection:
        connection.execute("BEGIN")
        for measurement in MEASUREMENTS.values():
            present = tables.columns_of(connection, measurement)
            counting = f"SELECT count(*) FROM {measurement.name}"  # noqa: S608 - names of the schema
            expected = connection.execute(counting).fetchone()[0] if present else 0
            if not expected:
                continue
            path = folder / partition.kind.name / measurement.name / f"{partition.date}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            statement = tables.select(measurement, tuple(measurement.fields), present)
            span = (partition.block(partition.start_ms), partition.block(partition.end_ms))
            with _writing(measurement, path, expected) as write:
                for tags, number in sorted(tables.series(connection, measurement, {}).items()):
                    arguments = (*span, number, partition.start_ms, partition.end_ms - 1)
                    write([_joined(row, tags) for row in connection.execute(statement, arguments)])
            total += expected
    return total


@contextmanager
def _writing(measurement: Measurement, path: Path, expected: int | None = None) -> Iterator[Write]:
    """Rows go to another name; that of `path` is given to what is complete and synced, unless it is nothing."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with (_csv if path.suffix == ".csv" else _parquet)(measurement, part) as (write, count):
            yield write
        if expected is not None and (count() != expected or _rows_of(part) != expected):
            raise OSError(f"{path} would have {count():,} rows of {expected:,}")
        if count():
            _sync(part)
            part.rename(path)
            _sync(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _joined(row: Row, tags: Tags) -> Row:
    time_ms, *values = row
    joined: list[Value] = [*tags, *values]
    return (time_ms, *joined)


def _names(measurement: Measurement) -> list[str]:
    names = _BAR_NAMES if measurement is BARS else _NAMES
    return [names.get(column, column) for column in measurement.columns]


def _schema(measurement: Measurement) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - only what writes files loads it

    kinds = {float: pa.float64(), int: pa.int64(), bool: pa.bool_(), str: pa.string()}
    columns = [pa.timestamp("ms", "UTC"), *(pa.string() for _ in measurement.tags)]
    columns += [kinds[kind] for kind in measurement.fields.values()]
    return pa.schema(list(zip(_names(measurement), columns, strict=True)))


def _table(schema: Any, rows: Sequence[Row]) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - only what writes files loads it

    columns = zip(*rows, strict=True)
    arrays = [pa.array(values, pa.int64()).cast(field.type) if field.name == "ts" else _array(values, field.type)
              for values, field in zip(columns, schema, strict=True)]  # fmt: skip
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(values: Sequence[Any], kind: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - only what writes files loads it

    if pa.types.is_boolean(kind):  # SQLite has none
        values = [None if value is None else bool(value) for value in values]
    return pa.array(values, kind)


@contextmanager
def _parquet(measurement: Measurement, path: Path) -> Iterator[tuple[Write, Callable[[], int]]]:
    from pyarrow import parquet  # noqa: PLC0415 - only what writes files loads it

    schema = _schema(measurement)
    with (
        parquet.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True) as writer,
        _gathered(lambda rows: writer.write_table(_table(schema, rows))) as gathered,
    ):
        yield gathered


@contextmanager
def _csv(measurement: Measurement, path: Path) -> Iterator[tuple[Write, Callable[[], int]]]:
    """As Arrow writes it, without Arrow: texts in quotes, UTC to the millisecond, nothing for what is unknown."""
    kinds: list[type] = [str for _ in measurement.tags]
    kinds += measurement.fields.values()

    def line(row: Row) -> str:
        time_ms, *values = row
        at = (iso(time_ms) or "").replace("T", " ")
        return ",".join((at, *(_cell(value, kind) for value, kind in zip(values, kinds, strict=True)))) + "\n"

    with (
        path.open("w", encoding="utf-8", newline="") as file,
        _gathered(lambda rows: file.writelines(map(line, rows))) as gathered,
    ):
        file.write(",".join(f'"{name}"' for name in _names(measurement)) + "\n")
        yield gathered


def _cell(value: Value, kind: type) -> str:
    if value is None:
        return ""
    if kind is bool:  # SQLite has none
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    return float.__repr__(value) if isinstance(value, float) else str(value)


@contextmanager
def _gathered(write: Write) -> Iterator[tuple[Write, Callable[[], int]]]:
    """Rows to be written many at once, since each table becomes a row group; how many there were."""
    waiting: list[Row] = []
    count = 0

    def add(rows: Sequence[Row]) -> None:
        nonlocal count
        count += len(rows)
        waiting.extend(rows)
        if len(waiting) >= _ROWS:
            write(waiting)
            waiting.clear()

    yield add, lambda: count
    if waiting:
        write(waiting)


def _rows_of(path: Path) -> int:
    from pyarrow import parquet  # noqa: PLC0415 - only what writes files loads it

    return int(parquet.read_metadata(path).num_rows)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    put_away(Path(sys.argv[1]), Path(sys.argv[2]))

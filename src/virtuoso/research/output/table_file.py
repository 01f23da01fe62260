"""One Parquet file that grows block by block and takes its place only when it is whole."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from virtuoso.research.output.place import closed, part_of

GROUP_CELLS = 1 << 21
"""Numbers that are gathered before they are written: 16 MB of float64 at most."""


class TableFile:
    """Writes rows of `schema` in groups; what is written stands beside the file until `replace` is called.

    Texts are written as dictionaries; of numbers that hardly repeat a dictionary costs time and saves nothing, while
    their bytes apart (BYTE_STREAM_SPLIT) pack better.

    Raises:
        OSError: here and in each method: the file cannot be written.
    """

    def __init__(self, path: Path, schema: Any) -> None:
        self._path = path
        self._schema = schema
        self._waiting: list[Any] = []
        self._group_rows = max(1, GROUP_CELLS // len(schema))
        kinds = {field.name: field.type for field in schema}
        named = [name for name, kind in kinds.items() if pa.types.is_dictionary(kind)]
        split = [name for name, kind in kinds.items() if pa.types.is_floating(kind)]
        self._file: BinaryIO = part_of(path).open("wb")
        self._writer = pq.ParquetWriter(
            self._file, schema, compression="zstd", use_dictionary=named, use_byte_stream_split=split
        )

    def write(self, columns: Sequence[Any]) -> None:
        """Add rows: an Arrow array a column."""
        self._waiting.append(pa.Table.from_arrays(columns, schema=self._schema))
        if sum(table.num_rows for table in self._waiting) >= self._group_rows:
            self._flush()

    def write_rows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows that are given one by one."""
        if rows:
            self.write([pa.array([row[field.name] for row in rows], field.type) for field in self._schema])

    def close(self) -> None:
        """Write what is left, so that the file is whole on the disk."""
        self._flush()
        self._writer.close()
        closed(self._file)

    def replace(self) -> None:
        """Move the finished file to its place."""
        part_of(self._path).replace(self._path)

    def discard(self) -> None:
        """Remove what was not put in its place."""
        with suppress(OSError, ValueError):  # the disk may be full, or the file closed already
            self._writer.close()
        self._file.close()
        part_of(self._path).unlink(missing_ok=True)

    def _flush(self) -> None:
        if self._waiting:
            table, self._waiting = pa.concat_tables(self._waiting), []
            self._writer.write_table(table, row_group_size=table.num_rows)

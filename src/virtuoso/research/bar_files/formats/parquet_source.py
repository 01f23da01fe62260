"""Reads Parquet page by page: a row group is never in memory whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from virtuoso.research.bar_files.columns import Names
from virtuoso.research.bar_files.hints import SYMBOL, TIME, Hints
from virtuoso.research.bar_files.layouts.recognition import by_names
from virtuoso.research.bar_files.part import Part
from virtuoso.research.bar_files.problems import DataError
from virtuoso.research.bar_files.times import Times

_ROWS = 1 << 16
_BUFFER_BYTES = 1 << 20
"""Read at a time of each column; without it Arrow holds a whole compressed row group."""


class ParquetSource:
    """Reads the rows of one Parquet file."""

    unit = "row"
    form = "Parquet"

    def __init__(self, path: Path, hints: Hints) -> None:
        self.path = path
        with self._opened() as file:
            self.bytes = path.stat().st_size
            present, self._rows = file.schema_arrow.names, int(file.metadata.num_rows)
        self.recognised = by_names(path, present, self.form, hints)
        self.names: Names = {key: present[i] for key, i in self.recognised.columns.items()}
        self.times = Times(path, self.names[TIME], self.recognised.zone)
        if not self._rows:
            raise DataError(path, "has no rows")
        self._read = 0

    def parts(self) -> Iterator[Part]:
        """Read the file once and yield its rows in parts, one batch at a time."""
        texts = [self.names[SYMBOL]] if SYMBOL in self.names else []
        with self._opened(read_dictionary=texts) as file:
            for batch in file.iter_batches(_ROWS, columns=list(self.names.values()), use_threads=False):
                first, self._read = self._read + 1, self._read + batch.num_rows
                columns = {key: batch.column(name) for key, name in self.names.items()}
                yield Part(np.arange(first, self._read + 1), columns, [], self._read)

    def share(self) -> float:
        """How much of the file was read, in [0, 1]."""
        return self._read / self._rows

    @contextmanager
    def _opened(self, **options: Any) -> Iterator[Any]:
        try:
            with pq.ParquetFile(
                self.path, buffer_size=_BUFFER_BYTES, pre_buffer=False, page_checksum_verification=True, **options
            ) as file:
                yield file
        except (OSError, pa.ArrowException) as error:
            raise DataError(self.path, f"cannot be read as Parquet: {str(error).splitlines()[0]}") from error

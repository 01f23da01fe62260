"""Reads Feather, the Arrow file that pandas and freqtrade write, batch by batch."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from virtuoso.research.bar_files.columns import Names
from virtuoso.research.bar_files.hints import TIME, Hints
from virtuoso.research.bar_files.layouts.recognition import by_names
from virtuoso.research.bar_files.part import Part
from virtuoso.research.bar_files.problems import DataError
from virtuoso.research.bar_files.times import Times

_FIRST_VERSION = b"FEA1"
_MOST_BATCH_BYTES = 1 << 28
"""A batch is unpacked whole; pandas and freqtrade write 65,536 rows in one, some 3 MB."""


class FeatherSource:
    """Reads the rows of one Feather file."""

    unit = "row"
    form = "feather"

    def __init__(self, path: Path, hints: Hints) -> None:
        self.path = path
        with self._opened() as file:
            self.bytes = path.stat().st_size
            present, self._batches = file.schema.names, int(file.num_record_batches)
        self.recognised = by_names(path, present, self.form, hints)
        self.names: Names = {key: present[i] for key, i in self.recognised.columns.items()}
        self.times = Times(path, self.names[TIME], self.recognised.zone)
        self._done = 0

    def parts(self) -> Iterator[Part]:
        """Read the file once and yield its rows in parts, one batch at a time."""
        end = 0
        wanted = sorted(self.recognised.columns.values())
        with self._opened(pa.ipc.IpcReadOptions(included_fields=wanted, use_threads=False)) as file:
            for i in range(self._batches):
                batch = file.get_batch(i)
                if batch.nbytes > _MOST_BATCH_BYTES:
                    raise DataError(
                        self.path, f"has {batch.num_rows:,} rows in one batch; write it with fewer (65,536)"
                    )
                first, end = end + 1, end + batch.num_rows
                self._done = i + 1
                if batch.num_rows:
                    columns = {key: batch.column(name) for key, name in self.names.items()}
                    yield Part(np.arange(first, end + 1), columns, [], end)
        if not end:
            raise DataError(self.path, "has no rows")

    def share(self) -> float:
        """How much of the file was read, in [0, 1]."""
        return self._done / max(1, self._batches)

    @contextmanager
    def _opened(self, options: Any = None) -> Iterator[Any]:
        try:
            with pa.memory_map(str(self.path)) as mapped:
                if mapped.size() and mapped.read(len(_FIRST_VERSION)) == _FIRST_VERSION:
                    raise DataError(self.path, "is feather of version 1; write it anew with a pandas of today")
                with pa.ipc.open_file(mapped, options=options) as file:
                    yield file
        except (OSError, pa.ArrowException) as error:
            raise DataError(self.path, f"cannot be read as feather: {str(error).splitlines()[0]}") from error

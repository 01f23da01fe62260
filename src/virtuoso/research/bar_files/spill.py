"""Sorts rows into spans of time on the disk, so that any order of rows is read back in the order of time.

One file for each span, written on as rows come: what is held in memory is one part of the input or one span,
however long the input is.
"""

import errno
import shutil
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from virtuoso.model.errors import UsageError
from virtuoso.research.bar_files.rows import Rows

Records = NDArray[np.void]
"""Fields `origin`, `minute` (within the span), `symbol` (code), and the values."""


class Spill:
    """Files in a temporary directory that goes when this is closed.

    Args:
        scratch: where the directory is made; the system's place for temporary files when `None`.
        minutes: length of a span.
        fields: the values to keep, of `NUMBERS`.

    Raises:
        UsageError: nothing can be written there.
    """

    def __init__(self, scratch: Path | None, minutes: int, fields: Sequence[str]) -> None:
        self.minutes = minutes
        self.fields = tuple(fields)
        self._type = np.dtype(
            [("origin", "<i8"), ("minute", "<u2"), ("symbol", "<u2"), *((name, "<f8") for name in self.fields)]
        )
        try:
            self._directory = Path(tempfile.mkdtemp(prefix="virtuoso-bars-", dir=scratch))
        except OSError as error:
            raise _cannot(scratch or Path(tempfile.gettempdir()), error) from error

    def __enter__(self) -> "Spill":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)

    def add(self, rows: Rows) -> None:
        """Keep rows; those of one span stay in the order in which they were added."""
        span, minute = np.divmod(rows.minute, self.minutes)
        records = np.empty(span.size, self._type)
        records["origin"], records["minute"], records["symbol"] = rows.origin, minute, rows.symbol
        for name in self.fields:
            records[name] = rows.values.get(name, np.nan)
        if (span[1:] < span[:-1]).any():
            order = span.argsort(kind="stable")
            span, records = span[order], records[order]
        bounds = [0, *(np.flatnonzero(span[1:] != span[:-1]) + 1).tolist(), span.size]
        for start, end in pairwise(bounds if span.size else []):
            self._write(int(span[start]), records[start:end], "ab")

    def replace(self, span: int, records: Records) -> None:
        """Let a span hold these records only."""
        self._write(span, records, "wb")

    def spans(self) -> list[int]:
        """The spans that hold rows, in order; a span is its minutes since the epoch over its length."""
        return sorted(int(file.name) for file in self._directory.iterdir())

    def read(self, span: int) -> Records:
        """Read the rows of a span; none if there are none."""
        file = self._directory / str(span)
        return np.fromfile(file, self._type) if file.exists() else np.empty(0, self._type)

    def _write(self, span: int, records: Records, mode: str) -> None:
        file = self._directory / str(span)
        try:
            with file.open(mode) as out:
                out.write(records.tobytes())
        except OSError as error:
            raise _cannot(self._directory.parent, error) from error


def _cannot(place: Path, error: OSError) -> UsageError:
    room = "; bars are put in order there, in up to 68 bytes each" if error.errno == errno.ENOSPC else ""
    return UsageError(f"{place}: cannot be written: {error.strerror or error}{room}; set TMPDIR to another directory")

"""Sorts rows into spans of time on the disk, so that any order of rows is read back in the order of time.

One file, written on as rows come, and where the rows of each span lie in it: what is held in memory is one part of the
input or one span, however long the input is. (A file for each span would be thousands to make and to open.)
"""

import errno
import os
import tempfile
from array import array
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

_NONE = array("q")


class Spill:
    """A temporary file that goes when this is closed.

    Args:
        scratch: where the file is made; the system's place for temporary files when `None`.
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
        self._pieces: dict[int, array[int]] = {}
        """By span: the first record and the number of records of each piece, in the order in which they came."""
        self._count = 0
        try:
            self._file, name = tempfile.mkstemp(prefix="virtuoso-bars-", dir=scratch)
        except OSError as error:
            raise _cannot(scratch or Path(tempfile.gettempdir()), error) from error
        self._path = Path(name)

    def __enter__(self) -> "Spill":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._file)
        self._path.unlink(missing_ok=True)

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
        first = self._write(records)
        for start, end in pairwise(bounds if span.size else []):
            self._pieces.setdefault(int(span[start]), array("q")).extend((first + start, end - start))

    def replace(self, span: int, records: Records) -> None:
        """Let a span hold these records only."""
        self._pieces[span] = array("q", (self._write(records), records.size))

    def spans(self) -> list[int]:
        """The spans that hold rows, in order; a span is its minutes since the epoch over its length."""
        return sorted(self._pieces)

    def read(self, span: int) -> Records:
        """Read the rows of a span; none if there are none."""
        pieces = self._pieces.get(span, _NONE)
        records = np.empty(sum(pieces[1::2]), self._type)
        at = 0
        for first, count in zip(pieces[::2], pieces[1::2], strict=True):
            self._fill(_bytes(records[at : at + count]), first * self._type.itemsize)
            at += count
        return records

    def _fill(self, left: memoryview, at: int) -> None:
        """Read until it is full: a file system may give less at once than it is asked for."""
        while left:
            if not (got := os.preadv(self._file, [left], at)):
                raise UsageError(f"{self._path}: is shorter than what was written to it")
            left, at = left[got:], at + got

    def _write(self, records: Records) -> int:
        """Write records to the end; returns the number of the first of them."""
        first = self._count
        left, at = _bytes(records), first * self._type.itemsize
        try:
            while left:
                written = os.pwrite(self._file, left, at)
                left, at = left[written:], at + written
        except OSError as error:
            raise _cannot(self._path.parent, error) from error
        self._count += records.size
        return first


def _bytes(records: Records) -> memoryview:
    return memoryview(records.view(np.uint8).data)


def _cannot(place: Path, error: OSError) -> UsageError:
    room = "; bars are put in order there, in up to 68 bytes each" if error.errno == errno.ENOSPC else ""
    return UsageError(f"{place}: cannot be written: {error.strerror or error}{room}; set TMPDIR to another directory")

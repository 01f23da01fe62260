"""CSV, plain or compressed, in pieces that end at a line's end, so that every row knows its line.

A piece is parsed straight to numbers; only when a value in it is none are its columns read as texts, which `columns`
and `times` then take apart one by one.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from virtuoso.market.panel import Ints
from virtuoso.research.bar_files.columns import NUMBERS, SYMBOL, TIME, find
from virtuoso.research.bar_files.part import Part
from virtuoso.research.bar_files.problems import DataError
from virtuoso.research.bar_files.times import Times

_PIECE_BYTES = 1 << 22
_PACKED = {".gz": "gzip", ".zst": "zstd"}
_SYMBOLS = pa.dictionary(pa.int32(), pa.string())


class CsvSource:
    """The rows of one CSV file, separated by commas, its first line the names of the columns."""

    unit = "line"

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._opened() as (raw, stream):
            self.bytes = int(raw.size())
            head = next(self._pieces(stream), b"").partition(b"\n")[0]
            if not head.strip():
                raise DataError(path, "is empty; its first line would be the names of the columns")
            present = next(csv.reader([head.decode("utf-8-sig", "replace").rstrip("\r")]))
        self.names = find(path, present)
        self.times = Times(path, self.names[TIME])
        keys = {name: key for key, name in self.names.items()}
        self._keys = [keys.get(name, f"#{i}") for i, name in enumerate(present)]
        self._read = 0

    def parts(self) -> Iterator[Part]:
        """Read the file once and yield its rows in parts; raises `DataError` if there are none."""
        with self._opened() as (raw, stream):
            end, count = 1, 0
            for piece in self._pieces(stream):
                rows = piece if end > 1 else piece.partition(b"\n")[2]
                if rows:
                    part = self._part(rows, end + 1)
                    end = part.end
                    count += part.number.size + len(part.malformed)
                    self._read = raw.tell()
                    yield part
        if not count:
            raise DataError(self.path, "has no rows after the line of names")

    def share(self) -> float:
        """How much of the file was read, in [0, 1]."""
        return self._read / self.bytes

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, Any]]:
        """The file, and what it unpacks to."""
        packed = _PACKED.get(self.path.suffix.lower())
        try:
            with ExitStack() as stack:
                raw = stack.enter_context(pa.OSFile(str(self.path)))
                yield raw, stack.enter_context(pa.CompressedInputStream(raw, packed)) if packed else raw
        except (OSError, pa.ArrowException, csv.Error) as error:
            raise DataError(self.path, f"cannot be read as CSV: {str(error).splitlines()[0]}") from error

    def _pieces(self, stream: Any) -> Iterator[bytes]:
        """What the file holds, in pieces of whole lines."""
        kept = b""
        while read := stream.read(_PIECE_BYTES):
            end = read.rfind(b"\n") + 1
            if end:
                yield kept + read[:end]
                kept = b""
            kept += read[end:]
            if len(kept) > _PIECE_BYTES:
                raise DataError(self.path, f"is no CSV: a line is longer than {_PIECE_BYTES:,} bytes")
        if kept:
            yield kept

    def _part(self, piece: bytes, first: int) -> Part:
        """The rows of a piece whose first line is line `first`."""
        lines = piece.count(b"\n") + (not piece.endswith(b"\n"))
        table, malformed = self._table(piece)
        number: Ints = np.delete(np.arange(first, first + lines), [row - 1 for row, _ in malformed])
        if table.num_rows != number.size:
            place = f"lines {first:,} to {first + lines - 1:,}"
            raise DataError(
                self.path, "a quoted value runs over the end of its line, or a line ends in CR alone", place
            )
        columns = {key: table.column(key).combine_chunks() for key in table.column_names}
        if columns[TIME].null_count:
            written = np.zeros(number.size, np.bool_)
            for column in columns.values():
                written |= column.is_valid().to_numpy(zero_copy_only=False)
            columns = {key: column.filter(pa.array(written)) for key, column in columns.items()}
            number = number[written]
        return Part(number, columns, [(first + row - 1, text) for row, text in malformed if text], first + lines - 1)

    def _table(self, piece: bytes) -> tuple[Any, list[tuple[int, str]]]:
        """The columns of a piece, as numbers if they all are, and its malformed lines, counted from 1."""
        if self.times.kind is not None:
            numbers = dict.fromkeys(NUMBERS, pa.float64())
            try:
                return self._parsed(piece, {TIME: self.times.kind, SYMBOL: _SYMBOLS, **numbers})
            except pa.ArrowInvalid:
                pass  # a value is no number, or a symbol no UTF-8: the texts will tell which
        return self._parsed(piece.decode("utf-8", "replace").encode(), {})

    def _parsed(self, piece: bytes, types: Mapping[str, Any]) -> tuple[Any, list[tuple[int, str]]]:
        malformed: list[tuple[int, str]] = []

        def skip(row: Any) -> str:
            wrong = f"has {row.actual_columns} values where the first line names {row.expected_columns}"
            malformed.append((row.number, wrong if row.text.strip() else ""))
            return "skip"

        table = arrow_csv.read_csv(
            io.BytesIO(piece),
            read_options=arrow_csv.ReadOptions(column_names=self._keys, use_threads=False, block_size=len(piece) + 1),
            parse_options=arrow_csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=skip),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=list(self.names),
                column_types={key: types.get(key, pa.string()) for key in self.names},
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
        return table, malformed

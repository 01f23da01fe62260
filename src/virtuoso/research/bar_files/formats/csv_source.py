"""Reads rows of text, CSV or JSON, plain or packed, in pieces of whole lines, so that every row knows its line.

A piece is parsed straight to numbers; only when a value in it is none are its columns read as texts, which `columns`
and `times` then take apart one by one.
"""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from virtuoso.market.panel import Ints
from virtuoso.research.bar_files.columns import Names
from virtuoso.research.bar_files.formats.json_rows import JsonRows
from virtuoso.research.bar_files.formats.packed import Text, form_of, opened
from virtuoso.research.bar_files.hints import NUMBERS, SYMBOL, TIME, Hints
from virtuoso.research.bar_files.layouts.cells import FIRST_LINES, beginning
from virtuoso.research.bar_files.layouts.recognition import by_cells, by_names
from virtuoso.research.bar_files.layouts.table import CLOCK, PRICE, SIZE
from virtuoso.research.bar_files.part import Part
from virtuoso.research.bar_files.problems import DataError
from virtuoso.research.bar_files.times import Times

_PIECE_BYTES = 1 << 22
_MARK = b"\xef\xbb\xbf"
"""What Windows puts before UTF-8."""
_COMMA = (r"^(\s*[+-]?\d*),(\d*\s*)$", r"\1.\2")
_SYMBOLS = pa.dictionary(pa.int32(), pa.string())
_FLOATS = (*NUMBERS, PRICE, SIZE)


class CsvSource:
    """Reads the rows of one file of text."""

    def __init__(self, path: Path, hints: Hints) -> None:
        self.path = path
        self._json = form_of(path) == "JSON"
        self.unit = "row" if self._json else "line"
        with self._opened() as text:
            self.bytes = text.bytes
            begins = beginning(path, self._head(text))
        form = "JSON" if self._json else "CSV"
        if begins.names:
            self.recognised = by_names(path, begins.names, form, hints, begins.row)
        else:
            self.recognised = by_cells(path, begins.row, begins.kinds, form, hints)
        self.form = "JSON" if self._json else begins.told
        columns = self.recognised.columns
        self.names: Names = {key: begins.names[i] if begins.names else key for key, i in columns.items()}
        self.times = Times(path, self.names[TIME], self.recognised.zone)
        keys = {i: key for key, i in columns.items()}
        self._keys = [keys.get(i, f"#{i}") for i in range(len(begins.names or begins.row))]
        self._begins = begins
        self._read = 0

    def parts(self) -> Iterator[Part]:
        """Read the file once and yield its rows in parts; raises `DataError` if there are none."""
        with self._opened() as text:
            skip = end = self._begins.lines
            count = 0
            for piece in self._pieces(text):
                rows = piece
                while skip and rows:
                    rows, skip = rows.partition(b"\n")[2], skip - 1
                if rows:
                    part = self._part(rows, end + 1)
                    end = part.end
                    count += part.number.size + len(part.malformed)
                    self._read = text.done()
                    yield part
        if not count:
            raise DataError(self.path, "has no rows after the line of names")

    def share(self) -> float:
        """How much of the file was read, in [0, 1]."""
        return self._read / self.bytes

    @contextmanager
    def _opened(self) -> Iterator[Text | JsonRows]:
        """Open the file unpacked, as lines."""
        with opened(self.path, "JSON" if self._json else "CSV") as text:
            yield JsonRows(self.path, text) if self._json else text

    def _head(self, text: Text | JsonRows) -> bytes:
        """Read as many of the first lines as show how the file is written."""
        head = b""
        for piece in self._pieces(text):
            head += piece
            if head.count(b"\n") > FIRST_LINES:
                break
        return head

    def _pieces(self, text: Text | JsonRows) -> Iterator[bytes]:
        """Yield the file in pieces of whole lines."""
        kept, mark = b"", _MARK
        while read := text.read(_PIECE_BYTES):
            read, mark = read.removeprefix(mark), b""
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
        """Read the rows of a piece whose first line is line `first`."""
        lines = piece.count(b"\n") + (not piece.endswith(b"\n"))
        table, malformed = self._table(piece)
        if table.num_rows + len(malformed) != lines or any(row > lines for row, _ in malformed):
            place = f"lines {first:,} to {first + lines - 1:,}"
            raise DataError(
                self.path, "a quoted value runs over the end of its line, or a line ends in CR alone", place
            )
        number: Ints = np.delete(np.arange(first, first + lines), [row - 1 for row, _ in malformed])
        columns = {key: table.column(key).combine_chunks() for key in table.column_names}
        if columns[TIME].null_count:
            written = np.zeros(number.size, np.bool_)
            for column in columns.values():
                written |= column.is_valid().to_numpy(zero_copy_only=False)
            columns = {key: column.filter(pa.array(written)) for key, column in columns.items()}
            number = number[written]
        if CLOCK in columns:
            columns[TIME] = pc.binary_join_element_wise(columns[TIME], columns.pop(CLOCK), " ")
        return Part(number, columns, [(first + row - 1, text) for row, text in malformed if text], first + lines - 1)

    def _table(self, piece: bytes) -> tuple[Any, list[tuple[int, str]]]:
        """The columns of a piece, as numbers if they all are, and its malformed lines, counted from 1."""
        if not piece.isascii():
            piece = piece.decode("utf-8", "replace").encode()  # what is no UTF-8 is told as such where it is read
        if self.times.kind is not None:
            floats = dict.fromkeys(_FLOATS, pa.float64())
            time = pa.string() if CLOCK in self.names else self.times.kind
            try:
                return self._parsed(piece, {**floats, TIME: time, SYMBOL: _SYMBOLS})
            except pa.ArrowInvalid:
                pass  # a value is no number: the texts will tell which
        table, malformed = self._parsed(piece, {})
        if self._begins.decimal == ",":
            for i, key in enumerate(table.column_names):
                if key in _FLOATS:
                    table = table.set_column(i, key, pc.replace_substring_regex(table.column(key), *_COMMA))
        return table, malformed

    def _parsed(self, piece: bytes, types: Mapping[str, Any]) -> tuple[Any, list[tuple[int, str]]]:
        malformed: list[tuple[int, str]] = []
        counted = "the first line names" if self._begins.names else f"the first {self.unit} has"

        def skip(row: Any) -> str:
            wrong = f"has {row.actual_columns} values where {counted} {row.expected_columns}"
            malformed.append((row.number, wrong if row.text.strip() else ""))
            return "skip"

        table = arrow_csv.read_csv(
            io.BytesIO(piece),
            read_options=arrow_csv.ReadOptions(column_names=self._keys, use_threads=False, block_size=len(piece) + 1),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self._begins.separator, ignore_empty_lines=False, invalid_row_handler=skip
            ),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=list(self.names),
                column_types={key: types.get(key, pa.string()) for key in self.names},
                null_values=[""],
                strings_can_be_null=True,
                decimal_point=self._begins.decimal,
            ),
        )
        return table, malformed

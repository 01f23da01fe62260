"""Reads the beginning of a file of text: what stands before the rows, what separates cells, whether they have names."""

import csv
import re
from pathlib import Path
from typing import NamedTuple

from virtuoso.research.bar_files.problems import DataError

FIRST_LINES = 20
"""Lines that are looked at: whatever stands before the rows, the line of names and the first row are among them."""
_SEPARATORS = (";", "\t", "|", ",")
_LEAST_CELLS = 5
_BEFORE = re.compile(r"\s*$|\W*sep=.\W*$|#|[^,;\t]*(,\s*)?https?://", re.IGNORECASE)
"""Lines that are neither names nor a row: nothing, Excel's `sep=;`, comments, and whence the file is."""

_EPOCH = re.compile(r"[1-9]\d{9}(\d{3}|\d{6}|\d{9})?(\.\d*)?")
_KINDS = {
    "t": _EPOCH,
    "n": re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?|nan|inf|null", re.IGNORECASE),
    "b": re.compile(r"true|false", re.IGNORECASE),
    "m": re.compile(r"\d{4}\.\d\d\.\d\d \d\d:\d\d(:\d\d)?"),
    "d": re.compile(r"\d{4}\.\d\d\.\d\d"),
    "c": re.compile(r"\d\d:\d\d(:\d\d)?"),
    "i": re.compile(r"(\d{4}-\d\d-\d\d|\d\d\.\d\d\.\d{4})([T ].*)?"),
}
_NUMBER_COMMA = re.compile(r"[+-]?\d+,\d+")
_NEVER_IN_TEXT = bytes({*range(0x20), 0x7F} - set(b"\t\n\v\f\r\x1a\x1b"))
"""Control characters; of DOS' end of file (SUB) and ESC some are in texts."""
_MAGIC = {
    b"PK\x03\x04": ("a zip", ".zip"),
    b"\x1f\x8b": ("packed by gzip", ".csv.gz"),
    b"\x28\xb5\x2f\xfd": ("packed by zstd", ".csv.zst"),
    b"PAR1": ("Parquet", ".parquet"),
    b"ARROW1": ("feather", ".feather"),
    b"\xd0\xcf\x11\xe0": ("an Excel workbook", None),
    b"\xff\xfe": ("UTF-16", None),
    b"\xfe\xff": ("UTF-16", None),
}


class Beginning(NamedTuple):
    """How a text file of bars is written, as its first lines show.

    Attributes:
        before: lines before the line of names or the first row.
        separator: what stands between cells.
        decimal: "." or ",".
        names: cells of the line of names; none when there is no such line.
        row: cells of the first row; none when there is none.
        lines: lines before the first row, with that of the names.
    """

    before: int
    separator: str
    decimal: str
    names: tuple[str, ...]
    row: tuple[str, ...]
    lines: int

    @property
    def told(self) -> str:
        """What sets it apart from a plain CSV, in words."""
        separator = {";": "semicolons", "\t": "tabs", "|": "bars between cells"}.get(self.separator, "")
        comma = "decimal commas" if self.decimal == "," else ""
        return ", ".join(filter(None, (separator, comma, "" if self.names else "no header")))

    @property
    def kinds(self) -> str:
        """A letter for each cell of the first row."""
        return "".join(map(kind, self.row))


def kind(cell: str) -> str:
    """Return the letter for what a cell looks like.

    `t` is an epoch, `n` a number, `b` true or false, `m` a dotted date with its time, `d` one without, `c` a time of
    day, `i` ISO 8601, `_` nothing, `s` any other text.
    """
    text = cell.strip()
    if not text:
        return "_"
    return next((letter for letter, pattern in _KINDS.items() if pattern.fullmatch(text)), "s")


def beginning(path: Path, head: bytes) -> Beginning:
    """Find how a file is written, by its first bytes `head`.

    Raises:
        DataError: it is empty, or no text of rows.
    """
    _refuse_other_formats(path, head)
    if head.translate(None, _NEVER_IN_TEXT) != head:
        raise DataError(path, "is no text, whatever its name says: it holds bytes that no CSV or JSON has")
    if b"\r" in head and b"\n" not in head:
        raise DataError(path, "has lines that end in CR alone: save it as CSV with line ends of Windows or Unix")
    lines = [line.rstrip("\r") for line in head.decode("utf-8-sig", "replace").split("\n", FIRST_LINES)[:FIRST_LINES]]
    before = next((i for i, line in enumerate(lines) if not _BEFORE.match(line)), len(lines))
    if before == len(lines):
        raise DataError(path, "is empty; its first line would be the names of the columns")
    if re.match(r"\s*<(!doctype|html|\?xml)", lines[before], re.IGNORECASE):
        raise DataError(path, "is a web page, not a file of bars: what answered the download was no data; get it anew")
    found = [sign for sign in _SEPARATORS if lines[before].count(sign) >= _LEAST_CELLS - 1]
    separator = found[0] if found else ","
    written = [line for line in lines[before:] if line.strip()]
    first, *rest = (_cells(path, line, separator) for line in written[:2])
    headed = not set("".join(map(kind, first))) & set("tnmdi")
    row = first if not headed else rest[0] if rest else ()
    decimal = "," if separator != "," and any(_NUMBER_COMMA.fullmatch(cell.strip()) for cell in row) else "."
    return Beginning(before, separator, decimal, first if headed else (), row, before + headed)


def _refuse_other_formats(path: Path, head: bytes) -> None:
    for magic, (what, suffix) in _MAGIC.items():
        if head.startswith(magic):
            cure = f"call it {path.name.split('.')[0]}{suffix}" if suffix else "save it as CSV (UTF-8)"
            raise DataError(path, f"is {what}, whatever its name says: {cure}")


def _cells(path: Path, line: str, separator: str) -> tuple[str, ...]:
    try:
        return tuple(next(csv.reader([line], delimiter=separator), ()))
    except csv.Error as error:
        why = "a line holds a carriage return (CR) that is no end of a line, or a cell of more than 131,072 characters"
        raise DataError(path, f"cannot be read as CSV: {why}") from error

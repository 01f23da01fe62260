"""Turns JSON of rows, `[[1735689600000, 100.0, …], …]`, into lines of cells, piece by piece, never held whole."""

import re
from pathlib import Path

from virtuoso.research.bar_files.formats.packed import Text
from virtuoso.research.bar_files.problems import DataError

_LEFT_OUT = b' \t\r\n"'
"""Spaces, and the quotes around numbers that an exchange writes as texts."""
_NULL = re.compile(rb"null(?<![\w.]null)(?![\w.])")
"""The word alone. It begins with its letters, which a search skips to, and then looks back."""
_NO_CELLS = (b"[", b"]", b"{", b"}", b":")
_LONGEST_ROW = 1 << 16
_FORM = "[[time, open, high, low, close, volume], …], as freqtrade and ccxt write it"


class JsonRows:
    """Reads like a text, with a line for each row; the same interface as `Text`."""

    def __init__(self, path: Path, text: Text) -> None:
        self.bytes = text.bytes
        self._path, self._text = path, text
        self._kept = b""
        self._begun = self._ended = False

    def done(self) -> int:
        """How many bytes of the file were read, packed."""
        return self._text.done()

    def read(self, most: int) -> bytes:
        """Read about `most` bytes of whole lines; none at the end.

        Raises:
            DataError: the file is JSON of another form, or no JSON.
        """
        lines = b""
        while not lines and not self._ended:
            piece = self._text.read(most)
            self._ended = not piece
            data = self._kept + piece.translate(None, _LEFT_OUT)
            if not self._begun and (len(data) > 1 or self._ended):
                data = self._after_begin(data)
            if self._begun:
                lines, self._kept = self._taken(data)
            else:
                self._kept = data
        return lines

    def _taken(self, data: bytes) -> tuple[bytes, bytes]:
        """Split what was read into the lines of whole rows and the rest."""
        if self._ended:
            if not data.endswith(b"]]"):
                raise DataError(self._path, "cannot be read as JSON: it ends before its list of rows does")
            whole, rest = data[:-2] + b"\n", b""
        else:
            at = data.rfind(b"[") + 1
            whole, rest = data[:at], data[at:]
        if len(rest) > _LONGEST_ROW and b"]" not in rest:
            raise DataError(self._path, f"is JSON of another form than {_FORM}")
        lines = _NULL.sub(b"", whole.replace(b"],[", b"\n"))
        if any(mark in lines for mark in _NO_CELLS):
            raise DataError(self._path, f"is JSON of another form than {_FORM}")
        return lines, rest

    def _after_begin(self, data: bytes) -> bytes:
        self._begun = True
        if data.startswith(b"[["):
            return data[2:]
        if data in {b"", b"[]", b"[[]]"}:
            raise DataError(self._path, "has no rows")
        what = "JSON of named values" if data[:1] == b"{" or data[:2] == b"[{" else "no JSON of rows"
        raise DataError(self._path, f"is {what}; a list of rows is needed, {_FORM}")

"""Times of a bar file: epoch integers of any usual unit, ISO 8601 texts, Arrow timestamps; always UTC.

Epoch integers are told apart by magnitude: those of s, ms, µs and ns from September 2001 to November 2286 have 10, 13,
16 and 19 digits, so that none can be taken for another.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from virtuoso.market.panel import Ints
from virtuoso.research.bar_files.columns import Bools, is_text
from virtuoso.research.bar_files.problems import DataError

_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_EARLIEST_S, _LATEST_S = 10**9, 10**10
_LARGEST = np.iinfo(np.int64).max
_EPOCH = r"^\d{1,18}$|^[1-8]\d{18}$"
_ISO = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.]\d{1,9})?)?)?"
_ZONED = rf"{_ISO}(Z|[+-]\d\d(:?\d\d)?)$"
_NAIVE = rf"{_ISO}$"
_UTC = pa.timestamp("ns", "UTC")


class Instants(NamedTuple):
    """Times [m]: whole seconds since the epoch; `unknown` where none can be read; `off` where not on a minute."""

    second: Ints
    unknown: Bools
    off: Bools


class Times:
    """Reads the time column of one file, whose first time says how the others are written.

    Attributes:
        kind: the Arrow type in which texts are read; `None` until one was seen.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.kind: Any = None
        self._path = path
        self._name = name
        self._unit: str | None = None

    def read(self, column: Any) -> Instants:
        """The times of an Arrow column [m].

        Raises:
            DataError: the column holds no times, or times without a zone.
        """
        if is_text(column.type):
            column = self._from_text(column)
        kind = column.type
        if pa.types.is_timestamp(kind):
            if kind.tz is None:
                raise self._naive(f"is of type {kind}")
            return _instants(column, kind.unit)
        if not pa.types.is_integer(kind):
            raise DataError(self._path, f"column {self._name} is of type {kind}; {_WANTED}")
        column = pc.cast(column, pa.int64(), safe=False)
        self._unit = self._unit or _unit(column)
        return _instants(column, self._unit or "ms")

    def _from_text(self, column: Any) -> Any:
        text = pc.utf8_trim_whitespace(column)
        if self.kind is None:
            self.kind = self._kind_of(text)
        if self.kind == _UTC:
            right = _matching(text, _ZONED)
            text = pc.if_else(right, text, pa.scalar(None, text.type))
            try:
                return pc.cast(text, _UTC)
            except pa.ArrowInvalid:  # the 31st of June
                return pa.array([_instant(one) for one in text.to_pylist()], _UTC)
        right = _matching(text, _EPOCH)
        return pc.cast(pc.if_else(right, text, pa.scalar(None, text.type)), pa.int64())

    def _kind_of(self, text: Any) -> Any:
        """How the first time that is one is written."""
        first = [_first(text, pattern) for pattern in (_EPOCH, _ZONED, _NAIVE)]
        epoch, zoned, naive = first
        if min(first) == len(text):
            return None
        if naive == min(first):
            raise self._naive(f"holds {text[naive].as_py()!r}")
        return pa.int64() if epoch < zoned else _UTC

    def _naive(self, what: str) -> DataError:
        fix = "write 2025-05-04T15:37:00Z, or give the column a time zone (pandas: dt.tz_localize('UTC'))"
        return DataError(self._path, f"column {self._name} {what}, a time without a zone; {fix}")


_WANTED = "epoch integers (s, ms, µs or ns), ISO 8601 texts or timestamps with a time zone are needed"


def _matching(text: Any, pattern: str) -> Any:
    return pc.fill_null(pc.match_substring_regex(text, pattern), fill_value=False)


def _first(text: Any, pattern: str) -> int:
    """Index of the first that matches; the length when none does."""
    index = pc.index(_matching(text, pattern), value=True).as_py()
    return len(text) if index < 0 else int(index)


def _instant(text: str | None) -> Any:
    try:
        return None if text is None else pc.cast(pa.scalar(text), _UTC).value
    except pa.ArrowInvalid:
        return None


def _unit(column: Any) -> str | None:
    """The unit of the first integer that is a time in any; `None` when none is."""
    values, places = _integers(column)[0], {}
    for unit, per_second in _PER_SECOND.items():
        inside = (values >= _EARLIEST_S * per_second) & (values < min(_LATEST_S * per_second, _LARGEST))
        if inside.any():
            places[int(inside.argmax())] = unit
    return places[min(places)] if places else None


def _instants(column: Any, unit: str) -> Instants:
    values, unknown = _integers(column)
    second, rest = np.divmod(values, _PER_SECOND[unit])
    return Instants(
        second,
        unknown | (second < _EARLIEST_S) | (second >= _LATEST_S),
        (rest != 0) | (second % 60 != 0),
    )


def _integers(column: Any) -> tuple[Ints, Bools]:
    null: Bools = column.is_null().to_numpy(zero_copy_only=False)
    values: Ints = pc.cast(column, pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    return values, null

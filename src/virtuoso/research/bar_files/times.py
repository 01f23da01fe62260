"""Reads times as UTC: epoch integers of any usual unit, ISO 8601 or dotted texts, Arrow timestamps.

Epoch integers are told apart by magnitude, each by itself: those of s, ms, µs and ns from September 2001 to November
2286 have 10, 13, 16 and 19 digits, so that none can be taken for another.
"""

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from virtuoso.market.panel import Floats, Ints
from virtuoso.research.bar_files.columns import Bools, is_text
from virtuoso.research.bar_files.layouts.recognition import cut
from virtuoso.research.bar_files.problems import DataError

_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_WRITTEN = {"s": "s", "ms": "ms", "us": "µs", "ns": "ns"}
EARLIEST_S, LATEST_S = 10**9, 10**10
_LARGEST = np.iinfo(np.int64).max
_EPOCH = r"^(\d{1,18}|[1-8]\d{18})(\.0*)?$"
_ISO = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.]\d{1,9})?)?)?"
_ZONED = rf"{_ISO}(Z|[+-]\d\d(:?\d\d)?)$"
_NAIVE = rf"{_ISO}$"
_DOTTED = (
    (r"^(\d{4})\.(\d\d)\.(\d\d)", r"\1-\2-\3"),
    (r"^(\d\d)\.(\d\d)\.(\d{4})", r"\3-\2-\1"),
)
"""Dates with dots, as ISO 8601: the year first, or the day, as wherever days are written with dots."""
_UTC = pa.timestamp("ns", "UTC")
_LOCAL = pa.timestamp("ns")


_WORDS = {_ZONED: "ISO 8601", _NAIVE: "dates"}


class Instants(NamedTuple):
    """Times [m]: whole seconds since the epoch; `unknown` where none can be read; `off` where not on a minute."""

    second: Ints
    unknown: Bools
    off: Bools


class Times:
    """Reads the time column of one file, whose first time says whether the others are integers or texts.

    Attributes:
        kind: the Arrow type in which texts are best parsed; `None` until a time was seen.
        zone_used: the zone that times without one were taken for; `None` when there were none.

    Args:
        path: the file.
        name: of the column.
        zone: of times that name none; `None`: there must be no such times.
    """

    def __init__(self, path: Path, name: str, zone: str | None = None) -> None:
        self.kind: Any = None
        self.zone_used: str | None = None
        self._path = path
        self._name = name
        self._zone = zone
        self._form: str | None = None
        self._seen: dict[str, None] = {}

    @property
    def written(self) -> str:
        """Say in a word or two how the times read so far are written."""
        return " and ".join(self._seen) or "no times"

    def read(self, column: Any) -> Instants:
        """Read the times of an Arrow column [m].

        Raises:
            DataError: the column holds no times, or times without a zone.
        """
        if is_text(column.type):
            column = self._from_text(column)
        kind = column.type
        if pa.types.is_timestamp(kind):
            if kind.tz is None:
                column = self._in_zone(column, f"is of type {kind}")
            self._seen[_WORDS[self._form] if self._form else "timestamps"] = None
            return instants(_integers(column), _PER_SECOND[kind.unit])
        if not pa.types.is_integer(kind):
            raise DataError(self._path, f"column {self._name} is of type {kind}; {_WANTED}")
        values, null = _integers(pc.cast(column, pa.int64(), safe=False))
        per_second, units = units_of(values)
        self._seen |= dict.fromkeys(units)
        return instants((values, null), per_second)

    def _from_text(self, column: Any) -> Any:
        text = pc.utf8_trim_whitespace(column)
        for pattern, iso in _DOTTED:
            text = pc.replace_substring_regex(text, pattern, iso)
        if self._form is None:
            self._recognise(text)
        if self._form in {_ZONED, _NAIVE}:
            right = _matching(text, self._form)
            text = pc.if_else(right, text, pa.scalar(None, text.type))
            kind = _UTC if self._form == _ZONED else _LOCAL
            try:
                return pc.cast(text, kind)
            except pa.ArrowInvalid:  # the 31st of June
                return pa.array([_instant(one, kind) for one in text.to_pylist()], kind)
        right = _matching(text, _EPOCH)
        whole = pc.replace_substring_regex(text, r"\.0*$", "")
        return pc.cast(pc.if_else(right, whole, pa.scalar(None, text.type)), pa.int64())

    def _recognise(self, text: Any) -> None:
        """Find how the first valid time is written."""
        forms = {form: _first(text, form) for form in (_EPOCH, _ZONED, _NAIVE)}
        form = min(forms, key=forms.__getitem__)
        if forms[form] == len(text):
            self._refuse(text)
            return
        first = text[forms[form]].as_py()
        if form == _NAIVE and self._zone is None:
            raise self._naive(f"holds {first!r}")
        self._form = form
        self.kind = _UTC if form == _ZONED else pa.int64() if form == _EPOCH and first.isdigit() else pa.string()

    def _refuse(self, text: Any) -> None:
        """Raise `DataError` for a column whose first values are no times."""
        written = pc.filter(text, pc.fill_null(pc.not_equal(text, ""), fill_value=False))
        if len(written) < _EVIDENCE:
            return
        first = written[0].as_py()
        cure = next((cure for pattern, cure in _CURES.items() if re.match(pattern, first)), _WANTED)
        raise DataError(self._path, f"column {self._name} holds {cut(first)!r}, which is no time: {cure}")

    def _in_zone(self, column: Any, what: str) -> Any:
        """Read times without a zone as those of the zone that applies to them."""
        if self._zone is None:
            raise self._naive(what)
        self.zone_used = self._zone
        if self._zone[:1] in {"+", "-"}:
            sign, hours, minutes = self._zone[0], int(self._zone[1:3]), int(self._zone[4:6])
            offset = np.timedelta64((hours * 60 + minutes) * (1 if sign == "+" else -1), "m")
            return pc.assume_timezone(pc.subtract(column, pa.scalar(offset.astype("timedelta64[s]"))), "UTC")
        return pc.assume_timezone(column, self._zone, ambiguous="earliest", nonexistent="earliest")

    def _naive(self, what: str) -> DataError:
        fix = "say its zone with --zone UTC (or +03:00, Europe/Berlin)"
        return DataError(self._path, f"column {self._name} {what}, a time without a zone; {fix}")


_EVIDENCE = 2
"""Texts of which none is a time, from which the column is the wrong one; fewer are bad rows."""
_INSTEAD = "write 2025-05-04 15:37 and --zone"
_CURES = {
    r"\d[.,]\d+[eE]": "a spreadsheet rounded it; take the file as it was downloaded",
    r"(1[3-9]|2\d|3[01])[./-]\d{1,2}[./-]\d{2,4}": f"day before month needs dots (31.05.2025); {_INSTEAD}",
    r"\d{1,2}[./-](1[3-9]|2\d|3[01])[./-]\d{2,4}": f"dates that begin with the month are not read; {_INSTEAD}",
    r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}": f"nobody can tell day from month; {_INSTEAD}",
    r"\d{4}-\d\d-\d\d \d\d-[AP]M": f"an hour with AM or PM is not read; {_INSTEAD}, or take the file of minutes",
}
_WANTED = "epoch integers (s, ms, µs or ns), ISO 8601 texts or timestamps are needed"


def units_of(values: Ints | Floats) -> tuple[Ints, tuple[str, ...]]:
    """Units a second of each epoch time [m], 1,000 for what is no time in any unit, and the units there are."""
    per_second, units = np.full(values.shape, 1_000, np.int64), []
    for unit, factor in _PER_SECOND.items():
        inside = (values >= EARLIEST_S * factor) & (values < min(LATEST_S * factor, _LARGEST))
        if inside.any():
            per_second[inside] = factor
            units.append(_WRITTEN[unit])
    return per_second, tuple(units)


def instants(integers: tuple[Ints, Bools], per_second: Any) -> Instants:
    """The instants of epoch integers, of which so many make a second; the second array tells where there is none."""
    values, unknown = integers
    second, rest = np.divmod(values, per_second)
    return Instants(
        second,
        unknown | (second < EARLIEST_S) | (second >= LATEST_S),
        (rest != 0) | (second % 60 != 0),
    )


def _matching(text: Any, pattern: str) -> Any:
    return pc.fill_null(pc.match_substring_regex(text, pattern), fill_value=False)


def _first(text: Any, pattern: str) -> int:
    """Index of the first that matches; the length when none does."""
    index = pc.index(_matching(text, pattern), value=True).as_py()
    return len(text) if index < 0 else int(index)


def _instant(text: str | None, kind: Any) -> Any:
    try:
        return None if text is None else pc.cast(pa.scalar(text), kind).value
    except pa.ArrowInvalid:
        return None


def _integers(column: Any) -> tuple[Ints, Bools]:
    null: Bools = column.is_null().to_numpy(zero_copy_only=False)
    values: Ints = pc.cast(column, pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    return values, null

"""Line protocol: rows to lines, with times in ms; and a body back to its lines."""

import math
import re
from collections.abc import Callable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, Final, cast

import msgspec

from virtuoso.storage.timeseries.schema import Measurement, Row

_HEADS = 20_000
"""Series whose escaped beginning is remembered, per measurement; when there are more, all are forgotten."""
_TAG: Final = re.compile(r"(?:[^\r\n]*[^\r\n\\])?")
"""A tag: InfluxQL cannot ask for one with a line break, and after a backslash line protocol does not see its end."""
_KEY: Final = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})
_NAME: Final = str.maketrans({",": r"\,", " ": r"\ "})
_LINE: Final = re.compile(rb'(?:\\ |[^ \n])+ (?:"(?:\\.|[^"\\])*"|[^"\n])*', re.DOTALL)
"""A line: its series up to the first bare space, then fields, in whose texts a line may break."""

_UNKNOWN: Final = re.compile(rb",(?:\\.|[^,=\\])*=nulli?(?=,|$)", re.DOTALL)
"""A number that is not known, with its key."""


def _plain(value: Any) -> Any:
    """A numpy scalar as Python's own; raises `TypeError` for what is neither."""
    if not hasattr(value, "item"):
        raise TypeError(f"a {type(value).__name__} is no value of a field")
    number = value.item()
    return None if isinstance(number, float) and not math.isfinite(number) else number


_numbers: Final = msgspec.json.Encoder(enc_hook=_plain).encode
"""Shortest text that reads back as the same double, twice as fast as `repr`; not a number and infinite are `null`."""


def _picker(positions: Sequence[int]) -> Callable[[Row], tuple[Any, ...]]:
    if len(positions) > 1:
        return cast("Callable[[Row], tuple[Any, ...]]", itemgetter(*positions))
    return lambda row: tuple(row[position] for position in positions)


def split_lines(body: bytes) -> list[bytes]:
    """The lines of a body made here; a line break within a quoted text divides nothing."""
    return _LINE.findall(body)


MARKET_TAG: Final = "market"
"""The tag that tells markets apart whose monitors write to one database."""


class LineEncoder:
    """Rows of one measurement to lines, each with the tag `market` if there is one. Used from one thread at a time."""

    def __init__(self, measurement: Measurement, market: str = "") -> None:
        first = 1 + len(measurement.tags)
        fields = [
            (position, f",{name.translate(_KEY)}=", kind)
            for position, (name, kind) in enumerate(measurement.fields.items(), start=first)
        ]
        numeric = [(position, key, kind) for position, key, kind in fields if kind is not str]
        self._name = measurement.name.translate(_NAME)
        self._tags = itemgetter(slice(1, first))
        self._tag_keys = [*(name.translate(_KEY) for name in measurement.tags), MARKET_TAG]
        self._market = market
        self._numeric = len(numeric)
        self._pick = _picker([position for position, _, _ in numeric])
        self._template = "".join(f"{key}%b{'i' if kind is int else ''}" for _, key, kind in numeric).encode()
        self._texts = [(position, key.encode()) for position, key, kind in fields if kind is str]
        self._heads: dict[tuple[Any, ...], bytes] = {}

    def encode(self, rows: Sequence[Row], lines: list[bytes]) -> tuple[int, int]:
        """Encode `rows`, and append their lines to `lines`.

        Returns:
            How many rows had no known field, and how many cannot be written: a tag with a line break or with a
            backslash at its end, a text that is no Unicode, a value of no kind there is.
        """
        try:
            return self._encode(rows, lines), 0
        except (TypeError, ValueError, IndexError, OverflowError):
            if len(rows) == 1:
                return 0, 1
        counts = [self.encode([row], lines) for row in rows]  # one by one, to find which it is
        return sum(empty for empty, _ in counts), sum(unwritable for _, unwritable in counts)

    def _encode(self, rows: Sequence[Row], lines: list[bytes]) -> int:
        """All or none; by column, since a call for each value would take most of the time."""
        known, head_of = self._heads.get, self._head
        heads = [known(tags) or head_of(tags) for tags in map(self._tags, rows)]
        fields = self._numbers_of(rows)
        for position, key in self._texts:
            texts = [row[position] for row in rows]
            fields = [
                field if text is None else field + key + _quoted(cast("str", text))
                for field, text in zip(fields, texts, strict=True)
            ]
        made = [
            b"%b %b %d" % (head, field[1:], row[0])
            for head, field, row in zip(heads, fields, rows, strict=True)
            if field
        ]
        lines += made
        return len(rows) - len(made)

    def _numbers_of(self, rows: Sequence[Row]) -> list[bytes]:
        """Of each row its known numbers and booleans, each `,key=value`."""
        if not self._numeric:
            return [b""] * len(rows)
        text = _numbers(list(chain.from_iterable(map(self._pick, rows))))
        values = text[1:-1].split(b",")
        if len(values) != self._numeric * len(rows):
            raise ValueError("a value that is no number")
        fields = list(map(self._template.__mod__, zip(*[iter(values)] * self._numeric, strict=True)))
        if b"null" in text:
            fields = [_UNKNOWN.sub(b"", field) if b"=null" in field else field for field in fields]
        return fields

    def _head(self, tags: tuple[Any, ...]) -> bytes:
        """Measurement and tags, in the order of their keys as servers like it; an empty tag is left out."""
        pairs = []
        for key, value in sorted(zip(self._tag_keys, (*tags, self._market), strict=True)):
            if not isinstance(value, str) or not _TAG.fullmatch(value):
                raise ValueError(f"{value!r} cannot be a tag")
            if value:
                pairs.append(f",{key}={value.translate(_KEY)}")
        head = "".join([self._name, *pairs]).encode()
        if len(self._heads) >= _HEADS:
            self._heads.clear()
        self._heads[tags] = head
        return head


def _quoted(text: str) -> bytes:
    return b'"' + text.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'

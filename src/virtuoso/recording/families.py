"""What frames of one kind have in common: their text with places for what differs from one to the next."""

import re
from functools import lru_cache
from typing import NamedTuple

_NUMBER = rb"(?<=[-\d])\d*+(?:\.\d++)?+"
_UUID = rb"(?<=[\da-f])[\da-f]{7}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}"
_WORDS = rb"uy|ell|(?:ero)?(?:Plus|Minus|lus|inus)Tick|rue|alse"
_TOKEN = re.compile(rb'([-\da-fBSZPMt](?<=[":,\[].)(?:%b|%b|%b)(?=[",}\]]))' % (_NUMBER, _UUID, _WORDS))
"""What differs: numbers, identifiers, sides and ticks. What it misses stays in the text of the family.

It begins with the first letters there are, which are searched for twice as fast as what must stand before them.
"""

_ONE, _ROW = b"\0", b"\1"
_PAIR = b'["\0","\0"]'
_PAIRS = re.compile(rb"%b(?:,%b)*+" % (re.escape(_PAIR), re.escape(_PAIR)))
_PLACE = re.compile(rb"([\0\1])")
_RESERVED = re.compile(rb"[\0\1\n]")
_TOPIC = re.compile(rb'\{"topic":"([^"]*)"')
_LEVELS = b'["%b","%b"]'

Key = tuple[bytes, bytes, str]
"""Names a column: the topic, the text before its place, and what it holds."""


class Family(NamedTuple):
    """The text of a family, taken apart.

    Attributes:
        template: the payload, with `%b` for each place.
        places: the keys of the columns of each place: one for a token, three for a row of pairs (how many, the first
            and the second of each).
    """

    template: bytes
    places: tuple[tuple[Key, ...], ...]


def split(payload: bytes) -> tuple[bytes, list[bytes], list[int]] | None:
    """The text of the family, the tokens, and how many pairs each row has; `None` where a payload is kept whole."""
    if not payload or _RESERVED.search(payload) is not None:
        return None
    parts = _TOKEN.split(payload)
    text, rows = _ONE.join(parts[::2]), list[int]()
    if _PAIR in text:
        rows = [(len(row) + 1) // (len(_PAIR) + 1) for row in _PAIRS.findall(text)]
        text = _PAIRS.sub(_ROW, text)
    return text, parts[1::2], rows


@lru_cache(4096)
def family(text: bytes) -> Family:
    """Split the text of a family into its template and the places of what varies."""
    found = _TOPIC.match(text)
    topic = found[1] if found else b""
    parts = _PLACE.split(text)
    places = tuple(
        ((topic, before, "token"),)
        if mark == _ONE
        else tuple((topic, before, what) for what in ("count", "first", "second"))
        for before, mark in zip(parts[::2], parts[1::2], strict=False)
    )
    return Family(b"%b".join(part.replace(b"%", b"%%") for part in parts[::2]), places)


@lru_cache(512)
def pairs(count: int) -> bytes:
    """The template of a row of so many pairs."""
    return b",".join([_LEVELS] * count)

"""Decimal numbers as they stand on the wire, as whole numbers and back: the same digits, to the byte."""

import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

_MOST_CHARS = 18
"""So that a number without its point is in the range of 64 bits."""
_FEW = 24
"""So few numbers are written one by one: arrays would take longer."""
_WIDTH = 8


class Form(NamedTuple):
    """How the numbers of a column were written, and how they stand in the planes.

    Attributes:
        decimals: digits after the point, the same for all.
        bare_zero: whether 0 has no point, though the others have one.
        differences: whether each stands as its difference from the one before.
        width: bytes of each.
        length: how many there are.
    """

    decimals: int
    bare_zero: bool
    differences: bool
    width: int
    length: int


@lru_cache(64)
def _written(decimals: int) -> re.Pattern[bytes]:
    number = rb"-?(?:0|[1-9]\d*+)"
    number = number if decimals == 0 else rb"(?:%b\.\d{%d}|0)" % (number, decimals)
    return re.compile(rb"(?:%b\n)*+" % number)


def whole(tokens: list[bytes]) -> tuple[int, bool, Ints] | None:
    """Decimals, whether 0 is bare, and the numbers without their point; `None` when they are not of one form."""
    text = b"\n".join(tokens) + b"\n"
    points = text.count(b".")
    last = next((token for token in tokens if b"." in token), b"") if points else b""
    decimals = len(last) - last.index(b".") - 1 if last else 0
    if max(map(len, tokens)) > _MOST_CHARS or _written(decimals).fullmatch(text) is None or _negative_zero(text):
        return None
    found = np.array(text.replace(b".", b"").split(), dtype=np.int64) if len(tokens) < _FEW else _parsed(text)
    bare = len(tokens) - points if decimals else 0
    if bare and bare != len(tokens) - np.count_nonzero(found):
        return None  # one zero has a point, and another has none
    return decimals, bool(bare), found


def _parsed(text: bytes) -> Ints:
    return np.fromstring(text.translate(None, b"."), dtype=np.int64, sep="\n")


def _negative_zero(text: bytes) -> bool:
    return b"-0" in text and re.search(rb"^-0(?:\.0+)?$", text, re.MULTILINE) is not None


def texts(decimals: int, values: Ints, *, bare_zero: bool) -> list[bytes]:
    """The numbers as they were written."""
    if len(values) < _FEW:
        return [_text(value, decimals, bare_zero) for value in values.tolist()]
    size = np.abs(values)
    digits = max(len(str(int(size.max()))), decimals + 1)
    chars = np.zeros((len(values), digits + 3), dtype=np.uint8)  # sign, digits with the point, end of line
    chars[:, 0] = np.where(values < 0, ord("-"), 0)
    chars[:, -1] = ord("\n")
    left, at = size, digits + 1
    for place in range(digits):
        if place == decimals and decimals:
            chars[:, at] = ord(".")
            at -= 1
        rest = left // 10
        digit = (left - rest * 10 + ord("0")).astype(np.uint8)
        chars[:, at] = digit if place <= decimals else np.where(left > 0, digit, 0)
        left, at = rest, at - 1
    if bare_zero:
        zero = size == 0
        chars[zero, :-1] = 0
        chars[zero, -2] = ord("0")
    return chars.tobytes().translate(None, b"\0").split(b"\n")[:-1]


def _text(value: int, decimals: int, bare_zero: bool) -> bytes:
    if not decimals or (bare_zero and not value):
        return b"%d" % value
    digits = b"%0*d" % (decimals + 1, abs(value))
    return (b"-" if value < 0 else b"") + digits[:-decimals] + b"." + digits[-decimals:]


def spread(decimals: int, values: Ints, *, bare_zero: bool) -> tuple[Form, Bytes]:
    """How a column stands, and its bytes [width, count]: the lowest of each number, then the next."""
    steps = np.diff(values, prepend=np.int64(0))
    differ = len(values) > 1 and bool(np.abs(steps[1:]).sum(dtype=float) < np.abs(values[1:]).sum(dtype=float))
    signed = steps if differ else values
    folded = (signed << 1) ^ (signed >> 63)
    matrix = folded.astype("<i8").view(np.uint8).reshape(-1, _WIDTH)
    width = _WIDTH
    while width > 1 and not matrix[:, width - 1].any():
        width -= 1
    return Form(decimals, bare_zero, differ, width, len(values)), np.ascontiguousarray(matrix[:, :width].T)


def gathered(form: Form, planes: list[Bytes]) -> Ints:
    """The whole numbers of a column from its bytes, the lowest of each number first."""
    matrix = np.zeros((form.length, _WIDTH), dtype=np.uint8)
    for place, plane in enumerate(planes):
        matrix[:, place] = plane
    folded = matrix.reshape(-1).view("<u8")
    signed = (folded >> np.uint64(1)).astype(np.int64) ^ -(folded & np.uint64(1)).astype(np.int64)
    return np.cumsum(signed, dtype=np.int64) if form.differences else signed

"""A block of records by columns: frames of one kind have one text, and what differs stands with its like.

Numbers of one place of one topic (the prices of a book, its sizes, the times) are whole numbers or their differences,
byte by byte: the bytes that say most stand together, and the others too. It takes less than half of what the same
records take packed as they are, and gives them back to the byte.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple
from zlib import crc32

import msgspec
import numpy as np

from virtuoso.model.installed.zstd import CompressionParameter, ZstdCompressor, ZstdDecompressor, ZstdError
from virtuoso.recording import families, numbers
from virtuoso.recording.numbers import Bytes, Form
from virtuoso.recording.records import Frame, Record, encode
from virtuoso.recording.summary import Summary

_OPTIONS: dict[int, int] = {CompressionParameter.compression_level: 9}
_MOST_NS, _MOST_CONNECTION = 1 << 62, 1 << 31
_MOST_FAMILIES = 8192
_TEXT = 0
"""The width of a column that is kept as text."""
_HEAD_BYTES = 4


class DamagedError(ValueError):
    """Columns do not give the records that they were made of."""


class Part(NamedTuple):
    """A part of the block: its bytes packed and unpacked."""

    packed: int
    raw: int


class Directory(msgspec.Struct, frozen=True, array_like=True):
    """What stands before the columns: enough to say what a block holds without unpacking it.

    Attributes:
        holds: what the records are.
        crc: CRC-32 of the records that the columns give.
        leading: the columns of the family, the time and the connection of each record.
        forms: of the columns, in the order in which the families name them.
        parts: the texts of the families, records kept whole, columns of text, then the planes.
    """

    holds: Summary
    crc: int
    leading: list[Form]
    forms: list[Form]
    parts: list[Part]


class Columns:
    """Takes records and gives them as a block."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.holds = Summary()
        """What was taken so far."""
        self.crowded = False
        """Whether the frames have so little in common that no more should be taken."""
        self._crc = 0
        self._texts: dict[bytes, int] = {}
        self._columns: dict[families.Key, list[bytes]] = {}
        self._places: list[tuple[tuple[list[bytes], ...], ...]] = []
        self._whole: list[bytes] = []
        self._of: list[int] = []
        self._times: list[int] = []
        self._connections: list[int] = []

    def add(self, record: Record, encoded: bytes) -> None:
        """Take a record with its encoded bytes, and sort it into its columns."""
        self.holds.add(record, len(encoded))
        self._crc = crc32(encoded, self._crc)
        if not isinstance(record, Frame) or not self._taken(record):
            self._of.append(0)
            self._whole.append(encoded)

    def _taken(self, frame: Frame) -> bool:
        if not (0 <= frame.received_ns < _MOST_NS and 0 <= frame.connection < _MOST_CONNECTION):
            return False
        found = families.split(frame.payload)
        if found is None:
            return False
        text, tokens, rows = found
        number = self._texts.get(text)
        if number is None:
            if len(self._texts) >= _MOST_FAMILIES:
                self.crowded = True
                return False
            number = self._family(text)
        at, row = 0, 0
        for columns in self._places[number]:
            if len(columns) == 1:
                columns[0].append(tokens[at])
                at += 1
            else:
                end = at + 2 * rows[row]
                columns[0].append(b"%d" % rows[row])
                columns[1].extend(tokens[at:end:2])
                columns[2].extend(tokens[at + 1 : end : 2])
                at, row = end, row + 1
        self._of.append(number + 1)
        self._times.append(frame.received_ns)
        self._connections.append(frame.connection)
        return True

    def _family(self, text: bytes) -> int:
        number = self._texts[text] = len(self._texts)
        found = families.family(text)
        self._places.append(tuple(tuple(self._columns.setdefault(k, []) for k in keys) for keys in found.places))
        return number

    def pack(self) -> bytes:
        """The block's data; the next one begins."""
        planes: list[list[Bytes]] = [[] for _ in range(8)]
        leading = [
            _spread(planes, 0, np.array(each, dtype=np.int64), bare=False)
            for each in (self._of, self._times, self._connections)
        ]
        forms, texts = list[Form](), list[bytes]()
        for tokens in self._columns.values():
            found = numbers.whole(tokens)
            if found is None:
                texts += tokens
                forms.append(Form(0, False, False, _TEXT, len(tokens)))  # noqa: FBT003 - a tuple
            else:
                forms.append(_spread(planes, found[0], found[2], bare=found[1]))
        raws = [b"\n".join(self._texts), b"".join(self._whole), b"\n".join(texts)]
        raws += [b"".join(each.tobytes() for each in plane) for plane in planes]
        packed = [_packed(raw) if raw else b"" for raw in raws]
        directory = Directory(
            holds=self.holds, crc=self._crc, leading=leading, forms=forms,
            parts=[Part(len(data), len(raw)) for data, raw in zip(packed, raws, strict=True)],
        )  # fmt: skip
        self._begin()
        head = _packed(msgspec.msgpack.encode(directory))
        return b"".join((len(head).to_bytes(_HEAD_BYTES, "little"), head, *packed))


def _spread(planes: list[list[Bytes]], decimals: int, values: numbers.Ints, *, bare: bool) -> Form:
    form, matrix = numbers.spread(decimals, values, bare_zero=bare)
    for place in range(form.width):
        planes[place].append(matrix[place])
    return form


def _packed(raw: bytes) -> bytes:
    return ZstdCompressor(options=_OPTIONS).compress(raw, ZstdCompressor.FLUSH_FRAME)


def _unpacked(data: bytes, length: int) -> bytes:
    if not length:
        return b""
    unpacking = ZstdDecompressor()
    raw = unpacking.decompress(data, length + 1)
    if len(raw) != length or not unpacking.eof:
        raise DamagedError("a part is not as long as its directory says")
    return raw


_directories = msgspec.msgpack.Decoder(Directory)
_MOST_DIRECTORY = 64 << 20


def directory(data: bytes) -> tuple[Directory, int]:
    """What a block holds, from its beginning, and where its parts begin.

    Raises:
        DamagedError: it cannot be read.
    """
    begin = _HEAD_BYTES + int.from_bytes(data[:_HEAD_BYTES], "little")
    try:
        raw = ZstdDecompressor().decompress(data[_HEAD_BYTES:begin], _MOST_DIRECTORY)
        return _directories.decode(raw), begin
    except (ZstdError, EOFError, msgspec.MsgspecError) as error:
        raise DamagedError(f"the directory cannot be read: {error}") from error


def unpack(data: bytes, most: int) -> bytes:
    """The records of a block, as they were put: no more than `most` bytes.

    Raises:
        DamagedError: they are not what was put.
    """
    found, at = directory(data)
    if sum(part.raw for part in found.parts) > most:
        raise DamagedError("the parts are longer than what they hold")
    try:
        parts = []
        for part in found.parts:
            parts.append(_unpacked(data[at : at + part.packed], part.raw))
            at += part.packed
        raw = b"".join(_records(found, parts))
    except (ZstdError, EOFError, ValueError, TypeError, IndexError, StopIteration) as error:
        raise DamagedError(f"the columns cannot be read: {error}") from error
    if crc32(raw) != found.crc:
        raise DamagedError("the columns give other records than were put")
    return raw


class _Planes:
    """The planes, from which columns are taken in order."""

    def __init__(self, planes: list[bytes]) -> None:
        self._planes = [np.frombuffer(plane, dtype=np.uint8) for plane in planes]
        self._at = [0] * len(planes)

    def take(self, form: Form) -> numbers.Ints:
        found = []
        for place in range(form.width):
            at = self._at[place]
            found.append(self._planes[place][at : at + form.length])
            self._at[place] += form.length
        return numbers.gathered(form, found)


def _records(found: Directory, parts: list[bytes]) -> Iterator[bytes]:
    texts, whole, tokens, *rest = parts
    planes = _Planes(rest)
    of, times, connections = (planes.take(form).tolist() for form in found.leading)
    words = iter(tokens.split(b"\n"))
    known = [families.family(text) for text in texts.split(b"\n")] if texts else []
    keys = dict.fromkeys(key for each in known for place in each.places for key in place)
    columns = {
        key: islice(words, form.length) if form.width == _TEXT
        else iter(numbers.texts(form.decimals, planes.take(form), bare_zero=form.bare_zero))
        for key, form in zip(keys, found.forms, strict=True)
    }  # fmt: skip
    columns = {key: iter(list(column)) for key, column in columns.items()}
    places = [(each.template, tuple(tuple(columns[key] for key in place) for place in each.places)) for each in known]
    kept, stamps = _lengths(whole), iter(zip(times, connections, strict=True))
    for number in of:
        if not number:
            yield next(kept)
            continue
        template, takes = places[number - 1]
        values = tuple([next(take[0]) if len(take) == 1 else _pairs(*take) for take in takes])
        received_ns, connection = next(stamps)
        yield encode(Frame(received_ns, connection, template % values))


def _pairs(counts: Iterator[bytes], first: Iterator[bytes], second: Iterator[bytes]) -> bytes:
    count = int(next(counts))
    values = [b""] * (2 * count)
    values[::2] = islice(first, count)
    values[1::2] = islice(second, count)
    return families.pairs(count) % tuple(values)


def _lengths(whole: bytes) -> Iterator[bytes]:
    """Records kept whole, each with its length before it."""
    at = 0
    while at < len(whole):
        end = at + 4 + int.from_bytes(whole[at : at + 4], "little")
        yield whole[at:end]
        at = end

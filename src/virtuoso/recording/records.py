"""What a recording is made of, and its bytes: msgpack, each record after its length (4 bytes, little-endian).

A record is a msgpack array that begins with its kind; fields may be added at the end if they have a default.
Times are epoch nanoseconds of the local clock.
"""

import struct
from collections.abc import Iterator
from typing import Any

import msgspec

from virtuoso.model.signal import Statement

VERSION = 2
"""What this program writes."""
READ = frozenset({1, VERSION})
"""What it reads; another version is refused. The first had no columns, no index and no tail."""

_LENGTH = struct.Struct("<I")
_OVERHEAD = 200


class _Record(msgspec.Struct, frozen=True, array_like=True, tag=str.lower):
    pass


class Header(_Record, frozen=True):
    """First in every file. A new file of one run repeats it; another `started_ns` is another run.

    Attributes:
        version: of the format: this program writes `VERSION`.
        exchange: its name, such as `bybit`.
        category: such as `linear`.
        started_ns: when the run began.
        settings: what a replay needs to know of the configuration; plain values, no secrets.
    """

    version: int
    exchange: str
    category: str
    started_ns: int
    settings: dict[str, Any]


class Frame(_Record, frozen=True):
    """A frame received on a stream, as it came."""

    received_ns: int
    connection: int
    payload: bytes


class Sent(_Record, frozen=True):
    """A frame that this program sent on a stream, such as a subscription."""

    sent_ns: int
    connection: int
    payload: bytes


class Opened(_Record, frozen=True):
    """The record of a stream that was opened: when (epoch ns), which, and to where."""

    at_ns: int
    connection: int
    url: str


class Closed(_Record, frozen=True):
    """A stream was closed, by whom and why."""

    at_ns: int
    connection: int
    reason: str


class Answer(_Record, frozen=True):
    """A REST answer, as it came; `status` is HTTP's."""

    received_ns: int
    sent_ns: int
    path: str
    query: dict[str, str]
    status: int
    body: bytes


class ClockRead(_Record, frozen=True):
    """The exchange's clock less ours, as it was believed from here on, ms."""

    at_ns: int
    offset_ms: float


class FitPutOff(_Record, frozen=True):
    """The fit to what was known at a close was late: it holds from the close `from_ms` on (epoch ms)."""

    at_ns: int
    known_ms: int
    from_ms: int


class Said(_Record, frozen=True):
    """What the monitor said at `at_ns` of symbols at a close (epoch ms); what a replay says is compared with it."""

    at_ns: int
    close_ms: int
    statements: tuple[Statement, ...]


class Dropped(_Record, frozen=True):
    """Here `count` records are missing, from `at_ns` on."""

    at_ns: int
    count: int
    reason: str


Record = Header | Frame | Sent | Opened | Closed | Answer | ClockRead | FitPutOff | Said | Dropped

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)


def at_ns(record: Record) -> int:
    """When a record was made, epoch ns."""
    match record:
        case Frame() | Answer():
            return record.received_ns
        case Sent():
            return record.sent_ns
        case Header():
            return record.started_ns
        case _:
            return record.at_ns


def held_bytes(record: Record) -> int:
    """About what a record takes in memory."""
    if isinstance(record, Frame):
        return len(record.payload) + _OVERHEAD
    if isinstance(record, Answer):
        return len(record.body) + sum(map(len, record.query.values())) + 2 * _OVERHEAD
    if isinstance(record, Said):
        return 2 * _OVERHEAD * (1 + len(record.statements))
    return len(record.payload) + _OVERHEAD if isinstance(record, Sent) else 2 * _OVERHEAD


def encode(record: Record) -> bytes:
    """The bytes of a record, after their length.

    Raises:
        TypeError, ValueError, OverflowError, msgspec.MsgspecError: a value has no place in msgpack, such as an
            integer of more than 64 bits.
    """
    data = _encoder.encode(record)
    return _LENGTH.pack(len(data)) + data


def decode(data: bytes) -> Iterator[Record]:
    """Decode one record after the other from `data`.

    Raises:
        msgspec.MsgspecError, struct.error: these are not the records of this version.
    """
    view = memoryview(data)
    at = 0
    while at < len(data):
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        yield _decoder.decode(view[at : at + length])
        at += length

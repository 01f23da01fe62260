"""A block: what stands on the disk whole or not at all.

    offset  bytes
         0      4   5B 2A 4D 18: a skippable frame, so that `zstd -d` passes over the mark
         4      4   20, the length of what follows up to the data
         8      4   what the data are: "VREC", "VCOL", "VIDX" or "VTAI"
        12      4   length of the data
        16      4   length of the records in it, unpacked
        20      4   CRC-32 of the data
        24      4   CRC-32 of the 24 bytes before
        28      …   the data

All integers are little-endian. VREC is one zstandard frame with its checksum, of length-prefixed records; VCOL the same
records by columns (`columns.py`); VIDX the index of a file that was closed (`index.py`); VTAI tells where in a file
the tail beside it goes on (8 bytes). A VREC without data is the end of a file that was closed; its checksum is the
length of the index block before it. The mark has a checksum of its own, so that a length can be trusted: a block that
ends beyond the file was cut off, all else that does not fit was changed.
"""

import struct
from typing import NamedTuple
from zlib import crc32

from virtuoso.model.installed.zstd import CompressionParameter, ZstdCompressor, ZstdDecompressor, ZstdError
from virtuoso.recording.columns import DamagedError, unpack

MOST_RAW = 1 << 30
"""No block unpacks to more (bytes)."""

BEGINNING = struct.pack("<II", 0x184D2A5B, 20) + b"V"
"""What every block begins with, and so every file."""

RECORDS, COLUMNS, INDEX, TAIL = b"VREC", b"VCOL", b"VIDX", b"VTAI"

_HEAD = struct.Struct("<8s4sIII")
_CRC = struct.Struct("<I")
_OPTIONS: dict[int, int] = {CompressionParameter.compression_level: 3, CompressionParameter.checksum_flag: 1}
_WIDEST = 16
"""A column's number takes eight bytes at most, and a text one at least."""
MARK_BYTES = _HEAD.size + _CRC.size


class Mark(NamedTuple):
    """What stands before the data: what they are, lengths in bytes and the data's checksum."""

    kind: bytes
    packed: int
    raw: int
    crc: int

    @property
    def is_end(self) -> bool:
        """Whether the file ends here, as it should."""
        return self.kind == RECORDS and not self.packed


def _marked(mark: Mark) -> bytes:
    head = _HEAD.pack(BEGINNING[:8], *mark)
    return head + _CRC.pack(crc32(head))


def block(kind: bytes, data: bytes, raw: int) -> bytes:
    """A block of data that hold `raw` bytes."""
    return _marked(Mark(kind, len(data), raw, crc32(data))) + data


def end(index: bytes = b"") -> bytes:
    """The last blocks of a file that was closed: its index, and the mark of the end."""
    return index + _marked(Mark(RECORDS, 0, 0, len(index)))


class Packer:
    """Makes blocks of records as they are. Compressing lets go of the interpreter's lock."""

    def __init__(self) -> None:
        self._compressor = ZstdCompressor(options=_OPTIONS)
        self._begin()

    def _begin(self) -> None:
        self._pieces: list[bytes] = []
        self.raw = 0
        """Bytes in the block so far."""

    def add(self, data: bytes | bytearray) -> None:
        """Compress encoded records into the block."""
        self._pieces.append(self._compressor.compress(data))
        self.raw += len(data)

    def block(self) -> bytes:
        """The block; the next one begins."""
        data, raw = b"".join((*self._pieces, self._compressor.flush())), self.raw
        self._begin()
        return block(RECORDS, data, raw)


def mark(head: bytes) -> Mark | None:
    """What `MARK_BYTES` bytes announce; `None` when they are no mark."""
    if not head.startswith(BEGINNING) or _CRC.unpack_from(head, _HEAD.size)[0] != crc32(head[: _HEAD.size]):
        return None
    found = Mark(*_HEAD.unpack_from(head)[1:])
    known = found.kind in {RECORDS, COLUMNS, INDEX, TAIL} and found.raw <= MOST_RAW
    return found if known and bool(found.raw) == bool(found.packed) else None


def unpacked(found: Mark, data: bytes) -> bytes | None:
    """The records unpacked, of data whose checksum is right; `None` when they are not what the mark announces."""
    try:
        raw = unpack(data, _WIDEST * found.raw + (1 << 20)) if found.kind == COLUMNS else _plain(data, found.raw)
    except (DamagedError, ZstdError):
        return None
    return raw if len(raw) == found.raw else None


def _plain(data: bytes, length: int) -> bytes:
    unpacking = ZstdDecompressor()
    raw = unpacking.decompress(data, length + 1)
    return raw if unpacking.eof else b""

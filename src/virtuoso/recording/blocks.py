"""A block: what one flush leaves on the disk, whole or not at all.

    offset  bytes
         0      4   5B 2A 4D 18: a skippable frame, so that `zstd -d` passes over the mark
         4      4   20, the length of what follows up to the data
         8      4   "VREC"
        12      4   length of the data
        16      4   length of the data unpacked
        20      4   CRC-32 of the data
        24      4   CRC-32 of the 24 bytes before
        28      …   the data: one zstandard frame with its checksum, of length-prefixed records

All integers are little-endian. A block without data is the end of a file that was closed. The mark has a checksum of
its own, so that a length can be trusted: a block that ends beyond the file was cut off, all else that does not fit was
changed.
"""

import struct
from typing import NamedTuple
from zlib import crc32

from virtuoso.model.installed.zstd import CompressionParameter, ZstdCompressor, ZstdDecompressor, ZstdError

MOST_RAW = 1 << 30
"""No block unpacks to more (bytes)."""

BEGINNING = struct.pack("<II4s", 0x184D2A5B, 20, b"VREC")
"""What every block begins with, and so every file."""

_OPTIONS: dict[int, int] = {CompressionParameter.compression_level: 3, CompressionParameter.checksum_flag: 1}
_LENGTHS = struct.Struct("<III")
_CRC = struct.Struct("<I")
MARK_BYTES = len(BEGINNING) + _LENGTHS.size + _CRC.size


class Mark(NamedTuple):
    """What stands before the data: lengths in bytes and the data's checksum."""

    packed: int
    raw: int
    crc: int


def _marked(mark: Mark) -> bytes:
    head = BEGINNING + _LENGTHS.pack(*mark)
    return head + _CRC.pack(crc32(head))


END = _marked(Mark(0, 0, 0))
"""The last block of a file that was closed."""


class Packer:
    """Makes blocks. Compressing lets go of the interpreter's lock."""

    def __init__(self) -> None:
        self._compressor = ZstdCompressor(options=_OPTIONS)
        self._begin()

    def _begin(self) -> None:
        self._pieces: list[bytes] = []
        self.raw = 0
        """Bytes in the block so far."""

    def add(self, data: bytes | bytearray) -> None:
        """Append records to the block."""
        self._pieces.append(self._compressor.compress(data))
        self.raw += len(data)

    def block(self) -> bytes:
        """The block; the next one begins."""
        data = b"".join((*self._pieces, self._compressor.flush()))
        mark = Mark(len(data), self.raw, crc32(data))
        self._begin()
        return _marked(mark) + data


def mark(head: bytes) -> Mark | None:
    """The lengths that `MARK_BYTES` bytes announce; `None` when they are no mark."""
    if not head.startswith(BEGINNING) or _CRC.unpack_from(head, MARK_BYTES - _CRC.size)[0] != crc32(head[: -_CRC.size]):
        return None
    found = Mark(*_LENGTHS.unpack_from(head, len(BEGINNING)))
    return found if found.raw <= MOST_RAW and bool(found.raw) == bool(found.packed) else None


def unpacked(found: Mark, data: bytes) -> bytes | None:
    """The data unpacked; `None` when they are not what the mark announces."""
    if crc32(data) != found.crc:
        return None
    unpacking = ZstdDecompressor()
    try:
        raw = unpacking.decompress(data, found.raw + 1)
    except ZstdError:
        return None
    return raw if len(raw) == found.raw and unpacking.eof else None

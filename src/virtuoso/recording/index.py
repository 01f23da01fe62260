"""The index of a file: where each of its blocks stands, and what it holds. The last block but one of a closed file.

A file that was not closed, or is of the first version, is gone through once to make it: columns say what they hold
before they are unpacked.
"""

import os
from pathlib import Path

import msgspec

from virtuoso.model.installed.zstd import ZstdCompressor, ZstdDecompressor, ZstdError
from virtuoso.recording.blocks import INDEX, MARK_BYTES, block, mark
from virtuoso.recording.summary import Summary

_MOST_BYTES = 64 << 20


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A block: the byte at which it begins, the times of its first and last records (epoch ns), and how many it has."""

    offset: int
    first_ns: int
    last_ns: int
    records: int
    frames: int
    raw: int


class Index(msgspec.Struct, array_like=True):
    """The blocks of a file in order, and the topics of all of them together."""

    entries: list[Entry] = msgspec.field(default_factory=list)
    topics: set[str] = msgspec.field(default_factory=set)

    def add(self, offset: int, holds: Summary) -> None:
        """Append a block that begins at byte `offset` of the file; blocks come in the order of the file."""
        self.entries.append(Entry(offset, holds.first_ns, holds.last_ns, holds.records, holds.frames, holds.raw))
        self.topics |= holds.topics

    @property
    def holds(self) -> Summary:
        """Add up what all blocks hold: one summary for the whole file, its tail left out."""
        found = Summary(topics=set(self.topics))
        for each in self.entries:
            found.join(Summary(each.records, each.frames, each.first_ns, each.last_ns, each.raw))
        return found

    def offset_of(self, at_ns: int) -> int | None:
        """Where the first block begins that holds anything at or after a time (epoch ns); `None` when none does."""
        return next((entry.offset for entry in self.entries if entry.last_ns >= at_ns), None)


_decoder = msgspec.msgpack.Decoder(Index)


def index_block(index: Index) -> bytes:
    """The block that stands before a file's end."""
    raw = msgspec.msgpack.encode(index)
    return block(INDEX, ZstdCompressor().compress(raw, ZstdCompressor.FLUSH_FRAME), len(raw))


def stored(path: Path) -> Index | None:
    """The index of a file that was closed, read from its end; `None` when it has none that can be trusted.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size < 2 * MARK_BYTES:
            return None
        file.seek(size - MARK_BYTES)
        last = mark(file.read(MARK_BYTES))
        if last is None or not last.is_end or not MARK_BYTES < last.crc <= size - MARK_BYTES:
            return None
        file.seek(size - MARK_BYTES - last.crc)
        data = file.read(last.crc)
    found = mark(data[:MARK_BYTES])
    if found is None or found.kind != INDEX or block(INDEX, data[MARK_BYTES:], found.raw) != data:
        return None
    try:
        return _decoder.decode(ZstdDecompressor().decompress(data[MARK_BYTES:], _MOST_BYTES))
    except (ZstdError, msgspec.MsgspecError):
        return None

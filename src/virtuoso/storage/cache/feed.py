"""Carries what the memory of this process holds to one reader over a local socket; `feed_reader.py` is the other end.

A frame is its length (4 bytes, big-endian), its kind (1 byte) and its content. The greeting comes first, then the whole
set of documents, then what changes. What waits for a slow reader is names, not documents: so it is bounded by their
number, and the latest wins.
"""

import asyncio
import struct
from socket import SO_SNDBUF, SOL_SOCKET, socket
from typing import Final

from virtuoso.model.clock import Clock
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.cache.document import Document, encode
from virtuoso.storage.cache.memory import MemoryCache

HEAD: Final = struct.Struct(">IB")
"""Length of the content in bytes, and the kind of the frame."""
GREETING, DOCUMENT, REMOVED = 0, 1, 2
MOST_BYTES: Final = 64 << 20
"""Of one frame's content."""
_BUFFER_BYTES: Final = 1 << 20
_AT_ONCE: Final = 16
"""Documents written in one piece before the event loop gets a turn: a cycle of a whole exchange publishes hundreds."""
_PIECE_BYTES: Final = 1 << 16
"""Of one piece, but for its last document: its ages are those of its writing, and a slow reader takes it later."""


def frame(kind: int, content: bytes) -> bytes:
    """Encode one frame: the length of `content`, its kind, then `content`."""
    return HEAD.pack(len(content), kind) + content


class Feed:
    """Sends documents to readers. A reader that takes nothing for `patience_s` seconds is given up."""

    def __init__(self, memory: MemoryCache, clock: Clock, patience_s: float = 20.0) -> None:
        self._memory = memory
        self._clock = clock
        self._patience_s = patience_s

    async def send(self, sock: socket, greeting: bytes) -> None:
        """Feed the reader at the other end of `sock`, which is closed at the end.

        Raises:
            StoreUnavailable: the reader is gone, or takes nothing.
        """
        sock.setsockopt(SOL_SOCKET, SO_SNDBUF, _BUFFER_BYTES)
        _, writer = await asyncio.open_connection(sock=sock)
        try:
            with self._memory.subscribe() as changes:
                await self._write(writer, frame(GREETING, greeting))
                names = list(self._memory.published())
                while True:
                    await self._write_all(writer, names)
                    names = await changes.take()
        except TimeoutError as error:
            raise StoreUnavailable(f"the reader of the feed took nothing for {self._patience_s:g} s") from error
        except OSError as error:
            raise StoreUnavailable(f"the reader of the feed is gone: {error}") from error
        finally:
            writer.transport.abort()

    async def _write_all(self, writer: asyncio.StreamWriter, names: list[str]) -> None:
        published = self._memory.published()
        piece: list[bytes] = []
        for number, name in enumerate(names, 1):
            piece.append(self._frame(name, published))
            turn = number % _AT_ONCE == 0
            if turn or number == len(names) or sum(map(len, piece)) >= _PIECE_BYTES:
                await self._write(writer, b"".join(piece))
                piece.clear()
            if turn:
                await asyncio.sleep(0)

    def _frame(self, name: str, published: dict[str, tuple[Document, int]]) -> bytes:
        held = published.get(name)
        if held is None:
            return frame(REMOVED, name.encode())
        document, born_ns = held
        return frame(DOCUMENT, encode(document, (self._clock.monotonic_ns() - born_ns) / 1e9))

    async def _write(self, writer: asyncio.StreamWriter, content: bytes) -> None:
        """Returns when the reader has taken nearly all of it."""
        writer.write(content)
        async with asyncio.timeout(self._patience_s):
            await writer.drain()

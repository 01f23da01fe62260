"""Keeps the memory of this process equal to that of the process which feeds it over a local socket (`feed.py`)."""

import asyncio
from socket import socket

from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.cache.document import decode
from virtuoso.storage.cache.feed import DOCUMENT, GREETING, HEAD, MOST_BYTES, REMOVED
from virtuoso.storage.cache.memory import MemoryCache

_NAME = "feed"


def greeting(sock: socket) -> bytes:
    """What the feeding process says first; `sock` must be one that blocks.

    Raises:
        StoreUnavailable: it has ended, or says something else.
    """
    length, kind = HEAD.unpack(_exactly(sock, HEAD.size))
    if kind != GREETING or length > MOST_BYTES:
        raise StoreUnavailable(f"{_NAME}: the first frame is no greeting (kind {kind}, {length} bytes)")
    return _exactly(sock, length)


def _exactly(sock: socket, count: int) -> bytes:
    found = bytearray()
    while len(found) < count:
        part = sock.recv(min(count - len(found), 65_536))
        if not part:
            raise StoreUnavailable(f"{_NAME}: the feeding process has ended")
        found += part
    return bytes(found)


class FeedReader:
    """Takes documents into `memory` from `sock`, whose greeting was read."""

    def __init__(self, memory: MemoryCache, sock: socket) -> None:
        self._memory = memory
        self._sock = sock

    async def run(self) -> None:
        """Take documents in until the feeding process ends.

        Raises:
            StoreUnavailable: what comes is no frame or no document.
        """
        reader, writer = await asyncio.open_connection(sock=self._sock)
        try:
            while True:
                length, kind = HEAD.unpack(await reader.readexactly(HEAD.size))
                if length > MOST_BYTES:
                    raise StoreUnavailable(f"{_NAME}: a frame of {length} bytes is announced")
                self._take(kind, await reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.transport.abort()

    def _take(self, kind: int, content: bytes) -> None:
        if kind == DOCUMENT:
            document, age_s = decode(_NAME, None, content)
            self._memory.take(document, age_s)
        elif kind == REMOVED:
            self._memory.remove(content.decode())
        else:
            raise StoreUnavailable(f"{_NAME}: a frame of the unknown kind {kind} came")

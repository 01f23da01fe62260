"""Tells people the address of a web as soon as it answers there, not before."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from socket import AF_INET6, socket
from typing import Any, Final

_TRY_S: Final = 5.0
_AGAIN_S: Final = 0.1
_ASK: Final = b"HEAD /health/live HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"


async def announced(work: Coroutine[Any, Any, None], sock: socket, say: Callable[[], None]) -> None:
    """Do `work`, and `say` the address meanwhile, once whoever serves the listening socket `sock` answers there."""
    announcing = asyncio.create_task(announce(sock, say), name="announce the address")
    try:
        await work
    finally:
        announcing.cancel()
        await asyncio.gather(announcing, return_exceptions=True)


async def announce(sock: socket, say: Callable[[], None]) -> None:
    """`say` the address once it answers; it is asked until then, or until this is cancelled."""
    while not await _answers(sock):  # noqa: ASYNC110 - what is waited for is another process
        await asyncio.sleep(_AGAIN_S)
    say()


async def _answers(sock: socket) -> bool:
    """Whether an answer of whatever status comes in time: the socket listens before anybody serves it."""
    host, port = sock.getsockname()[:2]
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_TRY_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(_ASK % (f"[{host}]" if sock.family == AF_INET6 else host).encode())
                return (await reader.readline()).startswith(b"HTTP/1.1 ")
            finally:
                writer.close()
    return False

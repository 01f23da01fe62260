"""Drops connections whose clients take nothing: asked of the kernel, once a second, apart from all that write.

What a client does not read lies in its own kernel until that is full, acknowledged and so out of our memory; only then
does it wait here. The window that it advertises is no sooner evidence: those of clients that read were seen to fall
for 15 s just as steadily, on a loaded machine.
"""

import asyncio
import socket
import struct
from collections.abc import Set
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)

STALLED_S = 10.0
_LOOK_S = 1.0
_INFO = struct.Struct("=24xI92xQ16xI")
"""Of Linux's `struct tcp_info`: unacked, bytes_acked, notsent_bytes."""


class Connection(Protocol):
    """What uvicorn keeps of a connection."""

    @property
    def transport(self) -> asyncio.Transport:
        """The transport whose unsent bytes are watched."""


class Progress:
    """What a client was seen to take."""

    def __init__(self) -> None:
        self._acked = 0
        self._since_s: float | None = None

    def stalled_s(self, acked: int, waiting: bool, now_s: float) -> float:
        """For how long nothing of what waits was acknowledged, in seconds; `acked` counts bytes."""
        if not waiting or acked != self._acked:
            self._since_s = None
        elif self._since_s is None:
            self._since_s = now_s
        self._acked = acked
        return 0.0 if self._since_s is None else now_s - self._since_s


async def drop_stalled(connections: Set[Connection]) -> None:
    """Look at the connections of a server (`server.server_state.connections`) until cancelled."""
    loop = asyncio.get_running_loop()
    known: dict[Connection, Progress] = {}
    while True:
        await asyncio.sleep(_LOOK_S)
        known = {connection: known.get(connection) or Progress() for connection in connections}
        for connection, progress in known.items():
            stalled_s = _check(connection.transport, progress, loop.time())
            if stalled_s >= STALLED_S:
                _drop(connection.transport, stalled_s)


def _check(transport: asyncio.Transport, progress: Progress, now_s: float) -> float:
    sock = transport.get_extra_info("socket")
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size)
    except OSError:  # it ended a moment ago, and the server has not been told yet
        return 0.0
    unacked, acked, unsent = _INFO.unpack(info)
    waiting = bool(unacked or unsent or transport.get_write_buffer_size())
    return progress.stalled_s(acked, waiting, now_s)


def _drop(transport: asyncio.Transport, stalled_s: float) -> None:
    """Reset it: an orderly end would wait behind what is not taken."""
    log.info("a client that takes nothing is dropped", client=transport.get_extra_info("peername"), seconds=stalled_s)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()

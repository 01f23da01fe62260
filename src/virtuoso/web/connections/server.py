"""The ASGI application on a socket."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket

import uvicorn

from virtuoso.web.connections.guarded import GuardedProtocol, end_slow
from virtuoso.web.connections.limits import Crowd, Limits
from virtuoso.web.connections.stalled import drop_stalled
from virtuoso.web.front import App

_KEEP_ALIVE_S = 5


@contextmanager
def _no_signals() -> Iterator[None]:
    """Uvicorn would take the signals for itself."""
    yield


class WebServer:
    """The ASGI application on a socket, as one of the parts."""

    def __init__(self, app: App, limits: Limits | None = None) -> None:
        self.crowd = Crowd(limits or Limits())

        class Protocol(GuardedProtocol):
            """The protocol class of this server, with its own `crowd`."""

        Protocol.crowd = self.crowd
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=Protocol,
                ws="none",
                loop="none",
                lifespan="off",
                access_log=False,
                log_level="error",  # a stranger's nonsense is counted, not logged line by line
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=1,
            )
        )
        self._server.capture_signals = _no_signals  # type: ignore[method-assign]  # signals are handled once, below

    @property
    def connections(self) -> int:
        """The number of open connections."""
        return len(self._server.server_state.connections)

    async def serve(self, sock: socket) -> None:
        """Serve until it is told to stop; clients that send or take nothing in time are dropped meanwhile."""
        connections = self._server.server_state.connections
        looking = [
            asyncio.create_task(drop_stalled(connections), name="stalled"),
            asyncio.create_task(end_slow(connections, self.crowd), name="slow"),
        ]
        try:
            await self._server.serve([sock])
        finally:
            for task in looking:
                task.cancel()
            await asyncio.gather(*looking, return_exceptions=True)

    def stop(self) -> None:
        """Answer what was asked, and end."""
        self._server.should_exit = True

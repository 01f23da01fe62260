"""The ASGI application on a socket."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket

import uvicorn

from virtuoso.web.front import App
from virtuoso.web.stalled import drop_stalled


@contextmanager
def _no_signals() -> Iterator[None]:
    """Uvicorn would take the signals for itself."""
    yield


class WebServer:
    """The ASGI application on a socket, as one of the parts."""

    def __init__(self, app: App) -> None:
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                loop="none",
                lifespan="off",
                access_log=False,
                log_level="warning",
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._server.capture_signals = _no_signals  # type: ignore[method-assign]  # signals are handled once, below

    async def serve(self, sock: socket) -> None:
        """Until it is told to stop; clients that take nothing are dropped meanwhile."""
        stalled = asyncio.create_task(drop_stalled(self._server.server_state.connections), name="stalled")
        try:
            await self._server.serve([sock])
        finally:
            stalled.cancel()
            await asyncio.gather(stalled, return_exceptions=True)

    def stop(self) -> None:
        """Answer what was asked, and end."""
        self._server.should_exit = True

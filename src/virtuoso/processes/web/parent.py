"""The web of `virtuoso up` as a child process, fed over a local socket: no request can delay the monitor's loop.

The child inherits the listening socket, so a request that comes while it starts, or starts again, waits and is
answered. Its settings come through the feed, so that no secret stands in its arguments or environment.
"""

import asyncio
import pickle
import socket
from contextlib import suppress

import structlog

from virtuoso.config import Settings
from virtuoso.model.errors import StoreUnavailable, VirtuosoError
from virtuoso.processes.runtime import Runtime
from virtuoso.storage.cache.feed import Feed

log = structlog.get_logger(__name__)

_STOP_S = 4.0


class WebProcess:
    """One child at a time; `run` is to be called again when it raises."""

    def __init__(self, settings: Settings, runtime: Runtime, listening: socket.socket, feed: Feed) -> None:
        self._greeting = pickle.dumps(settings)
        self._runtime = runtime
        self._listening = listening
        self._feed = feed
        self._child: asyncio.subprocess.Process | None = None
        self._feeding: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> asyncio.subprocess.Process:
        """Begin a child; what it imports takes about a second of a processor."""
        ours, theirs = socket.socketpair()
        inherited = (self._listening.fileno(), theirs.fileno())
        command = self._runtime.command("virtuoso.processes.web.child", *map(str, inherited))
        with theirs:
            child = self._child = await asyncio.create_subprocess_exec(
                *command, pass_fds=inherited, stdin=asyncio.subprocess.DEVNULL
            )
        ours.setblocking(False)
        self._feeding = asyncio.create_task(self._feed_child(child, ours), name="web feed")
        return child

    async def run(self) -> None:
        """Feed the child process until it ends.

        Raises:
            VirtuosoError: it ended by itself.
        """
        child = self._child or await self.start()
        code = await child.wait()
        if self._stopping:
            await asyncio.Event().wait()  # whoever told it to end waits for it, and cancels this
        await self._forget()
        raise VirtuosoError(f"the web process ended ({_told(code)})")

    def stop(self) -> None:
        """Tell the child to answer what was asked, and to end."""
        self._stopping = True
        if self._child is not None:
            with suppress(ProcessLookupError):
                self._child.terminate()

    async def close(self) -> None:
        """End the child: politely, after 4 s by force."""
        child = self._child
        if child is None:
            return
        self.stop()
        try:
            async with asyncio.timeout(_STOP_S):
                await child.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
        await self._forget()

    async def _feed_child(self, child: asyncio.subprocess.Process, sock: socket.socket) -> None:
        """A child that takes nothing serves nothing that is new: it is killed, and so begun anew."""
        try:
            await self._feed.send(sock, self._greeting)
        except Exception as error:  # noqa: BLE001 - whatever it is: what is not fed is silent, and may not stay so
            if child.returncode is None:
                reason = str(error) if isinstance(error, StoreUnavailable) else f"{type(error).__name__}: {error}"
                log.warning("the web process cannot be fed and is ended", reason=reason)
                with suppress(ProcessLookupError):
                    child.kill()

    async def _forget(self) -> None:
        feeding, self._feeding, self._child = self._feeding, None, None
        if feeding is not None:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)


def _told(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit {code}"

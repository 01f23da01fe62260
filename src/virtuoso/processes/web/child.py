"""The web process that `virtuoso up` starts: `LISTENING FEED`, two inherited sockets; it ends when its parent does."""

import asyncio
import ctypes
import pickle
import signal
import socket
import sys

import structlog

from virtuoso.config import Settings
from virtuoso.model.clock import Clock
from virtuoso.model.errors import VirtuosoError
from virtuoso.processes.runtime import Runtime
from virtuoso.processes.stopping import stop_signals
from virtuoso.processes.web.serving import serve_documents
from virtuoso.storage.cache.feed_reader import FeedReader, greeting
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.wiring.logs import speak

log = structlog.get_logger(__name__)

_PR_SET_PDEATHSIG = 1


def main(runtime: Runtime) -> None:
    """Serve until told to end, or until the parent is gone."""
    _end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; it stops us when it is done
    listening, feed = (socket.socket(fileno=int(descriptor)) for descriptor in sys.argv[1:])
    feed.setblocking(True)
    listening.setblocking(False)
    try:
        settings: Settings = pickle.loads(greeting(feed))  # noqa: S301 - our parent's, over a socket of its own
        speak(settings)
        feed.setblocking(False)
        runtime.run(_run(settings, runtime.clock(), listening, feed))
    except VirtuosoError as error:
        log.error("the web process ended", error=str(error))  # noqa: TRY400 - expected: one line, no traceback
        sys.exit(getattr(error, "exit_code", 1))


def _end_with_parent() -> None:
    """The kernel kills us when our parent dies, even if our loop stands still; elsewhere the end of the feed tells."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


async def _run(settings: Settings, clock: Clock, listening: socket.socket, feed: socket.socket) -> None:
    stop = stop_signals(signal.SIGTERM)
    cache = MemoryCache(clock)

    async def follow() -> None:
        await FeedReader(cache, feed).run()
        stop.set()  # the parent has ended

    following = asyncio.create_task(follow(), name="feed")
    await serve_documents(settings, listening, cache, clock, stop, mode="embedded", works={following})

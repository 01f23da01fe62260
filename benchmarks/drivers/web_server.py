"""The web in one uvicorn worker, fed as a monitor feeds it; or a route of constant bytes under the same settings.

`python -m benchmarks.drivers.web_server PORT constant|cycles|stream BYTES`
"""

import asyncio
import sys
from typing import Any

import uvloop
from fastapi import FastAPI

from benchmarks.drivers.stamps import stamped
from virtuoso.model.clock import SystemClock
from virtuoso.storage.cache.memory import MemoryCache, Version
from virtuoso.web.access import Access
from virtuoso.web.connections.listening import listen
from virtuoso.web.connections.server import WebServer
from virtuoso.web.front import Front
from virtuoso.web.routes import documents, stream

SYMBOLS = 600
CYCLE_S, TICKS_S, STREAM_S, LIFE_S = 2.0, 0.5, 1.0, 60.0
SMALL_BYTES = 3_000


def body(size: int) -> bytes:
    """JSON of so many bytes."""
    return b'{"pad":"%b"}' % (b"x" * (size - 10))


def constant(size: int) -> Any:
    """An ASGI application that does nothing but answer."""
    given = body(size)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(given)).encode())]
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    rest = {"type": "http.response.body", "body": given}

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(start)
        await send(rest)

    return app


async def cycles(cache: MemoryCache, size: int) -> None:
    """A cycle's documents every two seconds, ticks between."""
    names = ("overview", "signals", "alerts", "regime", "status", "symbols", "alpha", "signals:top")
    sequence = 0
    while True:
        sequence += 1
        if sequence % int(CYCLE_S / TICKS_S) == 1:
            version = Version(1, sequence)
            for number in range(SYMBOLS):
                cache.put(f"symbol:{number}", body(SMALL_BYTES), version, LIFE_S)
            for name in names:
                cache.put(name, body(size), version, LIFE_S)
            cache.put("dashboard", body(size), version, LIFE_S)
        cache.put("ticks", body(SMALL_BYTES), Version(1, sequence), LIFE_S)
        await asyncio.sleep(TICKS_S)


async def small(cache: MemoryCache, size: int) -> None:
    """One small document a second that tells when it was published."""
    cache.put("dashboard", body(size), Version(1, 0), 86_400.0)
    sequence = 0
    while True:
        sequence += 1
        cache.put("overview", stamped(body(size - 30)), Version(1, sequence), LIFE_S)
        await asyncio.sleep(STREAM_S)


async def serve(port: int, kind: str, size: int) -> None:
    """Until killed."""
    clock = SystemClock()
    cache = MemoryCache(clock)
    app = FastAPI()
    access = Access(["127.0.0.1"], None)
    app.include_router(stream.router(cache, clock, access))
    ours = Front(app, cache, documents.HOT, access, clock)
    server = WebServer(constant(size) if kind == "constant" else ours)
    async with asyncio.TaskGroup() as group:
        if kind != "constant":
            group.create_task(cycles(cache, size) if kind == "cycles" else small(cache, size))
        group.create_task(server.serve(listen("127.0.0.1", port)))


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))

"""Clients of `/api/stream` and of large documents over real sockets: those that read, and those that do not."""

import asyncio
import json
import re
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI
from tests.support.servers import free_port
from tests.support.soak import soak_only

from virtuoso.model.clock import SystemClock
from virtuoso.model.errors import UsageError
from virtuoso.storage.cache.memory import MemoryCache, Version
from virtuoso.web.access import Access
from virtuoso.web.connections.listening import listen
from virtuoso.web.connections.server import WebServer
from virtuoso.web.front import Front
from virtuoso.web.routes import stream
from virtuoso.web.routes.documents import HOT

ROOT = Path(__file__).parents[2]
TTL_S = 600.0
DROPPED_S = 30.0
IDENTITY = re.compile(rb"\nid: 1-(\d+)\n")


@dataclass
class Web:
    """A server, and the cache that it serves."""

    cache: MemoryCache
    server: WebServer
    port: int

    def publish(self, sequence: int, name: str = "overview", size: int = 2_000) -> None:
        """A document of so many bytes."""
        self.cache.put(name, b'{"pad":"%b"}' % (b"x" * (size - 10)), Version(1, sequence), TTL_S)

    @property
    def connections(self) -> int:
        """How many are open."""
        return self.server.connections

    def client(self, path: str = "/api/stream", buffer: int | None = None) -> socket.socket:
        """A socket that has asked."""
        sock = socket.socket()
        if buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.connect(("127.0.0.1", self.port))
        sock.sendall(b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % path.encode())
        sock.setblocking(False)
        return sock


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    cache = MemoryCache(SystemClock())
    app = FastAPI()
    access = Access(["127.0.0.1"], None)
    app.include_router(stream.router(cache, SystemClock(), access))
    server = WebServer(Front(app, cache, HOT, access, SystemClock()))
    with closing(listen("127.0.0.1", 0)) as sock:
        serving = asyncio.create_task(server.serve(sock))
        yield Web(cache, server, sock.getsockname()[1])
        server.stop()
        await asyncio.gather(serving, return_exceptions=True)


async def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Until it holds, for so long at most."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


class Reader:
    """A client that reads all; `ended` once the server has closed."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.received = b""
        self.reading = asyncio.create_task(self._read())

    @property
    def versions(self) -> list[int]:
        """As they came."""
        return [int(found) for found in IDENTITY.findall(self.received)]

    async def close(self) -> None:
        """Leave."""
        self.reading.cancel()
        await asyncio.gather(self.reading, return_exceptions=True)
        self._sock.close()

    async def _read(self) -> None:
        while data := await asyncio.get_running_loop().sock_recv(self._sock, 65_536):
            self.received += data


async def test_every_client_gets_every_version_in_order(web: Web) -> None:
    web.publish(1)
    readers = [Reader(web.client()) for _ in range(100)]
    try:
        for sequence in range(1, 21):
            web.publish(sequence)
            await until(lambda n=sequence: all(b"\nid: 1-%d\n" % n in reader.received for reader in readers))  # type: ignore[misc]
        web.publish(19)  # an older one is dropped
        web.publish(21)
        await until(lambda: all(b"\nid: 1-21\n" in reader.received for reader in readers))
        for reader in readers:
            versions = reader.versions
            assert versions == sorted(set(versions))
            assert set(range(2, 22)) <= set(versions)
        assert web.connections == 100
    finally:
        await asyncio.gather(*(reader.close() for reader in readers))
    await until(lambda: web.connections == 0)
    await until(lambda: web.cache.subscribers == 0)


def test_accepted_connections_inherit_the_kernels_limit_and_a_taken_port_is_named() -> None:
    with closing(listen("127.0.0.1", 0)) as sock, closing(socket.create_connection(sock.getsockname())):
        sock.settimeout(10)
        with closing(sock.accept()[0]) as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000
        port = sock.getsockname()[1]
        with pytest.raises(UsageError, match=rf"web.port = {port}: .* address already in use; choose another port"):
            listen("127.0.0.1", port)


async def dropped_after(sock: socket.socket) -> float:
    """Seconds until the server has reset it; it is never read."""
    began = time.monotonic()
    with closing(sock):
        while not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            assert time.monotonic() - began < 2 * DROPPED_S, "it is still connected"
            await asyncio.sleep(0.1)
    return time.monotonic() - began


async def dawdler(sock: socket.socket, seconds: float) -> int:
    """Reads all that there is every four seconds; how often there was something."""
    reads = 0
    with closing(sock):
        for _ in range(int(seconds / 4)):
            await asyncio.sleep(4)
            assert sock.recv(1 << 20), "it was dropped"
            reads += 1
    return reads


@soak_only("waits until a client is given up")
@pytest.mark.slow
async def test_those_that_never_read_are_dropped_and_the_others_never_notice(web: Web) -> None:
    web.publish(1, "symbols", size=8_000_000)  # not streamed
    web.publish(1)
    reader, slow = Reader(web.client()), asyncio.create_task(dawdler(web.client(), 24))
    deaf = {
        "a small buffer": web.client(buffer=4_096),
        "a large document": web.client("/api/symbols"),
    }
    await until(lambda: reader.versions == [1])
    drops = {name: asyncio.create_task(dropped_after(sock)) for name, sock in deaf.items()}
    sequence = 1
    while not all(task.done() for task in (slow, *drops.values())):
        sequence += 1
        web.publish(sequence)
        await until(lambda n=sequence: b"\nid: 1-%d\n" % n in reader.received, 5)  # type: ignore[misc]
        await asyncio.sleep(1)
    after = {name: task.result() for name, task in drops.items()}
    assert max(after.values()) <= DROPPED_S, after
    assert slow.result() == 6
    assert reader.versions == list(range(1, sequence + 1))
    await until(lambda: web.connections == 1)
    await reader.close()
    await until(lambda: web.connections == 0)


@asynccontextmanager
async def driver(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A driver of the benchmarks, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *arguments, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.slow
@soak_only("a thousand clients")
async def test_a_thousand_clients_and_one_that_never_reads() -> None:
    """Documents of 2 kB, one a second: p99 of the delay ≤ 250 ms."""
    port = free_port()
    async with driver("benchmarks.drivers.web_server", str(port), "stream", "2000"):
        async with asyncio.timeout(20):
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                await asyncio.sleep(0.1)
        async with driver("benchmarks.drivers.web_clients", str(port), "1000", "60", "1") as clients:
            found = json.loads((await asyncio.wait_for(clients.communicate(), 110))[0])
    assert found["delays_ms"]["n"] >= 55_000
    assert (found["gaps"], found["lost"]) == (0, 0)
    assert found["delays_ms"]["p99"] <= 250, found

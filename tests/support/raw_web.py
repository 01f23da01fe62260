"""The web on a port, asked by raw sockets: what no client of good manners sends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tests.support.alerts_web import NoViews
from virtuoso.model.clock import Clock, SystemClock
from virtuoso.operations.health import HealthState
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.web.access import Access
from virtuoso.web.app import create_app
from virtuoso.web.connections.limits import Limits
from virtuoso.web.connections.listening import listen
from virtuoso.web.connections.server import WebServer

GET = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """The body."""
        return msgspec.json.decode(self.body)


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Send, however long it takes; a connection that is closed is no error."""
        self.writer.write(data)
        try:
            await self.writer.drain()
        except ConnectionError:
            return

    async def answer(self, *, head: bool = False) -> Answer:
        """The next answer; status 0 when the connection is closed without one."""
        async with asyncio.timeout(20):
            try:
                raw = await self.reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return Answer(0)
            first, *lines = raw.decode().split("\r\n")[:-2]
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            length = 0 if head else int(headers.get("content-length", "0"))
            return Answer(int(first.split()[1]), headers, await self.reader.readexactly(length))

    async def ask(self, data: bytes) -> Answer:
        """Send, and the answer."""
        await self.send(data)
        return await self.answer()

    async def closed(self, seconds: float = 20.0) -> bool:
        """Whether the server closes within so long."""
        try:
            async with asyncio.timeout(seconds):
                while await self.reader.read(65_536):
                    pass
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return True


@dataclass
class RawWeb:
    """A running web."""

    cache: MemoryCache
    access: Access
    server: WebServer
    port: int
    health: HealthState
    clients: list[Client] = field(default_factory=list)

    async def client(self, source: str = "127.0.0.1") -> Client:
        """A new connection from this address of loopback."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0))
        self.clients.append(Client(reader, writer))
        return self.clients[-1]

    async def ask(self, data: bytes) -> Answer:
        """Over a new connection."""
        return await (await self.client()).ask(data)


@asynccontextmanager
async def raw_web(
    limits: Limits | None = None, token: str | None = None, clock: Clock | None = None, read_token: str | None = None
) -> AsyncIterator[RawWeb]:
    """Until the block ends. Nothing is published."""
    clock = clock or SystemClock()
    cache, sock = MemoryCache(clock), listen("127.0.0.1", 0)
    access = Access(
        ["127.0.0.1", "[::1]"], token, read_token, secret=lambda: b"secret of the host", port=sock.getsockname()[1]
    )
    health = HealthState(clock, 10.0, "embedded")
    server = WebServer(
        create_app(
            cache=cache, board=health, views=NoViews(), database=None,
            identity="monitor", clock=clock, access=access,
        ),
        limits,
    )  # fmt: skip
    serving = asyncio.create_task(server.serve(sock))
    web = RawWeb(cache, access, server, sock.getsockname()[1], health)
    try:
        yield web
    finally:
        for client in web.clients:
            client.writer.transport.abort()
        server.stop()
        await serving

"""An exchange with no sense of its own: every answer, frame and silence is what the test tells it to give.

It speaks no Bybit but the subscribe reply, so that whatever is wrong is wrong on purpose. One process, real sockets.
"""

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSMsgType, web

TEXT, BINARY, CONTINUATION, PING = 1, 2, 0, 9
Subscribed = Callable[[list[str]], dict[str, Any] | None]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def granted(_topics: list[str]) -> dict[str, Any] | None:
    """A subscription is granted."""
    return {"success": True, "ret_msg": ""}


def refused(said: str) -> Subscribed:
    """Every subscription is refused in these words."""
    return lambda topics: {"success": False, "ret_msg": said}


def frame(payload: bytes, opcode: int = TEXT, *, fin: bool = True, rsv1: bool = False) -> bytes:
    """One unmasked WebSocket frame, right or wrong."""
    first = opcode | (0x80 if fin else 0) | (0x40 if rsv1 else 0)
    if len(payload) < 126:
        return bytes([first, len(payload)]) + payload
    if len(payload) < 1 << 16:
        return bytes([first, 126]) + struct.pack(">H", len(payload)) + payload
    return bytes([first, 127]) + struct.pack(">Q", len(payload)) + payload


def fragments(payload: bytes, sizes: Iterable[int], between: bytes = b"") -> bytes:
    """A message in pieces of these sizes and a last one with the rest, with other frames between them."""
    pieces, at = [], 0
    for size in sizes:
        pieces.append(payload[at : at + size])
        at += size
    pieces.append(payload[at:])
    last = len(pieces) - 1
    return between.join(frame(p, CONTINUATION if k else TEXT, fin=k == last) for k, p in enumerate(pieces))


class HostileExchange:
    """`subscribed` answers a subscription (`None`: with silence); `answers` give REST, by path or `*`."""

    def __init__(self) -> None:
        self.subscribed: Subscribed = granted
        self.on_subscribed: Callable[[list[str]], bytes] = lambda topics: b""
        """Raw frames that follow a subscription that is granted."""
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        """Paths that were asked for."""
        self.requests: list[list[str]] = []
        """Topics of each subscription."""
        self.opened = 0
        self.closed: list[int | None] = []
        """Codes by which clients closed their sockets."""
        self.port = 0
        self._sockets: set[web.WebSocketResponse] = set()

    @property
    def url(self) -> str:
        """Its address, for REST."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def stream_url(self) -> str:
        """Its address, for streams."""
        return f"ws://127.0.0.1:{self.port}/stream"

    def send(self, raw: bytes) -> None:
        """Put bytes on every open socket, whatever they mean."""
        for socket in self._sockets:
            transport = socket._req.transport if socket._req is not None else None
            if transport is not None:
                transport.write(raw)

    def cut(self) -> None:
        """Cut every open socket."""
        for socket in self._sockets:
            transport = socket._req.transport if socket._req is not None else None
            if transport is not None:
                transport.abort()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Serve one socket."""
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        self.opened += 1
        self._sockets.add(socket)
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    continue
                asked = json.loads(message.data)
                if asked["op"] != "subscribe":
                    continue
                self.requests.append(asked["args"])
                reply = self.subscribed(asked["args"])
                if reply is not None:
                    await socket.send_json({"req_id": asked["req_id"], "op": "subscribe"} | reply)
                    if reply.get("success") is True:
                        self.send(self.on_subscribed(asked["args"]))
        finally:
            self._sockets.discard(socket)
            self.closed.append(socket.close_code)
        return socket

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.asked.append(request.path)
        found = self.answers.get(request.path) or self.answers.get("*")
        if found is None:
            raise web.HTTPNotFound
        return await found(request)


@asynccontextmanager
async def hostile_exchange() -> AsyncIterator[HostileExchange]:
    """One on a free port, until the block ends."""
    exchange = HostileExchange()
    app = web.Application()
    app.router.add_get("/stream/{category}", exchange.stream)
    app.router.add_get("/{path:.*}", exchange.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    exchange.port = runner.addresses[0][1]
    try:
        yield exchange
    finally:
        exchange.cut()
        await runner.cleanup()


async def until(what: str, holds: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for a condition, for so long at most."""
    try:
        async with asyncio.timeout(seconds):
            while not holds():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"waited {seconds:g} s in vain for {what}") from None

"""Whatever answers in place of a WebSocket server: it is said, tried again with back-off, and costs little memory."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import numpy as np
import pytest
from tests.support.hostile_exchange import until

from virtuoso.exchange.bybit import connection
from virtuoso.exchange.bybit.stream import BybitStream
from virtuoso.exchange.protocol import StreamEvent
from virtuoso.model.clock import SystemClock

MOST_TAKEN = 32 << 20
HEADS = {
    "a page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
    "a redirect": b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:9/\r\n\r\n",
    "forbidden": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
    "nonsense": b"\x00\xff" * 100 + b"\r\n\r\n",
    "no status": b"HTTP/1.1\r\n\r\n",
    "an odd status": b"HTTP/1.1 abc Switching\r\n\r\n",
    "a folded header": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n and more\r\n\r\n",
    "no colon": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade websocket\r\n\r\n",
    "no key": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "the wrong key": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: AAAA\r\n\r\n",
    "latin": "HTTP/1.1 101 Grüezi\r\nÜpgrade: wébsocket\r\n\r\n".encode("latin-1"),
    "nothing": b"",
}


class Silent:
    """A sink that takes everything."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


@asynccontextmanager
async def answering(head: bytes, *, endless: bool = False, hold: bool = False) -> AsyncIterator[int]:
    """A server that answers every connection with these bytes: once, without an end, or and then with silence."""

    tasks: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head)
            while endless:
                writer.write(b"X-Filler: " + b"x" * 60_000 + b"\r\n")
                await writer.drain()
            while hold:
                await asyncio.sleep(0.05)
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(answer(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # for the transports to close


@asynccontextmanager
async def streaming(port: int) -> AsyncIterator[list[StreamEvent]]:
    events: list[StreamEvent] = []
    stream = BybitStream(
        url=f"ws://127.0.0.1:{port}", category="linear", depth=50, ping_interval_s=20.0, clock=SystemClock(),
        rng=np.random.default_rng(1), clock_offset_ms=lambda: 0.0, on_event=events.append, on_origin=lambda name: None,
    )  # fmt: skip
    stream.watch({"BTCUSDT": Silent()})
    task = asyncio.create_task(stream.run())
    try:
        yield events
        assert not task.done(), "the stream died"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("name", HEADS)
async def test_what_is_no_websocket_is_tried_again(name: str) -> None:
    async with answering(HEADS[name]) as port, streaming(port) as events:
        await until("two tries", lambda: len(events) >= 2)
        assert {event.kind for event in events} == {"disconnected"}
        assert {event.reason[:14] for event in events} <= {"cannot connect", "closed by the "}
        assert max(len(event.reason) for event in events) < 300


async def test_a_handshake_that_drips_ends_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_CONNECT_TIMEOUT_S", 0.3)
    head = b"HTTP/1.1 101 Switching Protocols\r\n"
    async with answering(head, hold=True) as port, streaming(port) as events:
        await until("two tries", lambda: len(events) >= 2)


async def test_a_handshake_without_an_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_CONNECT_TIMEOUT_S", 1.0)
    head = b"HTTP/1.1 101 Switching Protocols\r\n"
    async with answering(head, endless=True) as port:
        tracemalloc.start()
        try:
            async with streaming(port) as events:
                await until("a try", lambda: events, 30)
            assert tracemalloc.get_traced_memory()[1] < MOST_TAKEN
        finally:
            tracemalloc.stop()

"""A local stand-in for the exchange that sends as fast as the receiver takes: picows, in a process of its own.

It answers subscriptions and pings as Bybit does. When all topics are subscribed it writes `ready` to the control
connection; on `go` it hands each socket its whole share of the frames at once, and flow control does the rest.

    python -m benchmarks.sender build/benchmarks/frames.jsonl   # prints {"port": …, "control": …}
"""

import argparse
import asyncio
import json
import re
import struct
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from benchmarks.workload import TOPICS

_TOPIC = re.compile(rb'"topic":"([^"]+)"')


def _topic(frame: bytes) -> bytes | None:
    found = _TOPIC.search(frame)
    return found.group(1) if found else None


def on_the_wire(payload: bytes) -> bytes:
    """One unmasked WebSocket text frame (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + payload
    if size < 65_536:
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload


class Sender:
    """The frames, and who has subscribed to what."""

    def __init__(self, frames: list[bytes]) -> None:
        self._frames = frames
        self._topics: dict[WSTransport, set[str]] = {}
        self._ready = asyncio.Event()

    def connected(self, transport: WSTransport) -> None:
        """A socket is open."""
        self._topics[transport] = set()

    def gone(self, transport: WSTransport) -> None:
        """A socket is closed; the next receiver starts afresh."""
        del self._topics[transport]
        self._check()

    def received(self, transport: WSTransport, request: dict[str, Any]) -> None:
        """Answer a ping or a subscription as Bybit's linear endpoint does."""
        reply = {"success": True, "ret_msg": "", "conn_id": "benchmark", "op": request["op"]}
        if "req_id" in request:
            reply["req_id"] = request["req_id"]
        if request["op"] == "ping":
            reply["ret_msg"] = "pong"
        elif request["op"] == "subscribe":
            self._topics[transport].update(request["args"])
        transport.send(WSMsgType.TEXT, json.dumps(reply).encode())
        self._check()

    def _check(self) -> None:
        if set(TOPICS) <= set().union(*self._topics.values()):
            self._ready.set()
        else:
            self._ready.clear()

    async def control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say when a receiver is ready; start when it says go."""
        await self._ready.wait()
        shares = [(transport, self._share(topics)) for transport, topics in self._topics.items()]
        writer.write(b"ready\n")
        if await reader.readline() == b"go\n":
            for transport, share in shares:
                transport.underlying_transport.write(share)
            await reader.read()
        writer.close()

    def _share(self, topics: set[str]) -> bytes:
        """What one socket gets: the frames of its topics, ready for the wire."""
        mine = {topic.encode() for topic in topics & set(TOPICS)}
        if len(mine) == len(TOPICS):
            return b"".join(map(on_the_wire, self._frames))
        return b"".join(on_the_wire(frame) for frame in self._frames if _topic(frame) in mine)


class _Listener(WSListener):
    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._sender.connected(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._sender.gone(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self._sender.received(transport, msgspec.json.decode(frame.get_payload_as_bytes()))


async def serve(frames: list[bytes]) -> None:
    """Serve until killed; the ports go to standard output."""
    sender = Sender(frames)

    def accept(_request: WSUpgradeRequest) -> WSListener:
        return _Listener(sender)

    server = await ws_create_server(accept, "127.0.0.1", 0)
    control = await asyncio.start_server(sender.control, "127.0.0.1", 0)
    ports = {"port": server.sockets[0].getsockname()[1], "control": control.sockets[0].getsockname()[1]}
    print(json.dumps(ports), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frames", type=Path)
    uvloop.run(serve(parser.parse_args().frames.read_bytes().splitlines()))

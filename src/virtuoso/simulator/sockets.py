"""One WebSocket client: its requests answered, its frames queued within a bound."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import ClientConnectionResetError, WSCloseCode, WSMsgType, web

from virtuoso.simulator.clock import ExchangeClock
from virtuoso.simulator.faults import Faults
from virtuoso.simulator.source import Source
from virtuoso.simulator.weather import Weather

_QUEUE = 20_000
_IDLE_S = 600.0
_ARGS_CHARS = 21_000
_SPOT_ARGS = 10

Subscriptions = dict[tuple[str, str], set["Session"]]


class Session:
    """A client of one category. A client that does not keep up is cut, as the exchange cuts it."""

    def __init__(
        self,
        *,
        socket: web.WebSocketResponse,
        category: str,
        conn_id: str,
        source: Source,
        clock: ExchangeClock,
        weather: Weather,
        faults: Faults,
        subscriptions: Subscriptions,
    ) -> None:
        self.muted = False
        self._socket = socket
        self._category = category
        self._conn_id = conn_id
        self._source = source
        self._clock = clock
        self._weather = weather
        self._faults = faults
        self._subscriptions = subscriptions
        self._mine: set[tuple[str, str]] = set()
        self._queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_QUEUE)
        self._ops: dict[str, Callable[[dict[str, Any]], None]] = {
            "subscribe": self._subscribe, "unsubscribe": self._unsubscribe, "ping": self._ping,
        }  # fmt: skip

    async def serve(self) -> None:
        """Answer until the client goes, falls silent for ten minutes or cannot keep up."""
        writer = asyncio.create_task(self._write(), name=f"writer {self._conn_id}")
        try:
            while True:
                async with asyncio.timeout(_IDLE_S):
                    message = await self._socket.receive()
                if message.type is WSMsgType.TEXT:
                    self._take(message.data)
                elif message.type is not WSMsgType.BINARY:
                    return
        except TimeoutError:
            await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"idle")
        finally:
            writer.cancel()
            for key in self._mine:
                self._forget(key)

    def push(self, frame: bytes) -> None:
        """Queue a frame of data to be sent; while the session is muted, the frame is dropped."""
        if self.muted and self._faults.get("mute", self._clock.monotonic_s()):
            return
        self._send(frame)

    def abort(self) -> None:
        """Cut the connection without a closing handshake."""
        transport = self._socket._req.transport if self._socket._req is not None else None
        if transport is not None:
            transport.abort()

    async def _write(self) -> None:
        try:
            while True:
                due_s, frame = await self._queue.get()
                if (wait_s := due_s - self._clock.monotonic_s()) > 0:
                    await asyncio.sleep(wait_s)
                await self._socket.send_frame(frame, WSMsgType.TEXT)
        except ClientConnectionResetError:
            return  # the client went: `serve` sees it too

    def _send(self, frame: bytes) -> None:
        now_s = self._clock.monotonic_s()
        try:
            self._queue.put_nowait((now_s + self._weather.latency_s(now_s), frame))
        except asyncio.QueueFull:
            self.abort()

    def _reply(self, op: str, request: dict[str, Any], message: str, *, success: bool, **extra: Any) -> None:
        """An answer with the request's own `req_id`, whatever its type."""
        body: dict[str, Any] = {"success": success, "ret_msg": message, "conn_id": self._conn_id}
        if "req_id" in request:
            body["req_id"] = request["req_id"]
        elif self._category == "linear":
            body["req_id"] = ""
        self._send(msgspec.json.encode(body | {"op": op} | extra))

    def _take(self, text: str) -> None:
        try:
            request = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            request = None
        if not isinstance(request, dict):
            self._reply("", {}, "error:not a JSON object", success=False)
            return
        op = request.get("op")
        if not isinstance(op, str) or op not in self._ops:
            self._reply(str(op), request, f"error:unknown op,op:{op}", success=False)
            return
        self._ops[op](request)

    def _ping(self, request: dict[str, Any]) -> None:
        self._reply("ping", request, "pong", success=True)

    def _topics(self, request: dict[str, Any]) -> list[str] | None:
        args = request.get("args")
        if not isinstance(args, list) or not all(isinstance(topic, str) for topic in args):
            self._reply(str(request["op"]), request, "error:args must be a list of topics", success=False)
            return None
        if self._category == "spot" and len(args) > _SPOT_ARGS:
            self._reply(str(request["op"]), request, "args size >10", success=False)
            return None
        return args

    def _subscribe(self, request: dict[str, Any]) -> None:
        """All topics of a request or none: one unknown topic spoils it."""
        topics = self._topics(request)
        if topics is None:
            return
        for topic in topics:
            if not self._source.knows(self._category, topic):
                self._reply("subscribe", request, f"error:handler not found,topic:{topic}", success=False)
                return
        carried = sum(len(topic) + 3 for _, topic in self._mine) + sum(len(topic) + 3 for topic in topics)
        if carried > _ARGS_CHARS:
            self._reply("subscribe", request, f"error:args exceed {_ARGS_CHARS} characters", success=False)
            return
        for topic in topics:
            key = (self._category, topic)
            self._mine.add(key)
            self._subscriptions.setdefault(key, set()).add(self)
            frame = self._weather.snapshot(topic, self._source.snapshot(*key), self._clock.monotonic_s())
            if frame is not None:
                self.push(frame)
        message = "subscribe" if self._category == "spot" else ""
        self._reply("subscribe", request, message, success=True, virtuoso_source=str(self._source.origin))

    def _unsubscribe(self, request: dict[str, Any]) -> None:
        topics = self._topics(request)
        if topics is None:
            return
        for topic in topics:
            key = (self._category, topic)
            if key in self._mine:
                self._mine.remove(key)
                self._forget(key)
        self._reply("unsubscribe", request, "unsubscribe" if self._category == "spot" else "", success=True)

    def _forget(self, key: tuple[str, str]) -> None:
        subscribers = self._subscriptions.get(key)
        if subscribers is not None:
            subscribers.discard(self)
            if not subscribers:
                del self._subscriptions[key]

"""A proxy before the embedded exchange: each case edits frames, requests and answers by its own small functions."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from fnmatch import fnmatchcase
from weakref import WeakSet

import aiohttp
import msgspec
from aiohttp import web
from tests.faults.hostile.odd import Answer, Edit, Json, Nameless, Out, Told, Wire
from tests.faults.hostile.truth import Truth


def _is_read(frame: Out) -> bool:
    """Whether a frame says anything, true or not; one in pieces or binary says nothing by itself."""
    if isinstance(frame, dict | Wire):
        return isinstance(frame, dict)
    try:
        msgspec.json.decode(frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


class Proxy:
    """Listens on `port`; used on one event loop, `edit` may be set from anywhere."""

    def __init__(self, upstream: str, now_s: Callable[[], float]) -> None:
        self.edit = Edit()
        self.truth = Truth()
        self.port = 0
        self.requests_made = 0
        self.connections = 0
        self._upstream = upstream
        self._now_s = now_s
        self._transports: WeakSet[asyncio.Transport] = WeakSet()
        self._open: set[web.WebSocketResponse] = set()
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Listen on a free port."""
        self._session = aiohttp.ClientSession(auto_decompress=True)
        app = web.Application()
        app.router.add_get("/v5/public/{category}", self._stream)
        app.router.add_get("/{path:.*}", self._rest)
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close everything, sent or not."""
        self.cut()
        for transport in self._transports:
            transport.abort()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    def cut(self) -> None:
        """Cut every stream, as a broken line does."""
        for socket in self._open:
            if socket._req is not None and socket._req.transport is not None:
                socket._req.transport.abort()

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        assert self._session is not None
        self.requests_made += 1
        if request.transport is not None:
            self._transports.add(request.transport)
        async with self._session.get(self._upstream + request.path, params=dict(request.query)) as answer:
            body, status = await answer.read(), answer.status
            headers = {name: value for name, value in answer.headers.items() if name.lower().startswith("x-")}
        change = next(
            (edit for end, edit in self.edit.bodies.items() if end == "*" or request.path.endswith(end)), None
        )
        document = msgspec.json.decode(body) if status == 200 else {}
        if request.path.endswith("/tickers") and "result" in document:
            self.truth.listed(document["result"]["list"], self._now_s())
        made = None if change is None else change(document, dict(request.query))
        if isinstance(made, Answer):
            return await self._answer(request, made)
        if made is None or self.edit.harmless:
            self.truth.answered_s[f"{request.path} {request.query.get('symbol', '')}"] = self._now_s()
        if made is not None:
            body = msgspec.json.encode(made)
        return web.Response(body=body, status=status, headers=headers, content_type="application/json")

    async def _answer(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        sent = False
        with suppress(ConnectionError):
            for chunk in answer.chunks:
                if not sent:
                    await response.prepare(request)
                sent = True
                await response.write(chunk)
                if answer.every_s:
                    await asyncio.sleep(answer.every_s)
        if not sent and request.transport is not None:
            request.transport.abort()
        return response

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        assert self._session is not None
        accept = self.edit.accept
        if accept == "refuse":
            raise web.HTTPServiceUnavailable
        self.connections += 1
        down = web.WebSocketResponse(max_msg_size=1 << 22, autoping=accept == "pass", compress=False)
        await down.prepare(request)
        if accept == "close":
            await down.close()
            return down
        if accept == "silent":
            with suppress(asyncio.CancelledError):
                async for _ in down:
                    pass
            return down
        self._open.add(down)
        try:
            await self._carry(request, down)
        finally:
            self._open.discard(down)
        return down

    async def _carry(self, request: web.Request, down: web.WebSocketResponse) -> None:
        assert self._session is not None
        async with self._session.ws_connect(self._upstream + request.path, max_msg_size=1 << 22) as up:
            falling = asyncio.create_task(self._fall(request, up, down))
            try:
                async for message in down:
                    if message.type is aiohttp.WSMsgType.TEXT:
                        await self._rise(request, msgspec.json.decode(message.data), up)
            finally:
                falling.cancel()
                with suppress(asyncio.CancelledError, ConnectionError):
                    await falling

    async def _rise(self, request: web.Request, asked: Json, up: aiohttp.ClientWebSocketResponse) -> None:
        if asked.get("op") == "subscribe":
            self.truth.begun(asked["args"])
        made = None if self.edit.asked is None else self.edit.asked(asked)
        for way, message in [("up", asked)] if made is None else made:
            if way == "up":
                await up.send_str(msgspec.json.encode(message).decode())
            else:
                self._write(request, [message])

    async def _fall(
        self, request: web.Request, up: aiohttp.ClientWebSocketResponse, down: web.WebSocketResponse
    ) -> None:
        async for message in up:
            if message.type is aiohttp.WSMsgType.TEXT:
                self._write(request, self._made(message.data))
        await down.close()

    def _made(self, text: str) -> Iterable[Out]:
        """What goes out in place of a frame of the exchange."""
        now_s = self._now_s()
        topic = text[10 : text.find('"', 10)] if text.startswith('{"topic":"') else "reply"
        change = next((edit for name, edit in self.edit.frames.items() if fnmatchcase(topic, name)), None)
        told = change is not None or topic.startswith("tickers.")
        message = msgspec.json.decode(text) if told else {}
        if topic.startswith("tickers."):
            self.truth.last(message["data"], now_s)
        made = None if change is None else change(message)
        true, lost = self.edit.harmless or isinstance(made, Told), not made or isinstance(made, Nameless)
        if made is not None and (made := list(made)) == [message]:
            made = None
        if topic != "reply":
            lied = not true and any(_is_read(frame) for frame in made or ())
            self.truth.frame(topic, honest=made is None or (true and bool(made)), lost=lost, lied=lied, now_s=now_s)
        return [text] if made is None else made

    @staticmethod
    def _write(request: web.Request, frames: Iterable[Out]) -> None:
        transport = request.transport
        for frame in frames:
            if transport is None or transport.is_closing():
                return
            match frame:
                case Wire():
                    transport.write(frame.encoded())
                case dict():
                    transport.write(Wire(msgspec.json.encode(frame)).encoded())
                case str():
                    transport.write(Wire(frame.encode("utf-8", "surrogatepass")).encoded())
                case bytes():
                    transport.write(Wire(frame).encoded())

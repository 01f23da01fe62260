"""The embedded exchange: Bybit v5's public REST and WebSocket over any source. The root of its process."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType

import msgspec
from aiohttp import web

from virtuoso.model.clock import Clock
from virtuoso.model.errors import UsageError
from virtuoso.simulator.clock import ExchangeClock
from virtuoso.simulator.faults import Fault, Faults
from virtuoso.simulator.limits import REQUESTS, WINDOW_S, RequestLimit
from virtuoso.simulator.listing import Listing
from virtuoso.simulator.rest import ENDPOINTS, answer
from virtuoso.simulator.scenario import Steps
from virtuoso.simulator.sockets import Session, Subscriptions
from virtuoso.simulator.source import Push, Source
from virtuoso.simulator.weather import Weather

SOURCE_HEADER = "X-Virtuoso-Source"
_PUMP_S, _MOST_QUIET_S = 0.005, 0.05
"""Seconds between two looks at the source: the least, and the most while nothing is due. Symbols are out of step with
each other, as on the real exchange, so that a steady step would send them in bursts, or look in vain most of the time.
"""
_STALL_S = 30.0
_CONTROL = "/control/faults"
_SOCKETS = "/v5/public/"
_MAINTENANCE = "<html><head><title>503</title></head><body>Scheduled maintenance</body></html>"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class EmbeddedExchange:
    """One exchange on one port; `control` adds the endpoint that orders faults."""

    def __init__(
        self,
        source: Source,
        *,
        clock: Clock,
        host: str = "127.0.0.1",
        port: int = 0,
        speed: float = 1.0,
        start_ms: int | None = None,
        control: bool = False,
        scenario: Steps = (),
    ) -> None:
        self.port = port
        self._host = host
        self._faults = Faults()
        self._source: Source = Listing(source, self._faults, lambda: clock.monotonic_ns() / 1e9)
        self._clock = ExchangeClock(clock, clock.now_ns() // 1_000_000 if start_ms is None else start_ms, speed)
        self._control = control
        self._scenario = scenario
        self._weather = Weather(self._faults)
        self._limit = RequestLimit()
        self._requests = 0
        self._subscriptions: Subscriptions = {}
        self._sessions: set[Session] = set()
        self._served = 0
        self._runner: web.AppRunner | None = None
        self._pump: asyncio.Task[None] | None = None
        self._script: asyncio.Task[None] | None = None

    @property
    def rest_url(self) -> str:
        """The base address of the REST API."""
        return f"http://{self._host}:{self.port}"

    @property
    def stream_url(self) -> str:
        """Where the streams are, without the category."""
        return f"ws://{self._host}:{self.port}/v5/public"

    async def start(self) -> None:
        """Listen on the port, and begin to serve.

        Raises:
            UsageError: the port cannot be had.
        """
        app = web.Application(middlewares=[self._guard])
        for path in ENDPOINTS:
            app.router.add_get(path, self._rest)
        app.router.add_get("/v5/public/{category:linear|spot}", self._socket)
        if self._control:
            app.router.add_get(_CONTROL, self._show_faults)
            app.router.add_post(_CONTROL, self._order_fault)
            app.router.add_delete(_CONTROL, self._clear_faults)
        self._add_routes(app)
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self.port)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise UsageError(
                f"cannot listen on {self._host}:{self.port}: {error.strerror}; choose another --port"
            ) from error
        self.port = self._runner.addresses[0][1]
        self._source.advance(self._clock.now_ms(), ())
        self._pump = asyncio.create_task(self._run(), name="exchange pump")
        self._script = asyncio.create_task(self._play(), name="scenario")

    def _add_routes(self, app: web.Application) -> None:
        """Where a kind of exchange answers more than the wire asks."""

    async def stop(self) -> None:
        """Close every connection and the port."""
        for task in (self._script, self._pump):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        for session in list(self._sessions):
            session.abort()
        if self._runner is not None:
            await self._runner.cleanup()

    async def wait(self) -> None:
        """Wait until the exchange fails or is stopped."""
        if self._pump is not None:
            await self._pump

    async def __aenter__(self) -> "EmbeddedExchange":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _run(self) -> None:
        """Pass on what the source has to say, when it is due."""
        last_s = self._clock.monotonic_s()
        while True:
            quiet_s = min(_MOST_QUIET_S, self._clock.seconds_until(self._source.due_ms()))
            await asyncio.sleep(max(_PUMP_S, quiet_s))
            now_s, now_ms = self._clock.monotonic_s(), self._clock.now_ms()
            restart_ms = self._source.restarts_at()
            if now_s - last_s > _STALL_S or (restart_ms is not None and now_ms >= restart_ms):
                self._cut_all()  # after a pause of the process no client could be served what it missed
                self._source.advance(now_ms, ())
            last_s = now_s
            self._pass_on(now_ms, now_s)

    def _pass_on(self, now_ms: int, now_s: float) -> None:
        """Give the subscribers what is due."""
        for push in self._source.advance(now_ms, list(self._subscriptions)):
            for frame in self._frames(push, now_s):
                for session in tuple(self._subscriptions.get((push.category, push.topic), ())):
                    session.push(frame)

    def _frames(self, push: Push, now_s: float) -> list[bytes]:
        """The push as the weather lets it through."""
        if self._faults and self._faults.on_topic("restart_book", push.topic, now_s):
            snapshot = self._source.snapshot(push.category, push.topic)
            return [] if snapshot is None else [self._weather.restarted(push.topic, snapshot)]
        return self._weather.frames(push.topic, push.payload, now_s)

    async def _play(self) -> None:
        """Order the faults of the scenario, each at its time."""
        began_s = self._clock.monotonic_s()
        for at_s, fault in self._scenario:
            await asyncio.sleep(max(0.0, began_s + at_s - self._clock.monotonic_s()))
            self.order(fault)

    def order(self, fault: Fault) -> None:
        """Put a fault in force; `mute` and those that disconnect act on the open connections at once."""
        self._faults.order(fault, self._clock.monotonic_s())
        if fault.fault == "mute":
            for session in self._sessions:
                session.muted = True
        if fault.fault in ("disconnect", "maintenance"):
            self._cut_all()

    def _cut_all(self) -> None:
        for session in list(self._sessions):
            session.abort()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Faults and limits, before any answer; the announcement of what this exchange is, on every one."""
        if request.path == _CONTROL:
            return await handler(request)
        now_s = self._clock.monotonic_s()
        self._requests += 1
        if self._faults.get("refuse", now_s):
            if request.transport is not None:
                request.transport.abort()
            raise web.HTTPServiceUnavailable
        if (wait_s := self._delay_s(request, now_s)) > 0:
            await asyncio.sleep(wait_s)
        left = REQUESTS if request.path.startswith(_SOCKETS) else self._count(request.remote or "", now_s)
        headers = self._headers(left)
        if left is None:
            body = {"retCode": 403, "retMsg": "access too frequent"}
            return web.json_response(body, status=403, headers=headers)
        if self._faults.get("maintenance", now_s):
            return web.Response(text=_MAINTENANCE, status=503, content_type="text/html", headers=headers)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.update(headers)
            raise
        if not response.prepared:
            response.headers.update(headers)
        return response

    def _count(self, address: str, now_s: float) -> int | None:
        """Count a REST request; how many are left, `None` when it is refused. Sockets have limits of their own."""
        if (ban := self._faults.get("ban", now_s)) and not self._limit.is_banned(address, now_s):
            self._limit.ban(address, now_s, ban.for_s)
            self._faults.end(ban)
            return None
        return self._limit.allow(address, now_s)

    def _delay_s(self, request: web.Request, now_s: float) -> float:
        """Delay of an answer, or of the acceptance of a socket."""
        slow = self._faults.get("slow_accept", now_s)
        if slow is not None and request.path.startswith(_SOCKETS):
            return slow.latency_ms / 1000
        return self._weather.latency_s(now_s)

    def _headers(self, left: int | None) -> dict[str, str]:
        reset_ms = self._clock.now_ms() + (0 if left else int(WINDOW_S * 1000))
        return {
            SOURCE_HEADER: str(self._source.origin),
            "X-Bapi-Limit": str(REQUESTS),
            "X-Bapi-Limit-Status": str(left or 0),
            "X-Bapi-Limit-Reset-Timestamp": str(reset_ms),
        }

    async def _rest(self, request: web.Request) -> web.Response:
        now_s = self._clock.monotonic_s()
        for kind, code, text in (("busy", 10006, "Too many visits!"), ("reject", 10001, "params error")):
            fault = self._faults.get(kind, now_s)
            if fault is not None and fault.symbol in (None, request.query.get("symbol")):
                return web.json_response({"retCode": code, "retMsg": text, "result": {}, "time": self._clock.now_ms()})
        body = msgspec.json.encode(answer(self._source, request.path, request.query, self._clock.now_ms()))
        body = self._weather.timed(body, now_s)
        return web.Response(body=body, content_type="application/json", charset="utf-8")

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=True, compress=False, max_msg_size=1 << 20)
        await socket.prepare(request)
        self._served += 1
        session = Session(
            socket=socket,
            category=request.match_info["category"],
            conn_id=f"virtuoso-{self._served:08x}",
            source=self._source,
            clock=self._clock,
            weather=self._weather,
            faults=self._faults,
            subscriptions=self._subscriptions,
        )
        self._sessions.add(session)
        try:
            await session.serve()
        finally:
            self._sessions.discard(session)
        return socket

    async def _order_fault(self, request: web.Request) -> web.Response:
        try:
            fault = msgspec.json.decode(await request.read(), type=Fault)
        except msgspec.DecodeError as error:
            return web.json_response({"error": str(error)}, status=422)
        self.order(fault)
        return await self._show_faults(request)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._faults.clear()
        self._limit.lift()  # a ban lasts longer than the fault that ordered it
        return await self._show_faults(request)

    async def _show_faults(self, request: web.Request) -> web.Response:
        state = {
            "faults": self._faults.state(self._clock.monotonic_s()),
            "requests": self._requests,
            "requests_during_ban": self._limit.during_ban,
        }
        return web.json_response(state)

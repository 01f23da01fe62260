"""The embedded exchange over a recording: its time can be held, sped up and set while clients are connected."""

import asyncio
from typing import Any

import msgspec
from aiohttp import web

from virtuoso.model.clock import Clock, iso
from virtuoso.simulator.replayed.source import ReplayedSource
from virtuoso.simulator.server import EmbeddedExchange

LEAST_SPEED, MOST_SPEED = 0.01, 1_000.0
_AT_ONCE = 500
"""Of what was recorded, taken between two looks at the sockets while another moment is sought."""


class Speed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request for another speed, in recorded seconds per second."""

    speed: float


class Seek(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The moment to go to, epoch ms of exchange time."""

    to_ms: int


class ReplayServer(EmbeddedExchange):
    """A recording given back as the exchange that it was recorded of."""

    def __init__(
        self, source: ReplayedSource, *, clock: Clock, host: str = "127.0.0.1", port: int = 0, speed: float = 1.0,
        from_ms: int | None = None, paused: bool = False,
    ) -> None:  # fmt: skip
        first_ms = source.recorded.first_ms
        super().__init__(source, clock=clock, host=host, port=port, speed=speed, start_ms=first_ms)
        self._replayed = source
        self._speed = speed
        self._from_ms = first_ms if from_ms is None else from_ms
        self._paused = paused
        self._seeking = asyncio.Lock()

    async def start(self) -> None:
        """Be at the first moment, and listen.

        Raises:
            UsageError: the port cannot be had.
        """
        await self.seek(self._from_ms)
        await super().start()

    @property
    def state(self) -> dict[str, Any]:
        """Where the replay is, for people and programs."""
        recorded, now_ms = self._replayed.recorded, self._clock.now_ms()
        return {
            "now_ms": now_ms, "now": iso(now_ms), "first_ms": recorded.first_ms, "last_ms": recorded.last_ms,
            "speed": self._speed, "paused": self._paused, "ended": self._replayed.ended,
            "seeking": self._seeking.locked(),
        }  # fmt: skip

    def pause(self, *, on: bool) -> None:
        """Let time stand still, or go on."""
        self._paused = on
        self._clock.set_to(self._clock.now_ms(), 0.0 if on else self._speed)

    def set_speed(self, speed: float) -> None:
        """Let time pass at another speed (0.01 to 1,000), at once or after a pause."""
        self._speed = min(MOST_SPEED, max(LEAST_SPEED, speed))
        self.pause(on=self._paused)

    async def seek(self, to_ms: int) -> None:
        """Be at another moment, within the recording; subscribers get snapshots of what stands there."""
        async with self._seeking:
            recorded = self._replayed.recorded
            to_ms = min(max(to_ms, recorded.first_ms), recorded.last_ms)
            self._clock.set_to(to_ms, 0.0)
            if to_ms < self._replayed.moment_ms:
                self._replayed.back_to(to_ms)
            for _ in iter(lambda: self._replayed.forward(to_ms, _AT_ONCE), True):  # noqa: FBT003 - what ends it
                await asyncio.sleep(0)
            self._clock.set_to(to_ms, 0.0 if self._paused else self._speed)
            for (category, topic), sessions in self._subscriptions.items():
                if (snapshot := self._replayed.snapshot(category, topic)) is not None:
                    for session in tuple(sessions):
                        session.push(snapshot)

    def _pass_on(self, now_ms: int, now_s: float) -> None:
        """Give what is due, but while another moment is sought; at its end the recording stands still."""
        if self._seeking.locked():
            return
        super()._pass_on(now_ms, now_s)
        if self._replayed.ended and not self._paused:
            self._clock.set_to(self._replayed.recorded.last_ms, 0.0)
            self._paused = True

    def _add_routes(self, app: web.Application) -> None:
        app.router.add_get("/replay", self._show)
        app.router.add_post("/replay/pause", self._order_pause)
        app.router.add_post("/replay/resume", self._order_resume)
        app.router.add_post("/replay/speed", self._order_speed)
        app.router.add_post("/replay/seek", self._order_seek)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(self.state)

    async def _order_pause(self, request: web.Request) -> web.Response:
        self.pause(on=True)
        return web.json_response(self.state)

    async def _order_resume(self, request: web.Request) -> web.Response:
        self.pause(on=False)
        return web.json_response(self.state)

    async def _order_speed(self, request: web.Request) -> web.Response:
        order = _read(await request.read(), Speed)
        if not isinstance(order, Speed) or not LEAST_SPEED <= order.speed <= MOST_SPEED:
            return _refused(f'must be {{"speed": X}}, X from {LEAST_SPEED:g} to {MOST_SPEED:g}')
        self.set_speed(order.speed)
        return web.json_response(self.state)

    async def _order_seek(self, request: web.Request) -> web.Response:
        order, recorded = _read(await request.read(), Seek), self._replayed.recorded
        if not isinstance(order, Seek) or not recorded.first_ms <= order.to_ms <= recorded.last_ms:
            return _refused(f'must be {{"to_ms": T}}, T from {recorded.first_ms} to {recorded.last_ms} (epoch ms)')
        await self.seek(order.to_ms)
        return web.json_response(self.state)


def _read(body: bytes, kind: type[msgspec.Struct]) -> msgspec.Struct | None:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError:
        return None


def _refused(said: str) -> web.Response:
    return web.json_response({"error": said}, status=422)

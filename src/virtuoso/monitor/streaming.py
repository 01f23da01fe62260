"""Lets the streams feed what is watched, and acts on what they say of themselves."""

import asyncio
from contextlib import suppress

import structlog

from virtuoso.exchange.protocol import StreamEvent
from virtuoso.monitor.kernel import Kernel
from virtuoso.monitor.watching.universe_refresh import UniverseRefresh

log = structlog.get_logger(__name__)

_LOOK_S = 0.1
_STREAM_FIRST_S = 5.0
_MET_AT_ONCE = 8


class Streaming:
    """The kernel's streams as its universe changes and connections come and go."""

    def __init__(self, kernel: Kernel, universe_interval_s: float) -> None:
        self._kernel = kernel
        self._market, self._watch, self._clock = kernel.market, kernel.watch, kernel.clock
        self.universe = UniverseRefresh(kernel.watch, self.feed, universe_interval_s)
        """Looks at the exchange's lists, and lets the streams feed what they say."""
        self._tape_gaps: set[str] = set()
        self._connected = asyncio.Event()
        self.begun = False
        """Whether the streams were once told what to feed."""

    async def feed(self) -> None:
        """Let the streams feed the symbols that are watched now, through their detectors."""
        self.begun = True
        restarts, detection, stream = self._watch.restarts, self._kernel.detection, self._kernel.stream
        anew, restarts.unlinked = restarts.unlinked & set(self._market.rows), set()
        if anew:  # their topics are left, and asked for again below: what they said is of another unit
            sinks = detection.sinks(self._market, self._clock.now_ns())
            stream.watch({s: sink for s, sink in sinks.items() if s not in anew}, self._watch.detailed)
        more = True
        while more:
            more = detection.meet(self._market, self._clock.now_ns(), _MET_AT_ONCE)
            await asyncio.sleep(0)
        stream.watch(detection.sinks(self._market, self._clock.now_ns()), self._watch.detailed)

    async def fill_tape(self) -> None:
        """Fetch what the tape of newly connected symbols missed, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_S)
            if self._market.take_doubted_instruments():
                self.universe.poll_soon()
            if self._tape_gaps:
                symbols, self._tape_gaps = self._tape_gaps, set()
                await self._watch.loader.fill_tape(symbols)

    async def slow_data(self) -> None:
        """Poll slow data until cancelled; its many questions wait until a stream is there, or for a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_STREAM_FIRST_S):
                await self._connected.wait()
        await self._kernel.slow.run()

    def on_event(self, event: StreamEvent) -> None:
        """Note what a stream says of a connection or a topic."""
        tell = log.debug if event.kind == "resync" else log.info  # topics count them; of 600 they are 150 a second
        tell("stream", kind=event.kind, reason=event.reason, connection=event.connection, symbols=len(event.symbols))
        kernel, now_ms = self._kernel, self._kernel.now_ms()
        match event.kind:
            case "mute":
                kernel.outage.mute(kernel.incidents, event.connection, event.reason, now_ms)
            case "disconnected":
                kernel.outage.lost(event.connection, event.reason, now_ms)
            case "connected":
                self._connected.set()
                kernel.outage.back(kernel.incidents, event.connection, now_ms)
                self._tape_gaps.update(event.symbols)
            case "topic_rejected":
                self.universe.poll_soon(event.symbols)

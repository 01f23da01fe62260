"""The whole monitor, its exchange and the proxy between them, in one process and in virtual time."""

import asyncio
import logging
import signal
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import psutil
import pytest
import structlog
from tests.faults.hostile.odd import Edit
from tests.faults.hostile.played import Played
from tests.faults.hostile.proxy import Proxy
from tests.faults.hostile.seen import Seen
from tests.support.virtual import EPOCH_MS, VirtualClock, VirtualLoop, virtual_loop

from virtuoso.config import load
from virtuoso.processes.monitor import monitor_for
from virtuoso.simulator import server
from virtuoso.simulator.server import EmbeddedExchange
from virtuoso.storage.cache.memory import MemoryCache

_T = TypeVar("_T")
SIZE = 4
WATCHED = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")
_MOST_WORK_S = 60
_PUMP_S = 0.1


class World:
    """Everything that lives together. All times are the loop's, in virtual seconds."""

    tolerated = frozenset({"live"})

    def __init__(self, loop: VirtualLoop, folder: Path, extra: str = "") -> None:
        self._loop = loop
        self.clock = VirtualClock(loop)
        self._source = Played()
        self._exchange = EmbeddedExchange(self._source, clock=self.clock, start_ms=EPOCH_MS)
        self._process = psutil.Process()
        self._folder, self._extra = folder, extra
        self._decoded: dict[str, tuple[bytes, Any]] = {}
        """What is served under a name, while it is the same."""
        self.cache = MemoryCache(self.clock)

    async def start(self) -> None:
        """Begin: the exchange, the proxy, the monitor; returns when the first signals are there."""
        await self._exchange.start()
        self.proxy = Proxy(self._exchange.rest_url, self._loop.time)
        await self.proxy.start()
        path = self._folder / "virtuoso.yaml"
        path.write_text(
            f"exchange:\n  rest_url: http://127.0.0.1:{self.proxy.port}\n"
            f"  stream_url: ws://127.0.0.1:{self.proxy.port}/v5/public\n"
            f"monitoring: {{interval: 1}}\nuniverse: {{size: {SIZE}, refresh_interval: 10}}\n"
            f"data_dir: {self._folder / 'data'}\n{self._extra}"
        )
        settings = load([path], {})
        self.monitor = monitor_for(settings, self.clock, self.cache)
        self._monitoring = asyncio.create_task(self.monitor.run())
        ready = asyncio.create_task(self.monitor.ready.wait())
        await asyncio.wait({self._monitoring, ready}, return_when=asyncio.FIRST_COMPLETED)
        if self._monitoring.done():
            self._monitoring.result()

    async def stop(self) -> None:
        """End everything, the monitor first."""
        self._monitoring.cancel()
        await asyncio.gather(self._monitoring, return_exceptions=True)
        await self.proxy.stop()
        await self._exchange.stop()

    def now_s(self) -> float:
        return self._loop.time()

    def edit(self, edit: Edit) -> None:
        """From now on the exchange is odd in this way."""
        self.proxy.edit = edit

    def cut(self) -> None:
        """Cut every stream."""
        self.proxy.cut()

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Let the world live until `work` is done; one that is stuck is an error after a minute of work."""
        with _alarm(_MOST_WORK_S):
            return self._loop.run_until_complete(work)

    def wait(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.run(asyncio.sleep(seconds))

    def seen(self) -> Seen:
        """What is served now."""
        symbols, signals = self._served("symbols")["symbols"], self._served("signals")["signals"]
        return Seen(
            at_s=self.now_s(),
            symbols={row["symbol"]: row for row in symbols},
            signals={row["symbol"]: row for row in signals},
            overview=self._served("overview"),
            status=self._served("status"),
            health=self._served("health"),
            alerts=tuple(self._served("alerts")),
        )

    def memory(self) -> int:
        """Resident bytes of this process, in which everything is."""
        return self._process.memory_info().rss

    def bars(self, symbol: str, since_s: float) -> tuple[dict[int, Any], dict[int, Any]]:
        """Closed minutes: of the market state, and of the exchange's market."""
        last_ms = self.clock.now_ns() // 60_000_000_000 * 60_000
        first_ms = (EPOCH_MS + int(since_s * 1_000)) // 60_000 * 60_000
        base = self.monitor.market[symbol].history.base
        held = {bar.open_ms: (bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in base.last(60)}
        rows = self._source.klines("linear", symbol, "1", "trade", first_ms, last_ms - 60_000)
        own = {int(row[0]): tuple(map(float, row[1:6])) for row in rows}
        return {at: values for at, values in held.items() if at >= first_ms}, own

    def _served(self, name: str) -> Any:
        document = self.cache.get(name)
        assert document is not None, f"{name} is not served"
        if name not in self._decoded or self._decoded[name][0] is not document.body:
            self._decoded[name] = document.body, msgspec.json.decode(document.body)
        return self._decoded[name][1]


class Stuck(Exception):
    """The loop did not come back: something runs for ever."""


@contextmanager
def _alarm(seconds: int) -> Iterator[None]:
    def stuck(*_: object) -> None:
        raise Stuck(f"the monitor's loop did not come back within {seconds} s of a processor's time")

    before = signal.signal(signal.SIGPROF, stuck)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextmanager
def living_world(folder: Path, extra: str = "") -> Iterator[World]:
    """A world from its first signals on, until the block ends."""
    pump_s, server._PUMP_S = server._PUMP_S, _PUMP_S
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with virtual_loop() as loop:
        asyncio.set_event_loop(loop)
        world = World(loop, folder, extra)
        try:
            world.run(world.start())
            world.wait(3)
            yield world
        finally:
            world.run(world.stop())
            asyncio.set_event_loop(None)
            structlog.reset_defaults()
            server._PUMP_S = pump_s


class Worlds:
    """The world in use; one that a case has left in disorder is not used for the next."""

    def __init__(self, folder: pytest.TempPathFactory) -> None:
        self._folder = folder
        self._living = ExitStack()
        self._world: World | None = None

    def get(self) -> World:
        """The world that lives, or a new one."""
        if self._world is None:
            self._world = self._living.enter_context(living_world(self._folder.mktemp("world")))
        return self._world

    def end(self) -> None:
        """End the one that lives, if any."""
        self._world = None
        self._living.close()

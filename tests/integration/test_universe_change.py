"""The universe changes while cycles run: newcomers are scored, those that left are gone, nothing fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from virtuoso.config import Settings
from virtuoso.config.loading import load
from virtuoso.market.universe import Universe
from virtuoso.model.clock import SystemClock
from virtuoso.monitor.app import Monitor
from virtuoso.operations.health import HealthBoard
from virtuoso.simulator.server import EmbeddedExchange
from virtuoso.simulator.sources import open_source
from virtuoso.storage.cache.memory import MemoryCache

CLOCK = SystemClock()


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Monitor, MemoryCache]]:
    source = open_source("recording", 1, CLOCK.now_ns() // 1_000_000)
    async with EmbeddedExchange(source, clock=CLOCK) as exchange:
        settings: Settings = load(
            [],
            {
                "VIRTUOSO__EXCHANGE__REST_URL": exchange.rest_url,
                "VIRTUOSO__EXCHANGE__STREAM_URL": exchange.stream_url,
                "VIRTUOSO__UNIVERSE__SIZE": "4",
                "VIRTUOSO__MONITORING__INTERVAL": "1",
            },
        )
        cache = MemoryCache(CLOCK)
        monitor = Monitor(settings, CLOCK, cache, HealthBoard(CLOCK, 1.0, "embedded"))
        task = asyncio.create_task(monitor.run())
        try:
            await asyncio.wait_for(monitor.ready.wait(), 20)
            yield monitor, cache
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_symbols_come_and_go_while_cycles_run() -> None:
    async with running() as (monitor, cache):
        before = monitor.watch.universe.symbols
        assert len(before) == 4
        others = [symbol for symbol in monitor.watch.instruments if symbol not in before][:6]
        chosen = Universe((*before[:2], *others), dict.fromkeys(before[2:], "taken out by the test"))
        changing = asyncio.create_task(monitor.watch.adopt(chosen))
        while not changing.done():
            await monitor.cycle.run()
        assert sorted(changing.result()) == sorted(others)
        monitor.stream.watch(monitor.market.sinks())
        await monitor.cycle.run()
        assert (monitor.cycle.failures, monitor.cycle.last_error) == (0, None)
        assert set(monitor.cycle.evaluations) == set(chosen.symbols)
        assert all(cache.get(f"symbol:{symbol}") is not None for symbol in chosen.symbols)
        assert all(cache.get(f"symbol:{symbol}") is None for symbol in before[2:])
        rows = monitor.market.rows
        assert len(set(rows.values())) == len(rows) == 8
        await asyncio.sleep(1.5)
        topics = {feed.symbol for feed in monitor.stream.feeds() if feed.connected}
        assert topics == set(chosen.symbols)

"""The universe changes while cycles run: newcomers are scored, those that left are gone, nothing fails."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from virtuoso.config import Settings
from virtuoso.config.loading import load
from virtuoso.exchange.bybit import Bybit
from virtuoso.market.universe.choice import Universe
from virtuoso.model.clock import SystemClock
from virtuoso.model.instrument import Instrument
from virtuoso.model.market import TickerUpdate
from virtuoso.monitor.app import Monitor
from virtuoso.processes.monitor import monitor_for
from virtuoso.simulator.server import EmbeddedExchange
from virtuoso.simulator.sources import open_source
from virtuoso.storage.cache.memory import MemoryCache

CLOCK = SystemClock()


@asynccontextmanager
async def started(size: int = 4, interval: int = 1) -> AsyncIterator[tuple[Monitor, MemoryCache]]:
    """A monitor of the history that was just told to run."""
    source = open_source("history", 1, CLOCK.now_ns() // 1_000_000)
    async with EmbeddedExchange(source, clock=CLOCK) as exchange:
        settings: Settings = load(
            [],
            {
                "VIRTUOSO__EXCHANGE__REST_URL": exchange.rest_url,
                "VIRTUOSO__EXCHANGE__STREAM_URL": exchange.stream_url,
                "VIRTUOSO__UNIVERSE__SIZE": str(size),
                "VIRTUOSO__MONITORING__INTERVAL": str(interval),
            },
        )
        cache = MemoryCache(CLOCK)
        monitor = monitor_for(settings, CLOCK, cache)
        task = asyncio.create_task(monitor.run())
        try:
            yield monitor, cache
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def running(interval: int = 1) -> AsyncIterator[tuple[Monitor, MemoryCache]]:
    """One that has its first signals."""
    async with started(interval=interval) as (monitor, cache):
        await asyncio.wait_for(monitor.ready.wait(), 60)
        yield monitor, cache


def troubles(monitor: Monitor) -> set[str]:
    """Kinds of the open incidents that are not a symbol's: a market may signal at any time."""
    return {incident.kind for incident in monitor.incidents.open() if incident.symbol is None}


async def until(what: str, holds: Callable[[], object]) -> None:
    """Wait for a condition."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < 60, what
        await asyncio.sleep(0.02)


async def test_symbols_come_and_go_while_cycles_run() -> None:
    async with running(interval=300) as (monitor, cache):  # the passes are the test's: no two go on at once
        before = monitor.watch.universe.symbols
        assert len(before) == 4
        others = [symbol for symbol in monitor.watch.instruments if symbol not in before][:6]
        chosen = Universe((*before[:2], *others), dict.fromkeys(before[2:], "taken out by the test"))
        changing = asyncio.create_task(monitor.watch.adopt(chosen))
        while not changing.done():
            await monitor.cycle.run()
        assert sorted(changing.result()) == sorted(others)
        monitor.kernel.stream.watch(monitor.market.sinks())
        await monitor.cycle.run()
        assert (monitor.cycle.failures, monitor.cycle.last_error) == (0, None)
        assert set(monitor.cycle.evaluations) == set(chosen.symbols)
        assert all(cache.get(f"symbol:{symbol}") is not None for symbol in chosen.symbols)
        assert all(cache.get(f"symbol:{symbol}") is None for symbol in before[2:])
        rows = monitor.market.rows
        assert len(set(rows.values())) == len(rows) == 8

        def connected() -> set[str]:
            return {feed.symbol for feed in monitor.kernel.stream.feeds() if feed.connected}

        await until("topics of what was chosen, and of nothing else", lambda: connected() == set(chosen.symbols))


async def test_an_empty_list_at_the_start_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, empty = Bybit.tickers, True

    async def tickers(self: Bybit) -> dict[str, TickerUpdate]:
        return {} if empty else await whole(self)

    monkeypatch.setattr(Bybit, "tickers", tickers)
    async with started() as (monitor, _):
        said = "waiting for the exchange: the exchange's list of tickers has none with a turnover; it is asked again"
        await until(said, lambda: monitor.vitals.state == said)
        await until("it is told", lambda: troubles(monitor) == {"list_doubted", "stale_feed"})
        assert monitor.health.live
        assert monitor.health.document().status == "starting"
        assert not monitor.ready.is_set()
        empty = False
        await asyncio.wait_for(monitor.ready.wait(), 60)
        assert len(monitor.watch.universe.symbols) == 4
        await until("all is well", lambda: monitor.health.healthy and not troubles(monitor))


async def test_a_list_that_becomes_empty_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(self: Bybit) -> list[Instrument]:
        return []

    async with running() as (monitor, _):
        await until("all is well", lambda: monitor.health.healthy)
        before = monitor.watch.universe.symbols
        with monkeypatch.context() as context:
            context.setattr(Bybit, "instruments", nothing)
            for _ in range(4):
                await monitor.watch.adopt(await monitor.watch.choose())
            assert monitor.watch.universe.symbols == before
            await until("it is told", lambda: troubles(monitor) == {"list_doubted"})
            await until("all else is well", lambda: monitor.health.healthy)
        await monitor.watch.choose()
        await until("it is over", lambda: not troubles(monitor))


async def test_a_universe_that_is_empty_by_configuration_is_not_healthy() -> None:
    async with running() as (monitor, _):
        await until("all is well", lambda: monitor.health.healthy)
        monitor.watch.rules = replace(monitor.watch.rules, quote="usdt")
        await monitor.watch.adopt(await monitor.watch.choose())
        await monitor.streaming.feed()
        await until("not healthy", lambda: not monitor.health.healthy)
        assert monitor.health.live
        said = "nothing is watched: no instrument is quoted in universe.quote = usdt; did you mean USDT?"
        await until("that is the one reason", lambda: [*monitor.health.document().reasons] == [said])
        assert not monitor._all_well()
        await until("it is told", lambda: troubles(monitor) == {"universe_empty"})
        await until("the page says it", lambda: monitor.cycle.frame().state == "degraded")

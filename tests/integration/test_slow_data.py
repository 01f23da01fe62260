"""What no stream carries, asked of the embedded exchange: at first in full, then as it changes, each symbol alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import isnan

import numpy as np
import pytest
from tests.support.market import LIVE

from virtuoso.exchange.bybit import Bybit
from virtuoso.market.panel import MINUTE_FIELDS
from virtuoso.market.state import MarketState
from virtuoso.model.clock import ManualClock
from virtuoso.model.errors import NotOffered
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.watching.slow_data import FUNDING, RATIO, SlowData
from virtuoso.simulator.server import EmbeddedExchange
from virtuoso.simulator.sources import open_source

CLOCK = ManualClock(1_790_000_000_000_000_000)
"""2026-09-21T13:46:40Z: no funding is settled within minutes."""
M1 = Timeframe.M1


@pytest.fixture
async def exchange() -> AsyncIterator[EmbeddedExchange]:
    start_ms = CLOCK.now_ns() // 1_000_000
    async with EmbeddedExchange(open_source("history", 1, start_ms), clock=CLOCK) as running:
        yield running


@asynccontextmanager
async def client(url: str, category: str = "linear") -> AsyncIterator[Bybit]:
    stream_url, rng = url.replace("http", "ws"), np.random.default_rng(1)
    adapter = Bybit(rest_url=url, stream_url=stream_url, category=category, clock=CLOCK, rng=rng)
    try:
        yield adapter
    finally:
        await adapter.close()


def watching(adapter: Bybit, *symbols: str) -> tuple[MarketState, SlowData, ManualClock]:
    market = MarketState([Timeframe.M5])
    for symbol in symbols:
        market.add(symbol)
    clock = ManualClock(CLOCK.now_ns())
    return market, SlowData(adapter, market, clock, min_interval_s=30, max_interval_s=60), clock


async def test_asked_in_full_at_first_and_then_for_what_is_new(exchange: EmbeddedExchange) -> None:
    async with client(exchange.rest_url) as adapter:
        market, slow, clock = watching(adapter, "BTCUSDT", "NOPEUSDT", "LAYERUSDT")
        tickers = await adapter.tickers()
        for symbol in ("BTCUSDT", "LAYERUSDT"):
            market[symbol].ticker(CLOCK.now_ns() // 1_000_000, 0, tickers[symbol])
        began = adapter.budget.requests
        await slow.poll()
        assert adapter.budget.requests - began == 6  # also for the one that nobody lists: it fails alone
        for symbol in ("BTCUSDT", "LAYERUSDT"):
            assert len(market[symbol].ratios) == 12  # the latest; of all 500 the mean and spread are kept
            assert len(market[symbol].minutes.hourly_rates) > 60
        assert len(market["NOPEUSDT"].ratios) == 0
        await slow.poll()
        assert adapter.budget.requests - began == 6  # nothing is due
        clock.advance(61_000_000_000)
        await slow.poll()
        # Two ratios, all of the unknown symbol again, and the rates of one that happens to settle right now.
        settling = [market[symbol].stats.values["next_funding_ms"] for symbol in ("BTCUSDT", "LAYERUSDT")]
        settled = sum(at_ms is not None and at_ms <= clock.now_ns() / 1e6 for at_ms in settling)
        assert adapter.budget.requests - began in {10, 10 + settled}
        settles_ms = market["BTCUSDT"].stats.values["next_funding_ms"]
        assert settles_ms is not None
        clock.advance_to(int((settles_ms + 31_000) * 1e6))
        await slow.poll()
        assert adapter.budget.requests - began in {15, 16}  # BTC's rates by now, and LAYER's, which settle no later
        market.remove("BTCUSDT")
        clock.advance(61_000_000_000)
        await slow.poll()
        assert set(slow.intervals) == {"NOPEUSDT", "LAYERUSDT"}


async def test_what_was_asked_for_stands_in_the_notes_of_the_next_minute(exchange: EmbeddedExchange) -> None:
    async with client(exchange.rest_url) as adapter:
        market, slow, _ = watching(adapter, "BTCUSDT")
        state = market["BTCUSDT"]
        now_ms = CLOCK.now_ns() // 1_000_000
        close_ms = M1.floor(now_ms) + M1.ms
        state.take_interest(await adapter.open_interest("BTCUSDT", 200))
        state.ticker(now_ms, 0, (await adapter.tickers())["BTCUSDT"])
        await slow.poll()
        bars = await adapter.bars("BTCUSDT", M1, close_ms - 300 * M1.ms, close_ms)
        state.history.load(M1, [bar for bar in bars if bar.open_ms < close_ms - M1.ms])
        (block, *_) = market.warm_up(["BTCUSDT"], close_ms - M1.ms)
        assert block.minutes is not None
        assert np.isfinite(block.minutes.open_interest[:-5]).all()  # the latest five minutes may not be out yet
        assert (np.diff(block.minutes.open_interest[:-5, 0]) != 0).sum() > 30
        last = bars[-1].close
        state.bars(close_ms * 1_000_000, [Bar(close_ms - M1.ms, last, last, last, last, 0.0, 0.0)])
        (block,) = market.cut(close_ms, {"BTCUSDT": LIVE}).bars[M1]
        unknown = {name for name in MINUTE_FIELDS if isnan(getattr(block.minutes, name)[0, 0])}
        assert unknown == {"long_liquidated", "short_liquidated"}  # no stream was watched
        assert block.minutes is not None
        assert abs(block.minutes.funding[0, 0]) < 1e-2
        assert 0 < block.minutes.funding_deviation[0, 0] < 1e-2


async def test_what_is_not_offered_is_not_asked_for_again(exchange: EmbeddedExchange) -> None:
    async with client(exchange.rest_url, "spot") as adapter:
        _, slow, _ = watching(adapter, "BTCUSDT", "ETHUSDT")
        await slow.poll()
        assert set(slow.lacking) == {RATIO, FUNDING}
        assert "spot" in slow.lacking[FUNDING]
        assert adapter.budget.requests == 0
        with pytest.raises(NotOffered, match="open interest"):
            await adapter.open_interest("BTCUSDT", 1)

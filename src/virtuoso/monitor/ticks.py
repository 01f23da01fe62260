"""The `ticks` document: prices, touch and their age, twice a second at most."""

import asyncio

import msgspec

from virtuoso.exchange.protocol import Exchange
from virtuoso.market.state import MarketState
from virtuoso.model.clock import Clock, iso
from virtuoso.model.documents import Tick, Ticks
from virtuoso.monitor.rows import touch
from virtuoso.storage.cache.memory import MemoryCache, Version

_PERIOD_S = 0.5
_TTL_S = 60.0


async def publish_ticks(market: MarketState, exchange: Exchange, cache: MemoryCache, clock: Clock) -> None:
    """Publish for ever; nothing is published while nothing changed."""
    encoder = msgspec.json.Encoder()
    sequence = 0
    epoch = clock.now_ns() // 1_000_000_000
    last: dict[str, int | None] = {}
    while True:
        await asyncio.sleep(_PERIOD_S)
        received = {symbol: market[symbol].stats.received_ns for symbol in market.rows}
        if received == last:
            continue
        last = received
        now_ns = clock.now_ns()
        sequence += 1
        ticks = Ticks(
            timestamp=iso(now_ns // 1_000_000) or "",
            data_source=exchange.origin,
            ticks=tuple(_tick(symbol, market, now_ns) for symbol in market.rows),
        )
        cache.put("ticks", encoder.encode(ticks), Version(epoch, sequence), _TTL_S)


def _tick(symbol: str, market: MarketState, now_ns: int) -> Tick:
    state = market[symbol]
    bid, ask = touch(state)
    received_ns = state.stats.received_ns
    age_ms = None if received_ns is None else max(0, (now_ns - received_ns) // 1_000_000)
    return Tick(symbol=symbol, price=state.stats.values["last"], bid=bid, ask=ask, age_ms=age_ms)

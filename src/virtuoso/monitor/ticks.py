"""Documents faster than the cycle: `ticks` (prices, touch and their age, twice a second at most) and the books."""

import asyncio
from functools import partial

import msgspec

from virtuoso.exchange.protocol import Exchange
from virtuoso.market.state import MarketState
from virtuoso.model.clock import Clock, iso
from virtuoso.model.documents import Book, Tick, Ticks
from virtuoso.model.quality import DataQuality
from virtuoso.monitor.contained import Contained, each
from virtuoso.monitor.cycle import Cycle
from virtuoso.monitor.rows import touch
from virtuoso.monitor.watch import Watch
from virtuoso.storage.cache.memory import MemoryCache, Version

_PERIOD_S = 0.5
_TTL_S = 60.0
_BOOKS_S, _BOOKS_FRESH_S = 1.0, 10.0
_DEPTH = 50


async def publish_ticks(
    market: MarketState, exchange: Exchange, cache: MemoryCache, clock: Clock, contained: Contained, epoch: int
) -> None:
    """Publish for ever; nothing is published while nothing changed."""
    encoder = msgspec.json.Encoder()
    sequence = 0
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
            ticks=tuple(each(contained, "its tick", list(market.rows), partial(_tick, market, now_ns)).values()),
        )
        cache.put("ticks", encoder.encode(ticks), Version(epoch, sequence), _TTL_S)


def _tick(market: MarketState, now_ns: int, symbol: str) -> Tick:
    state = market[symbol]
    bid, ask = touch(state)
    received_ns = state.stats.received_ns
    age_ms = None if received_ns is None else max(0, (now_ns - received_ns) // 1_000_000)
    return Tick(symbol=symbol, price=state.stats.values["last"], bid=bid, ask=ask, age_ms=age_ms)


def _book(encoder: msgspec.json.Encoder, market: MarketState, cycle: Cycle, symbol: str) -> bytes:
    return encoder.encode(book_of(market, cycle, symbol, _DEPTH))


async def publish_books(market: MarketState, cycle: Cycle, watch: Watch, cache: MemoryCache, epoch: int) -> None:
    """Publish the books of the symbols that have one each second, for processes that do not hold them; for ever."""
    encoder = msgspec.json.Encoder()
    sequence = 0
    while True:
        await asyncio.sleep(_BOOKS_S)
        sequence += 1
        for symbol in watch.detailed:
            if symbol not in market:
                continue
            body = watch.contained.attempt(symbol, "its book", _book, encoder, market, cycle, symbol)
            if body is not None:
                cache.put(f"book:{symbol}", body, Version(epoch, sequence), _TTL_S, _BOOKS_FRESH_S)


def book_of(market: MarketState, cycle: Cycle, symbol: str, depth: int) -> Book:
    """The book of a watched symbol as it is now."""
    book = market[symbol].book
    quality = cycle.qualities.get(symbol)
    bids, asks = book.top(depth) if book.valid else ([], [])
    return Book(
        symbol=symbol,
        bids=tuple(bids),
        asks=tuple(asks),
        update_id=book.update_id if book.valid else None,
        updated_at=iso(market[symbol].book_event_ms) if book.valid else None,
        data_quality=DataQuality.UNAVAILABLE if quality is None or not book.valid else quality.book,
        data_source=cycle.source,
        reason=None if book.valid else "the book is not valid: waiting for a snapshot",
    )

"""Publishes `ticks` (prices, touch and their age), which is faster than the cycle; makes the document of a book."""

from functools import partial

from virtuoso.exchange.protocol import Exchange
from virtuoso.market.state import MarketState
from virtuoso.model.clock import Clock, iso
from virtuoso.model.documents import Book, Tick, Ticks
from virtuoso.model.documents.prices import BOOK_LEVELS
from virtuoso.model.quality import DataQuality
from virtuoso.monitor.containment import Contained, each
from virtuoso.monitor.cycle.cycle import Cycle
from virtuoso.monitor.documents.publication import Publication
from virtuoso.monitor.documents.symbol_items import touch

TICKS_S, BOOKS_S = 0.5, 1.0
"""Between two publications of each."""


class TicksPublisher:
    """Publishes prices, touch and their age; nothing while nothing changed."""

    def __init__(
        self, market: MarketState, exchange: Exchange, publication: Publication, clock: Clock, contained: Contained
    ) -> None:
        self._market = market
        self._exchange = exchange
        self._publication = publication
        self._clock = clock
        self._contained = contained
        self._last: dict[str, int | None] = {}

    def publish(self) -> None:
        """Publish the ticks as they are now."""
        market = self._market
        received = {symbol: market[symbol].stats.received_ns for symbol in market.rows}
        if received == self._last:
            return
        self._last = received
        now_ns = self._clock.now_ns()
        found = each(self._contained, "its tick", list(market.rows), partial(_tick, market, now_ns))
        timestamp = iso(now_ns // 1_000_000) or ""
        ticks = Ticks(timestamp=timestamp, data_source=self._exchange.origin, ticks=tuple(found.values()))
        self._publication.publish("ticks", ticks)


def _tick(market: MarketState, now_ns: int, symbol: str) -> Tick:
    state = market[symbol]
    bid, ask = touch(state)
    received_ns = state.stats.received_ns
    age_ms = None if received_ns is None else max(0, (now_ns - received_ns) // 1_000_000)
    return Tick(symbol=symbol, price=state.stats.values["last"], bid=bid, ask=ask, age_ms=age_ms)


def book_of(market: MarketState, cycle: Cycle, symbol: str) -> Book:
    """The book of a watched symbol as it is now."""
    book = market[symbol].book
    quality = cycle.qualities.get(symbol)
    bids, asks = book.top(BOOK_LEVELS) if book.valid else ([], [])
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

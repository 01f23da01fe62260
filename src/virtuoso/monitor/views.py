"""Bars and books straight from the market state, the rest from the stores: `model.views.SymbolViews` in one process."""

from math import isnan

from virtuoso.market.state import MarketState
from virtuoso.model.clock import iso
from virtuoso.model.documents import BarRow, Bars, Book, ScoreHistory
from virtuoso.model.quality import DataQuality
from virtuoso.model.timeframe import Timeframe
from virtuoso.model.views import SymbolViews
from virtuoso.monitor.cycle import Cycle


class MarketViews:
    """Used on the event loop that owns the market."""

    def __init__(self, market: MarketState, cycle: Cycle, stored: SymbolViews) -> None:
        self._market = market
        self._cycle = cycle
        self._stored = stored

    def timeframes(self) -> tuple[Timeframe, ...]:
        """The timeframes kept."""
        return self._stored.timeframes()

    async def scores(self, symbol: str, limit: int) -> ScoreHistory | None:
        """The latest stored readings."""
        return await self._stored.scores(symbol, limit)

    async def bars(self, symbol: str, timeframe: Timeframe, limit: int) -> Bars | None:
        """The latest closed bars; those of timeframes that are not analysed are stored ones."""
        if symbol not in self._market:
            return None
        if timeframe not in self._market.timeframes:
            return await self._stored.bars(symbol, timeframe, limit)
        bars = self._market[symbol].history.series[timeframe].last(limit)
        return Bars(
            symbol=symbol,
            timeframe=timeframe,
            bars=tuple(
                BarRow(
                    open_time=iso(bar.open_ms) or "",
                    open=bar.open,
                    high=bar.high,
                    low=bar.low,
                    close=bar.close,
                    volume=bar.volume,
                    turnover=None if isnan(bar.turnover) else bar.turnover,
                )
                for bar in bars
            ),
        )

    async def book(self, symbol: str, depth: int) -> Book | None:
        """The book now; empty, with the reason, while it is not valid."""
        return book_of(self._market, self._cycle, symbol, depth) if symbol in self._market else None


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

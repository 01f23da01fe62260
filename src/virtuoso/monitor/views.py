"""Bars and books straight from the market state: implements `model.views.SymbolViews` in one process."""

from math import isnan

from virtuoso.market.state import MarketState
from virtuoso.model.clock import iso
from virtuoso.model.documents import BarRow, Bars, Book
from virtuoso.model.quality import DataQuality
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.cycle import Cycle


class MarketViews:
    """Used on the event loop that owns the market."""

    def __init__(self, market: MarketState, cycle: Cycle) -> None:
        self._market = market
        self._cycle = cycle

    def timeframes(self) -> tuple[Timeframe, ...]:
        """The timeframes kept."""
        return self._market.timeframes

    def bars(self, symbol: str, timeframe: Timeframe, limit: int) -> Bars | None:
        """The latest closed bars."""
        if symbol not in self._market:
            return None
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

    def book(self, symbol: str, depth: int) -> Book | None:
        """The book now; empty, with the reason, while it is not valid."""
        if symbol not in self._market:
            return None
        book = self._market[symbol].book
        quality = self._cycle.qualities.get(symbol)
        bids, asks = book.top(depth) if book.valid else ([], [])
        return Book(
            symbol=symbol,
            bids=tuple(bids),
            asks=tuple(asks),
            update_id=book.update_id if book.valid else None,
            updated_at=iso(self._market[symbol].book_event_ms) if book.valid else None,
            data_quality=DataQuality.UNAVAILABLE if quality is None or not book.valid else quality.book,
            data_source=self._cycle.source,
            reason=None if book.valid else "the book is not valid: waiting for a snapshot",
        )

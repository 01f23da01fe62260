"""A block of seconds that is being filled, of all books that are watched."""

from collections.abc import Mapping, Sequence
from heapq import nlargest
from operator import attrgetter

import numpy as np

from virtuoso.market.book import Book
from virtuoso.market.state import MarketState
from virtuoso.market.symbol import SymbolState
from virtuoso.model.clock import iso
from virtuoso.model.documents import DepthBlock, TradeItem
from virtuoso.model.documents.depth import (
    BOOK,
    DEPTH_BINS,
    DEPTH_BLOCK_S,
    DEPTH_TRADES,
    INVALID,
    STALE,
    UNSEEN,
)
from virtuoso.model.market import Side
from virtuoso.model.quality import DataQuality, DataSource
from virtuoso.monitor.containment import Contained, each
from virtuoso.monitor.depth.sampling import Floats, bin_width, coded, look

_WIDTH, _LOOK, _BLOCK = "choosing the bins of its depth", "looking at its depth", "its block of depth"
_FRESH = frozenset({DataQuality.LIVE, DataQuality.DELAYED})


class OpenBlock:
    """Takes one look a second; a second without one stays unseen.

    Args:
        begins: its first second, of the exchange's clock (epoch s); it ends with a multiple of ten.
        symbols: whose books are looked at.
        widths: of the bins of the blocks before (quote units), where there are any; those of this one are put in.
        contained: takes what the work for one symbol raises; that second of it stays unseen.
    """

    def __init__(self, begins: int, symbols: Sequence[str], widths: dict[str, float], contained: Contained) -> None:
        self.begins = begins
        self.ends = begins - begins % DEPTH_BLOCK_S + DEPTH_BLOCK_S
        self.symbols = tuple(symbols)
        self._widths, self._contained = widths, contained
        self._wide: dict[str, float] = {}
        count = len(self.symbols)
        self._seen = 0
        self._known = [[UNSEEN] * DEPTH_BLOCK_S for _ in self.symbols]
        self._lows: list[list[int | None]] = [[None] * DEPTH_BLOCK_S for _ in self.symbols]
        self._bids: list[list[float | None]] = [[None] * DEPTH_BLOCK_S for _ in self.symbols]
        self._asks: list[list[float | None]] = [[None] * DEPTH_BLOCK_S for _ in self.symbols]
        self._sizes = np.zeros((count, DEPTH_BLOCK_S, DEPTH_BINS))

    def take(self, second: int, market: MarketState, qualities: Mapping[str, DataQuality]) -> None:
        """Look at the books as they are now; `qualities` says how fresh they are."""
        at = second - self.begins
        self._seen = at + 1
        wide: dict[int, float] = {}
        for row, symbol in enumerate(self.symbols):
            if symbol not in market:
                continue
            state = market[symbol]
            if state.book.valid and qualities.get(symbol) in _FRESH:
                width = self._contained.attempt(symbol, _WIDTH, self._width, state)
                if width is not None:
                    wide[row] = width
            else:
                self._known[row][at] = STALE if state.book.valid else INVALID
        books = {row: market[self.symbols[row]].book for row in wide}
        for row, (low, sizes) in self._looked(books, wide).items():
            self._known[row][at], self._lows[row][at], self._sizes[row, at] = BOOK, low, sizes
            self._bids[row][at], self._asks[row][at] = books[row].bid_price, books[row].ask_price

    def _looked(self, books: Mapping[int, Book], wide: Mapping[int, float]) -> dict[int, tuple[int, Floats]]:
        """The lowest bin of each row's book and what rests in its bins: of all at once, unless one of them raises."""
        if not books:
            return {}
        try:
            lows, sizes = look(list(books.values()), np.array(list(wide.values())))
        except Exception:  # noqa: BLE001 - which of them it was shows when each is looked at alone
            found = {}
            for row, book in books.items():
                alone = self._contained.attempt(self.symbols[row], _LOOK, look, [book], np.array([wide[row]]))
                if alone is not None:
                    found[row] = int(alone[0][0]), alone[1][0]
            return found
        for row in books:
            self._contained.clear(self.symbols[row], _LOOK)
        return {row: (low, sizes[i]) for i, (row, low) in enumerate(zip(books, lows.tolist(), strict=True))}

    def _width(self, state: SymbolState) -> float:
        """The width for this block, chosen when its first book is seen."""
        width = self._wide.get(state.symbol)
        if width is None:
            before = self._widths.get(state.symbol)
            width = bin_width(state.book, state.denomination.tick_size, before)
            self._wide[state.symbol] = self._widths[state.symbol] = width
        return width

    def blocks(self, market: MarketState, source: DataSource | None) -> dict[str, DepthBlock]:
        """What was seen so far, of each symbol."""
        if not self._seen or not self.symbols:
            return {}
        seen = self._seen
        begins = iso(1_000 * self.begins) or ""
        largest, sizes = coded(self._sizes[:, :seen])
        rows = {symbol: row for row, symbol in enumerate(self.symbols)}

        def block(symbol: str) -> DepthBlock:
            row = rows[symbol]
            return DepthBlock(
                begins=begins,
                seconds="".join(self._known[row][:seen]),
                width=self._wide.get(symbol),
                lows=tuple(self._lows[row][:seen]),
                bids=tuple(self._bids[row][:seen]),
                asks=tuple(self._asks[row][:seen]),
                largest=float(largest[row]),
                sizes=sizes[row].tobytes(),
                trades=self.trades(symbol, market),
                data_source=source,
            )

        return dict(each(self._contained, _BLOCK, self.symbols, block))

    def trades(self, symbol: str, market: MarketState) -> tuple[TradeItem, ...]:
        """The largest of its large trades that are known by now."""
        if symbol not in market or (large := market[symbol].tape.large_from) is None:
            return ()
        first_ms, end_ms = 1_000 * self.begins, 1_000 * self.ends
        found = []
        for trade in reversed(market[symbol].tape.recent):
            if trade.event_ms < first_ms:
                break
            if trade.event_ms < end_ms and trade.size >= large:
                found.append(trade)
        kept = sorted(nlargest(DEPTH_TRADES, found, key=attrgetter("size")), key=attrgetter("event_ms"))
        return tuple(
            TradeItem(time=iso(t.event_ms) or "", price=t.price, size=t.size, bought=t.side is Side.BUY) for t in kept
        )

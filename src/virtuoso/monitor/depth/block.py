"""A block of seconds that is being filled, of all books that are watched."""

from collections.abc import Mapping, Sequence
from heapq import nlargest
from operator import attrgetter

import numpy as np

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
from virtuoso.monitor.depth.sampling import bin_width, coded, look

_FRESH = frozenset({DataQuality.LIVE, DataQuality.DELAYED})


class OpenBlock:
    """Takes one look a second; a second without one stays unseen.

    Args:
        begins: its first second, of the exchange's clock (epoch s); it ends with a multiple of ten.
        symbols: whose books are looked at.
        widths: of the bins of the blocks before (quote units), where there are any; those of this one are put in.
    """

    def __init__(self, begins: int, symbols: Sequence[str], widths: dict[str, float]) -> None:
        self.begins = begins
        self.ends = begins - begins % DEPTH_BLOCK_S + DEPTH_BLOCK_S
        self.symbols = tuple(symbols)
        self._widths = widths
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
        rows = []
        for row, symbol in enumerate(self.symbols):
            if symbol not in market:
                continue
            book = market[symbol].book
            known = INVALID if not book.valid else BOOK if qualities.get(symbol) in _FRESH else STALE
            self._known[row][at] = known
            if known == BOOK:
                rows.append(row)
                self._bids[row][at], self._asks[row][at] = book.bid_price, book.ask_price
        if not rows:
            return
        states = [market[self.symbols[row]] for row in rows]
        widths = np.array([self._width(state) for state in states])
        lows, self._sizes[rows, at] = look([state.book for state in states], widths)
        for row, low in zip(rows, lows.tolist(), strict=True):
            self._lows[row][at] = low

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
        largest, sizes = coded(self._sizes[:, :seen])
        return {
            symbol: DepthBlock(
                begins=iso(1_000 * self.begins) or "",
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
            for row, symbol in enumerate(self.symbols)
        }

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

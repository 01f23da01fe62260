"""One symbol's order book: a dictionary a side, its best prices tracked at every delta."""

from virtuoso.model.market import Levels

_NONE_BID = float("-inf")
_NONE_ASK = float("inf")


class Book:
    """A book that is either right or invalid.

    A snapshot replaces it. A delta's update id must be the last one plus 1, and bids must stay below asks; else the
    book is invalid *before* anything is derived from it, until the next snapshot. Prices in quote units, sizes in
    base units.

    Attributes:
        valid: whether levels and touch may be used.
        order_flow: running sum of the level-1 order-flow contributions e_n (Cont, Kukanov & Stoikov, 2014), base
            units; whoever accumulates over an interval takes it with `take_order_flow`.
        gaps, crossed, dropped: how often a delta was out of sequence, crossed the book, or came while invalid.
    """

    __slots__ = (
        "ask_price", "ask_size", "asks", "bid_price", "bid_size", "bids", "crossed", "dropped", "gaps", "order_flow",
        "update_id", "valid",
    )  # fmt: skip

    def __init__(self) -> None:
        self.bids: dict[float, float] = {}
        self.asks: dict[float, float] = {}
        self.bid_price, self.bid_size = _NONE_BID, 0.0
        self.ask_price, self.ask_size = _NONE_ASK, 0.0
        self.update_id = 0
        self.valid = False
        self.order_flow = 0.0
        self.gaps = self.crossed = self.dropped = 0

    def replace(self, update_id: int, bids: Levels, asks: Levels) -> None:
        """Take a whole book; one that is crossed or lacks a side leaves the book invalid."""
        self.bids = {price: size for price, size in bids if size}
        self.asks = {price: size for price, size in asks if size}
        self.update_id = update_id
        if not self.bids or not self.asks:
            self.invalidate()
            return
        self._set_touch(max(self.bids), min(self.asks))
        self.valid = self.bid_price < self.ask_price
        if not self.valid:
            self.crossed += 1
            self.invalidate()

    def apply(self, update_id: int, bids: Levels, asks: Levels) -> bool:  # noqa: C901, PLR0912 - hot: no calls
        """Apply changed levels (size 0 deletes). `False` exactly once when this makes the book invalid."""
        if not self.valid:
            self.dropped += 1
            return True
        if update_id != self.update_id + 1:
            self.gaps += 1
            self.invalidate()
            return False
        self.update_id = update_id
        side = self.bids
        bid = old_bid = self.bid_price
        for price, size in bids:
            if size:
                side[price] = size
                if price > bid:
                    bid = price
            elif side.pop(price, 0.0) and price == bid:
                bid = max(side, default=_NONE_BID)
        bid_size = side.get(bid, 0.0)
        side = self.asks
        ask = old_ask = self.ask_price
        for price, size in asks:
            if size:
                side[price] = size
                if price < ask:
                    ask = price
            elif side.pop(price, 0.0) and price == ask:
                ask = min(side, default=_NONE_ASK)
        ask_size = side.get(ask, 0.0)
        if bid >= ask or not bid_size or not ask_size:
            self.crossed += 1
            self.invalidate()
            return False
        flow = 0.0
        if bid >= old_bid:
            flow = bid_size
        if bid <= old_bid:
            flow -= self.bid_size
        if ask <= old_ask:
            flow -= ask_size
        if ask >= old_ask:
            flow += self.ask_size
        self.order_flow += flow
        self.bid_price, self.bid_size, self.ask_price, self.ask_size = bid, bid_size, ask, ask_size
        return True

    def invalidate(self) -> None:
        """Drop everything: nothing may be computed from this book until the next snapshot."""
        self.valid = False
        self.bids, self.asks = {}, {}
        self.bid_price, self.bid_size = _NONE_BID, 0.0
        self.ask_price, self.ask_size = _NONE_ASK, 0.0

    def take_order_flow(self) -> float:
        """The order flow summed since the last call, base units."""
        flow, self.order_flow = self.order_flow, 0.0
        return flow

    def top(self, depth: int) -> tuple[Levels, Levels]:
        """The best `depth` levels a side, best first; empty while invalid."""
        bids = sorted(self.bids.items(), reverse=True)[:depth]
        asks = sorted(self.asks.items())[:depth]
        return bids, asks

    def trim(self, depth: int) -> None:
        """Forget levels beyond `depth` a side: a bound, should deletions for them never arrive."""
        if len(self.bids) > depth:
            self.bids = dict(sorted(self.bids.items(), reverse=True)[:depth])
        if len(self.asks) > depth:
            self.asks = dict(sorted(self.asks.items())[:depth])

    def _set_touch(self, bid: float, ask: float) -> None:
        self.bid_price, self.bid_size = bid, self.bids[bid]
        self.ask_price, self.ask_size = ask, self.asks[ask]

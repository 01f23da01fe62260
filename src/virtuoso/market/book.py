"""One symbol's order book: a dictionary a side, its best prices tracked at every delta."""

from virtuoso.model.feed import Refusal
from virtuoso.model.market import Levels

NO_SNAPSHOT, GAP, CROSSED = "u: no snapshot yet", "u: does not follow", "b, a: crossed"
FAR = "b, a: far from all other prices"
_NONE_BID = float("-inf")
_NONE_ASK = float("inf")


class Book:
    """A book that is either right or invalid.

    A snapshot replaces it. A delta's update id must be the last one plus 1, and bids must stay below asks; else the
    book is dropped *before* anything is derived from it, until the next snapshot. A book with an empty side goes on
    in sequence, but is not valid. Prices in quote units, sizes in base units.

    Attributes:
        valid: whether levels and touch may be used: in sequence, not crossed, both sides there.
        order_flow: running sum of the level-1 order-flow contributions e_n (Cont, Kukanov & Stoikov, 2014), base
            units; whoever accumulates over an interval takes it with `take_order_flow`.
        floor, ceiling: a touch below or above these is refused.
        gaps, crossed, dropped: how often a delta was out of sequence, crossed the book, or came while invalid.
    """

    __slots__ = (
        "ask_price", "ask_size", "asks", "bid_price", "bid_size", "bids", "ceiling", "crossed", "dropped", "floor",
        "gaps", "order_flow", "synced", "update_id", "valid",
    )  # fmt: skip

    def __init__(self) -> None:
        self.bids: dict[float, float] = {}
        self.asks: dict[float, float] = {}
        self.bid_price, self.bid_size = _NONE_BID, 0.0
        self.ask_price, self.ask_size = _NONE_ASK, 0.0
        self.update_id = 0
        self.synced = False
        self.valid = False
        self.floor, self.ceiling = _NONE_BID, _NONE_ASK
        self.order_flow = 0.0
        self.gaps = self.crossed = self.dropped = 0

    def replace(self, update_id: int, bids: Levels, asks: Levels) -> Refusal:
        """Take a whole book; one that is crossed is refused, and the one before it is gone all the same."""
        self.bids = {price: size for price, size in bids if size}
        self.asks = {price: size for price, size in asks if size}
        self.update_id = update_id
        self.bid_price, self.ask_price = max(self.bids, default=_NONE_BID), min(self.asks, default=_NONE_ASK)
        if self.bid_price >= self.ask_price:
            self.crossed += 1
            self.invalidate()
            return CROSSED
        self.bid_size, self.ask_size = self.bids.get(self.bid_price, 0.0), self.asks.get(self.ask_price, 0.0)
        self.synced = True
        self.valid = self.bid_size > 0.0 < self.ask_size
        return None

    def apply(self, update_id: int, bids: Levels, asks: Levels) -> Refusal:  # noqa: C901, PLR0912 - hot: no calls
        """Apply changed levels (size 0 deletes). Once one is refused, all are until the next snapshot."""
        if not self.synced:
            self.dropped += 1
            return NO_SNAPSHOT
        if update_id != self.update_id + 1:
            self.gaps += 1
            self.invalidate()
            return GAP
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
        if bid == old_bid and ask == old_ask and bid_size == self.bid_size and ask_size == self.ask_size:
            return None  # the touch stands: nothing flowed, nothing can cross
        if bid >= ask:
            self.crossed += 1
            self.invalidate()
            return CROSSED
        if bid > self.ceiling or ask < self.floor:
            self.invalidate()
            return FAR
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
        self.valid = bid_size > 0.0 < ask_size
        return None

    def invalidate(self) -> None:
        """Drop everything: nothing may be computed from this book until the next snapshot."""
        self.valid = self.synced = False
        self.bids, self.asks = {}, {}
        self.bid_price, self.bid_size = _NONE_BID, 0.0
        self.ask_price, self.ask_size = _NONE_ASK, 0.0

    def take_order_flow(self) -> float:
        """The order flow summed since the last call, base units."""
        flow, self.order_flow = self.order_flow, 0.0
        return flow

    def top(self, depth: int) -> tuple[Levels, Levels]:
        """The best `depth` levels a side, best first; empty while out of sequence."""
        bids, asks = self.near(depth)
        return [(price, self.bids[price]) for price in bids], [(price, self.asks[price]) for price in asks]

    def near(self, depth: int) -> tuple[list[float], list[float]]:
        """The best `depth` prices a side, best first: floats alone sort three times as fast as pairs."""
        return sorted(self.bids, reverse=True)[:depth], sorted(self.asks)[:depth]

    def trim(self, depth: int) -> None:
        """Forget levels beyond `depth` a side: a bound, should deletions for them never arrive."""
        if len(self.bids) > depth:
            self.bids = dict(sorted(self.bids.items(), reverse=True)[:depth])
        if len(self.asks) > depth:
            self.asks = dict(sorted(self.asks.items())[:depth])

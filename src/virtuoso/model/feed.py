"""The seam between an exchange adapter and the market state: neither imports the other.

An adapter calls the sink of a symbol for every event, on the event loop, in the order received. A sink does no
I/O and does not raise on data. `received_ns` is the local wall clock at receipt (epoch ns).
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from virtuoso.model.market import Bar, Levels, Liquidation, TickerUpdate, Trade


class SymbolSink(Protocol):
    """Accepts one symbol's events."""

    def book_snapshot(self, update_id: int, event_ms: int, received_ns: int, bids: Levels, asks: Levels) -> None:
        """Replace the whole book."""
        ...

    def book_delta(self, update_id: int, event_ms: int, received_ns: int, bids: Levels, asks: Levels) -> bool:
        """Apply changed levels. `False`: the book is invalid (gap or crossed) and the topic must be resubscribed.

        While a book is invalid further deltas return `True` (they are dropped and counted): one resync is asked
        for once.
        """
        ...

    def book_invalid(self) -> None:
        """The feed behind the book is gone (disconnect, resync): drop it before anything is computed from it."""
        ...

    def touch(self, event_ms: int, received_ns: int, bid: tuple[float, float], ask: tuple[float, float]) -> None:
        """Best bid and ask as `(price, size)` from a level-1 feed."""
        ...

    def trades(self, received_ns: int, trades: Sequence[Trade]) -> None:
        """Public trades, oldest first."""
        ...

    def trades_fetched(self, received_ns: int, trades: Sequence[Trade]) -> None:
        """Trades that were asked for, oldest first; those already held are left out."""
        ...

    def book_fetched(self, update_id: int, event_ms: int, received_ns: int, bids: Levels, asks: Levels) -> None:
        """A whole book that was asked for: what happened since the last one is not known."""
        ...

    def ticker(self, event_ms: int, received_ns: int, update: TickerUpdate) -> None:
        """A ticker snapshot or delta."""
        ...

    def bars(self, received_ns: int, bars: Sequence[Bar]) -> None:
        """1m bars from the stream; only those with `confirmed` are final."""
        ...

    def liquidations(self, received_ns: int, liquidations: Sequence[Liquidation]) -> None:
        """Liquidations, oldest first."""
        ...


class FeedStatus(msgspec.Struct, kw_only=True):
    """One topic's state, kept by the adapter and read by whoever judges freshness or serves the status.

    `alive_ns` is when the connection that carries the topic last proved itself alive (any data frame; the
    beacon re-pushes every 3 s), `None` while not connected or before the first frame. `lag_ms` is the last
    receive time less event time, corrected by the measured clock offset.
    """

    topic: str
    symbol: str
    connected: bool = False
    acked: bool = False
    alive_ns: int | None = None
    received_ns: int | None = None
    event_ms: int | None = None
    lag_ms: float | None = None
    messages: int = 0
    rejected: int = 0
    resyncs: int = 0
    mute: bool = False
    """Other topics prove that this one should have spoken."""
    polled_s: float | None = None
    """Seconds between requests where it is asked for instead of streamed."""
    lacking: str | None = None
    """Why the exchange has no such data."""
    denied: str | None = None
    """What the exchange says against the subscription, since `denied_ns`; it is asked again and again."""
    denied_ns: int | None = None

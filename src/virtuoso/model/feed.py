"""The seam between an exchange adapter and the market state: neither imports the other.

An adapter calls the sink of a symbol for every event, on the event loop, in the order received. A sink does no
I/O and does not raise on data. `received_ns` is the local wall clock at receipt (epoch ns).

Every event is accepted (`None`) or refused, with the reason as "field: what is wrong with it", one of a few texts so
that refusals can be counted by it. Nothing of a refused event is believed; a part of a list may be.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from virtuoso.model.feed_kind import FeedKind
from virtuoso.model.market import Bar, Levels, Liquidation, TickerUpdate, Trade

Refusal = str | None
"""Why an event was not believed, as "field: reason"; `None`: it was."""


class SymbolSink(Protocol):
    """Takes the events of one symbol as they come."""

    def book_snapshot(self, update_id: int, event_ms: int, received_ns: int, bids: Levels, asks: Levels) -> Refusal:
        """Replace the whole book. While the one that was offered is refused there is none."""
        ...

    def book_delta(self, update_id: int, event_ms: int, received_ns: int, bids: Levels, asks: Levels) -> Refusal:
        """Apply changed levels. Refused (gap, crossed, a bad time …), the book is invalid until the next snapshot."""
        ...

    def book_invalid(self) -> None:
        """Drop the book before anything is computed from it: the feed behind it is gone (disconnect, resync)."""
        ...

    def time(self, event_ms: int, received_ns: int) -> Refusal:
        """The time of a frame whose items have times of their own: why it cannot be. Nothing is kept of it."""
        ...

    def touch(self, event_ms: int, received_ns: int, bid: tuple[float, float], ask: tuple[float, float]) -> Refusal:
        """Best bid and ask as `(price, size)` from a level-1 feed."""
        ...

    def trades(self, received_ns: int, trades: Sequence[Trade]) -> Refusal:
        """Take public trades, oldest first."""
        ...

    def trades_fetched(self, received_ns: int, trades: Sequence[Trade]) -> Refusal:
        """Trades that were asked for, oldest first; those already held are left out."""
        ...

    def book_fetched(self, update_id: int, event_ms: int, received_ns: int, bids: Levels, asks: Levels) -> Refusal:
        """A whole book that was asked for: what happened since the last one is not known."""
        ...

    def ticker(self, event_ms: int, received_ns: int, update: TickerUpdate) -> Refusal:
        """Take a ticker snapshot or delta."""
        ...

    def bars(self, received_ns: int, bars: Sequence[Bar]) -> Refusal:
        """1m bars from the stream; only those with `confirmed` are final."""
        ...

    def liquidations(self, received_ns: int, liquidations: Sequence[Liquidation]) -> Refusal:
        """Take liquidations, oldest first."""
        ...


UNREADABLE = 3
"""So many frames refused in a row are no accident."""


class FeedStatus(msgspec.Struct, kw_only=True):
    """One topic's state, kept by the adapter and read by whoever judges freshness or serves the status.

    `received_ns`, `event_ms` and `messages` are of frames that were accepted: a refused one proves nothing. `alive_ns`
    is when the connection that carries the topic last proved itself alive (any accepted frame; the beacon re-pushes
    every 3 s), `None` while not connected or before the first. `lag_ms` is the last receive time less event time,
    corrected by the measured clock offset.
    """

    kind: FeedKind
    topic: str
    """What the exchange calls it."""
    symbol: str
    connected: bool = False
    acked: bool = False
    alive_ns: int | None = None
    received_ns: int | None = None
    event_ms: int | None = None
    lag_ms: float | None = None
    messages: int = 0
    rejected: int = 0
    """Frames that were refused."""
    refused_ns: int | None = None
    """When the last frame came that was refused."""
    refusal: str | None = None
    """Why it was, as "field: reason"."""
    refused_in_row: int = 0
    """Frames that were refused since the last one that was accepted."""
    refusals: Mapping[str, int] = msgspec.field(default_factory=dict)
    """How often frames were refused, by field and reason."""
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

    @property
    def unreadable(self) -> bool:
        """Whether it speaks and is not understood: so many frames refused in a row are no accident."""
        return self.refused_in_row >= UNREADABLE

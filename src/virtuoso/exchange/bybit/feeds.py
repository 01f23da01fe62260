"""One handler a topic: a frame decoded and passed to the symbol's sink. This is the hot path.

A handler's `take` is looked up by the frame's topic and called with the frame and its receive time; it keeps counts,
and no malformed frame gets past it. Only a frame that is accepted counts as one received.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any, Final

import msgspec
from msgspec import UNSET

from virtuoso.exchange.bybit import wire
from virtuoso.model.errors import MalformedMessage
from virtuoso.model.feed import FeedStatus, Refusal, SymbolSink
from virtuoso.model.feed_kind import FeedKind

BASE_BARS: Final = "kline.1."
"""What the topic of a symbol's bars of a minute begins with; the symbol follows."""
_MINUTE_MS = 60_000
_SECOND_MS, _SECOND_NS = 1_000, 1_000_000_000
_TICKER_FIELDS = {
    said: field.name for field in msgspec.structs.fields(wire.TickerItem) for said in (field.name, field.encode_name)
}
"""What a refusal may call a field: the gate by our name, the decoder by the exchange's."""
Resync = Callable[["Feed"], None]
_REASONS_KEPT, _OTHER = 40, "other"
OTHER_SYMBOL, NO_ROWS = "symbol: not that of the topic", "data: nothing in it"
OTHER_INTERVAL = "interval: not that of the topic"
NOT_TOLD, NO_PRICE = "lastPrice: missing in a snapshot", "lastPrice: not told yet"


class Feed(ABC):
    """What all topics share: identity, counts, and the slow path for frames the typed decoder refuses."""

    kind: FeedKind
    message: type[Any]

    def __init_subclass__(cls) -> None:
        """Give each kind its own copy of the hot path: the interpreter specialises code by the types it meets there."""
        take = Feed.take
        copy = FunctionType(take.__code__.replace(), take.__globals__, take.__name__)
        cls.take = copy  # type: ignore[method-assign]  # 5 % of the whole path from frame to state

    def __init__(self, topic: str, symbol: str, sink: SymbolSink) -> None:
        self.topic = topic
        self.symbol = symbol
        self.sink = sink
        self.asked_ns: int | None = None
        """When it was last subscribed to."""
        self.acked = False
        self.acked_ns: int | None = None
        self.denied: str | None = None
        """Why the exchange refuses the subscription, as long as it does."""
        self.denied_ns: int | None = None
        self.messages = 0
        self.resyncs = 0
        self.received_ns: int | None = None
        self.event_ms: int | None = None
        self.refused_ns: int | None = None
        self.refused_ms: int | None = None
        """What time the last one told that was refused and could be read: of the exchange's clock that is evidence."""
        self.refused_in_row = 0
        self.refusal: str | None = None
        self.rejected: Counter[str] = Counter()
        """Frames refused, by "field: reason"."""
        self.missing: Counter[str] = Counter()
        self.mute = False
        """Whether other topics prove that this one should have spoken; it has not since."""
        self._decode: Callable[[bytes], Any] = wire.decoder(self.message)
        self._timely_ms, self._timely_last_ms, self._timely_until_ns = 0, -1, 0

    def take(self, frame: bytes, received_ns: int) -> None:
        """Decode one frame and hand it to the sink; count it as accepted, or as refused with the reason."""
        try:
            message = self._decode(frame)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            if (message := self._decode_slowly(frame, received_ns)) is None:
                return
        refusal = self.deliver(message, received_ns)
        if refusal is None:
            self.messages += 1
            if self.refused_in_row and not self._makes_good(message):
                return
            self.received_ns = received_ns
            self.event_ms = message.ts
            self.refused_in_row = 0
        else:
            self.refused_ms = message.ts
            self._refuse(refusal, received_ns)

    def _decode_slowly(self, frame: bytes, received_ns: int) -> Any:
        try:
            return wire.decode_empty(frame, self.message, self.missing)
        except MalformedMessage as error:
            self._refuse(wire.refusal_of(error), received_ns)
            return None

    def _is_of_another(self, items: Sequence[wire.TradeItem] | Sequence[wire.LiquidationItem]) -> bool:
        symbol = self.symbol
        for item in items:  # noqa: SIM110 - any() costs three times as much for the few that there are
            if item.symbol != symbol and item.symbol is not None:
                return True
        return False

    def _untimely(self, event_ms: int, received_ns: int) -> Refusal:
        """Why the time of a frame cannot be, where the sink is not told it: judged once a second."""
        if received_ns < self._timely_until_ns and self._timely_ms <= event_ms <= self._timely_last_ms:
            return None
        refusal = self.sink.time(event_ms, received_ns)
        if refusal is None:
            self._timely_ms, self._timely_last_ms = event_ms, event_ms + _SECOND_MS - 1
            self._timely_until_ns = received_ns + _SECOND_NS
        return refusal

    def _makes_good(self, message: Any) -> bool:
        """Whether an accepted frame tells what the last refused one was refused for, so that nothing is owed."""
        return True

    def _owe(self) -> None:  # noqa: B027 - most topics tell all of it again with the next frame
        """A frame was refused: what it told is not known, and may not be told again for long."""

    def _refuse(self, refusal: str, received_ns: int) -> None:
        self.refused_ns, self.refusal = received_ns, refusal
        self.refused_in_row += 1
        self.rejected[refusal if len(self.rejected) < _REASONS_KEPT or refusal in self.rejected else _OTHER] += 1
        self._owe()

    def told_offset_ms(self, since_ns: int) -> float | None:
        """Exchange clock less local clock by the latest frame, believed or not; `None` if none came since (ms)."""
        if self.refused_ms is not None and (self.refused_ns or 0) >= max(since_ns, self.received_ns or 0):
            return self.refused_ms - (self.refused_ns or 0) / 1e6
        if self.event_ms is None or self.received_ns is None or self.received_ns < since_ns:
            return None
        return self.event_ms - self.received_ns / 1e6

    @abstractmethod
    def deliver(self, message: Any, received_ns: int) -> Refusal:
        """Hand the decoded message to the sink; returns why it was refused."""

    def status(self, connected: bool, alive_ns: int | None, clock_offset_ms: float) -> FeedStatus:
        """The topic's state. `clock_offset_ms` is exchange clock less local clock."""
        lag_ms = None
        if self.received_ns is not None and self.event_ms is not None:
            lag_ms = self.received_ns / 1e6 + clock_offset_ms - self.event_ms
        return FeedStatus(
            kind=self.kind,
            topic=self.topic,
            symbol=self.symbol,
            connected=connected,
            acked=self.acked,
            alive_ns=alive_ns,
            received_ns=self.received_ns,
            event_ms=self.event_ms,
            lag_ms=lag_ms,
            messages=self.messages,
            rejected=self.rejected.total(),
            refused_ns=self.refused_ns,
            refusal=self.refusal,
            refused_in_row=self.refused_in_row,
            refusals=dict(self.rejected),
            mute=self.mute,
            resyncs=self.resyncs,
            denied=self.denied,
            denied_ns=self.denied_ns,
        )


class BookFeed(Feed):
    """`orderbook.N`: a snapshot replaces (also one with `u` = 1), a delta must follow."""

    kind = FeedKind.BOOK
    message = wire.BookMessage

    def __init__(self, topic: str, symbol: str, sink: SymbolSink, resync: Resync) -> None:
        super().__init__(topic, symbol, sink)
        self._resync = resync
        self._delta = sink.book_delta
        self._waiting = True
        """Whether a snapshot is due: it was subscribed to, or asked for anew."""

    def deliver(self, message: wire.BookMessage, received_ns: int) -> Refusal:
        """Apply to the book; ask for another snapshot when it is no longer right."""
        data = message.data
        if data.s != self.symbol and data.s is not None:
            return OTHER_SYMBOL
        if message.type == "delta" and data.u != 1:
            refusal = self._delta(data.u, message.ts, received_ns, data.b, data.a)
            if refusal is not None and not self._waiting:
                self._ask()
            return refusal
        refusal = self.sink.book_snapshot(data.u, message.ts, received_ns, data.b, data.a)
        self._waiting = False
        if refusal is not None:
            self._ask()
        return refusal

    def _ask(self) -> None:
        self._waiting = True
        self.resyncs += 1
        self._resync(self)


class TouchFeed(Feed):
    """`orderbook.1`: always a snapshot, pushed again after 3 s without change; the connection's beacon."""

    kind = FeedKind.BOOK
    message = wire.BookMessage

    def deliver(self, message: wire.BookMessage, received_ns: int) -> Refusal:
        """Pass the best levels on, if both sides are there."""
        data = message.data
        if data.s != self.symbol and data.s is not None:
            return OTHER_SYMBOL
        if data.b and data.a:
            return self.sink.touch(message.ts, received_ns, data.b[0], data.a[0])
        return None


class TradeFeed(Feed):
    """`publicTrade`: oldest first, side of the taker."""

    kind = FeedKind.TRADE
    message = wire.TradeMessage

    def deliver(self, message: wire.TradeMessage, received_ns: int) -> Refusal:
        """Pass the trades on; a frame of none tells nothing."""
        if not message.data:
            return NO_ROWS
        if self._is_of_another(message.data):
            return OTHER_SYMBOL
        if (refusal := self._untimely(message.ts, received_ns)) is not None:
            return refusal
        return self.sink.trades(received_ns, message.data)


class TickerFeed(Feed):
    """`tickers`: a snapshot, then deltas of what changed. What it tells proves when others must speak too.

    Attributes:
        traded_ns, touched_ns: when it last proved a trade, and a move of the touch (receive time, epoch ns).
        traded_ms, touched_ms: the exchange's times of the same (epoch ms).
    """

    kind = FeedKind.TICKER
    message = wire.TickerMessage

    def __init__(self, topic: str, symbol: str, sink: SymbolSink, resync: Resync) -> None:
        super().__init__(topic, symbol, sink)
        self._resync = resync
        self._wanted_ns = 0
        """When its snapshot was last asked to be asked for (epoch ns)."""
        self.traded_ns: int | None = None
        self.touched_ns: int | None = None
        self.traded_ms = self.touched_ms = 0
        self._known: tuple[object, object, object] = (None, None, None)
        self._begun = False
        """Whether the latest snapshot, or a delta since, told a price."""

    def deliver(self, message: wire.TickerMessage, received_ns: int) -> Refusal:
        """Pass the update on, once a price was told."""
        data = message.data
        if data.symbol != self.symbol and data.symbol is not None:
            return OTHER_SYMBOL
        if not self._begun or message.type == "snapshot":
            self._begun = data.last is not UNSET and data.last is not None
            if not self._begun:
                return NOT_TOLD if message.type == "snapshot" else NO_PRICE
        if (refusal := self.sink.ticker(message.ts, received_ns, data)) is not None:
            return refusal
        last, bid, ask = self._known
        now = (
            last if data.last is UNSET else data.last,
            bid if data.bid is UNSET else data.bid,
            ask if data.ask is UNSET else data.ask,
        )
        if now != self._known:
            if (self.received_ns or 0) < (self.asked_ns or 0):  # what changed meanwhile, others may have told before
                last = bid = None
            # A value that is left empty is unknown, not another: it proves nothing.
            if last is not None and now[0] is not None and now[0] != last:
                self.traded_ns, self.traded_ms = received_ns, message.ts
            if bid is not None and None not in now[1:] and now[1:] != (bid, ask):
                self.touched_ns, self.touched_ms = received_ns, message.ts
            self._known = now
        return None

    def _owe(self) -> None:
        """A ticker tells again only what changes: its snapshot is asked for, unless it is about to be."""
        if self._wanted_ns <= (self.asked_ns or 0):
            self._wanted_ns = self.refused_ns or 0
            self.resyncs += 1
            self._resync(self)

    def _makes_good(self, message: wire.TickerMessage) -> bool:
        """A delta that does not mention the field leaves it as untrue as it was; what cannot be read told the price."""
        name = _TICKER_FIELDS.get((self.refusal or "").partition(":")[0], "last")
        return getattr(message.data, name) is not UNSET


class BarFeed(Feed):
    """`kline.1`: the forming bar again and again, then once with `confirm`."""

    kind = FeedKind.BAR
    message = wire.BarMessage

    def deliver(self, message: wire.BarMessage, received_ns: int) -> Refusal:
        """Pass the bars on; one that is confirmed before its minute is over is not over, and not believed."""
        if not message.data:
            return NO_ROWS
        for bar in message.data:
            if bar.interval != "1" and bar.interval is not None:
                return OTHER_INTERVAL
        if (refusal := self._untimely(message.ts, received_ns)) is not None:
            return refusal
        last = message.data[-1]
        if last.confirmed and message.ts < last.open_ms + _MINUTE_MS:
            return "confirm: before its minute was over"
        return self.sink.bars(received_ns, message.data)


class LiquidationFeed(Feed):
    """`allLiquidation`: a list; the side is the position's."""

    kind = FeedKind.LIQUIDATION
    message = wire.LiquidationMessage

    def deliver(self, message: wire.LiquidationMessage, received_ns: int) -> Refusal:
        """Check the message and pass its liquidations to the sink."""
        if self._is_of_another(message.data):
            return OTHER_SYMBOL
        if (refusal := self._untimely(message.ts, received_ns)) is not None:
            return refusal
        return self.sink.liquidations(received_ns, message.data)


def feeds_for(
    symbol: str, sink: SymbolSink, category: str, depth: int, resync: Resync, *, detailed: bool = True
) -> list[Feed]:
    """The topics watched for one symbol; without detail, tickers and bars."""
    feeds: list[Feed] = [
        TickerFeed(f"tickers.{symbol}", symbol, sink, resync),
        BarFeed(f"{BASE_BARS}{symbol}", symbol, sink),
    ]
    if detailed:
        feeds = [
            BookFeed(f"orderbook.{depth}.{symbol}", symbol, sink, resync),
            TradeFeed(f"publicTrade.{symbol}", symbol, sink),
            *feeds,
        ]
        if category == "linear":
            feeds.append(LiquidationFeed(f"allLiquidation.{symbol}", symbol, sink))
    return feeds


def topic_of(frame: bytes) -> bytes | None:
    """The topic of a frame, from its first bytes where it comes first; `None` for a reply or what is not JSON.

    A topic may be written with escapes: it is told by its text.
    """
    if frame.startswith(b'{"topic":"') and b"\\" not in (topic_bytes := frame[10 : frame.find(b'"', 10)]):
        return topic_bytes
    try:
        topic = msgspec.json.decode(frame, type=wire.Topic).topic
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return None if topic is None else topic.encode()

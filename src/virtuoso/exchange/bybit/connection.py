"""One supervised WebSocket: connect, subscribe, watch for silence, reconnect."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import numpy as np
import structlog
from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from virtuoso.exchange.bybit.feeds import Feed, topic_of
from virtuoso.exchange.bybit.wire import Reply
from virtuoso.exchange.protocol import StreamEvent, Tap
from virtuoso.exchange.supervise import Backoff
from virtuoso.model.clock import Clock

_CONNECT_TIMEOUT_S = 5.0
_CHECK_S = 0.25
_MUTE_AFTER_S = 8.0
"""More than two re-pushes (3 s) of the beacon: silence is the feed's, not the market's."""
_ACK_TIMEOUT_S = 10.0
_REQUEST_CHARS = 2_000
_SPOT_ARGS = 10
_RESYNC_FIRST_S, _RESYNC_CAP_S, _RESYNC_CALM_S = 0.05, 10.0, 60.0
_TEXT = WSMsgType.TEXT

log = structlog.get_logger(__name__)


class _Listener(WSListener):
    def __init__(self, owner: "Connection") -> None:
        self._owner = owner
        self._handlers = owner.handlers
        self._now_ns = owner.clock.now_ns

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        data = frame.get_payload_as_bytes()
        take = self._handlers.get(data[10 : data.find(b'"', 10)])
        if take is not None:  # only a text frame has a topic: its type need not be asked for
            take(data, self._now_ns())
        elif frame.msg_type is _TEXT:
            self._owner.unusual(data)
        elif frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()


class _TappedListener(_Listener):
    """Shows every frame to the tap first; without a tap the hot path knows nothing of it."""

    def __init__(self, owner: "Connection", tap: Tap) -> None:
        super().__init__(owner)
        self._tap = tap

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is _TEXT:
            self._tap.frame(self._owner.number, self._now_ns(), frame.get_payload_as_bytes())
        super().on_ws_frame(transport, frame)


class Connection:
    """Carries some topics and a beacon. All state is touched on the event loop only."""

    def __init__(
        self,
        *,
        number: int,
        url: str,
        spot: bool,
        ping_interval_s: float,
        clock: Clock,
        rng: np.random.Generator,
        on_event: Callable[[StreamEvent], None],
        on_origin: Callable[[str | None], None],
        tap: Tap | None = None,
    ) -> None:
        self.number = number
        self.clock = clock
        self.feeds_by_topic: dict[bytes, Feed] = {}
        self.handlers: dict[bytes, Callable[[bytes, int], None]] = {}
        self.beacon: Feed | None = None
        self.connected = False
        self.unknown_frames = 0
        self._url = url
        self._spot = spot
        self._ping_interval_s = ping_interval_s
        self._rng = rng
        self._on_event = on_event
        self._on_origin = on_origin
        self._tap = tap
        self._backoff = Backoff(rng)
        self._transport: WSTransport | None = None
        self._requests = 0
        self._pending: dict[str, tuple[list[str], float]] = {}
        self._resync_at: dict[str, float] = {}
        self._resync_backoff: dict[str, Backoff] = {}
        self._resynced_s: dict[str, float] = {}
        self._announced = False

    @property
    def alive_ns(self) -> int | None:
        """When the last frame of data came, on any topic (epoch ns)."""
        return max((ns for feed in self.feeds_by_topic.values() if (ns := feed.received_ns) is not None), default=None)

    @property
    def chars(self) -> int:
        """Characters of the topics carried, as the exchange counts them."""
        return sum(len(topic) + 3 for topic in self.feeds_by_topic)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols whose topics it carries."""
        return tuple(dict.fromkeys(feed.symbol for feed in self.feeds_by_topic.values()))

    def add(self, feeds: Sequence[Feed]) -> None:
        """Carry these topics too, subscribing at once if connected."""
        for feed in feeds:
            self.feeds_by_topic[feed.topic.encode()] = feed
            self.handlers[feed.topic.encode()] = feed.take
        if self.connected:
            self._subscribe([feed.topic for feed in feeds])

    def remove(self, symbol: str) -> None:
        """Stop carrying a symbol's topics."""
        gone = [feed for feed in self.feeds_by_topic.values() if feed.symbol == symbol and feed is not self.beacon]
        for feed in gone:
            self._drop(feed.topic)
            self._resync_at.pop(feed.topic, None)
            self._resync_backoff.pop(feed.topic, None)
            self._resynced_s.pop(feed.topic, None)
        if self.connected and gone:
            self._request("unsubscribe", [feed.topic for feed in gone])

    def _drop(self, topic: str) -> Feed | None:
        self.handlers.pop(topic.encode(), None)
        return self.feeds_by_topic.pop(topic.encode(), None)

    def resync(self, feed: Feed) -> None:
        """Ask for a new snapshot of a topic, soon but not in a storm."""
        now_s = self._now_s()
        backoff = self._resync_backoff.setdefault(feed.topic, Backoff(self._rng, _RESYNC_FIRST_S, _RESYNC_CAP_S))
        if now_s - self._resynced_s.get(feed.topic, now_s) > _RESYNC_CALM_S:
            backoff.reset()
        self._resynced_s[feed.topic] = now_s
        self._resync_at[feed.topic] = now_s + backoff.next_s()
        self._report("resync", f"{feed.topic}: sequence broken or book crossed", symbols=(feed.symbol,))

    async def run(self) -> None:
        """Connect and reconnect until cancelled."""
        last_alive_ns: int | None = None
        try:
            while True:
                try:
                    transport, _ = await ws_connect(
                        self._listener, self._url, websocket_handshake_timeout=_CONNECT_TIMEOUT_S,
                        disconnect_on_exception=False,
                    )  # fmt: skip
                except (OSError, WSError, TimeoutError) as error:
                    wait_s, said = self._backoff.next_s(), str(error) or type(error).__name__
                    log.warning("cannot connect", url=self._url, error=said, wait_s=round(wait_s, 2))
                    self._report("disconnected", f"cannot connect: {said}", symbols=self.symbols)
                    await asyncio.sleep(wait_s)
                    continue
                try:
                    reason = await self._serve(transport, last_alive_ns)
                finally:
                    transport.disconnect()
                    last_alive_ns = self._lost() or last_alive_ns
                if self._tap is not None:
                    self._tap.closed(self.number, self.clock.now_ns(), reason)
                self._report("disconnected", reason, symbols=self.symbols)
                await asyncio.sleep(self._backoff.next_s())
        finally:
            self._transport = None

    def _listener(self) -> _Listener:
        return _Listener(self) if self._tap is None else _TappedListener(self, self._tap)

    async def _serve(self, transport: WSTransport, last_alive_ns: int | None) -> str:
        """Subscribe and supervise one connection until it ends; returns why it did."""
        self._transport = transport
        self.connected = True
        if self._tap is not None:
            self._tap.opened(self.number, self.clock.now_ns(), self._url)
        self._announced = False
        alive_s = last_ping_s = self._now_s()
        alive_ns = self.alive_ns
        self._subscribe([feed.topic for feed in self.feeds_by_topic.values()])
        closed = asyncio.ensure_future(transport.wait_disconnected())
        try:
            while not closed.done():
                await asyncio.wait({closed}, timeout=_CHECK_S)
                now_s = self._now_s()
                if (latest_ns := self.alive_ns) != alive_ns:  # silence is measured by the clock that cannot be stepped
                    alive_s, alive_ns = now_s, latest_ns
                if self.feeds_by_topic and now_s - alive_s > _MUTE_AFTER_S:
                    self._report("mute", f"connected, but no data for {now_s - alive_s:.1f} s", symbols=self.symbols)
                    return "mute"
                if any(now_s > deadline for _, deadline in self._pending.values()):
                    return f"a subscription was not acknowledged within {_ACK_TIMEOUT_S:g} s"
                if now_s - last_ping_s >= self._ping_interval_s:
                    last_ping_s = now_s
                    self._send({"op": "ping", "req_id": "ping"})
                self._resync_due(now_s)
                if not self._announced and not self._pending:
                    self._announced = True
                    self._backoff.reset()
                    gap_ms = None if last_alive_ns is None else last_alive_ns // 1_000_000
                    self._report("connected", "subscribed", symbols=self.symbols, gap_from_ms=gap_ms)
        finally:
            closed.cancel()
            with suppress(asyncio.CancelledError, OSError, WSError):
                await closed
        return "closed by the exchange"

    def unusual(self, data: bytes) -> None:
        """A frame whose topic does not come first, a reply, or noise."""
        topic = topic_of(data)
        if topic is not None:
            feed = self.feeds_by_topic.get(topic)
            if feed is None:
                self.unknown_frames += 1
                return
            feed.take(data, self.clock.now_ns())
            return
        try:
            reply = msgspec.json.decode(data, type=Reply)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self.unknown_frames += 1
            return
        if reply.op == "subscribe":
            self._acknowledged(reply)

    def _acknowledged(self, reply: Reply) -> None:
        topics, _ = self._pending.pop(str(reply.req_id), ([], 0.0))
        if reply.success:
            self._on_origin(reply.virtuoso_source)
            for topic in topics:
                if feed := self.feeds_by_topic.get(topic.encode()):
                    feed.acked = True
                    feed.acked_ns = self.clock.now_ns()
            return
        named = [topic for topic in topics if reply.ret_msg.endswith(f"topic:{topic}")]
        rejected = named or (topics if len(topics) == 1 else [])
        for topic in rejected:
            if feed := self._drop(topic):
                self._report("topic_rejected", f"{topic}: {reply.ret_msg}", symbols=(feed.symbol,))
        rest = [topic for topic in topics if topic not in rejected]
        # One bad topic spoils its whole request: ask again without it, or for each alone to find it.
        for batch in [rest] if named else [[topic] for topic in rest]:
            self._subscribe(batch)

    def _subscribe(self, topics: Sequence[str]) -> None:
        batch: list[str] = []
        for topic in topics:
            full = sum(map(len, batch)) + len(topic) > _REQUEST_CHARS or (self._spot and len(batch) == _SPOT_ARGS)
            if batch and full:
                self._request("subscribe", batch)
                batch = []
            batch.append(topic)
        if batch:
            self._request("subscribe", batch)

    def _request(self, op: str, topics: list[str]) -> None:
        self._requests += 1
        req_id = f"{self.number}-{self._requests}"
        if op == "subscribe":
            self._pending[req_id] = (topics, self._now_s() + _ACK_TIMEOUT_S)
        self._send({"req_id": req_id, "op": op, "args": topics})

    def _resync_due(self, now_s: float) -> None:
        for topic in [topic for topic, at_s in self._resync_at.items() if at_s <= now_s]:
            del self._resync_at[topic]
            if topic.encode() in self.feeds_by_topic:
                self.resubscribe(topic)

    def resubscribe(self, topic: str) -> None:
        """Ask for a topic anew."""
        if self.connected:
            self._request("unsubscribe", [topic])
            self._request("subscribe", [topic])

    def release(self, feed: Feed) -> None:
        """Give a topic up to another connection."""
        self._drop(feed.topic)
        if self.connected:
            self._request("unsubscribe", [feed.topic])
        feed.acked = False

    def _lost(self) -> int | None:
        """Note the loss: what hung on this connection may not be computed from. Returns when it last lived."""
        self.connected = False
        self._transport = None
        self._pending.clear()
        self._resync_at.clear()
        for feed in self.feeds_by_topic.values():
            feed.acked = feed.mute = False
            if feed is not self.beacon:
                feed.sink.book_invalid()
        return self.alive_ns

    def _send(self, message: dict[str, Any]) -> None:
        if self._transport is None:
            return
        payload = msgspec.json.encode(message)
        self._transport.send(_TEXT, payload)
        if self._tap is not None:
            self._tap.sent(self.number, self.clock.now_ns(), payload)

    def _report(self, kind: str, reason: str, symbols: tuple[str, ...] = (), gap_from_ms: int | None = None) -> None:
        self._on_event(
            StreamEvent(
                kind=kind, reason=reason, connection=self.number, symbols=symbols,
                gap_from_ms=gap_from_ms,
            )
        )  # fmt: skip

    def _now_s(self) -> float:
        return self.clock.monotonic_ns() / 1e9

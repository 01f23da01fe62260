"""One supervised WebSocket: connect, subscribe, watch for silence, reconnect."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import structlog
from picows import WSError, WSMsgType, WSTransport, ws_connect

from virtuoso.exchange.bybit.feeds import Feed, TickerFeed, topic_of
from virtuoso.exchange.bybit.listener import MOST_BYTES, Listener, TappedListener
from virtuoso.exchange.bybit.probe import Probe
from virtuoso.exchange.bybit.resync import Resyncs
from virtuoso.exchange.bybit.subscriptions import Subscriptions
from virtuoso.exchange.bybit.wire import Reply
from virtuoso.exchange.protocol import StreamEvent, Tap
from virtuoso.exchange.supervise import Backoff
from virtuoso.model.clock import Clock
from virtuoso.model.text.failures import why_unreached

_CONNECT_TIMEOUT_S = 5.0
_CHECK_S = 0.25
_SAID_CHARS = 200
MUTE_AFTER_S = 8.0
"""More than two re-pushes (3 s) of the beacon: silence is the feed's, not the market's."""

log = structlog.get_logger(__name__)


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
        mute_after_s: float = MUTE_AFTER_S,
        on_taken: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.number = number
        self.clock = clock
        self.feeds_by_topic: dict[bytes, Feed] = {}
        self.handlers: dict[bytes, Callable[[bytes, int], None]] = {}
        self.beacon: Feed | None = None
        self.connected = False
        self.strange: Counter[str] = Counter()
        """Frames that no topic took and that are no reply, by what they were."""
        self._url = url
        self._ping_interval_s = ping_interval_s
        self._mute_after_s = mute_after_s
        self._on_event = on_event
        self._on_origin = on_origin
        self._tap = tap
        self._backoff = Backoff(rng)
        self._transport: WSTransport | None = None
        self._subscriptions = Subscriptions(
            number=number, spot=spot, clock=clock, rng=rng, feeds=self.feeds_by_topic, send=self._send,
            on_denied=self._denied,
        )  # fmt: skip
        self._resyncs = Resyncs(rng)
        self._probe = Probe(self.feeds_by_topic, self.handlers, clock, on_taken)

    @property
    def alive_ns(self) -> int | None:
        """When the last frame of data was accepted, on any topic (epoch ns)."""
        return max((ns for feed in self.feeds_by_topic.values() if (ns := feed.received_ns) is not None), default=None)

    @property
    def unknown_frames(self) -> int:
        """Frames that no topic took and that are no reply."""
        return self.strange.total()

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
            self._subscriptions.ask([feed.topic for feed in feeds])

    def remove(self, symbol: str) -> None:
        """Stop carrying a symbol's topics."""
        gone = [feed for feed in self.feeds_by_topic.values() if feed.symbol == symbol and feed is not self.beacon]
        for feed in gone:
            self._drop(feed)
        if self.connected and gone:
            self._subscriptions.leave([feed.topic for feed in gone])

    def release(self, feed: Feed) -> None:
        """Give a topic up to another connection."""
        self._drop(feed)
        if self.connected:
            self._subscriptions.leave([feed.topic])
        feed.acked = False

    def _drop(self, feed: Feed) -> None:
        self.handlers.pop(feed.topic.encode(), None)
        self.feeds_by_topic.pop(feed.topic.encode(), None)
        self._subscriptions.forget(feed.topic)
        self._resyncs.forget(feed.topic)

    def announce(self) -> None:
        """Let the exchange say again what it is, as it does with each acknowledgement: the beacon is asked for anew."""
        if self.beacon is not None:
            self.resubscribe([self.beacon.topic])

    def resync(self, feed: Feed) -> None:
        """Ask for a new snapshot of a topic, soon but not in a storm."""
        self._resyncs.plan(feed.topic, self._now_s())
        said = feed.refusal if isinstance(feed, TickerFeed) else "sequence broken or book crossed"
        self._report("resync", f"{feed.topic}: {said}", symbols=(feed.symbol,))

    def resubscribe(self, topics: Sequence[str]) -> None:
        """Unsubscribe from topics and subscribe again, so that their snapshots come."""
        carried = [topic for topic in topics if topic.encode() in self.feeds_by_topic]
        if self.connected and carried:
            self._subscriptions.leave(carried)
            self._subscriptions.ask(carried)

    async def run(self) -> None:
        """Connect and reconnect until cancelled."""
        last_alive_ns: int | None = None
        while True:
            try:
                transport, _ = await ws_connect(
                    self._listener, self._url, websocket_handshake_timeout=_CONNECT_TIMEOUT_S,
                    disconnect_on_exception=False, max_frame_size=MOST_BYTES, max_redirects=0,
                )  # fmt: skip
            except (OSError, WSError, TimeoutError, RuntimeError, ValueError) as error:  # the last two: odd headers
                wait_s, said = self._backoff.next_s(), why_unreached(error)[:_SAID_CHARS]
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

    def _listener(self) -> Listener:
        return Listener(self) if self._tap is None else TappedListener(self, self._tap)

    async def _serve(self, transport: WSTransport, last_alive_ns: int | None) -> str:
        """Subscribe and supervise one connection until it ends; returns why it did.

        It counts as connected, and the back-off begins anew, when data that can be read came on it.
        """
        self._transport = transport
        self.connected = True
        if self._tap is not None:
            self._tap.opened(self.number, self.clock.now_ns(), self._url)
        announced = heard = False
        alive_s = last_ping_s = self._now_s()
        alive_ns, unreadable = self.alive_ns, self._unreadable()
        self._subscriptions.begin()
        closed = asyncio.ensure_future(transport.wait_disconnected())
        try:
            while not closed.done():
                await asyncio.wait({closed}, timeout=_CHECK_S)
                self._probe.arm()
                now_s = self._now_s()
                latest_ns = self.alive_ns
                if (latest_ns or 0) > (alive_ns or 0):  # silence is measured by the clock that cannot be stepped
                    alive_s, unreadable, heard = now_s, self._unreadable(), True
                alive_ns = latest_ns
                if heard and not announced and self._delivers:
                    announced = True
                    self._backoff.reset()
                    gap_ms = None if last_alive_ns is None else last_alive_ns // 1_000_000
                    self._report("connected", "subscribed", symbols=self.symbols, gap_from_ms=gap_ms)
                if self.feeds_by_topic and now_s - alive_s > self._mute_after_s:
                    said = self._silence(now_s - alive_s, self._unreadable() - unreadable)
                    self._report("mute", said, symbols=self.symbols)
                    return "mute"
                if now_s - last_ping_s >= self._ping_interval_s:
                    last_ping_s = now_s
                    self._send({"op": "ping", "req_id": "ping"})
                self._subscriptions.check()
                self.resubscribe(self._resyncs.due(now_s))
        finally:
            closed.cancel()
            await asyncio.wait({closed})  # it is not awaited itself: a cancellation that comes meanwhile is ours
            if not closed.cancelled():
                closed.exception()  # why it was closed is told where it matters
        return "closed by the exchange"

    @property
    def _delivers(self) -> bool:
        """Whether everything asked for was answered, and something of it was granted."""
        return self._subscriptions.settled and any(feed.acked for feed in self.feeds_by_topic.values())

    def _unreadable(self) -> Counter[str]:
        """Frames so far that could not be read, by what was wrong with them."""
        return sum((feed.rejected for feed in self.feeds_by_topic.values() if feed.rejected), self.strange.copy())

    def _silence(self, silent_s: float, unreadable: Counter[str]) -> str:
        """What to say of a connection without data: silent, refused, or not to be understood."""
        said = f"connected, but no data for {silent_s:.1f} s"
        denied = [feed for feed in self.feeds_by_topic.values() if feed.denied]
        if unreadable:
            (reason, count), total = unreadable.most_common(1)[0], unreadable.total()
            said += f"; all {total} frames could not be read, {count} of them: {reason}"
        if denied:
            said += f"; {len(denied)} of {len(self.feeds_by_topic)} topics are refused: {denied[0].denied}"
        return said

    def unusual(self, data: bytes) -> None:
        """Take a message whose topic does not come first or is not carried, a reply, or noise."""
        topic = topic_of(data)
        if topic is not None:
            feed = self.feeds_by_topic.get(topic)
            if feed is None:
                self.strange["of no topic asked for"] += 1
            else:
                feed.take(data, self.clock.now_ns())
            return
        try:
            reply = msgspec.json.decode(data, type=Reply)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self.strange["neither data nor an answer"] += 1
            return
        if reply.op in {"subscribe", ""}:
            if not self._subscriptions.take(reply):
                self.strange["an answer to nothing that was asked"] += 1
            elif reply.success:
                self._on_origin(reply.virtuoso_source)

    def _denied(self, feed: Feed, said: str) -> None:
        self._report("topic_rejected", f"{feed.topic}: {said}", symbols=(feed.symbol,))

    def _lost(self) -> int | None:
        """Note the loss: what hung on this connection may not be computed from. Returns when it last lived."""
        self.connected = False
        self._transport = None
        self._subscriptions.end()
        self._resyncs.clear()
        for feed in self.feeds_by_topic.values():
            feed.acked = feed.mute = False
            if feed is not self.beacon:
                feed.sink.book_invalid()
        return self.alive_ns

    def _send(self, message: dict[str, Any]) -> None:
        if self._transport is None:
            return
        payload = msgspec.json.encode(message)
        self._transport.send(WSMsgType.TEXT, payload)
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

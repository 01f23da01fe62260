"""The pushed half: topics sharded over supervised connections."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from virtuoso.exchange.bybit.connection import MUTE_AFTER_S, Connection
from virtuoso.exchange.bybit.feeds import Feed, TouchFeed, feeds_for
from virtuoso.exchange.bybit.liveness import Liveness
from virtuoso.exchange.bybit.told import ToldClock
from virtuoso.exchange.protocol import StreamEvent, Tap
from virtuoso.model.clock import Clock
from virtuoso.model.feed import FeedStatus, SymbolSink
from virtuoso.model.feed_kind import FeedKind
from virtuoso.model.market import TickerUpdate

_CONNECTION_CHARS = 20_000
"""Room for topics on one connection; Bybit allows 21,000 characters of args."""
_LOOK_S = 0.5
_ANNOUNCE_AGAIN_NS = 60_000_000_000
"""How often the streams are asked what they are, while that is in doubt."""
_STEPS, _RETRY_EVERY = 2, 10
"""Steps of the ladder before polling; from then on a topic is asked for anew at every tenth finding."""


class BybitStream:
    """Implements `exchange.protocol.Stream`. The first symbol watched is taken for the most liquid: the beacon."""

    def __init__(
        self,
        *,
        url: str,
        category: str,
        depth: int,
        ping_interval_s: float,
        clock: Clock,
        rng: np.random.Generator,
        clock_offset_ms: Callable[[], float | None],
        on_event: Callable[[StreamEvent], None],
        on_origin: Callable[[str | None], None],
        tap: Tap | None = None,
        mute_after_s: float = MUTE_AFTER_S,
        is_doubted: Callable[[], bool] = lambda: False,
        on_taken: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`is_doubted` says whether the acknowledgements so far leave it open what the exchange is."""
        self._on_taken = on_taken
        self._url = url
        self._is_doubted = is_doubted
        self._announced_ns = 0
        self._mute_after_s = mute_after_s
        self._category = category
        self._depth = depth
        self._ping_interval_s = ping_interval_s
        self._clock = clock
        self._rng = rng
        self._clock_offset_ms = clock_offset_ms
        self._on_event = on_event
        self._on_origin = on_origin
        self._tap = tap
        self._connections: list[Connection] = []
        self._of_symbol: dict[str, Connection] = {}
        self._detailed: dict[str, bool] = {}
        self._liveness: dict[str, Liveness] = {}
        self._spare: Connection | None = None
        self._told = ToldClock(lambda: (f for c in self._connections for f in c.feeds_by_topic.values()), clock)
        self._running: asyncio.TaskGroup | None = None

    def watch(self, sinks: Mapping[str, SymbolSink], detailed: Collection[str] | None = None) -> None:
        """Set the whole set of symbols wanted, most liquid first; those not in `detailed` without book and trades."""
        wanted = {symbol: detailed is None or symbol in detailed for symbol in sinks}
        for symbol in [symbol for symbol, kept in self._detailed.items() if wanted.get(symbol) != kept]:
            del self._of_symbol[symbol], self._liveness[symbol], self._detailed[symbol]
            for connection in self._connections:
                connection.remove(symbol)
            if symbol in sinks:
                sinks[symbol].book_invalid()
        for symbol, sink in sinks.items():
            if symbol not in self._detailed:
                self._detailed[symbol] = wanted[symbol]
                self._add(symbol, sink)

    async def run(self) -> None:
        """Connect, supervise and reconnect until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._running = group
            try:
                for connection in self._connections:
                    self._start(connection)
                while True:  # until cancelled: connections come and go in the group
                    await asyncio.sleep(_LOOK_S)
                    self._supervise()
            finally:
                self._running = None

    def feeds(self, kind: FeedKind | None = None) -> Sequence[FeedStatus]:
        """State of every topic, or of those of one kind.

        The life of its connection proves nothing of one that owes a frame or is not understood.
        """
        offset_ms = self._clock_offset_ms() or 0.0
        alive = [
            (connection, connection.alive_ns if connection.connected else None) for connection in self._connections
        ]
        return [
            feed.status(
                connection.connected, alive_ns if self._liveness[feed.symbol].vouches(feed) else None, offset_ms
            )
            for connection, alive_ns in alive
            for feed in connection.feeds_by_topic.values()
            if feed is not connection.beacon and kind in (None, feed.kind)
        ]

    def listed(self, tickers: Mapping[str, TickerUpdate], asked_ns: int) -> None:
        """Take a list of all tickers that was asked for at `asked_ns`: what moved in it must have moved here."""
        for symbol, liveness in self._liveness.items():
            if (item := tickers.get(symbol)) is not None:
                liveness.listed(item, asked_ns)

    def told_offset_ms(self) -> float | None:
        """Exchange clock less local clock as the latest frames tell it: the median of all topics heard of late (ms)."""
        return self._told.offset_ms()

    def agreed_offset_ms(self) -> float | None:
        """The same as most of the topics told it that spoke in the last seconds."""
        return self._told.agreed_ms()

    @property
    def unknown_frames(self) -> int:
        """Frames that no topic took and that are no reply."""
        return sum(connection.unknown_frames for connection in self._connections)

    @property
    def missing(self) -> Counter[str]:
        """How often frames left a field empty, by its name on the wire."""
        return sum(
            (f.missing for c in self._connections for f in c.feeds_by_topic.values() if f.missing), Counter[str]()
        )

    def _add(self, symbol: str, sink: SymbolSink) -> None:
        feeds = feeds_for(symbol, sink, self._category, self._depth, self._resync, detailed=self._detailed[symbol])
        chars = sum(len(feed.topic) + 3 for feed in feeds)
        connection = next((c for c in self._connections if c.chars + chars <= _CONNECTION_CHARS), None)
        if connection is None:
            connection = self._open(symbol, sink)
        self._of_symbol[symbol] = connection
        self._liveness[symbol] = Liveness(feeds)
        connection.add(feeds)

    def _open(self, symbol: str, sink: SymbolSink) -> Connection:
        connection = Connection(
            number=len(self._connections),
            url=f"{self._url}/{self._category}",
            spot=self._category == "spot",
            ping_interval_s=self._ping_interval_s,
            clock=self._clock,
            rng=self._rng,
            on_event=self._on_event,
            on_origin=self._on_origin,
            tap=self._tap,
            mute_after_s=self._mute_after_s,
            on_taken=self._on_taken,
        )
        liquid = self._connections[0].beacon if self._connections else None
        beacon: Feed = TouchFeed(
            f"orderbook.1.{liquid.symbol if liquid else symbol}", liquid.symbol if liquid else symbol,
            liquid.sink if liquid else sink,
        )  # fmt: skip
        connection.beacon = beacon
        connection.add([beacon])
        self._connections.append(connection)
        if self._running is not None:
            self._start(connection)
        return connection

    def _start(self, connection: Connection) -> None:
        if self._running is not None:
            self._running.create_task(connection.run(), name=f"connection {connection.number}")

    def _supervise(self) -> None:
        """A mute topic is asked for anew, then on a connection of its own; after that it is left to polling."""
        now_ns = self._clock.now_ns()
        if self._is_doubted() and now_ns - self._announced_ns >= _ANNOUNCE_AGAIN_NS:
            self._announced_ns = now_ns
            for connection in self._connections:  # it says what it is when a topic is granted
                connection.announce()
        for liveness in self._liveness.values():
            for feed, steps in liveness.check(now_ns):
                step = {1: "subscribed anew", 2: "moved to another connection"}.get(steps, "left to polling")
                if steps > _STEPS and steps % _RETRY_EVERY:
                    continue
                self._on_event(
                    StreamEvent(
                        kind="mute_topic", reason=f"{feed.topic} says nothing that is due, or nothing readable: {step}",
                        connection=self._carrier(feed).number, symbols=(feed.symbol,),
                    )
                )  # fmt: skip
                if steps == 2:
                    self._move(feed)
                else:
                    self._carrier(feed).resubscribe([feed.topic])

    def _carrier(self, feed: Feed) -> Connection:
        key = feed.topic.encode()
        return next(c for c in self._connections if c.feeds_by_topic.get(key) is feed)

    def _move(self, feed: Feed) -> None:
        if self._spare is None:
            self._spare = self._open(feed.symbol, feed.sink)
        carrier = self._carrier(feed)
        if carrier is not self._spare:
            carrier.release(feed)
            self._spare.add([feed])

    def _resync(self, feed: Feed) -> None:
        if feed.symbol in self._of_symbol:
            self._carrier(feed).resync(feed)

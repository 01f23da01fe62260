"""The pushed half: topics sharded over supervised connections."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from virtuoso.exchange.bybit.connection import Connection
from virtuoso.exchange.bybit.feeds import Feed, TouchFeed, feeds_for
from virtuoso.exchange.protocol import StreamEvent
from virtuoso.model.clock import Clock
from virtuoso.model.feed import FeedStatus, SymbolSink

_CONNECTION_CHARS = 20_000
"""Room for topics on one connection; Bybit allows 21,000 characters of args."""


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
    ) -> None:
        self._url = url
        self._category = category
        self._depth = depth
        self._ping_interval_s = ping_interval_s
        self._clock = clock
        self._rng = rng
        self._clock_offset_ms = clock_offset_ms
        self._on_event = on_event
        self._on_origin = on_origin
        self._connections: list[Connection] = []
        self._of_symbol: dict[str, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: asyncio.TaskGroup | None = None

    def watch(self, sinks: Mapping[str, SymbolSink]) -> None:
        """Set the whole set of symbols wanted, most liquid first."""
        for symbol in [symbol for symbol in self._of_symbol if symbol not in sinks]:
            self._of_symbol.pop(symbol).remove(symbol)
        for symbol, sink in sinks.items():
            if symbol not in self._of_symbol:
                self._add(symbol, sink)

    async def run(self) -> None:
        """Connect, supervise and reconnect until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._running = group
            try:
                for connection in self._connections:
                    self._start(connection)
                await asyncio.Event().wait()  # until cancelled: connections come and go in the group
            finally:
                self._running = None

    def feeds(self) -> Sequence[FeedStatus]:
        """State of every topic."""
        offset_ms = self._clock_offset_ms() or 0.0
        alive = [
            (connection, connection.alive_ns if connection.connected else None) for connection in self._connections
        ]
        return [
            feed.status(connection.connected, alive_ns, offset_ms)
            for connection, alive_ns in alive
            for feed in connection.feeds_by_topic.values()
            if feed is not connection.beacon
        ]

    def _add(self, symbol: str, sink: SymbolSink) -> None:
        feeds = feeds_for(symbol, sink, self._category, self._depth, self._resync)
        chars = sum(len(feed.topic) + 3 for feed in feeds)
        connection = next((c for c in self._connections if c.chars + chars <= _CONNECTION_CHARS), None)
        if connection is None:
            connection = self._open(symbol, sink)
        self._of_symbol[symbol] = connection
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
            task = self._running.create_task(connection.run(), name=f"connection {connection.number}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _resync(self, feed: Feed) -> None:
        if (connection := self._of_symbol.get(feed.symbol)) is not None:
            connection.resync(feed)

"""The adapter's pushed half on real sockets, before an exchange that refuses, garbles, fragments and falls silent."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import numpy as np
import pytest
from tests.support.hostile_exchange import (
    BINARY,
    CONTINUATION,
    PING,
    HostileExchange,
    fragments,
    frame,
    granted,
    hostile_exchange,
    refused,
    until,
)

from virtuoso.exchange.bybit.listener import MOST_BYTES
from virtuoso.exchange.bybit.stream import BybitStream
from virtuoso.exchange.protocol import StreamEvent
from virtuoso.market.quality import feed_quality
from virtuoso.model.clock import SystemClock
from virtuoso.model.feed import FeedStatus
from virtuoso.model.quality import DataQuality

CLOCK = SystemClock()
NAME = "币安人生USDT"


class Heard:
    """A sink that takes everything and keeps what tickers and books said."""

    def __init__(self) -> None:
        self.tickers: list[Any] = []
        self.books: list[int] = []

    def ticker(self, event_ms: int, received_ns: int, update: Any) -> None:
        self.tickers.append(update.last)

    def book_snapshot(self, update_id: int, *rest: Any) -> None:
        self.books.append(update_id)

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


class Client:
    """A running stream of some symbols."""

    def __init__(self, exchange: HostileExchange, symbols: tuple[str, ...], mute_after_s: float) -> None:
        self.events: list[StreamEvent] = []
        self.hears: Callable[[StreamEvent], object] = self.events.append
        self.origins: list[str | None] = []
        self.sinks = {symbol: Heard() for symbol in symbols}
        self.stream = BybitStream(
            url=exchange.stream_url, category="linear", depth=50, ping_interval_s=20.0, clock=CLOCK,
            rng=np.random.default_rng(1), clock_offset_ms=lambda: 0.0, on_event=self._on_event,
            on_origin=self.origins.append, mute_after_s=mute_after_s,
        )  # fmt: skip
        self.stream.watch(self.sinks)

    def _on_event(self, event: StreamEvent) -> None:
        self.hears(event)

    def feeds(self) -> dict[str, FeedStatus]:
        return {feed.topic: feed for feed in self.stream.feeds()}

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def unread(self) -> int:
        return self.stream.unknown_frames + sum(feed.rejected for feed in self.stream.feeds())


@asynccontextmanager
async def streaming(exchange: HostileExchange, *symbols: str, mute_after_s: float = 60.0) -> AsyncIterator[Client]:
    client = Client(exchange, symbols or ("BTCUSDT",), mute_after_s)
    task = asyncio.create_task(client.stream.run())
    try:
        yield client
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def exchange() -> AsyncIterator[HostileExchange]:
    async with hostile_exchange() as running:
        yield running


def now_ms() -> int:
    return CLOCK.now_ns() // 1_000_000


def ticker(symbol: str = "BTCUSDT", last: str = "10", *, escape: bool = True, **extra: Any) -> bytes:
    data = {"symbol": symbol, "lastPrice": last, **extra}
    body = {"topic": f"tickers.{symbol}", "type": "snapshot", "ts": now_ms(), "data": data}
    return json.dumps(body, ensure_ascii=escape, separators=(",", ":")).encode()


def book(topic: str, update_id: int = 1) -> bytes:
    data = {"s": topic.rpartition(".")[2], "b": [["10", "1"]], "a": [["11", "1"]], "u": update_id}
    body = {"topic": topic, "type": "snapshot", "ts": now_ms(), "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def snapshots(topics: list[str]) -> bytes:
    """What an exchange sends when a ticker or a book is subscribed to."""
    made = [ticker(t.partition(".")[2], escape=False) for t in topics if t.startswith("tickers")]
    return b"".join(map(frame, made + [book(t) for t in topics if t.startswith("orderbook")]))


async def test_all_refused_then_granted(exchange: HostileExchange) -> None:
    """No topic is lost, nothing is called connected while there is none, and all are back soon after."""
    exchange.subscribed, exchange.on_subscribed = refused("error:system busy"), snapshots
    async with streaming(exchange, "BTCUSDT", "ETHUSDT") as client:
        await until("refusals", lambda: client.kinds().count("topic_rejected") >= 10)
        await asyncio.sleep(1.5)
        feeds = client.feeds()
        assert len(feeds) == 10
        assert not any(feed.acked for feed in feeds.values())
        assert {feed.denied for feed in feeds.values()} == {"error:system busy"}
        assert {feed_quality(feed, CLOCK.now_ns()) for feed in feeds.values()} == {DataQuality.UNAVAILABLE}
        assert "connected" not in client.kinds()
        exchange.subscribed = granted
        await until("all topics", lambda: all(feed.acked for feed in client.feeds().values()))
        await until("data", lambda: "connected" in client.kinds())
        assert not any(feed.denied for feed in client.feeds().values())
        assert {feed_quality(feed, CLOCK.now_ns()) for feed in client.feeds().values()} == {DataQuality.LIVE}


async def test_one_refused_among_many_is_listed_with_its_reason(exchange: HostileExchange) -> None:
    def but_one(topics: list[str]) -> dict[str, Any] | None:
        return refused("no such thing")(topics) if "tickers.ETHUSDT" in topics else granted(topics)

    exchange.subscribed, exchange.on_subscribed = but_one, snapshots
    async with streaming(exchange, "BTCUSDT", "ETHUSDT") as client:
        await until("the others", lambda: sum(feed.acked for feed in client.feeds().values()) == 9)
        await until("data", lambda: "connected" in client.kinds())
        feed = client.feeds()["tickers.ETHUSDT"]
        assert (feed.acked, feed.denied) == (False, "no such thing")
        assert client.kinds().count("topic_rejected") == 1
        assert feed_quality(feed, CLOCK.now_ns()) is DataQuality.UNAVAILABLE


async def test_acknowledged_and_silent_is_not_live(exchange: HostileExchange) -> None:
    """All topics of one symbol are granted, and only the other symbol ever says anything."""
    exchange.on_subscribed = lambda topics: snapshots([topic for topic in topics if "SUI" not in topic])
    async with streaming(exchange, "BTCUSDT", "SUIUSDT") as client:
        await until("data", lambda: "connected" in client.kinds())
        await until("acks", lambda: all(feed.acked for feed in client.feeds().values()))
        found = {t: feed_quality(feed, CLOCK.now_ns()) for t, feed in client.feeds().items()}
        silent = {topic: quality for topic, quality in found.items() if "SUI" in topic}
        assert silent.pop("allLiquidation.SUIUSDT") is DataQuality.LIVE  # there may be none: judged by its ack
        assert set(silent.values()) == {DataQuality.UNAVAILABLE}
        assert {quality for topic, quality in found.items() if "BTC" in topic} == {DataQuality.LIVE}
        exchange.send(frame(ticker("SUIUSDT")))
        await until("its ticker", lambda: client.sinks["SUIUSDT"].tickers)
        found = {t: feed_quality(feed, CLOCK.now_ns()) for t, feed in client.feeds().items() if "SUI" in t}
        assert {topic for topic, quality in found.items() if quality is not DataQuality.LIVE} == {
            "orderbook.50.SUIUSDT"
        }


async def test_granted_and_mute_from_the_start_is_no_connection(exchange: HostileExchange) -> None:
    """Acknowledgements are not data: it is never connected, it is said to be mute, and tried with back-off."""
    async with streaming(exchange, mute_after_s=0.3) as client:
        await until("some tries", lambda: exchange.opened >= 4, 20)
        assert "connected" not in client.kinds()
        assert client.kinds().count("mute") >= 3
        await asyncio.sleep(2.0)
        assert exchange.opened <= 7


async def test_frames_that_cannot_be_read_are_no_life(exchange: HostileExchange) -> None:
    """A hundred thousand in a row: mute, said with how many and a sample, and the socket is given up."""
    garbled = frame(b'{"topic":"tickers.BTCUSDT","type":"snapshot","ts":1,"data":{"lastPrice":"x') * 1_000
    exchange.on_subscribed = snapshots
    async with streaming(exchange, mute_after_s=1.5) as client:
        await until("data", lambda: "connected" in client.kinds())
        exchange.on_subscribed = lambda topics: garbled[:1_000]  # the snapshot is asked for anew, and is no better
        for _ in range(100):
            exchange.send(garbled)
            await asyncio.sleep(0)
        await until("muteness", lambda: "mute" in client.kinds(), 20)
        said = next(event.reason for event in client.events if event.kind == "mute")
        assert "no data for" in said
        assert "frames could not be read" in said
        assert any(char.isdigit() for char in said.partition("all ")[2])
        assert client.feeds()["tickers.BTCUSDT"].messages <= 2


@pytest.mark.parametrize("kind", ["connected", "mute", "disconnected"])
async def test_it_ends_wherever_it_is_cancelled(exchange: HostileExchange, kind: str) -> None:
    """Also while a connection is being closed: no cancellation is taken for the end of what is waited for."""
    exchange.on_subscribed = snapshots
    client = Client(exchange, ("BTCUSDT",), mute_after_s=0.3)
    task = asyncio.create_task(client.stream.run())
    client.hears = lambda event: task.cancel() if event.kind == kind else None
    await until("the end", task.done)
    assert task.cancelled()


@pytest.mark.parametrize("sizes", [[1], [9], [10], [11], [30], [0, 0], [5, 5, 5, 5], [1] * 60], ids=str)
async def test_messages_in_pieces_are_put_together(exchange: HostileExchange, sizes: list[int]) -> None:
    """RFC 6455, with pings between the pieces, and a whole message after them."""
    exchange.on_subscribed = snapshots
    async with streaming(exchange) as client:
        heard = client.sinks["BTCUSDT"].tickers
        await until("data", lambda: heard)
        exchange.send(fragments(ticker(last="11"), sizes, between=frame(b"hello", PING)))
        exchange.send(frame(ticker(last="12")))
        await until("both", lambda: len(heard) >= 3)
        assert heard == [10.0, 11.0, 12.0]
        assert client.unread() == 0


async def test_a_reply_in_pieces(exchange: HostileExchange) -> None:
    exchange.subscribed = lambda topics: None
    async with streaming(exchange) as client:
        await until("the request", lambda: exchange.requests)
        exchange.send(fragments(b'{"success":true,"ret_msg":"","op":"subscribe","req_id":"0-1"}', [20, 20]))
        await until("all topics", lambda: all(feed.acked for feed in client.feeds().values()))


async def test_pieces_without_an_end_are_bounded(exchange: HostileExchange) -> None:
    """More than 8 MB in pieces: given up, said, connected anew; so is a single frame of that size."""
    exchange.on_subscribed = snapshots
    async with streaming(exchange) as client:
        await until("data", lambda: "connected" in client.kinds())
        piece = frame(b"x" * (1 << 20), CONTINUATION, fin=False)
        exchange.send(frame(b'{"topic":"tickers.BTCUSDT"', fin=False))
        for _ in range((MOST_BYTES >> 20) + 1):
            exchange.send(piece)
        await until("another connection", lambda: client.kinds().count("connected") == 2)
        exchange.send(frame(b"x" * (MOST_BYTES + 1)))
        await until("a third", lambda: client.kinds().count("connected") == 3, 20)
        assert client.feeds()["tickers.BTCUSDT"].acked


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (frame(b"\x28\xb5\x2f\xfd", BINARY), "binary"),
        (frame(b"\xaa\x56\x2a\x2d", rsv1=True), "compressed, which was not agreed on"),
        (frame(b"rest of nothing", CONTINUATION), "the continuation of nothing"),
        (frame(b'{"topic":"ticke', fin=False) + frame(b"[]"), "a message that was never finished"),
        (frame(b'{"topic":"tickers.NOUSDT","ts":1,"data":{}}'), "of no topic asked for"),
        (frame(b'{"op":"subscribe","success":true,"req_id":"x"}'), "an answer to nothing that was asked"),
        (frame(b"<html>"), "neither data nor an answer"),
        (frame(b"\xff\xfe"), "neither data nor an answer"),
        (frame(b"[" * 100_000), "neither data nor an answer"),
    ],
    ids=["binary", "compressed", "continuation", "unfinished", "topic", "ack", "html", "utf8", "deep"],
)
async def test_what_is_odd_is_counted_by_name_and_harms_nothing(
    exchange: HostileExchange, raw: bytes, what: str
) -> None:
    exchange.on_subscribed = snapshots
    async with streaming(exchange) as client:
        heard = client.sinks["BTCUSDT"].tickers
        await until("data", lambda: heard)
        exchange.send(raw + frame(ticker(last="12")))
        await until("what follows", lambda: heard[-1] == 12.0)
        strange = client.stream._connections[0].strange
        assert strange[what] == 1
        assert client.stream.unknown_frames == strange.total()
        assert exchange.opened == 1
        assert client.origins == [None]  # a foreign acknowledgement announces nothing


@pytest.mark.parametrize("escape", [False, True])
async def test_a_name_beyond_ascii(exchange: HostileExchange, escape: bool) -> None:
    exchange.on_subscribed = snapshots
    async with streaming(exchange, NAME) as client:
        heard = client.sinks[NAME].tickers
        await until("data", lambda: heard)
        exchange.send(frame(ticker(NAME, last="12", escape=escape)))
        await until("its ticker", lambda: heard[-1] == 12.0)
        assert client.unread() == 0


@pytest.mark.parametrize(
    "form",
    [
        '{{"ts":{ts},"data":{{"lastPrice":"12"}},"type":"delta","topic":"tickers.BTCUSDT"}}',
        '  {{ "topic" : "tickers.BTCUSDT" , "type":"delta", "ts":{ts},"data":{{"lastPrice":"12"}} }}\n',
        '{{"topic":"\\u0074ickers.BTCUSDT","type":"delta","ts":{ts},"data":{{"lastPrice":"12"}}}}',
        '{{"topic":"tickers.\\u0042TCUSDT","type":"delta","ts":{ts},"data":{{"lastPrice":"12"}}}}',
    ],
    ids=["last", "white space", "escaped kind", "escaped name"],
)
async def test_a_topic_is_told_by_its_text(exchange: HostileExchange, form: str) -> None:
    exchange.on_subscribed = snapshots
    async with streaming(exchange) as client:
        heard = client.sinks["BTCUSDT"].tickers
        await until("data", lambda: heard)
        exchange.send(frame(form.format(ts=now_ms()).encode()))
        await until("the ticker", lambda: heard[-1] == 12.0)
        assert client.unread() == 0

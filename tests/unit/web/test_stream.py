"""The stream's parts: events encoded once, the latest of each; and how a client that takes nothing is told apart."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI

from virtuoso.model.catalogue.documents import DOCUMENTS
from virtuoso.model.clock import ManualClock
from virtuoso.storage.cache.memory import MemoryCache, Version
from virtuoso.web import problems
from virtuoso.web.access import Access
from virtuoso.web.connections.stalled import STALLED_S, Progress
from virtuoso.web.front import Front
from virtuoso.web.routes import stream

TTL_S = 60.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def cache(clock: ManualClock) -> MemoryCache:
    return MemoryCache(clock)


class Client:
    """Asks the application for the stream, and keeps what it is sent; `takes` is cleared to take no more."""

    def __init__(self, app: Any, query: bytes = b"") -> None:
        self.status = 0
        self.whole = False
        self.bodies: list[bytes] = []
        self.takes = asyncio.Event()
        self.takes.set()
        self._gone = asyncio.Event()
        self._asked = False
        self._scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": "/api/stream",
            "raw_path": b"/api/stream", "query_string": query, "scheme": "http", "root_path": "",
            "headers": [(b"host", b"testserver")], "server": ("testserver", 80), "client": ("127.0.0.1", 1),
        }  # fmt: skip
        self.serving = asyncio.create_task(app(self._scope, self._receive, self._send))

    @property
    def text(self) -> bytes:
        """All so far."""
        return b"".join(self.bodies)

    async def leave(self) -> None:
        """Close the connection, and wait for the end of the answer."""
        self._gone.set()
        await asyncio.wait_for(self.serving, 10)

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await self.takes.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.bodies.append(message["body"])
            self.whole = not message.get("more_body", False)


async def until(holds: Callable[[], bool]) -> None:
    """Until it holds, for ten seconds at most."""
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.005)


def app_of(cache: MemoryCache) -> Front:
    """The stream alone, behind the front."""
    app = FastAPI()
    access = Access(["testserver"], None)
    app.include_router(stream.router(cache, ManualClock(1_800_000_000_000_000_000), access))
    problems.install(app)
    return Front(app, cache, {}, access, ManualClock())


def publish(cache: MemoryCache, sequence: int, name: str = "overview") -> None:
    cache.put(name, b'{"n":%d}' % sequence, Version(1, sequence), TTL_S)


async def test_first_what_there_is_then_what_changes(cache: MemoryCache) -> None:
    publish(cache, 1)
    publish(cache, 1, "symbol:BTCUSDT")
    client = Client(app_of(cache))
    opening = b'retry: 2000\n\nevent: clock\ndata: "2027-01-15T08:00:00.000Z"\n\n'
    await until(lambda: client.text == opening + b'event: overview\nid: 1-1\ndata: {"n":1}\n\n')
    publish(cache, 2, "symbol:BTCUSDT")  # not streamed
    publish(cache, 2, "ticks")
    await until(lambda: client.text.endswith(b'event: ticks\nid: 1-2\ndata: {"n":2}\n\n'))
    assert b"symbol" not in client.text
    assert client.text.count(b"event: overview") == 1
    await client.leave()


async def test_a_symbol_is_streamed_to_those_who_follow_it(cache: MemoryCache) -> None:
    publish(cache, 1)
    publish(cache, 1, "symbol:币安人生/USDT")
    publish(cache, 1, "symbol:ETHUSDT")
    app = app_of(cache)
    asked = b"symbol=" + quote("币安人生/USDT").encode()
    followers = [Client(app, asked), Client(app, asked), Client(app)]
    await until(lambda: all(b"overview" in client.text for client in followers))
    publish(cache, 2, "book:ETHUSDT")
    publish(cache, 2, "book:币安人生/USDT")
    publish(cache, 2, "tape:币安人生/USDT")
    publish(cache, 2)
    await until(lambda: all(b"id: 1-2" in client.text for client in followers))
    for client in followers[:2]:
        assert client.text.count(b'event: symbol\nid: 1-1\ndata: {"n":1}\n\n') == 1
        await until(lambda text=client: b'event: book\nid: 1-2\ndata: {"n":2}\n\n' in text.text)
        assert client.text.count(b"event: book") == client.text.count(b"event: tape") == 1
    assert b"event: symbol" not in followers[2].text
    assert b"event: book" not in followers[2].text
    assert cache.subscribers == 2
    for client in followers:
        await client.leave()
    await until(lambda: cache.subscribers == 0)


def told_all(one: Client, count: int) -> bool:
    """Whether so many events came."""
    return one.text.count(b"event: ") >= count


async def test_what_the_catalogue_says_is_streamed_and_nothing_else(cache: MemoryCache) -> None:
    """One who follows a symbol is told of its documents, too: of every kind that there is one of for each symbol."""
    for name in DOCUMENTS:
        publish(cache, 1, name.replace("{symbol}", "BTCUSDT"))
    app = app_of(cache)
    clients = everyone, follower = Client(app), Client(app, b"symbol=BTCUSDT")
    streamed = {name for name, document in DOCUMENTS.items() if document.streamed}
    of_symbol = {name.partition(":")[0] for name in DOCUMENTS if "{symbol}" in name}
    assert streamed & of_symbol == set()
    for one, wanted in ((everyone, streamed), (follower, streamed | of_symbol)):
        await until(partial(told_all, one, len(wanted) + 1))
        told = {line.removeprefix(b"event: ").decode() for line in one.text.splitlines() if line[:5] == b"event"}
        assert told == wanted | {"clock"}
    for one in clients:
        await one.leave()


async def test_what_has_expired_is_not_sent_to_a_newcomer(cache: MemoryCache, clock: ManualClock) -> None:
    publish(cache, 1)
    app = app_of(cache)
    first = Client(app)
    await until(lambda: b"overview" in first.text)
    clock.advance(int(TTL_S * 1e9))
    publish(cache, 2, "ticks")
    second = Client(app)
    await until(lambda: b"ticks" in second.text)
    assert b"overview" not in second.text
    clock.advance(int(TTL_S * 1e9))
    third = Client(app)
    await until(lambda: bool(third.bodies))
    assert b"event: overview" not in third.text
    assert b"event: clock" in third.text
    await asyncio.gather(first.leave(), second.leave(), third.leave())


async def test_an_event_is_encoded_once_for_all(cache: MemoryCache) -> None:
    app = app_of(cache)
    clients = [Client(app) for _ in range(3)]
    await until(lambda: all(client.bodies for client in clients))
    publish(cache, 1)
    await until(lambda: all(len(client.bodies) == 2 for client in clients))
    assert len({id(client.bodies[1]) for client in clients}) == 1
    assert cache.subscribers == 1
    await asyncio.gather(*(client.leave() for client in clients))


async def test_one_that_takes_nothing_holds_up_nobody_and_later_gets_the_latest(
    cache: MemoryCache,
) -> None:
    app = app_of(cache)
    slow, fast = Client(app), Client(app)
    await until(lambda: bool(slow.bodies and fast.bodies))
    slow.takes.clear()
    for sequence in range(1, 51):
        publish(cache, sequence)
        await until(lambda n=sequence: b"id: 1-%d\n" % n in fast.text)  # type: ignore[misc]
    slow.takes.set()
    await until(lambda: b"id: 1-50\n" in slow.text)
    assert slow.text.count(b"event: overview") == 2  # the one that it did not take for so long, and the latest
    assert fast.text.count(b"event: overview") == 50
    slow.takes.clear()
    publish(cache, 51)
    await asyncio.gather(slow.leave(), fast.leave())  # also in the middle of a write


@contextmanager
def setting(monkeypatch: pytest.MonkeyPatch, name: str, value: float) -> Iterator[None]:
    """A constant of the stream, for a while."""
    with monkeypatch.context() as patch:
        patch.setattr(stream, name, value)
        yield


async def test_a_place_is_free_when_its_client_has_left(cache: MemoryCache, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stream.CLIENTS >= 1_000
    with setting(monkeypatch, "CLIENTS", 2):
        app = app_of(cache)
        clients = [Client(app) for _ in range(3)]
        await until(lambda: all(client.status for client in clients))
        assert [client.status for client in clients] == [200, 200, 503]
        assert b"2 clients are streaming already" in clients[2].text
        await clients[2].leave()
        await clients[0].leave()
        another = Client(app)
        await until(lambda: another.status == 200)
        await asyncio.gather(another.leave(), clients[1].leave())
    await until(lambda: cache.subscribers == 0)


async def test_a_quiet_stream_has_a_heartbeat(cache: MemoryCache, monkeypatch: pytest.MonkeyPatch) -> None:
    with setting(monkeypatch, "_HEARTBEAT_S", 0.02):
        client = Client(app_of(cache))
        await until(lambda: client.text.count(b": still here\n\n") >= 3)
        publish(cache, 1)
        await until(lambda: b"id: 1-1\n" in client.text)
        await client.leave()


async def test_a_server_that_stops_ends_its_streams_in_order(cache: MemoryCache) -> None:
    client = Client(app_of(cache))
    await until(lambda: bool(client.bodies))
    client.serving.cancel()
    await asyncio.wait_for(client.serving, 10)
    assert client.whole
    await until(lambda: cache.subscribers == 0)


async def test_a_stream_ends_when_the_cache_cannot_be_followed(
    cache: MemoryCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Better an end, after which a client comes again, than a stream that only beats."""
    client = Client(app_of(cache))
    await until(lambda: bool(client.bodies))

    def broken(name: str) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(cache, "get", broken)
    publish(cache, 1)
    with pytest.raises(RuntimeError, match="planted"):
        await asyncio.wait_for(client.serving, 10)


def stalled_s(looks: list[tuple[int, bool]]) -> list[float]:
    """One look a second."""
    progress = Progress()
    return [progress.stalled_s(*look, float(second)) for second, look in enumerate(looks)]


@pytest.mark.parametrize(
    "looks",
    [
        pytest.param([(n * 2_000, True) for n in range(1, 60)], id="it takes, though never all"),
        pytest.param([(1 + n // 9, True) for n in range(60)], id="it takes a byte every nine seconds"),
        pytest.param([(700, False)] * 600, id="nothing to take"),
        pytest.param([(700, n % 9 != 0) for n in range(60)], id="all taken in between"),
    ],
)
def test_one_that_takes_is_not_stalled(looks: list[tuple[int, bool]]) -> None:
    assert max(stalled_s(looks)) < STALLED_S


def test_one_that_takes_nothing_is_stalled_until_it_takes_again() -> None:
    seen = stalled_s([(4_000, False), *[(4_096, True)] * 20, (4_097, True)])
    assert next(second for second, s in enumerate(seen) if s >= STALLED_S) <= 13
    assert seen[-1] == 0.0

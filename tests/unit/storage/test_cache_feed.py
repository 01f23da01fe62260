"""One process feeds another with documents over a local socket: the whole set first, then changes, the latest wins."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from virtuoso.model.clock import ManualClock
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.cache.feed import GREETING, HEAD, Feed, frame
from virtuoso.storage.cache.feed_reader import FeedReader, greeting
from virtuoso.storage.cache.memory import MemoryCache, Version

TTL_S = 600.0


def pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    return ours, theirs


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.001)


@asynccontextmanager
async def fed(source: MemoryCache, clock: ManualClock) -> AsyncIterator[MemoryCache]:
    """A memory that is fed from another one."""
    ours, theirs = pair()
    copy = MemoryCache(clock)
    sending = asyncio.create_task(Feed(source, clock).send(ours, b"settings"))
    assert await asyncio.to_thread(greeting, theirs) == b"settings"
    theirs.setblocking(False)
    reading = asyncio.create_task(FeedReader(copy, theirs).run())
    try:
        yield copy
    finally:
        sending.cancel()
        await asyncio.gather(sending, reading, return_exceptions=True)
    assert reading.exception() is None, "the end of the feed is no error"


async def test_what_is_held_comes_first_with_its_age_and_then_what_changes() -> None:
    clock = ManualClock()
    source = MemoryCache(clock)
    source.put("overview", b'{"quality":"live"}', Version(3, 1), TTL_S, fresh_s=10.0)
    clock.advance(4_000_000_000)
    async with fed(source, clock) as copy:
        await until(lambda: copy.get("overview") is not None)
        assert copy.age_s("overview") == pytest.approx(4.0, abs=0.002)
        held, given = copy.get("overview"), source.get("overview")
        assert held == given
        clock.advance(7_000_000_000)
        stale = copy.get("overview")
        assert stale is not None
        assert stale.body == b'{"quality":"stale"}'
        source.put("overview", b'{"quality":"live"}', Version(3, 2), TTL_S, fresh_s=10.0)
        source.put("signals", b"[]", Version(3, 1), TTL_S)
        await until(lambda: copy.version("overview") == Version(3, 2) and copy.get("signals") is not None)
        source.remove("signals")
        await until(lambda: copy.get("signals") is None)


async def test_a_reader_that_is_slow_gets_the_latest_and_costs_no_queue() -> None:
    clock = ManualClock()
    source = MemoryCache(clock)
    ours, theirs = pair()
    sending = asyncio.create_task(Feed(source, clock).send(ours, b""))
    await asyncio.to_thread(greeting, theirs)
    for sequence in range(1, 201):  # 100 MB, of which the socket holds a few
        source.put("overview", b'"%b"' % (b"x" * 500_000), Version(1, sequence), TTL_S)
        await asyncio.sleep(0)
    theirs.setblocking(False)
    copy = MemoryCache(clock)
    reading = asyncio.create_task(FeedReader(copy, theirs).run())
    await until(lambda: copy.version("overview") == Version(1, 200))
    assert copy.puts < 20
    sending.cancel()
    await asyncio.gather(sending, reading, return_exceptions=True)


async def test_what_a_slow_reader_takes_last_is_no_younger_than_it_is() -> None:
    """Of large documents one is written at a time: what has not been is as old as it is when it will be."""
    clock = ManualClock()
    source = MemoryCache(clock)
    names = [f"symbol:{k}" for k in range(16)]
    for name in names:
        source.put(name, b'"%b"' % (b"x" * 1_000_000), Version(1, 1), TTL_S)
    ours, theirs = pair()
    sending = asyncio.create_task(Feed(source, clock).send(ours, b""))
    await asyncio.to_thread(greeting, theirs)
    for _ in range(100):  # it writes until it has to wait
        await asyncio.sleep(0)
    clock.advance(10_000_000_000)
    theirs.setblocking(False)
    copy = MemoryCache(clock)
    reading = asyncio.create_task(FeedReader(copy, theirs).run())
    await until(lambda: copy.get(names[-1]) is not None)
    assert copy.age_s(names[-1]) == pytest.approx(10.0, abs=0.002)
    sending.cancel()
    await asyncio.gather(sending, reading, return_exceptions=True)


async def test_a_reader_that_takes_nothing_is_given_up() -> None:
    clock = ManualClock()
    source = MemoryCache(clock)
    ours, theirs = pair()
    with theirs:
        source.put("overview", b'"%b"' % (b"x" * 10_000_000), Version(1, 1), TTL_S)
        with pytest.raises(StoreUnavailable, match="took nothing"):
            await Feed(source, clock, patience_s=0.1).send(ours, b"")


async def test_a_reader_that_is_gone_is_told_of_at_the_next_change() -> None:
    clock = ManualClock()
    source = MemoryCache(clock)
    ours, theirs = pair()
    sending = asyncio.create_task(Feed(source, clock).send(ours, b""))
    await asyncio.to_thread(greeting, theirs)
    theirs.close()
    for sequence in range(1, 5):
        source.put("overview", b"{}", Version(1, sequence), TTL_S)
        await asyncio.sleep(0.01)
    with pytest.raises(StoreUnavailable, match="gone"):
        await asyncio.wait_for(sending, 5)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (HEAD.pack(2**31, 1), "2147483648 bytes"),
        (frame(9, b""), "unknown kind 9"),
        (frame(1, b"no envelope"), "not an envelope"),
    ],
)
async def test_nonsense_is_an_error(content: bytes, reason: str) -> None:
    ours, theirs = pair()
    with ours:
        theirs.setblocking(False)
        ours.send(content)
        with pytest.raises(StoreUnavailable, match=reason):
            await asyncio.wait_for(FeedReader(MemoryCache(ManualClock()), theirs).run(), 5)


@pytest.mark.parametrize("content", [b"", HEAD.pack(5, GREETING) + b"abc", frame(1, b"{}")])
def test_a_feed_without_a_greeting_is_an_error(content: bytes) -> None:
    ours, theirs = pair()
    with theirs:
        with ours:
            ours.send(content)
        with pytest.raises(StoreUnavailable):
            greeting(theirs)

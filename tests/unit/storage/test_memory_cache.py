"""Documents: a reader never sees an older version, nothing outlives its time, subscribers get the latest."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from virtuoso.model.clock import ManualClock
from virtuoso.storage.cache.memory import Document, MemoryCache, Version


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20)), min_size=1, max_size=50))
def test_versions_only_rise(versions: list[tuple[int, int]]) -> None:
    cache = MemoryCache(ManualClock())
    highest = None
    for epoch, sequence in versions:
        version = Version(epoch, sequence)
        taken = cache.put("x", str(version).encode(), version, 60)
        assert taken == (highest is None or version >= highest)
        highest = version if highest is None else max(highest, version)
        document = cache.get("x")
        assert document is not None
        assert (document.version, document.body) == (highest, str(highest).encode())
    assert cache.puts + cache.dropped == len(versions)


def test_a_document_expires() -> None:
    clock = ManualClock()
    cache = MemoryCache(clock)
    cache.put("short", b"1", Version(1, 1), 5)
    cache.put("long", b"2", Version(1, 1), 50)
    clock.advance(5_000_000_000)
    assert cache.get("short") is None
    assert cache.get("long") is not None
    assert (cache.cleanup(), len(cache), cache.expired) == (1, 1, 1)


async def test_subscribers_are_told_of_the_latest_only() -> None:
    cache = MemoryCache(ManualClock())
    with cache.subscribe() as subscription:
        for sequence in range(1_000):
            cache.put("a", b"", Version(1, sequence), 60)
        cache.put("b", b"", Version(1, 0), 60)
        assert await asyncio.wait_for(subscription.take(), 1) == ["a", "b"]
        waiting = asyncio.create_task(subscription.take())
        await asyncio.sleep(0)
        assert not waiting.done()
        cache.put("b", b"", Version(1, 1), 60)
        assert await asyncio.wait_for(waiting, 1) == ["b"]
    assert cache.subscribers == 0


LIVE = b'{"data_quality":"live","text":"a"}'
STALE = b'{"data_quality":"stale","text":"a"}'


def test_what_got_too_old_is_shown_as_stale_and_made_so_once() -> None:
    clock = ManualClock()
    cache = MemoryCache(clock)
    cache.put("x", LIVE, Version(2, 5), ttl_s=30, fresh_s=10)
    clock.advance(9_999_999_999)
    fresh = cache.get("x")
    assert fresh is not None
    assert (fresh.body, fresh.etag, fresh.stale, cache.sweep()) == (LIVE, b'"2-5"', False, 0)
    clock.advance(1)
    stale = cache.get("x")
    assert stale is not None
    assert (stale.body, stale.etag, stale.stale, stale.version) == (STALE, b'"2-5-stale"', True, Version(2, 5))
    assert cache.get("x") is stale
    assert cache.published()["x"][0].body == LIVE
    clock.advance(19_999_999_999)
    assert cache.get("x") is stale
    clock.advance(1)
    assert cache.get("x") is None
    assert cache.published() == {}


def test_a_document_that_was_never_asked_for_while_it_was_stale_still_expires() -> None:
    clock = ManualClock()
    cache = MemoryCache(clock)
    cache.put("x", LIVE, Version(2, 5), ttl_s=30, fresh_s=10)
    clock.advance(30_000_000_000)
    assert cache.get("x") is None


def test_a_new_version_is_fresh_again() -> None:
    clock = ManualClock()
    cache = MemoryCache(clock)
    cache.put("x", LIVE, Version(1, 1), ttl_s=30, fresh_s=10)
    clock.advance(15_000_000_000)
    assert (shown := cache.get("x")) is not None
    assert shown.stale
    assert cache.age_s("x") == 15
    cache.put("x", LIVE, Version(1, 2), ttl_s=30, fresh_s=10)
    assert (shown := cache.get("x")) is not None
    assert (shown.stale, cache.age_s("x"), cache.age_s("y")) == (False, 0, None)


def test_what_comes_from_elsewhere_brings_its_age() -> None:
    clock = ManualClock(50_000_000_000)
    cache = MemoryCache(clock)
    document = Document("x", LIVE, Version(1, 1), 41_000, 10.0, 30.0)
    assert cache.take(document, 9.0)
    assert cache.get("x") is document
    clock.advance(1_000_000_000)
    assert (shown := cache.get("x")) is not None
    assert shown.stale
    assert cache.age_s("x") == 10
    assert not cache.take(Document("x", LIVE, Version(1, 0), 41_000, 10.0, 30.0), 0.0)
    assert cache.version("x") == Version(1, 1)
    assert cache.version("y") is None


async def test_subscribers_are_told_once_that_it_turned_stale_and_of_its_removal() -> None:
    clock = ManualClock()
    cache = MemoryCache(clock)
    cache.put("x", LIVE, Version(1, 1), ttl_s=30, fresh_s=10)
    cache.put("for ever fresh", LIVE, Version(1, 1), ttl_s=300)
    with cache.subscribe() as subscription:
        clock.advance(10_000_000_000)
        assert (shown := cache.get("x")) is not None
        assert shown.stale  # asked for before the sweep: they are told all the same
        assert (cache.sweep(), cache.sweep()) == (1, 0)
        assert await asyncio.wait_for(subscription.take(), 1) == ["x"]
        cache.remove("x")
        cache.remove("never there")
        assert await asyncio.wait_for(subscription.take(), 1) == ["x"]
    assert cache.get("x") is None

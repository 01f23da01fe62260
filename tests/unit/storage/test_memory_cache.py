"""Documents: a reader never sees an older version, nothing outlives its time, subscribers get the latest."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from virtuoso.model.clock import ManualClock
from virtuoso.storage.cache.memory import MemoryCache, Version


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

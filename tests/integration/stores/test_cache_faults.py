"""Tiers that die, stall, fill up, forget or talk nonsense: nobody waits for them, and all is well when they return."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import quantiles

import pytest
from pymemcache.client.base import Client
from redis.asyncio import Redis
from tests.support.cache import Reader, Writer, running, until, until_shown, versions
from tests.support.servers import Server, memcached_server, redis_server

from virtuoso.storage.cache.document import Version
from virtuoso.storage.cache.memcached import MemcachedTier
from virtuoso.storage.cache.redis import RedisTier
from virtuoso.storage.cache.tier import Tier

NAMES = tuple(f"symbol:S{number}" for number in range(100))


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Server]:
    with redis_server(tmp_path) as server:
        yield server


@pytest.fixture
def memcached() -> Iterator[Server]:
    with memcached_server() as server:
        yield server
        server.go_on()
        server.kill()  # it takes a second to stop


@pytest.mark.slow
@pytest.mark.parametrize("which", ["redis", "memcached"])
async def test_a_tier_that_was_killed_has_everything_within_five_seconds(
    which: str, redis: Server, memcached: Server
) -> None:
    server = redis if which == "redis" else memcached
    writer, reader = Writer([server], 5), Reader([server])
    async with running(writer, reader):
        await until_shown(writer.put(NAMES), NAMES, reader)
        for _ in range(2):
            server.kill()
            version = writer.put(NAMES)
            await until("seen", lambda: writer.states()[which] == "down" == reader.states()[which])
            assert versions(reader.memory).keys() == set(NAMES)
            status = writer.publisher.statuses()[0]
            assert status.error is not None
            assert status.error.startswith(which)
            assert status.counts["waiting"] == 100
            await asyncio.sleep(1.5)
            server.start()
            assert await until_shown(version, NAMES, reader) < 5
            newcomer = Reader([server])
            await newcomer.replica.warm(5)
            await newcomer.replica.close()
            assert versions(newcomer.memory) == dict.fromkeys(NAMES, str(version))
        await until("up", lambda: writer.states()[which] == "up" == reader.states()[which])


@pytest.mark.parametrize("which", ["redis", "memcached"])
async def test_a_tier_that_forgot_is_written_anew_though_nothing_changes(
    which: str, redis: Server, memcached: Server
) -> None:
    server = redis if which == "redis" else memcached
    writer, reader = Writer([server], 5), Reader([server])
    async with running(writer, reader):
        version = writer.put(NAMES)
        await until_shown(version, NAMES, reader)
        if which == "redis":
            client = Redis.from_url(f"redis://{server.address}")
            await client.flushall()
            await client.aclose()
        else:
            other = Client(server.address)
            other.flush_all(noreply=False)
            other.close()
        began = time.monotonic()
        while True:
            newcomer = Reader([server])
            await newcomer.replica.warm(5)
            await newcomer.replica.close()
            if versions(newcomer.memory) == dict.fromkeys(NAMES, str(version)):
                break
            assert time.monotonic() - began < 5
            await asyncio.sleep(0.05)
        assert versions(reader.memory) == dict.fromkeys(NAMES, str(version))  # its reader lost nothing meanwhile


@pytest.mark.slow
async def test_a_stalled_redis_delays_nobody(redis: Server, memcached: Server) -> None:
    writer, reader = Writer([redis, memcached], 5), Reader([redis, memcached])
    async with running(writer, reader):
        await until_shown(writer.put(NAMES), NAMES, reader)
        redis.stall()
        taken = []
        ended = time.monotonic() + 3
        while time.monotonic() < ended:
            began = time.thread_time()
            writer.put(NAMES)
            taken.append(time.thread_time() - began)
            await asyncio.sleep(0.02)
        usual = quantiles(taken, n=20)[-1]  # but for one in twenty, into which a collection of garbage may fall
        assert usual < 0.02, usual  # of this thread's own time, for a hundred documents
        assert await until_shown(writer.put(NAMES), NAMES, reader) < 5
        for part in (writer, reader):
            assert part.states() == {"redis": "down", "memcached": "up"}
        error = writer.publisher.statuses()[0].error
        assert error is not None
        assert "no answer within" in error
        redis.go_on()
        back_s = await until("back", lambda: writer.states()["redis"] == "up" == reader.states()["redis"])
        assert back_s < 5
        newcomer = Reader([redis])
        async with running(newcomer):
            await until_shown(writer.put(NAMES), NAMES, reader, newcomer)
        assert writer.superseded == []


async def test_a_stalled_memcached_delays_nobody(redis: Server, memcached: Server) -> None:
    writer, reader = Writer([redis, memcached], 5), Reader([redis, memcached])
    async with running(writer, reader):
        await until_shown(writer.put(NAMES), NAMES, reader)
        memcached.stall()
        await until("seen", lambda: bool(writer.put(["x"])) and writer.states()["memcached"] == "down")
        taken = []
        for _ in range(20):
            version = writer.put(NAMES)
            taken.append(await until("it", _sees(reader, version)))
        assert sorted(taken)[10] < 0.5, taken
        memcached.go_on()
        await until("back", lambda: writer.states()["memcached"] == "up" == reader.states()["memcached"])


def _sees(reader: Reader, version: Version) -> Callable[[], bool]:
    return lambda: versions(reader.memory)[NAMES[-1]] == str(version)


@pytest.mark.slow
async def test_without_any_tier_the_memory_goes_on_serving_and_says_that_it_is_stale(
    redis: Server, memcached: Server
) -> None:
    writer, reader = Writer([redis, memcached], 5), Reader([redis, memcached])
    async with running(writer, reader):
        await until_shown(writer.put(NAMES, fresh_s=2.0), NAMES, reader)
        with reader.memory.subscribe() as subscription:
            redis.kill()
            memcached.kill()
            await until("both down", lambda: reader.states() == {"redis": "down", "memcached": "down"})
            assert reader.memory.get(NAMES[0]) is not None
            await until("old", lambda: min(reader.memory.age_s(name) or 0 for name in NAMES) >= 2.0)
            reader.memory.sweep()
            assert set(await asyncio.wait_for(subscription.take(), 1)) == set(NAMES)
        for name in NAMES:
            document = reader.memory.get(name)
            assert document is not None
            assert b'"data_quality":"stale"' in document.body
        redis.start()
        memcached.start()
        assert await until_shown(writer.put(NAMES), NAMES, reader) < 5
        assert (document := reader.memory.get(NAMES[0])) is not None
        assert b'"data_quality":"live"' in document.body


@pytest.mark.slow
async def test_a_full_redis_says_so_and_memcached_carries_on(tmp_path: Path, memcached: Server) -> None:
    with redis_server(tmp_path, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction") as redis:
        writer, reader = Writer([redis, memcached], 5), Reader([redis, memcached])
        async with running(writer, reader):
            await until_shown(writer.put(NAMES), NAMES, reader)
            for number in range(40):
                writer.put([f"large:{number}"], text="x" * 100_000)
                await asyncio.sleep(0.05)
            await until("full", lambda: writer.states() == {"redis": "full", "memcached": "up"})
            error = writer.publisher.statuses()[0].error
            assert error is not None
            assert "maxmemory" in error
            version = writer.put(NAMES)
            await until("through Memcached", _sees(reader, version))
            client = Redis.from_url(f"redis://{redis.address}")
            await client.config_set("maxmemory", "100mb")
            await client.aclose()
            await until("up again", lambda: writer.states()["redis"] == "up")
            newcomer = Reader([redis])
            async with running(newcomer):
                await until("all", lambda: len(versions(newcomer.memory)) == 140)
        assert writer.superseded == []


async def test_a_memcached_that_evicts_is_up(redis: Server) -> None:
    with memcached_server("-m", "2") as memcached:
        writer, reader = Writer([redis, memcached], 5), Reader([redis, memcached])
        async with running(writer, reader):
            names = [f"large:{number}" for number in range(60)]
            for _ in range(3):
                await until_shown(writer.put(names, text="x" * 100_000), names, reader)
            assert writer.states() == {"redis": "up", "memcached": "up"} == reader.states()
        client = Client(memcached.address)
        assert client.stats()[b"evictions"] > 0
        client.close()
        memcached.kill()


@pytest.mark.parametrize("which", ["redis", "memcached"])
async def test_garbage_in_a_key_marks_the_tier_until_it_is_written_over(
    which: str, redis: Server, memcached: Server
) -> None:
    server = redis if which == "redis" else memcached
    writer = Writer([server], 5)
    async with running(writer):
        version = writer.put(NAMES)
        await until("written", lambda: writer.publisher.statuses()[0].counts["waiting"] == 0)
        await _overwrite(server, f"vt_shared:document:{NAMES[3]}", b'{"not":"an envelope"}')
        reader = Reader([server])
        async with running(reader):
            await until("the others", lambda: len(versions(reader.memory)) == 99)
            await until("marked", lambda: reader.states() == {which: "down"})
            error = reader.replica.statuses()[0].error
            assert error is not None
            assert error.startswith(f"{which}: what is stored as 'symbol:S3' is not an envelope")
            since_ms = reader.replica.statuses()[0].since_ms
            await asyncio.sleep(1)
            assert reader.replica.statuses()[0].since_ms == since_ms
            version = writer.put(NAMES)
            await until_shown(version, NAMES, reader)
            await until("up", lambda: reader.states() == {which: "up"})
            await _overwrite(server, "vt_shared:index", b"\xffgarbage")
            await until("written over", lambda: writer.publisher.statuses()[0].counts["failures"] > 0)
            await until_shown(writer.put(NAMES), NAMES, reader)
            await until("up", lambda: writer.states() == {which: "up"} == reader.states())


async def _overwrite(server: Server, key: str, value: bytes) -> None:
    if server.name == "redis":
        client = Redis.from_url(f"redis://{server.address}")
        await client.set(key, value)
        await client.aclose()
    else:
        other = Client(server.address)
        other.set(key, value, noreply=False)
        other.close()


async def test_servers_that_talk_nonsense_are_down_and_nothing_else_happens(memcached: Server, redis: Server) -> None:
    """Each takes the other for its own kind."""
    for address in (memcached.address, redis.address):
        for kind in (Writer, Reader):
            tier: Tier = RedisTier(f"redis://{address}") if address == memcached.address else MemcachedTier(address)
            part = Writer([], 5, tiers=[tier]) if kind is Writer else Reader([], tiers=[tier])
            async with running(part):
                if isinstance(part, Writer):
                    part.put(NAMES)
                await until("down", _is(part, "down"))
                await asyncio.sleep(0.5)
                assert _is(part, "down")()


def _is(part: Writer | Reader, state: str) -> Callable[[], bool]:
    return lambda: set(part.states().values()) == {state}

"""A publisher and replicas over real Redis and Memcached: quick, in order, of true age, never torn, one writer."""

import asyncio
from collections.abc import Iterator

import pytest
from pymemcache.client.base import Client
from redis.asyncio import Redis
from tests.support.cache import Reader, Writer, body_of, check, running, tier_of, until, until_shown, versions
from tests.support.servers import Server, memcached_server, redis_server

from virtuoso.model.clock import ManualClock, SystemClock
from virtuoso.storage.cache.document import Document, Version, encode
from virtuoso.storage.cache.tier import NOTHING, Batch, Fence, Index, Packed


@pytest.fixture(scope="module")
def redis_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def memcached_of_all() -> Iterator[Server]:
    with memcached_server() as server:
        yield server


@pytest.fixture
async def redis(redis_of_all: Server) -> Server:
    client = Redis.from_url(f"redis://{redis_of_all.address}")
    await client.flushall()
    await client.aclose()
    return redis_of_all


@pytest.fixture
def memcached(memcached_of_all: Server) -> Server:
    client = Client(memcached_of_all.address)
    client.flush_all(noreply=False)
    client.close()
    return memcached_of_all


class ShiftedClock(SystemClock):
    """The clock of a machine that is wrong by so much."""

    def __init__(self, shift_s: float) -> None:
        super().__init__()
        self._shift_ns = int(shift_s * 1e9)

    def now_ns(self) -> int:
        return super().now_ns() + self._shift_ns


def never_back(reader: Reader, number: int, seen: dict[tuple[int, str], Version]) -> None:
    """Every document of the reader with that number is whole and not older than it was."""
    for name in reader.memory.names():
        document = reader.memory.get(name)
        assert document is not None
        check(document)
        assert document.version >= seen.get((number, name), Version(0, 0))
        seen[number, name] = document.version


NAMES = tuple(f"symbol:S{number}" for number in range(250))


@pytest.mark.slow
async def test_documents_travel_in_order_and_what_is_removed_goes(redis: Server, memcached: Server) -> None:
    writer, reader, only_memcached = Writer([redis, memcached], 5), Reader([redis, memcached]), Reader([memcached])
    async with running(writer, reader, only_memcached):
        for _ in range(3):
            version = writer.put(NAMES)
            await until_shown(version, NAMES, reader, only_memcached)
        writer.memory.remove(NAMES[0])
        await until_shown(version, NAMES[1:], reader, only_memcached)
        assert writer.states() == {"redis": "up", "memcached": "up"} == reader.states()
        assert all(status.counts["waiting"] == 0 for status in writer.publisher.statuses())


async def test_pub_sub_drives_the_replica(redis: Server) -> None:
    """Without it a change is seen within a second, half a second in the middle: the quickest of many says nothing."""
    writer, reader = Writer([redis], 5), Reader([redis])
    async with running(writer, reader):
        writer.put(["x"])
        await until("the first", lambda: len(versions(reader.memory)) == 1)
        await until("listening", lambda: bool(writer.put(["x"])) and reader.replica.statuses()[0].counts["heard"])
        taken = [await until_shown(writer.put(["x"]), ["x"], reader) for _ in range(15)]
    assert sorted(taken)[len(taken) // 2] < 0.2, taken


async def test_ages_are_true_at_first_sight_and_after_a_restart(redis: Server) -> None:
    writer = Writer([redis], 5)
    async with running(writer):
        version = writer.put(["x"], fresh_s=1.0)
        await until("written", lambda: writer.publisher.statuses()[0].counts["waiting"] == 0)
        await until("stale", lambda: (writer.memory.age_s("x") or 0) > 1.2)
        for late in (Reader([redis]), Writer([redis], 6)):
            if isinstance(late, Reader):
                assert await late.replica.warm(5) == 1
                await late.replica.close()
            else:
                assert await late.publisher.warm(5) == 1
                await late.publisher.close()
            document = late.memory.get("x")
            assert document is not None
            assert (document.stale, document.version) == (True, version)
            assert b'"data_quality":"stale"' in document.body
            true, seen = writer.memory.age_s("x"), late.memory.age_s("x")
            assert true is not None
            assert seen is not None
            assert true - 0.1 < seen < true + 0.1


@pytest.mark.parametrize("shift_s", [-3_600, 3_600])
async def test_a_clock_that_is_an_hour_off_makes_nothing_stale(redis: Server, memcached: Server, shift_s: int) -> None:
    writer, reader = Writer([redis, memcached], 5, ShiftedClock(shift_s)), Reader([redis, memcached])
    async with running(writer, reader):
        await until("watching", lambda: reader.states() == {"redis": "up", "memcached": "up"})
        for _ in range(3):
            await until_shown(writer.put(["x", "y"], fresh_s=30), ["x", "y"], reader)
        document = reader.memory.get("x")
        assert document is not None
        assert not document.stale
        age_s = reader.memory.age_s("x")
        assert age_s is not None
        assert age_s < 10


async def test_what_waited_at_the_publisher_arrives_with_the_time_it_waited(redis: Server) -> None:
    writer, reader = Writer([redis], 5), Reader([redis])
    async with running(writer, reader):
        writer.put(["first"])
        await until("watching", lambda: len(versions(reader.memory)) == 1)
        writer.epoch = None  # it may not publish for a while
        writer.put(["x"])
        await until("waited", lambda: (writer.memory.age_s("x") or 0) > 1.5)
        assert writer.publisher.statuses()[0].counts["waiting"] == 1
        assert "x" not in versions(reader.memory)
        writer.epoch = 5
        await until("it", lambda: "x" in versions(reader.memory))
        age_s, true_s = reader.memory.age_s("x"), writer.memory.age_s("x")
        assert age_s is not None
        assert true_s is not None
        assert true_s - 0.5 < age_s <= true_s + 0.001


@pytest.mark.slow
async def test_an_older_epoch_cannot_write_once_a_newer_has(redis: Server, memcached: Server) -> None:
    old, new, reader = Writer([redis, memcached], 5), Writer([redis, memcached], 6), Reader([redis, memcached])
    memory_only = Reader([memcached])
    seen: dict[tuple[int, str], Version] = {}

    async def watch() -> None:
        while True:
            for number, each in enumerate((reader, memory_only)):
                never_back(each, number, seen)
            await asyncio.sleep(0.001)

    async with running(reader, memory_only), running(old):
        watching = asyncio.create_task(watch())
        for _ in range(5):
            await until_shown(old.put(["x", "y"]), ["x", "y"], reader, memory_only)
        async with running(new):
            await until_shown(new.put(["x", "y"]), ["x", "y"], reader, memory_only)
            for _ in range(50):
                old.put(["x", "y", "z"])
                new.put(["x", "y"])
                await asyncio.sleep(0.01)
            await until("told", lambda: old.superseded != [])
            await until_shown(new.put(["x", "y"]), ["x", "y"], reader, memory_only)
        assert len(old.superseded) == 1
        assert old.superseded[0] >= Fence(6, 1)
        assert new.superseded == []
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching


@pytest.mark.parametrize("which", ["redis", "memcached", "both"])
async def test_an_older_epoch_that_wakes_up_writes_nothing(redis: Server, memcached: Server, which: str) -> None:
    servers = {"redis": [redis], "memcached": [memcached], "both": [redis, memcached]}[which]
    old, new = Writer(servers, 5), Writer(servers, 6)
    async with running(new):
        version = new.put(["x"])
        await until("written", lambda: not any(s.counts["waiting"] for s in new.publisher.statuses()))
        async with running(old):  # it has slept through the take-over
            old.put(["x", "z"])
            await until("told", lambda: old.superseded != [])
            old.put(["x", "z"])
        reader = Reader(servers)
        async with running(reader):
            await until("the new one's", lambda: versions(reader.memory) == {"x": str(version)})


@pytest.mark.slow
async def test_readers_under_many_writes_never_see_a_torn_or_older_document(redis: Server, memcached: Server) -> None:
    writer = Writer([redis, memcached], 5)
    readers = [Reader([redis, memcached]), Reader([redis]), Reader([memcached])]
    names = [f"n{number}" for number in range(20)]
    async with running(writer, *readers):
        last: dict[tuple[int, str], Version] = {}
        ended = asyncio.get_running_loop().time() + 3
        while asyncio.get_running_loop().time() < ended:
            writer.put(names, text="x" * (writer.sequence * 997 % 5_000))
            await asyncio.sleep(0)
            for number, reader in enumerate(readers):
                never_back(reader, number, last)
            await asyncio.sleep(0.002)
        await until_shown(writer.put(names), names, *readers)
        assert writer.sequence > 50


@pytest.mark.slow
async def test_a_tier_that_was_left_behind_brings_nothing_back(redis: Server, memcached: Server) -> None:
    old, new, reader = Writer([memcached], 5), Writer([redis], 6), Reader([redis, memcached])
    async with running(old):
        old.put(["x", "gone"])
        await until("written", lambda: old.publisher.statuses()[0].counts["waiting"] == 0)
    async with running(new, reader):
        await until_shown(new.put(["x"]), ["x"], reader)
        for _ in range(30):  # over several looks into each tier
            await asyncio.sleep(0.1)
            assert versions(reader.memory).keys() == {"x"}


async def test_an_older_document_than_the_index_says_is_as_if_it_were_not_there(memcached: Server) -> None:
    """So a writer that is no more left it, after the newer one had written it."""
    tier = tier_of(memcached)
    old, new, fence = Version(5, 9), Version(6, 1), Fence(6, 1)
    packed = Packed(encode(Document("x", body_of(old), old, 1, 1e9, 1e9), 0.0), old, 60_000)
    assert (await tier.write(Batch(fence, NOTHING, {"x": packed}, (), Index(fence, {"x": new}), 60_000))).written
    await tier.close()
    reader = Reader([memcached])
    assert await reader.replica.warm(5) == 0
    await reader.replica.close()
    assert reader.states() == {"memcached": "up"}


async def test_documents_of_any_size_reach_readers_of_memcached_alone(memcached: Server) -> None:
    writer, reader = Writer([memcached], 5), Reader([memcached])
    name = "long " * 80
    async with running(writer, reader):
        version = writer.put([name, "y"], text="é" * 1_500_000)
        await until("both", lambda: versions(reader.memory) == {name: str(version), "y": str(version)})


def test_a_document_that_nobody_renews_turns_stale_by_the_clock_of_the_reader() -> None:
    clock = ManualClock(10_000_000_000)
    writer = Writer([], 5, clock)
    writer.memory.put("x", body_of(Version(5, 1)), Version(5, 1), 60.0, 5.0)
    clock.advance(5_000_000_000)
    assert writer.memory.sweep() == 1
    assert (document := writer.memory.get("x")) is not None
    assert document.stale

"""Several monitors and one server: each has its own keys, and where they clash it is said what to set."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from redis.asyncio import Redis
from tests.support.cache import Reader, Writer, running, until, until_shown
from tests.support.servers import Server, memcached_server, redis_server

from virtuoso.config.settings import Settings
from virtuoso.model.clock import SystemClock
from virtuoso.model.errors import UsageError
from virtuoso.storage.cache.memcached import MemcachedTier
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.cache.publisher import Publisher
from virtuoso.storage.cache.redis import RedisTier
from virtuoso.storage.cache.tier import Tier
from virtuoso.storage.stores import Stores
from virtuoso.wiring.stores import opened, owner_of

NAMES = ("overview", "signals")


@pytest.fixture(params=["redis", "memcached"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    with redis_server(tmp_path) if request.param == "redis" else memcached_server() as running_server:
        yield running_server
        running_server.kill()  # Memcached takes a second to stop


def settings_of(server: Server, folder: Path, identity: str = "monitor") -> Settings:
    """A monitor that publishes to the server alone, with a database of its own in `folder`."""
    cache = {"tiers": ("memory", server.name)}
    cache |= (
        {"memcached": server.address} if server.name == "memcached" else {"redis_url": f"redis://{server.address}/0"}
    )
    folder.mkdir(exist_ok=True)
    return Settings.model_validate(
        {"identity": identity, "data_dir": folder, "cache": cache, "timeseries": {"store": "none"}}
    )


def tier_under(server: Server, prefix: str) -> Tier:
    if server.name == "memcached":
        return MemcachedTier(server.address, prefix)
    return RedisTier(f"redis://{server.address}/0", prefix)


@asynccontextmanager
async def monitor(settings: Settings) -> AsyncIterator[tuple[Stores, Writer]]:
    """The stores of a monitor that publishes something new all the time."""
    memory = MemoryCache(SystemClock())
    async with opened(settings, SystemClock(), memory) as stores:
        writer = Writer((), stores.lease.epoch)
        writer.memory = memory

        async def publish() -> None:
            while True:
                writer.put(NAMES, text=settings.identity)
                await asyncio.sleep(0.1)

        works = [
            asyncio.create_task(publish()), asyncio.create_task(stores.publisher.run()),
            asyncio.create_task(stores.lease.run()),
        ]  # fmt: skip
        try:
            yield stores, writer
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)


def test_the_prefix_is_that_of_the_identity() -> None:
    assert Settings().cache_prefix == "vt_shared"
    assert Settings(identity="night").cache_prefix == "vt_shared:night"
    mine = Settings.model_validate({"identity": "night", "cache": {"prefix": "mine"}})
    assert mine.cache_prefix == "mine:night"


async def test_monitors_of_two_identities_share_a_server_and_each_is_read_as_its_own(
    server: Server, tmp_path: Path
) -> None:
    one, two = settings_of(server, tmp_path / "one"), settings_of(server, tmp_path / "two", "night")
    readers = [Reader((), [tier_under(server, prefix)]) for prefix in ("vt_shared", "vt_shared:night")]
    async with monitor(one) as (first, _), monitor(two) as (second, _), running(*readers):
        for reader, identity in zip(readers, ("monitor", "night"), strict=True):
            await until("read", lambda reader=reader, identity=identity: _said(reader) == {identity})  # type: ignore[misc]
        await asyncio.sleep(0.5)
        assert not first.lease.lost.is_set()
        assert not second.lease.lost.is_set()


def _said(reader: Reader) -> set[str]:
    found = [reader.memory.get(name) for name in NAMES]
    return {document.body.decode().rpartition('"text":"')[2][:-2] for document in found if document is not None}


async def test_a_second_database_under_one_prefix_is_refused_at_the_start_with_what_to_set(
    server: Server, tmp_path: Path
) -> None:
    one, two = settings_of(server, tmp_path / "one"), settings_of(server, tmp_path / "two")
    async with monitor(one) as (first, writer):
        await until("written", lambda: writer.sequence > 3 and first.statuses()[0].state == "up")
        with pytest.raises(
            UsageError, match="publishes under vt_shared too: give this one another `identity`"
        ) as error:
            async with monitor(two):
                pass
        assert owner_of(one) in str(error.value)
        assert not first.lease.lost.is_set(), "the one that was there goes on"
    async with monitor(two) as (second, _):  # it is gone: what it left is no rival
        await until("written", lambda: second.statuses()[0].counts["waiting"] == 0)


async def test_what_the_same_owner_left_is_no_rival_and_costs_no_time(server: Server) -> None:
    def publisher(writer: Writer, owner: str) -> Publisher:
        return Publisher(
            writer.memory, [tier_under(server, "vt_shared")], lambda: writer.epoch, writer.clock, lambda _: None, owner
        )

    first, again = Writer((), 5), Writer((), 6)
    first.publisher, again.publisher = publisher(first, "monitor at a"), publisher(again, "monitor at a")
    async with running(first):
        reader = Reader([server])
        async with running(reader):
            await until_shown(first.put(NAMES), NAMES, reader)
        began = time.monotonic()
        assert await again.publisher.rival(5.0) is None
        assert time.monotonic() - began < 3.0
    await again.publisher.close()


async def test_two_that_start_at_once_are_told_of_each_other_not_of_a_lost_lease(
    server: Server, tmp_path: Path
) -> None:
    """Neither writes yet when the other looks: the one with the lower epoch ends, and says what is the matter."""
    one, two = settings_of(server, tmp_path / "one"), settings_of(server, tmp_path / "two")
    async with monitor(two) as (second, _):
        higher = Writer((), second.lease.epoch + 100)
        higher.publisher = Publisher(
            higher.memory, [tier_under(server, "vt_shared")], lambda: higher.epoch, higher.clock, lambda _: None,
            owner_of(one),
        )  # fmt: skip
        async with running(higher):
            higher.put(NAMES)
            await until("it ends", second.lease.lost.is_set)
        assert "publishes under vt_shared too" in str(second.lease.lost_to)
        assert owner_of(one) in str(second.lease.lost_to)
        assert not second.lease.may_publish()


async def test_a_fence_of_redis_names_its_owner(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        settings = settings_of(server, tmp_path / "one", "night")
        client = Redis.from_url(f"redis://{server.address}/0")
        async with monitor(settings) as (stores, _):
            await until("written", lambda: stores.statuses()[0].counts["waiting"] == 0)
            with suppress(TimeoutError):
                async with asyncio.timeout(10):
                    while await client.get("vt_shared:night:fence") is None:
                        await asyncio.sleep(0.05)
            fence = (await client.get("vt_shared:night:fence")).decode()
            epoch, _, owner = fence.split(" ", 2)
            assert (int(epoch), owner) == (stores.lease.epoch, owner_of(settings))
        await client.aclose()

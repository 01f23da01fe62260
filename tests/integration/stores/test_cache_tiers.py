"""One tier against its real server: what is written is read, by the fence and its size; garbage has a name."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from pymemcache.client.base import Client
from redis.asyncio import Redis
from tests.support.cache import body_of, tier_of
from tests.support.servers import Server, memcached_server, redis_server

from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.cache.document import Document, Version, decode, encode
from virtuoso.storage.cache.memcached import MemcachedTier
from virtuoso.storage.cache.redis import RedisTier
from virtuoso.storage.cache.tier import NOTHING, Batch, Change, Fence, Index, Packed, Tier


@pytest.fixture(params=["redis", "memcached"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    with redis_server(tmp_path) if request.param == "redis" else memcached_server() as running:
        yield running
        running.kill()  # Memcached takes a second to stop


@pytest.fixture
async def tier(server: Server) -> Tier:
    return tier_of(server)


def batch(fence: Fence, base: Fence, names: list[str], text: str = "", removed: tuple[str, ...] = ()) -> Batch:
    version = Version(*fence)
    documents = {
        name: Packed(encode(Document(name, body_of(version, text), version, 1, 60, 60), 0.0), version, 60_000)
        for name in names
    }
    return Batch(fence, base, documents, removed, Index(fence, dict.fromkeys(names, version)), 60_000)


async def test_what_is_written_is_read(tier: Tier) -> None:
    assert await tier.index() is None
    assert await tier.read(["a"]) == {}
    first = batch(Fence(3, 1), NOTHING, ["a", "b", "ü😀 {x}"], "€\r\n\x00")
    assert await tier.write(first) == (True, Fence(3, 1))
    assert await tier.index() == first.index
    found = await tier.read(["a", "ü😀 {x}", "c"])
    assert set(found) == {"a", "ü😀 {x}"}
    assert decode("", "ü😀 {x}", found["ü😀 {x}"])[0].body == body_of(Version(3, 1), "€\r\n\x00")
    second = batch(Fence(3, 2), Fence(3, 1), ["b"], removed=("a",))
    assert await tier.write(second) == (True, Fence(3, 2))
    assert set(await tier.read(["a", "b"])) == {"b"}
    assert await tier.index() == second.index
    await tier.close()


async def test_the_fence(tier: Tier) -> None:
    assert (await tier.write(batch(Fence(3, 5), NOTHING, ["a"]))).written
    for fence in (Fence(2, 99), Fence(3, 5), Fence(3, 4)):
        assert await tier.write(batch(fence, NOTHING, ["a", "b"])) == (False, Fence(3, 5))
    assert set(await tier.read(["a", "b"])) == {"a"}
    # it holds less than it had confirmed: it takes everything only
    assert await tier.write(batch(Fence(3, 9), Fence(3, 8), ["b"])) == (False, Fence(3, 5))
    assert set(await tier.read(["a", "b"])) == {"a"}
    assert await tier.write(batch(Fence(4, 1), NOTHING, ["b"])) == (True, Fence(4, 1))
    await tier.close()


async def test_a_flush_of_an_empty_server_must_be_whole(tier: Tier) -> None:
    assert await tier.write(batch(Fence(3, 9), Fence(3, 8), ["b"])) == (False, NOTHING)
    assert await tier.index() is None
    await tier.close()


async def test_names_that_are_too_long_for_a_key(tier: Tier) -> None:
    names = ["symbol:" + "x" * 300 + end for end in ("1", "2")]
    await tier.write(batch(Fence(1, 1), NOTHING, names))
    found = await tier.read(names)
    assert [decode("", name, found[name])[0].name for name in names] == names
    await tier.close()


async def test_documents_that_are_larger_than_an_item(tier: Tier) -> None:
    whole = batch(Fence(1, 1), NOTHING, ["large", "small"], "x" * 3_500_000)
    whole.documents["small"] = batch(Fence(1, 1), NOTHING, ["small"]).documents["small"]  # type: ignore[index]
    assert (await tier.write(whole)).written
    found = await tier.read(["large", "small"])
    assert {name: found[name] == whole.documents[name].data for name in found} == {"large": True, "small": True}
    await tier.close()


async def test_what_is_too_large_for_memcached_is_left_out_and_counted_and_a_lost_chunk_is_a_miss() -> None:
    with memcached_server("-I", "1m") as server:
        tier = MemcachedTier(server.address)
        assert (await tier.write(batch(Fence(1, 1), NOTHING, ["huge"], "x" * 17_000_000))).written
        assert await tier.read(["huge"]) == {}
        assert tier.counts["too_large"] == 1
        assert (await tier.write(batch(Fence(1, 2), Fence(1, 1), ["large"], "x" * 2_500_000))).written
        client = Client(server.address)
        assert client.delete("vt_shared:chunk:large:1-2:1000000", noreply=False)
        client.close()
        assert await tier.read(["large"]) == {}
        await tier.close()


async def test_garbage_in_the_keys_has_a_name(server: Server, tier: Tier) -> None:
    if isinstance(tier, RedisTier):
        redis = Redis.from_url(f"redis://{server.address}")
        await redis.set("vt_shared:index", b"\xff\x00{")
        await redis.set("vt_shared:fence", b"nonsense")
        await redis.lpush("vt_shared:document:list", "x")
        await redis.aclose()
    else:
        client = Client(server.address)
        client.set("vt_shared:index", b"\xff\x00{", noreply=False)
        client.set("vt_shared:document:list", b'{"chunks":["a b"],"digest":"x"', noreply=False)
        client.close()
    with pytest.raises(StoreUnavailable, match=f"{tier.name}: what is stored as the index is not one"):
        await tier.index()
    if isinstance(tier, MemcachedTier):
        with pytest.raises(StoreUnavailable, match="memcached: what is stored as 'list' is neither"):
            await tier.read(["list"])
    assert (await tier.write(batch(Fence(1, 1), NOTHING, ["list"]))).written  # writing it anew sets it right
    assert set(await tier.read(["list"])) == {"list"}
    await tier.close()


NONSENSE = [
    b"", b"\r\n", b"\x00" * 5_000, b"HTTP/1.1 400 Bad Request\r\n\r\n", b"*1\r\n$5\r\nab", b"+OK\r\n" * 50,
    b"$-5\r\n", b":-1\r\n" * 9, b"VALUE x 0 99999999999\r\n", b"VALUE a b c d e\r\n", b"VALUE vt 0 -1 5\r\nEND\r\n",
    b"END\r\n" * 20,
    b"STORED\r\n" * 30, b"SERVER_ERROR out of memory storing object\r\n", b"-ERR no\r\n" * 9, b"_\r\n%1\r\n",
    b"-OOM command not allowed\r\n" * 9, b"*-1\r\n" * 9, b"*20000\r\n",
]  # fmt: skip


@asynccontextmanager
async def nonsense_server(said: bytes) -> AsyncIterator[str]:
    """Answers the same to everything; its address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while await reader.read(100_000):
                writer.write(said)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("kind", ["redis", "memcached"])
async def test_a_server_that_answers_nonsense_is_unavailable_within_the_time_limit(kind: str) -> None:
    """Whatever it says: `StoreUnavailable`, or an answer that happens to be possible (`END` is an empty index)."""
    loop = asyncio.get_running_loop()
    refused = []
    for said in NONSENSE:
        async with nonsense_server(said) as address:
            tier: Tier = (
                RedisTier(f"redis://{address}", "vt", 0.1) if kind == "redis" else MemcachedTier(address, "vt", 0.1)
            )
            write = partial(tier.write, batch(Fence(1, 1), NOTHING, ["a"]))
            for call in (tier.index, partial(tier.read, ["a"]), write):
                began = loop.time()
                try:
                    await call()
                except StoreUnavailable as error:
                    refused.append(str(error))
                assert loop.time() - began < 3
            await tier.close()
    assert len(refused) >= 3 * len(NONSENSE) - 2
    assert all(text.startswith(f"{kind}") and not text.endswith(": ") for text in refused), refused


async def test_redis_tells_of_changes_and_comes_back_when_it_was_restarted(tmp_path: Path) -> None:
    heard: list[Change] = []
    with redis_server(tmp_path) as server:
        tier = RedisTier(f"redis://{server.address}")
        writer = RedisTier(f"redis://{server.address}")
        listening = asyncio.create_task(tier.listen(heard.append))

        async def until_heard() -> None:
            heard.clear()
            client = Redis.from_url(f"redis://{server.address}")
            async with asyncio.timeout(15):
                while not heard:
                    await client.publish("vt_shared:changed", b"nonsense")
                    await client.delete("vt_shared:fence")
                    assert (await writer.write(batch(Fence(1, 1), NOTHING, ["a", "b"]))).written
                    await asyncio.sleep(0.02)
            await client.aclose()
            assert heard[0] == Change(Fence(1, 1), {"a": Version(1, 1), "b": Version(1, 1)})

        await until_heard()
        server.kill()
        with pytest.raises(StoreUnavailable, match="redis: "):
            await writer.index()
        server.start()
        await until_heard()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await tier.close()
        await writer.close()


async def answered(tier: Tier, name: str) -> dict[str, bytes]:
    """The first answer of a server that goes on, which a busy machine may make wait for longer than a call may."""
    for _ in range(100):
        with suppress(StoreUnavailable):
            return dict(await tier.read([name]))
        await asyncio.sleep(0.1)
    raise AssertionError("it does not answer")


async def test_a_call_that_was_cut_short_does_not_leave_its_answer_to_the_next(server: Server) -> None:
    tier = tier_of(server)
    names = [f"n{i}" for i in range(50)]
    await tier.write(batch(Fence(1, 1), NOTHING, names))
    for round_ in range(3):
        server.stall()
        with pytest.raises(StoreUnavailable, match="no answer within"):
            await tier.read([names[round_]])
        server.go_on()
        found = await answered(tier, names[-1])
        assert set(found) == {names[-1]}
        assert decode("", names[-1], found[names[-1]])
    await tier.close()

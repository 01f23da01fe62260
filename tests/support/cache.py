"""Publishers and replicas over real tiers, with documents whose body names its version."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

import msgspec

from tests.support.servers import Server
from virtuoso.model.clock import Clock, SystemClock
from virtuoso.storage.cache.document import Document, Version
from virtuoso.storage.cache.memcached import MemcachedTier
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.cache.publisher import Publisher
from virtuoso.storage.cache.redis import RedisTier
from virtuoso.storage.cache.replica import Replica
from virtuoso.storage.cache.tier import Fence, Tier


def tier_of(server: Server) -> Tier:
    """A client of a server."""
    if server.name == "memcached":
        return MemcachedTier(server.address)
    return RedisTier(f"redis://{server.address}/0")


def body_of(version: Version, text: str = "") -> bytes:
    """A document that says which version it is."""
    return msgspec.json.encode({"version": str(version), "data_quality": "live", "text": text})


def versions(memory: MemoryCache) -> dict[str, str]:
    """What a reader sees, by name; what is torn fails here."""
    seen = {}
    for name in memory.names():
        document = memory.get(name)
        if document is not None:
            seen[name] = check(document)
    return seen


def check(document: Document) -> str:
    """The version, which body and label must agree on."""
    said: str = msgspec.json.decode(document.body)["version"]
    assert said == str(document.version)
    return said


class Writer:
    """A monitor, as far as the cache is concerned."""

    def __init__(
        self, servers: Iterable[Server], epoch: int, clock: Clock | None = None, tiers: Iterable[Tier] = ()
    ) -> None:
        self.clock = clock or SystemClock()
        self.memory = MemoryCache(self.clock)
        self.epoch: int | None = epoch
        self.number = epoch
        self.sequence = 0
        self.superseded: list[Fence] = []
        all_tiers = [*tiers, *(tier_of(server) for server in servers)]
        self.publisher = Publisher(self.memory, all_tiers, lambda: self.epoch, self.clock, self.superseded.append)

    def put(self, names: Iterable[str], text: str = "", fresh_s: float = 60.0) -> Version:
        """Publish all under one version."""
        self.sequence += 1
        version = Version(self.number, self.sequence)
        for name in names:
            self.memory.put(name, body_of(version, text), version, 600.0, fresh_s)
        return version

    def states(self) -> dict[str, str]:
        """Of its tiers, by name."""
        return {status.name: status.state for status in self.publisher.statuses()}


class Reader:
    """A web process, as far as the cache is concerned."""

    def __init__(self, servers: Iterable[Server], tiers: Iterable[Tier] = ()) -> None:
        clock = SystemClock()
        self.memory = MemoryCache(clock)
        self.replica = Replica(self.memory, [*tiers, *(tier_of(server) for server in servers)], clock)

    def states(self) -> dict[str, str]:
        """Of its tiers, by name."""
        return {status.name: status.state for status in self.replica.statuses()}


@asynccontextmanager
async def running(*parts: Writer | Reader) -> AsyncIterator[None]:
    """Run them within the block; an error of theirs fails the test."""
    works: Sequence[Publisher | Replica] = [
        part.publisher if isinstance(part, Writer) else part.replica for part in parts
    ]
    tasks = [asyncio.create_task(work.run()) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for work in works:
            await work.close()
    for result in results:
        if isinstance(result, Exception):
            raise result


async def until_shown(version: Version, names: Iterable[str], *readers: Reader) -> float:
    """Wait until readers see these names and no others, all in this version; how long it took (s)."""
    wanted = dict.fromkeys(names, str(version))
    return await until(f"all in {version}", lambda: all(versions(reader.memory) == wanted for reader in readers))


async def until(what: str, condition: Callable[[], bool], limit_s: float = 15.0) -> float:
    """Wait for a condition; how long it took (s)."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not condition():
        assert loop.time() - began < limit_s, f"not within {limit_s} s: {what}"
        await asyncio.sleep(0.005)
    return loop.time() - began

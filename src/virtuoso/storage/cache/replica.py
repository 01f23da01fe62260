"""Keeps the memory of one process equal to what another publishes in the external tiers.

Each tier is watched by a task of its own, so that one which stalls delays no other; the memory drops what is older
than what it holds, so the highest version wins wherever it comes from.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from virtuoso.model.clock import Clock
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.cache.breaker import Breaker
from virtuoso.storage.cache.document import UNKNOWN, Document, Version, decode
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.cache.tier import NOTHING, Change, Index, Tier
from virtuoso.storage.status import StoreStatus

_PERIOD_S = 1.0
_WATCHING_NS = 3_000_000_000  # who looked into a tier so lately has seen arrive there what is new
_READ_AT_ONCE = 100


class _Watched:
    """A tier and what it told of since it was last asked: bounded by the number of documents."""

    def __init__(self, tier: Tier, clock: Clock) -> None:
        self.tier = tier
        self.breaker = Breaker(tier.name, clock)
        self.polled_ns: int | None = None
        self._told = Index(NOTHING, {})
        self._event = asyncio.Event()

    def heard(self, change: Change) -> None:
        """Add a change that the tier told of, and wake the task that reads it."""
        self._told = Index(max(self._told.fence, change.fence), self._told.versions | change.versions)
        self._event.set()

    async def told(self, timeout_s: float) -> Index:
        """Wait for changes; nothing when there were none."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        self._event.clear()
        told, self._told = self._told, Index(NOTHING, {})
        return told


class Replica:
    """Reads what a `Publisher` writes. `tiers` are its own to use and to close."""

    def __init__(self, memory: MemoryCache, tiers: Sequence[Tier], clock: Clock) -> None:
        self._memory = memory
        self._clock = clock
        self._watched = tuple(_Watched(tier, clock) for tier in tiers)
        self._newest = Index(NOTHING, {})

    async def warm(self, timeout_s: float) -> int:
        """Look once into every tier, for `timeout_s` at most; how many documents are held then."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                for watched in self._watched:
                    await self._poll(watched)
        return len(self._memory)

    async def run(self) -> None:
        """Run until cancelled: listen to every tier and read what changed into the memory."""
        async with asyncio.TaskGroup() as group:
            for watched in self._watched:
                group.create_task(watched.tier.listen(watched.heard))
                group.create_task(self._watch(watched))

    def statuses(self) -> tuple[StoreStatus, ...]:
        """Return the state of each tier, in their order."""
        return tuple(watched.breaker.status(watched.tier.counts) for watched in self._watched)

    async def close(self) -> None:
        """Close the connections of all tiers; nothing is carried any more."""
        for watched in self._watched:
            await watched.tier.close()

    async def _watch(self, watched: _Watched) -> None:
        """Read the index each second, and between what the tier tells of."""
        loop = asyncio.get_running_loop()
        while True:
            await self._poll(watched)
            next_s = loop.time() + (watched.breaker.wait_s or _PERIOD_S)
            while (left_s := next_s - loop.time()) > 0:
                told = await watched.told(left_s)
                if told.fence > self._newest.fence and watched.breaker.up:
                    self._newest = Index(told.fence, self._newest.versions | told.versions)
                    with watched.breaker.attempt():
                        await self._load(watched, told.versions)

    async def _poll(self, watched: _Watched) -> None:
        with watched.breaker.attempt():
            index = await watched.tier.index()
            if index is not None and index.fence < self._newest.fence:
                await self._load(watched, dict(index.versions.items() & self._newest.versions.items()))
            elif index is not None:
                await self._load(watched, index.versions)
                self._follow(index)
            watched.polled_ns = self._clock.monotonic_ns()

    def _follow(self, index: Index) -> None:
        """Forget what is no more by the newest index, which may be one that another tier told of meanwhile."""
        if index.fence >= self._newest.fence:
            self._newest = index
        for name in set(self._memory.names()) - self._newest.versions.keys():
            self._memory.remove(name)

    async def _load(self, watched: _Watched, versions: Mapping[str, Version]) -> None:
        """Fetch what is newer than what is held. Garbage is an error only after the rest was taken.

        The age of what arrives under our eyes is what it was when it was written, whatever clocks of other machines
        say; that of what has been there for longer goes by the writer's wall clock.
        """
        tier, polled_ns = watched.tier, watched.polled_ns
        watching = polled_ns is not None and self._clock.monotonic_ns() - polled_ns < _WATCHING_NS
        held = self._memory.version
        wanted = [name for name, version in versions.items() if (held(name) or UNKNOWN) < version]
        garbage: StoreUnavailable | None = None
        for start in range(0, len(wanted), _READ_AT_ONCE):
            found = await tier.read(wanted[start : start + _READ_AT_ONCE])
            for name, data in found.items():
                try:
                    document, age_s = decode(tier.name, name, data)
                except StoreUnavailable as error:
                    garbage = error
                    continue
                if document.version >= versions[name]:  # an older one was left there by a writer that is no more
                    self._memory.take(document, age_s if watching else max(age_s, self._wall_age_s(document)))
        if garbage is not None:
            raise garbage

    def _wall_age_s(self, document: Document) -> float:
        return self._clock.now_ns() / 1e9 - document.published_ms / 1000

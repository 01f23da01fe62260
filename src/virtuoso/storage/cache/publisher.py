"""Carries what the memory of this process holds to the external tiers.

Each tier has a task that compares what the memory holds with what the tier has confirmed, and writes the difference. So
what waits is bounded by the number of documents, the latest wins, and after a failure everything is written again.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise

from virtuoso.model.clock import Clock
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.cache.breaker import Breaker
from virtuoso.storage.cache.document import UNKNOWN, Document, Version, encode
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.cache.replica import Replica
from virtuoso.storage.cache.tier import NOTHING, Batch, Fence, Index, Packed, Tier
from virtuoso.storage.status import StoreStatus

_PERIOD_S = 1.0
_LOOK_S = 0.2
_NO_NAME = ("",)

Published = Mapping[str, tuple[Document, int]]


class _Written:
    """A tier and what it has confirmed."""

    def __init__(self, tier: Tier, clock: Clock) -> None:
        self.tier = tier
        self.breaker = Breaker(tier.name, clock)
        self.before: _Written | None = None
        self.base = NOTHING
        self.known: Mapping[str, Version] = {}
        self.turned = asyncio.Event()

    def forget(self) -> None:
        """Take it that a tier may have lost what it held."""
        self.base, self.known = NOTHING, {}

    def lacks(self, published: Published) -> int:
        """How many documents it does not hold in this version, or a newer one."""
        return sum(self.known.get(name, UNKNOWN) < document.version for name, (document, _) in published.items())


class Publisher:
    """Writes what `memory` holds. `tiers` are its own to use and to close; the order is that of authority.

    Args:
        memory: documents are published by putting them there.
        tiers: a later one is written only what the one before it has taken, or could not be asked for.
        epoch: the epoch under which this process may publish now, `None` when it may not. It must be higher than
            that of every publisher before, and those of the documents' versions must not be higher.
        clock: monotonic for ages.
        on_superseded: called once, with the fence that was found, when a newer publisher has written; from then on
            nothing is written.
        owner: identity and database of this publisher, as others are told.

    Attributes:
        superseded_by: whose the newer fence is; empty while there is none, or it does not say.
    """

    def __init__(
        self,
        memory: MemoryCache,
        tiers: Sequence[Tier],
        epoch: Callable[[], int | None],
        clock: Clock,
        on_superseded: Callable[[Fence], None],
        owner: str = "",
    ) -> None:
        self.superseded_by = ""
        self._owner = owner
        self._memory = memory
        self._clock = clock
        self._epoch = epoch
        self._on_superseded = on_superseded
        self._superseded = False
        self._flush = 0
        self._tiers = tuple(_Written(tier, clock) for tier in tiers)
        for before, tier in pairwise(self._tiers):
            tier.before = before

    async def warm(self, timeout_s: float) -> int:
        """Load what was published last into the memory, with its true age; how many documents are held then.

        To be called before `run`: what is not in the memory at the first flush is no more for the readers.
        """
        return await Replica(self._memory, [written.tier for written in self._tiers], self._clock).warm(timeout_s)

    async def rival(self, timeout_s: float) -> str | None:
        """Another owner that writes under the same prefix just now, seen to do so within `timeout_s`; `None` = nobody.

        To be called before `run`. What an owner that is gone left there is no rival, and costs that time once.
        """
        found = await asyncio.gather(*(self._rival(written.tier, timeout_s) for written in self._tiers))
        return next((owner for owner in found if owner is not None), None)

    async def _rival(self, tier: Tier, timeout_s: float) -> str | None:
        end_ns = self._clock.monotonic_ns() + round(timeout_s * 1e9)
        with suppress(StoreUnavailable):
            first = await tier.index()
            while self._is_others(first) and self._clock.monotonic_ns() < end_ns:
                await asyncio.sleep(_LOOK_S)
                index = await tier.index()
                if self._is_others(index) and index is not None and first is not None and index.fence != first.fence:
                    return index.owner
        return None

    def _is_others(self, index: Index | None) -> bool:
        return index is not None and index.owner not in ("", self._owner)

    async def run(self) -> None:
        """Publish until a newer publisher has written."""
        async with asyncio.TaskGroup() as group:
            for written in self._tiers:
                group.create_task(self._keep(written))

    def statuses(self) -> tuple[StoreStatus, ...]:
        """One a tier; `waiting` counts documents that are still to be written."""
        published = self._memory.published()
        return tuple(
            written.breaker.status({**written.tier.counts, "waiting": written.lacks(published)})
            for written in self._tiers
        )

    async def close(self) -> None:
        """Close the connections of all tiers; nothing is carried any more."""
        for written in self._tiers:
            await written.tier.close()

    async def _keep(self, written: _Written) -> None:
        """Write when something changed, and look each second whether what was written is still there."""
        with self._memory.subscribe() as changes:
            while not self._superseded:
                await self._turn(written)
                written.turned.set()
                written.turned = asyncio.Event()
                if written.breaker.failed:
                    await asyncio.sleep(written.breaker.wait_s)
                    continue
                with suppress(TimeoutError):
                    async with asyncio.timeout(_PERIOD_S):
                        await changes.take()

    async def _turn(self, written: _Written) -> None:
        published = self._memory.published()
        if written.before is not None:
            await self._judged(written.before, published)
        epoch = self._epoch()
        if epoch is None or self._superseded:
            return
        with written.breaker.attempt():
            try:
                if (
                    written.breaker.failed
                ):  # a small question first: what a stalled server does not take stays in memory
                    await written.tier.read(_NO_NAME)
                if not written.lacks(published) and written.known.keys() == published.keys():
                    index = await written.tier.index()
                    if (NOTHING if index is None else index.fence) == written.base or not published:
                        return
                    written.forget()
                await self._write(written, published, epoch)
            except StoreUnavailable:
                written.forget()
                raise

    async def _judged(self, before: _Written, published: Published) -> None:
        """Wait until the tier before has taken or refused this, or fails.

        The second of its turns to end from now on has begun after this was published.
        """
        for _ in range(2):
            if before.breaker.failed or self._superseded or not before.lacks(published):
                return
            await before.turned.wait()

    async def _write(self, written: _Written, published: Published, epoch: int) -> None:
        for _ in range(2):  # the second time when it has lost what it held
            batch = self._batch(written, published, epoch)
            outcome = await written.tier.write(batch)
            if outcome.written:
                written.base, written.known = batch.fence, batch.index.versions
                return
            if outcome.held >= batch.fence:
                await self._step_back(written.tier, outcome.held)
                return
            written.forget()
        raise StoreUnavailable(f"{written.tier.name} lost its content twice in a row")

    async def _step_back(self, tier: Tier, held: Fence) -> None:
        """A newer publisher has written; several tiers may say so."""
        owner = ""
        with suppress(StoreUnavailable):
            index = await tier.index()
            owner = "" if index is None else index.owner
        if not self._superseded:
            self._superseded, self.superseded_by = True, owner
            self._on_superseded(held)

    def _batch(self, written: _Written, published: Published, epoch: int) -> Batch:
        self._flush += 1
        now_ns = self._clock.monotonic_ns()
        documents: dict[str, Packed] = {}
        longest_ms = 1
        for name, (document, born_ns) in published.items():
            age_s = (now_ns - born_ns) / 1e9
            ttl_ms = max(1, round((document.ttl_s - age_s) * 1000))
            longest_ms = max(longest_ms, ttl_ms)
            if written.known.get(name) != document.version:
                documents[name] = Packed(encode(document, age_s), document.version, ttl_ms)
        fence = Fence(epoch, self._flush)
        index = Index(fence, {name: document.version for name, (document, _) in published.items()}, self._owner)
        return Batch(fence, written.base, documents, written.known.keys() - published.keys(), index, longest_ms)

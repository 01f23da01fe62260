"""Published documents in this process: bytes with a version and an ETag; readers never see an older one.

A document that got too old is shown relabelled `stale`, by the monotonic clock of this process.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from virtuoso.model.clock import Clock
from virtuoso.storage.cache.document import Document, Version

__all__ = ["Document", "MemoryCache", "Subscription", "Version"]


class Subscription:
    """Names of documents that changed since they were last taken: latest wins, so it is bounded by their number."""

    def __init__(self) -> None:
        self._changed: dict[str, None] = {}
        self._event = asyncio.Event()

    def notify(self, name: str) -> None:
        """Note that the document `name` changed, and wake whoever waits for changes."""
        self._changed[name] = None
        self._event.set()

    async def take(self) -> list[str]:
        """Wait for changes; the names, oldest change first."""
        await self._event.wait()
        self._event.clear()
        names = list(self._changed)
        self._changed.clear()
        return names


class _Held:
    """A document and when it turns stale and expires (monotonic ns); `turns_ns` is the next of the two."""

    __slots__ = ("born_ns", "document", "expires_ns", "shown", "stale_ns", "told", "turns_ns")

    def __init__(self, document: Document, born_ns: int) -> None:
        self.document = self.shown = document
        self.born_ns = born_ns
        self.expires_ns = born_ns + round(document.ttl_s * 1e9)
        self.stale_ns = min(born_ns + round(document.fresh_s * 1e9), self.expires_ns)
        self.turns_ns = self.stale_ns
        self.told = False

    def turn(self, now_ns: int) -> Document | None:
        """What is shown once `turns_ns` has come."""
        if now_ns >= self.expires_ns:
            return None
        if not self.shown.stale:
            self.shown = self.document.relabelled()
            self.turns_ns = self.expires_ns
        return self.shown


class MemoryCache:
    """Used on one event loop. A document of a lower version than the one held is dropped."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._subscriptions: set[Subscription] = set()
        self.puts = 0
        self.dropped = 0
        self.expired = 0

    def __len__(self) -> int:
        return len(self._held)

    def put(self, name: str, body: bytes, version: Version, ttl_s: float, fresh_s: float | None = None) -> bool:
        """Publish, as new now; `False` when a newer version is already held.

        `fresh_s`: older than this (s) it is shown as stale; `None`: it is fresh until it expires.
        """
        fresh_s = ttl_s if fresh_s is None else fresh_s
        return self.take(Document(name, body, version, self._clock.now_ns() // 1_000_000, fresh_s, ttl_s), 0.0)

    def take(self, document: Document, age_s: float) -> bool:
        """Hold what another process published `age_s` seconds ago; `False` when a newer version is already held."""
        held = self._held.get(document.name)
        if held is not None and held.document.version > document.version:
            self.dropped += 1
            return False
        self._held[document.name] = _Held(document, self._clock.monotonic_ns() - round(age_s * 1e9))
        self.puts += 1
        self._notify(document.name)
        return True

    def get(self, name: str) -> Document | None:
        """The latest version, relabelled once it is stale, unless it expired."""
        held = self._held.get(name)
        if held is None:
            return None
        now_ns = self._clock.monotonic_ns()
        return held.shown if now_ns < held.turns_ns else held.turn(now_ns)

    def version(self, name: str) -> Version | None:
        """Of what is held, expired or not."""
        held = self._held.get(name)
        return None if held is None else held.document.version

    def age_s(self, name: str) -> float | None:
        """How long ago (s) it was published; `None` when it is not held."""
        held = self._held.get(name)
        return None if held is None else (self._clock.monotonic_ns() - held.born_ns) / 1e9

    def published(self) -> dict[str, tuple[Document, int]]:
        """By name what is held and has not expired, as it was published, and when that was (monotonic ns)."""
        now_ns = self._clock.monotonic_ns()
        return {name: (held.document, held.born_ns) for name, held in self._held.items() if now_ns < held.expires_ns}

    def names(self) -> tuple[str, ...]:
        """Return the names of the documents that are held."""
        return tuple(self._held)

    def remove(self, name: str) -> None:
        """Remove a document, if it is held, and notify the subscribers."""
        if self._held.pop(name, None) is not None:
            self._notify(name)

    def cleanup(self) -> int:
        """Remove what expired; returns how many."""
        now_ns = self._clock.monotonic_ns()
        gone = [name for name, held in self._held.items() if held.expires_ns <= now_ns]
        for name in gone:
            del self._held[name]
        self.expired += len(gone)
        return len(gone)

    def sweep(self) -> int:
        """Tell subscribers, once, of what has turned stale; returns how many. To be called each second."""
        now_ns = self._clock.monotonic_ns()
        turned = [name for name, held in self._held.items() if held.stale_ns <= now_ns and not held.told]
        for name in turned:
            self._held[name].told = True
            self._notify(name)
        return len(turned)

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """Be told of changes within the block."""
        subscription = Subscription()
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    @property
    def subscribers(self) -> int:
        """The number of subscriptions to changes."""
        return len(self._subscriptions)

    def _notify(self, name: str) -> None:
        for subscription in self._subscriptions:
            subscription.notify(name)

"""Published documents in this process: bytes with a version and an ETag; readers never see an older one."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from virtuoso.model.clock import Clock


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """Order of publication: the epoch of the writer, then its sequence."""

    epoch: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.sequence}"


@dataclass(frozen=True, slots=True)
class Document:
    """A published document: its JSON, never changed, and when it expires (monotonic ns)."""

    name: str
    body: bytes
    version: Version
    expires_ns: int

    @property
    def etag(self) -> bytes:
        """Strong ETag: the version."""
        return f'"{self.version}"'.encode()


class Subscription:
    """Names of documents that changed since they were last taken: latest wins, so it is bounded by their number."""

    def __init__(self) -> None:
        self._changed: dict[str, None] = {}
        self._event = asyncio.Event()

    def notify(self, name: str) -> None:
        """Note a change."""
        self._changed[name] = None
        self._event.set()

    async def take(self) -> list[str]:
        """Wait for changes; the names, oldest change first."""
        await self._event.wait()
        self._event.clear()
        names = list(self._changed)
        self._changed.clear()
        return names


class MemoryCache:
    """Used on one event loop. A document of a lower version than the one held is dropped."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._documents: dict[str, Document] = {}
        self._subscriptions: set[Subscription] = set()
        self.puts = 0
        self.dropped = 0
        self.expired = 0

    def __len__(self) -> int:
        return len(self._documents)

    def put(self, name: str, body: bytes, version: Version, ttl_s: float) -> bool:
        """Publish; `False` when a newer version is already held."""
        held = self._documents.get(name)
        if held is not None and held.version > version:
            self.dropped += 1
            return False
        expires_ns = self._clock.monotonic_ns() + int(ttl_s * 1e9)
        self._documents[name] = Document(name, body, version, expires_ns)
        self.puts += 1
        for subscription in self._subscriptions:
            subscription.notify(name)
        return True

    def get(self, name: str) -> Document | None:
        """The latest version, unless it expired."""
        document = self._documents.get(name)
        if document is not None and document.expires_ns <= self._clock.monotonic_ns():
            return None
        return document

    def names(self) -> tuple[str, ...]:
        """Names of what is kept."""
        return tuple(self._documents)

    def remove(self, name: str) -> None:
        """Forget a document."""
        self._documents.pop(name, None)

    def cleanup(self) -> int:
        """Remove what expired; returns how many."""
        now_ns = self._clock.monotonic_ns()
        gone = [name for name, document in self._documents.items() if document.expires_ns <= now_ns]
        for name in gone:
            del self._documents[name]
        self.expired += len(gone)
        return len(gone)

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
        """How many are being told."""
        return len(self._subscriptions)

"""What an external tier of the cache is: a place where one process publishes documents and others find them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import msgspec

from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.cache.document import Version


class StoreFull(StoreUnavailable):
    """The tier has no space; nothing was written."""


class Fence(NamedTuple):
    """Order of what is written to the tiers: the writer's epoch, then the number of its flush."""

    epoch: int
    flush: int


NOTHING = Fence(0, 0)
"""What an empty tier holds."""


class Index(msgspec.Struct, frozen=True):
    """The versions of all documents that were published when the flush `fence` was written, and by whom.

    `owner` names the identity and the database of the writer: two owners under one prefix are a mistake.
    """

    fence: Fence
    versions: dict[str, Version]
    owner: str = ""


class Change(msgspec.Struct, frozen=True):
    """What one flush changed: its fence and the new versions by name of document."""

    fence: Fence
    versions: dict[str, Version]


class Packed(NamedTuple):
    """A document's envelope, its version, and how long it is to be kept (ms, > 0)."""

    data: bytes
    version: Version
    ttl_ms: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one flush writes to a tier.

    Attributes:
        fence: of this flush.
        base: the last flush that the tier confirmed; when the tier holds less, it lost content, and takes only a
            batch with all documents, whose base is `NOTHING`.
        documents: by name.
        removed: names of documents that are no more.
        index: what there is after this flush.
        ttl_ms: how long the index is to be kept.
    """

    fence: Fence
    base: Fence
    documents: Mapping[str, Packed]
    removed: Collection[str]
    index: Index
    ttl_ms: int

    @property
    def change(self) -> Change:
        """What those who listen are told."""
        return Change(self.fence, {name: packed.version for name, packed in self.documents.items()})

    @property
    def size(self) -> int:
        """The size of all documents together, in bytes."""
        return sum(len(packed.data) for packed in self.documents.values())


class Outcome(NamedTuple):
    """Whether a tier took a batch, and what it holds now.

    Attributes:
        written: whether it was.
        held: the fence that the tier holds. When nothing was written: higher than the batch's own (or equal), a newer
            writer was there; lower than its base, the tier has lost content.
    """

    written: bool
    held: Fence


class Tier(Protocol):
    """An external tier, for one user: one call at a time, but for `listen`.

    Every method takes a bounded time and raises `StoreUnavailable` (also for garbage), or `StoreFull`.
    """

    name: str

    async def write(self, batch: Batch) -> Outcome:
        """Write a batch if the fence allows it, its index last."""
        ...

    async def read(self, names: Sequence[str]) -> dict[str, bytes]:
        """The envelopes of those documents that are there."""
        ...

    async def index(self) -> Index | None:
        """What was published last; `None` when the tier is empty."""
        ...

    async def listen(self, heard: Callable[[Change], None]) -> None:
        """Tell of changes for ever, reconnecting by itself; a tier that cannot tell of changes returns at once."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """Totals of its own since the start, by name."""
        ...

    async def close(self) -> None:
        """Close the connections to the tier."""
        ...


def time_limit_s(timeout_s: float, size: int) -> float:
    """How long writing or reading `size` bytes may take: `timeout_s`, and more for what is large (10 MB/s)."""
    return timeout_s + size / 10_000_000


_INDEX = msgspec.json.Decoder(Index)
_CHANGE = msgspec.json.Decoder(Change)


def decode_index(tier: str, data: bytes) -> Index:
    """Decode the index of documents that a tier holds.

    Raises:
        StoreUnavailable: the bytes are not one.
    """
    try:
        return _INDEX.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreUnavailable(f"{tier}: what is stored as the index is not one: {error}") from error


def decode_change(data: bytes) -> Change | None:
    """A change; `None` when the bytes are not one (it was a hint only)."""
    try:
        return _CHANGE.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None

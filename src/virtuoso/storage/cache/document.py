"""A published document: its bytes, its version, how old it may get; and its envelope in the external tiers."""

from dataclasses import dataclass, replace
from typing import Annotated, NamedTuple

import msgspec

from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.cache.stale import stale

_Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=10**14)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class Version(NamedTuple):
    """Order of publication: the epoch of the writer, then its sequence."""

    epoch: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.sequence}"


UNKNOWN = Version(-1, -1)
"""Lower than any that is published."""


@dataclass(frozen=True, slots=True)
class Document:
    """A published document, never changed.

    Attributes:
        name: unique among the published.
        body: compact JSON as msgspec encodes it.
        version: of this body.
        published_ms: by the writer's wall clock, epoch ms.
        fresh_s: older than this it is not called fresh any more.
        ttl_s: older than this it is not shown any more.
        stale: whether `body` is the one relabelled for its age.
    """

    name: str
    body: bytes
    version: Version
    published_ms: int
    fresh_s: float
    ttl_s: float
    stale: bool = False

    @property
    def etag(self) -> bytes:
        """Strong ETag: the version, and whether it was relabelled."""
        return f'"{self.version}-stale"'.encode() if self.stale else f'"{self.version}"'.encode()

    def relabelled(self) -> "Document":
        """The same, every quality better than `stale` called `stale`, and nothing forecast in it (see `stale`)."""
        return replace(self, body=msgspec.json.encode(stale(msgspec.json.decode(self.body))), stale=True)


class _Envelope(msgspec.Struct, frozen=True):
    name: str
    version: Version
    published_ms: _Milliseconds
    age_ms: _Milliseconds
    fresh_s: _Seconds
    ttl_s: _Seconds
    document: msgspec.Raw


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(_Envelope)


def encode(document: Document, age_s: float) -> bytes:
    """One JSON value that holds everything; the document's bytes are copied as they are.

    `age_s` is what the writer's monotonic clock says at this moment, so that a reader on a machine with another idea
    of the time knows the true age.
    """
    envelope = _Envelope(
        document.name, document.version, document.published_ms, round(age_s * 1000), document.fresh_s,
        document.ttl_s, msgspec.Raw(document.body),
    )  # fmt: skip
    return _ENCODER.encode(envelope)


def decode(tier: str, name: str | None, data: bytes) -> tuple[Document, float]:
    """The document that a tier holds by that name (`None`: by any), and its age (s) when it was written.

    Raises:
        StoreUnavailable: the bytes are not an envelope of that document.
    """
    try:
        envelope = _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreUnavailable(f"{tier}: what is stored as {name!r} is not an envelope: {error}") from error
    if name is not None and envelope.name != name:
        raise StoreUnavailable(f"{tier}: what is stored as {name!r} is the document {envelope.name!r}")
    document = Document(
        envelope.name, bytes(envelope.document), envelope.version, envelope.published_ms, envelope.fresh_s,
        envelope.ttl_s,
    )  # fmt: skip
    return document, envelope.age_ms / 1000

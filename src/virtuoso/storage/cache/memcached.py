"""The Memcached tier: batches from one worker thread, so that a server that stalls keeps nobody waiting.

A flush reads the index, compares its fence, writes the documents and swaps the index (compare-and-swap). What is larger
than one item is cut into chunks whose keys hold the version. Every answer is read (no `noreply`): otherwise a refused
item would be found nowhere, and its error line be taken for the answer to the next command.
"""

import asyncio
import re
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec
from pymemcache.client.base import Client  # type: ignore[import-untyped]
from pymemcache.exceptions import MemcacheError, MemcacheServerError  # type: ignore[import-untyped]

from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.cache.tier import (
    NOTHING,
    Batch,
    Change,
    Index,
    Outcome,
    Packed,
    StoreFull,
    decode_index,
    time_limit_s,
)

T = TypeVar("T")

_CHUNK_BYTES = 1_000_000  # an item with its key and header must stay under 1 MiB
_MAX_CHUNKS = 16
_LEGAL_KEY = re.compile(r"[!-~]{1,250}")
_LONGEST_S = 30 * 86_400  # what is longer is taken for a date


class _Chunked(msgspec.Struct, frozen=True):
    """What stands in the place of a document that was cut; the digest tells chunks of different writings apart."""

    chunks: list[str]
    digest: str


_CHUNKED = msgspec.json.Decoder(_Chunked)
_CHUNKED_START = b'{"chunks":'


class MemcachedTier:
    """The cache tier in Memcached.

    `address`: `host:port` or the path of a socket; `timeout_s` bounds each call (more for large ones).
    """

    def __init__(self, address: str, prefix: str = "vt_shared", timeout_s: float = 0.5) -> None:
        self.name = "memcached"
        self._prefix = prefix
        self._timeout_s = timeout_s
        self._client = Client(address, connect_timeout=timeout_s, timeout=timeout_s, no_delay=True)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="memcached")
        self._counts = {"written": 0, "too_large": 0}

    async def write(self, batch: Batch) -> Outcome:
        """Documents first, then the index."""
        return await self._bounded(lambda: self._write(batch), batch.size)

    async def read(self, names: Sequence[str]) -> dict[str, bytes]:
        """One command, and one more for what is in chunks."""
        return await self._bounded(lambda: self._read(names), len(names) * 50_000)

    async def index(self) -> Index | None:
        """Get the index with one command; `None` when the tier is empty."""
        data = await self._bounded(lambda: self._client.get(self._key("index")))
        return None if data is None else decode_index(self.name, data)

    async def listen(self, heard: Callable[[Change], None]) -> None:
        """Return at once: Memcached tells nobody of changes."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Documents written, and refused because they are larger than all chunks together."""
        return self._counts

    async def close(self) -> None:
        """Close the connection; a call under way ends with an error first."""
        self._interrupt()
        closed = asyncio.wrap_future(self._worker.submit(self._client.close))
        self._worker.shutdown(wait=False)
        await asyncio.wait([closed], timeout=4 * self._timeout_s)  # unlike `timeout`, this does not take it back

    def _key(self, *parts: str) -> str:
        """A key that Memcached takes: long ones and those with other than visible ASCII are hashed."""
        key = ":".join((self._prefix, *parts))
        if _LEGAL_KEY.fullmatch(key):
            return key
        return f"{self._prefix}:hashed:{blake2b(key.encode(), digest_size=32).hexdigest()}"

    def _write(self, batch: Batch) -> Outcome:
        index_key = self._key("index")
        data, swap = self._client.gets(index_key)
        held = NOTHING
        if data is not None:
            with suppress(StoreUnavailable):  # garbage is written over
                held = decode_index(self.name, data).fence
        if not batch.base <= held < batch.fence:
            return Outcome(written=False, held=held)
        self._set(self._items(batch.documents))
        if batch.removed:
            self._client.delete_many([self._key("document", name) for name in batch.removed], noreply=False)
        ttl_s, index = _ttl_s(batch.ttl_ms), msgspec.json.encode(batch.index)
        if data is None:
            swapped = self._client.add(index_key, index, ttl_s, noreply=False)
        else:
            swapped = self._client.cas(index_key, index, swap, ttl_s)
        if not swapped:
            raise StoreUnavailable("memcached: the index was written, or lost, by another hand meanwhile")
        self._counts["written"] += len(batch.documents)
        return Outcome(written=True, held=batch.fence)

    def _items(self, documents: Mapping[str, Packed]) -> dict[int, dict[str, bytes]]:
        """What to set, by lifetime (s); chunks come before what names them."""
        items: dict[int, dict[str, bytes]] = {}
        for name, packed in documents.items():
            group = items.setdefault(_ttl_s(packed.ttl_ms), {})
            data = packed.data
            if len(data) > _CHUNK_BYTES * _MAX_CHUNKS:
                self._counts["too_large"] += 1
                continue
            if len(data) > _CHUNK_BYTES:
                starts = range(0, len(data), _CHUNK_BYTES)
                keys = [self._key("chunk", name, str(packed.version), str(start)) for start in starts]
                group |= {key: data[start : start + _CHUNK_BYTES] for key, start in zip(keys, starts, strict=True)}
                data = msgspec.json.encode(_Chunked(keys, _digest(data)))
            group[self._key("document", name)] = data
        return items

    def _set(self, items: Mapping[int, dict[str, bytes]]) -> None:
        for ttl_s, group in items.items():
            if group and (failed := self._client.set_many(group, ttl_s, noreply=False)):
                raise StoreUnavailable(f"memcached did not store {failed[0]!r:.80}")

    def _read(self, names: Sequence[str]) -> dict[str, bytes]:
        keys = {self._key("document", name): name for name in names}
        found = {keys[key]: data for key, data in self._get(keys).items()}
        heads = {name: _chunked(name, data) for name, data in found.items() if data.startswith(_CHUNKED_START)}
        chunks = self._get([key for head in heads.values() for key in head.chunks])
        for name, head in heads.items():
            whole = b"".join(chunks.get(key, b"") for key in head.chunks)
            if _digest(whole) == head.digest:
                found[name] = whole
            else:  # a chunk is gone, or of another writing: as if it were not there
                del found[name]
        return found

    def _get(self, keys: Iterable[str]) -> dict[str, bytes]:
        wanted = list(keys)
        found: dict[str, bytes] = self._client.get_many(wanted) if wanted else {}
        return found

    async def _bounded(self, work: Callable[[], T], size: int = 0) -> T:
        """On the worker, within the time limit; when that has passed its connection is cut, so that it ends."""
        limit_s = time_limit_s(self._timeout_s, size)
        try:
            async with asyncio.timeout(limit_s):
                return await asyncio.get_running_loop().run_in_executor(self._worker, work)
        except TimeoutError as error:  # ours, or the socket's
            self._interrupt()
            raise StoreUnavailable(f"memcached: no answer within {limit_s:.1f} s") from error
        except asyncio.CancelledError:
            self._interrupt()
            raise
        except MemcacheServerError as error:
            if b"memory" in b"".join(part for part in error.args if isinstance(part, bytes)):
                raise StoreFull(f"memcached is full: {_said(error)}; raise its memory (-m)") from error
            raise StoreUnavailable(f"memcached: {_said(error)}") from error
        except (MemcacheError, OSError, ValueError, IndexError, KeyError) as error:  # the last ones: garbled answers
            raise StoreUnavailable(f"memcached: {_said(error)}") from error

    def _interrupt(self) -> None:
        sock: Any = self._client.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _ttl_s(ttl_ms: int) -> int:
    return min(-(-ttl_ms // 1000), _LONGEST_S)


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def _chunked(name: str, data: bytes) -> _Chunked:
    try:
        head = _CHUNKED.decode(data)
    except msgspec.MsgspecError as error:
        raise StoreUnavailable(
            f"memcached: what is stored as {name!r} is neither an envelope nor chunks: {error}"
        ) from error
    if not 0 < len(head.chunks) <= _MAX_CHUNKS or not all(_LEGAL_KEY.fullmatch(key) for key in head.chunks):
        raise StoreUnavailable(f"memcached: what is stored as {name!r} names {len(head.chunks)} chunks")
    return head


def _said(error: Exception) -> str:
    """An error as text; the library gives the server's words as bytes."""
    words = error.args[0] if error.args else ""
    if isinstance(words, bytes):
        return words.decode(errors="replace") or "an empty answer"
    return str(error) or type(error).__name__

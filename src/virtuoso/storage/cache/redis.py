"""The Redis tier: a flush is one script call, which compares the fence, writes everything and tells of it.

Keys: `PREFIX:document:NAME`, `PREFIX:index`, `PREFIX:fence` (epoch, flush, and whose); the channel is `PREFIX:changed`.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from hashlib import sha1
from typing import Any
from urllib.parse import urlsplit

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, OutOfMemoryError, RedisError

from virtuoso.model.errors import StoreUnavailable
from virtuoso.model.text.failures import why_unreached
from virtuoso.storage.cache.tier import (
    Batch,
    Change,
    Fence,
    Index,
    Outcome,
    StoreFull,
    decode_change,
    decode_index,
    time_limit_s,
)

_SCRIPT = b"""
local function pair(text)
  if type(text) ~= 'string' then return 0, 0 end
  local epoch, flush = string.match(text, '^(%d+) (%d+)')
  return tonumber(epoch) or 0, tonumber(flush) or 0
end
local function below(a, b, c, d) return a < c or (a == c and b < d) end
local epoch, flush = pair(redis.pcall('GET', KEYS[1]))
local our_epoch, our_flush = pair(ARGV[1])
local base_epoch, base_flush = pair(ARGV[2])
if not below(epoch, flush, our_epoch, our_flush) or below(epoch, flush, base_epoch, base_flush) then
  return {0, epoch, flush}
end
redis.call('SET', KEYS[1], ARGV[1])
local count = tonumber(ARGV[7])
for i = 1, count do redis.call('SET', KEYS[2 + i], ARGV[6 + 2 * i], 'PX', ARGV[7 + 2 * i]) end
for i = 3 + count, #KEYS do redis.call('DEL', KEYS[i]) end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
redis.call('PUBLISH', ARGV[5], ARGV[6])
return {1, our_epoch, our_flush}
"""
# The first write is the fence: when Redis is full that one is refused and nothing is written at all.
_DIGEST = sha1(_SCRIPT, usedforsecurity=False).hexdigest().encode()

_SILENCE_S = 10.0  # a publisher is never silent for so long: connect anew
_BACKOFF_S = (0.1, 1.0)
_MAX_CONNECTIONS = 4


class RedisTier:
    """The cache tier in Redis.

    `url`: such as `redis://127.0.0.1:6379/0`; `timeout_s` bounds each call (more for large ones).
    """

    def __init__(self, url: str, prefix: str = "vt_shared", timeout_s: float = 0.5) -> None:
        self.name = "redis"
        self._prefix = prefix
        self._timeout_s = timeout_s
        parts = urlsplit(url)
        self._where = parts.netloc.rpartition("@")[2] or parts.path  # without user and password
        self._client = Redis.from_url(
            url, socket_timeout=None, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0), protocol=2,
            max_connections=_MAX_CONNECTIONS,
        )  # fmt: skip
        self._written = 0
        self._heard = 0

    async def write(self, batch: Batch) -> Outcome:
        """Write a batch by one call of the script, if the fence allows it."""
        keys = [f"{self._prefix}:fence", f"{self._prefix}:index", *map(self._key, (*batch.documents, *batch.removed))]
        arguments = [
            b"%d" % len(keys), *(key.encode() for key in keys), _text(batch.fence, batch.index.owner),
            _text(batch.base), msgspec.json.encode(batch.index), b"%d" % batch.ttl_ms, self._channel.encode(),
            msgspec.json.encode(batch.change), b"%d" % len(batch.documents),
        ]  # fmt: skip
        for packed in batch.documents.values():
            arguments += (packed.data, b"%d" % packed.ttl_ms)
        async with self._bounded(batch.size):
            try:
                answer = await self._command(b"EVALSHA", _DIGEST, *arguments)
            except NoScriptError:  # it has not seen the script since it was started
                answer = await self._command(b"EVAL", _SCRIPT, *arguments)
        match answer:
            case [int(written), int(epoch), int(flush)]:
                self._written += len(batch.documents) if written else 0
                return Outcome(bool(written), Fence(epoch, flush))
        raise StoreUnavailable(f"redis: the script answered {answer!r:.80}")

    async def read(self, names: Sequence[str]) -> dict[str, bytes]:
        """Get the documents that are there with one MGET."""
        async with self._bounded(len(names) * 50_000):
            values = await self._client.mget([self._key(name) for name in names])
        if len(values) != len(names):
            raise StoreUnavailable(f"redis: MGET answered {values!r:.80}")
        return {name: value for name, value in zip(names, values, strict=True) if isinstance(value, bytes)}

    async def index(self) -> Index | None:
        """Get the index with one GET; `None` when the tier is empty."""
        async with self._bounded():
            data = await self._client.get(f"{self._prefix}:index")
        if data is None:
            return None
        if not isinstance(data, bytes):
            raise StoreUnavailable(f"redis: GET answered {data!r:.80}")
        return decode_index(self.name, data)

    async def listen(self, heard: Callable[[Change], None]) -> None:
        """Listen by a connection of its own, connecting anew with a bounded back-off."""
        wait_s = _BACKOFF_S[0]
        while True:
            try:
                async with aclosing(self._messages()) as messages:
                    async for data in messages:
                        wait_s = _BACKOFF_S[0]
                        change = decode_change(data)
                        if change is not None:
                            self._heard += 1
                            heard(change)
            except StoreUnavailable:  # it is a hint only: whether the tier works is judged by reading it
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, _BACKOFF_S[1])

    @property
    def counts(self) -> Mapping[str, int]:
        """Documents written and messages heard."""
        return {"written": self._written, "heard": self._heard}

    async def close(self) -> None:
        """Close all connections to Redis."""
        await self._client.aclose()

    @property
    def _channel(self) -> str:
        return f"{self._prefix}:changed"

    def _key(self, name: str) -> str:
        return f"{self._prefix}:document:{name}"

    async def _command(self, *parts: bytes) -> Any:
        """Send a command of many parts; the client's own packing of it takes three times as long."""
        pool = self._client.connection_pool
        connection = await pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.send_packed_command(
                b"".join((b"*%d\r\n" % len(parts), *(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)))
            )
            return await connection.read_response()
        finally:
            await pool.release(connection)

    async def _messages(self) -> AsyncGenerator[bytes, None]:
        """What is published on the channel, until it has been silent for too long."""
        async with self._client.pubsub(ignore_subscribe_messages=True) as subscription:
            async with self._bounded():
                await subscription.subscribe(self._channel)
            loop = asyncio.get_running_loop()
            last = loop.time()
            while loop.time() - last < _SILENCE_S:
                async with self._bounded(int(_SILENCE_S * 10_000_000)):
                    message = await subscription.get_message(timeout=_SILENCE_S)
                if message is not None and isinstance(data := message.get("data"), bytes):
                    last = loop.time()
                    yield data

    @asynccontextmanager
    async def _bounded(self, size: int = 0) -> AsyncIterator[None]:
        """Redis's errors as ours, within the time limit. A call that is cut short closes its connection."""
        limit_s = time_limit_s(self._timeout_s, size)
        try:
            async with asyncio.timeout(limit_s):
                yield
        except TimeoutError as error:
            raise StoreUnavailable(f"redis: no answer within {limit_s:.1f} s") from error
        except OutOfMemoryError as error:
            raise StoreFull(f"redis is full: {error}; raise its maxmemory") from error
        except (RedisError, OSError, ValueError) as error:
            raise StoreUnavailable(f"redis: {self._where}: {why_unreached(error)}") from error


def _text(fence: Fence, owner: str = "") -> bytes:
    return f"{fence.epoch} {fence.flush} {owner}".rstrip().encode()

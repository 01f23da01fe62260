"""The stores as configured: for the process that writes them, and for those that read.

What talks to a server is imported where one is configured: a start need not wait for what it does not use.
"""
# ruff: noqa: PLC0415

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from pydantic import SecretStr

from virtuoso.config import Settings
from virtuoso.model.clock import Clock
from virtuoso.model.errors import UsageError
from virtuoso.model.installed.extras import need
from virtuoso.operations.build import build
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.cache.publisher import Publisher
from virtuoso.storage.cache.tier import Fence, Tier
from virtuoso.storage.database.connection.durability import durability_warning
from virtuoso.storage.database.lease.lease import Lease
from virtuoso.storage.database.lease.rows import STOPPED
from virtuoso.storage.database.store import Database
from virtuoso.storage.depth_history import DepthHistory, DepthSource
from virtuoso.storage.stores import Stores
from virtuoso.storage.timeseries.protocol import Readable, TimeSeries
from virtuoso.wiring.folders import series_folder, spool_folder, sqlite_file

if TYPE_CHECKING:
    from virtuoso.storage.timeseries.influx.store import InfluxStore

log = structlog.get_logger(__name__)

_WARM_S = 2.0
_RIVAL_S = 3.0
_MOST_SAID = 300
_SHARED = {"redis", "memcached"}


def tiers_for(settings: Settings) -> list[Tier]:
    """The external tiers of the cache; nothing is connected yet.

    Redis comes first: it refuses what an older writer brings, which Memcached cannot.
    """
    cache = settings.cache
    tiers: list[Tier] = []
    if "redis" in cache.tiers:
        from virtuoso.storage.cache.redis import RedisTier

        tiers.append(RedisTier(cache.redis_url.get_secret_value(), settings.cache_prefix))
    if "memcached" in cache.tiers:
        from virtuoso.storage.cache.memcached import MemcachedTier

        tiers.append(MemcachedTier(cache.memcached, settings.cache_prefix))
    return tiers


def need_shared_tier(settings: Settings) -> None:
    """`virtuoso monitor` and `virtuoso web` meet in a tier that both reach.

    Raises:
        UsageError: there is none.
    """
    if not set(settings.cache.tiers) & _SHARED:
        raise UsageError(
            f"cache.tiers = {list(settings.cache.tiers)}: monitor and web are two processes and meet in redis or"
            " memcached; add one, or run both in one process with `virtuoso up`"
        )


def need_driver(settings: Settings) -> None:
    """A database that is a server is reached by a driver that is an extra.

    Raises:
        UsageError: it is not installed; the address, which may hold a password, is not repeated.
    """
    if sqlite_file(settings) is None:
        need("postgresql", "database.url = postgresql://…")


def database_for(settings: Settings, clock: Clock, threads: int = 1, *, follows: bool = False) -> Database:
    """The database, not opened yet; `follows` for those that keep no state of a monitor in it.

    Raises:
        UsageError: it is a server, and the driver is not installed.
    """
    need_driver(settings)
    address = _revealed(settings.database.url) or f"sqlite:///{sqlite_file(settings)}"
    return Database(address, clock, threads=threads, follows=follows)


def owner_of(settings: Settings) -> str:
    """Who publishes, as other monitors are told: the identity, and the database that knows of its lease; no secret."""
    if (path := sqlite_file(settings)) is not None:
        return f"{settings.identity} with the database {path} on {socket.gethostname()}"
    parts = urlsplit(_revealed(settings.database.url) or "")
    return f"{settings.identity} with the database {parts.hostname}:{parts.port or 5432}{parts.path}"


def clash(settings: Settings, owner: str) -> str:
    """What to say, and to set, when another owner writes under our prefix."""
    prefix, name = settings.cache_prefix, settings.cache.prefix
    return (
        f"another monitor ({owner}) publishes under {prefix} too: give this one another `identity` (its keys begin with"
        f" {name}:IDENTITY then) or `cache.prefix`, or both the same `database.url`, so that one of them runs at a time"
    )


def series_for(settings: Settings, clock: Clock) -> TimeSeries | None:
    """The time-series store to write, not opened yet; `None` where nothing is to be kept.

    Raises:
        UsageError: what the archive needs is not installed.
    """
    series = settings.timeseries
    if series.store == "none":
        return None
    if series.store == "influx":
        return _influx(settings, clock)
    if series.archive:
        need("parquet", "timeseries.archive = true")  # now, not when the first of it is too old
    from virtuoso.storage.timeseries.embedded.retention import Retention
    from virtuoso.storage.timeseries.embedded.store import EmbeddedStore

    keep = series.retention
    return EmbeddedStore(
        series_folder(settings),
        clock=clock,
        retention=Retention(
            minutes=keep.minutes_days, middle=keep.frames_days, hours=keep.hours_days, depth=keep.depth_days,
            depth_bytes=series.depth_mb << 20, archive=series.archive,
        ),
        min_free_bytes=series.min_free_mb << 20,
    )  # fmt: skip


def _influx(settings: Settings, clock: Clock) -> "InfluxStore":
    from virtuoso.storage.timeseries.influx.store import InfluxStore

    influx = settings.timeseries.influx
    return InfluxStore(
        url=influx.url,
        version=influx.version,
        database=influx.database,
        spool=spool_folder(settings),
        clock=clock,
        market=settings.exchange.market,
        org=influx.org or None,
        token=_revealed(influx.token),
        username=influx.username,
        password=_revealed(influx.password),
        spool_bytes=influx.spool_mb << 20,
        batch_points=influx.batch,
        flush_s=influx.flush,
    )


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


@asynccontextmanager
async def readable_for(settings: Settings, clock: Clock) -> AsyncIterator[Readable | None]:
    """The time-series store to read, in a process that does not write it."""
    store = settings.timeseries.store
    if store == "embedded":
        from virtuoso.storage.timeseries.embedded.reader import EmbeddedReader

        reader = EmbeddedReader(series_folder(settings))
        try:
            yield reader
        finally:
            await reader.close()
    elif store == "influx":
        influx = _influx(settings, clock)
        try:
            yield influx
        finally:
            await influx.close()
    else:
        yield None


def depth_history_for(settings: Settings, cache: MemoryCache, series: Readable | None, clock: Clock) -> DepthHistory:
    """What is kept of depth, as far as the configured store keeps any."""
    store = settings.timeseries.store
    if settings.timeseries.keeps_depth and isinstance(series, DepthSource):
        return DepthHistory(cache, series, clock)
    if store == "embedded":
        why = "timeseries.retention.depth_days is 0"
    else:
        why = f"timeseries.store is `{store}`, and the embedded store alone keeps it"
    return DepthHistory(cache, None, clock, f"no history of depth is kept: {why}")


_OnPurpose = (asyncio.CancelledError, KeyboardInterrupt, SystemExit)


def _giving_back(lease: Lease) -> Callable[..., Awaitable[None]]:
    """Give the lease back at the end of a run, and note whether it was stopped or failed."""

    async def release(kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        on_purpose = kind is None or issubclass(kind, _OnPurpose)
        await lease.release(STOPPED if on_purpose else f"failed: {error}"[:_MOST_SAID])

    return release


@asynccontextmanager
async def opened(settings: Settings, clock: Clock, memory: MemoryCache) -> AsyncIterator[Stores]:
    """All stores of a monitor: the lease is held within the block, and given back at its end.

    Raises:
        UsageError: another monitor of this identity runs, or publishes under our prefix, or the database is not ours,
            or what is to be archived as Parquet cannot be.
        StoreUnavailable: the database cannot be reached, without which nobody knows who may run.
    """
    series = series_for(settings, clock)
    async with AsyncExitStack() as stack:
        database = database_for(settings, clock)
        stack.push_async_callback(database.close)
        await database.start()
        if unsafe := await database.run(durability_warning, writing=True):
            log.warning("the database does not keep what it confirms", reason=unsafe)
        lease = Lease(database, settings.identity, clock, version=build())
        await lease.acquire()
        stack.push_async_exit(_giving_back(lease))
        log.info("lease acquired", identity=settings.identity, epoch=lease.epoch, holder=lease.holder)
        if series is not None:
            stack.push_async_callback(series.close)
            await series.start()

        owner = owner_of(settings)

        def superseded(fence: Fence) -> None:
            if publisher.superseded_by in ("", owner):
                lease.superseded(fence.epoch)
            else:
                lease.displaced(clash(settings, publisher.superseded_by))

        publisher = Publisher(
            memory, tiers_for(settings), lambda: lease.epoch if lease.may_publish() else None, clock, superseded, owner
        )
        stack.push_async_callback(publisher.close)
        if (rival := await publisher.rival(_RIVAL_S)) is not None:
            raise UsageError(clash(settings, rival))
        if warmed := await publisher.warm(_WARM_S):
            log.info("documents of the last run loaded", count=warmed)
        yield Stores(database, lease, series, publisher, settings.timeseries.keeps_depth)

"""One process of `virtuoso web`: a replica of the published documents behind the API."""

import asyncio
import os
import signal
import socket
import sys
from functools import partial
from pathlib import Path

import structlog

from virtuoso.cli.running import stop_signals, until_stopped
from virtuoso.cli.runtime import Runtime
from virtuoso.cli.stores import database_for, make_data_dir, readable_for, tiers_for
from virtuoso.cli.web_server import WebServer
from virtuoso.config import Settings, load
from virtuoso.config.keys import secret_texts
from virtuoso.model.clock import Clock
from virtuoso.model.errors import StoreUnavailable, VirtuosoError
from virtuoso.monitor.tasks import TrackedTasks
from virtuoso.operations import logs
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.cache.replica import Replica
from virtuoso.storage.database.store import Database
from virtuoso.storage.views import StoredViews
from virtuoso.web.app import create_app
from virtuoso.web.published_health import PublishedHealth

log = structlog.get_logger(__name__)

_WARM_S = 2.0
_SWEEP_S = 1.0
_TRY_AGAIN_S = 5.0
_DATABASE_THREADS = 4


async def run_worker(settings: Settings, clock: Clock, sock: socket.socket) -> None:
    """Serve until a signal says stop."""
    stop = stop_signals()
    cache = MemoryCache(clock)
    replica = Replica(cache, tiers_for(settings), clock)
    make_data_dir(settings)
    database = database_for(settings, clock, threads=_DATABASE_THREADS)
    tasks = TrackedTasks(lambda _, __: None, lambda _: None)
    try:
        async with readable_for(settings, clock) as series:
            frames = tuple(settings.analysis.timeframes.weights())
            token = settings.web.token
            web = WebServer(
                create_app(
                    cache=cache,
                    board=PublishedHealth(cache),
                    views=StoredViews(cache, series, frames, clock),
                    database=database,
                    identity=settings.identity,
                    clock=clock,
                    allowed_hosts=(*settings.web.allowed_hosts, settings.web.host),
                    token=None if token is None else token.get_secret_value(),
                )
            )
            log.info("documents loaded", count=await replica.warm(_WARM_S))
            tasks.start("replica", replica.run)
            tasks.start("sweep", partial(_sweep, cache, settings.cache.cleanup_interval))
            works = {
                asyncio.create_task(web.serve(sock), name="web"),
                asyncio.create_task(_open(database), name="announce"),
            }
            await until_stopped(works, stop, web)
    finally:
        await tasks.stop()
        await replica.close()
        await database.close()


async def _open(database: Database) -> None:
    """Until the database is there: what does not need it is served meanwhile."""
    while True:
        try:
            await database.start()
        except StoreUnavailable as error:
            log.warning("the database cannot be reached; trying again", error=str(error))
            await asyncio.sleep(_TRY_AGAIN_S)
        else:
            return


async def _sweep(cache: MemoryCache, cleanup_s: float) -> None:
    """Tell of what turns stale each second, and forget what expired."""
    loop = asyncio.get_running_loop()
    next_s = loop.time() + cleanup_s
    while True:
        await asyncio.sleep(_SWEEP_S)
        cache.sweep()
        if loop.time() >= next_s:
            cache.cleanup()
            next_s = loop.time() + cleanup_s


def main(runtime: Runtime) -> None:
    """One of several: `FD -c FILE …`, the listening socket inherited; it ends when its parent does."""
    descriptor, *rest = sys.argv[1:]
    settings = load([Path(path) for path in rest[1::2]], os.environ)
    logs.configure(settings.logging.level, settings.logging.format, secret_texts(settings))
    sock = socket.socket(fileno=int(descriptor))
    sock.setblocking(False)
    try:
        runtime.run(_run_child(settings, runtime.clock(), sock))
    except VirtuosoError as error:
        log.error("the worker ended", error=str(error))  # noqa: TRY400 - expected: one line, no traceback
        sys.exit(getattr(error, "exit_code", 1))


async def _run_child(settings: Settings, clock: Clock, sock: socket.socket) -> None:
    """The parent's end closes our standard input, however it went."""
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), signal.raise_signal, signal.SIGTERM)
    await run_worker(settings, clock, sock)


if __name__ == "__main__":
    main(Runtime())

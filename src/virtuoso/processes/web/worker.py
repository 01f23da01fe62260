"""One process of `virtuoso web`: a replica of the published documents behind the API."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import structlog

from virtuoso.config import Settings
from virtuoso.model.clock import Clock
from virtuoso.model.errors import StoreUnavailable, VirtuosoError
from virtuoso.monitor.tasks import TrackedTasks
from virtuoso.operations.watchdog import Watchdog
from virtuoso.processes.runtime import Runtime
from virtuoso.processes.stopping import stop_signals
from virtuoso.processes.web.serving import DATABASE_THREADS, serve_documents
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.cache.replica import Replica
from virtuoso.storage.database.store import Database
from virtuoso.wiring.folders import make_data_dir
from virtuoso.wiring.program import settings_of
from virtuoso.wiring.stores import database_for, tiers_for

log = structlog.get_logger(__name__)

_WARM_S = 2.0
_TRY_AGAIN_S = 5.0


async def run_worker(settings: Settings, clock: Clock, sock: socket.socket) -> None:
    """Serve until a signal says stop."""
    stop = stop_signals()
    cache = MemoryCache(clock)
    replica = Replica(cache, tiers_for(settings), clock)
    make_data_dir(settings)
    database = database_for(settings, clock, threads=DATABASE_THREADS, follows=True)
    tasks = TrackedTasks(lambda _, __: None, lambda _: None)
    try:
        log.info("documents loaded", count=await replica.warm(_WARM_S))
        tasks.start("replica", replica.run)
        if (watchdog := Watchdog.wanted(os.environ, lambda: True)) is not None:
            tasks.start("watchdog", watchdog.run)
        opening = asyncio.create_task(_open(database), name="announce")
        await serve_documents(settings, sock, cache, clock, stop, mode="standalone", database=database, works={opening})
    finally:
        await tasks.stop()
        await replica.close()


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


def main(runtime: Runtime) -> None:
    """Serve as one of several: `FD -c FILE …`, the listening socket inherited; it ends when its parent does."""
    descriptor, *rest = sys.argv[1:]
    settings = settings_of([Path(path) for path in rest[1::2]], os.environ)
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

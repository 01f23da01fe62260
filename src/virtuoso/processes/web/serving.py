"""A process that serves published documents: the API over a copy of them, history read from the stores."""

import asyncio
import socket
from collections.abc import Iterable
from functools import partial

import structlog
from pydantic import SecretStr

from virtuoso.config import Settings
from virtuoso.model.clock import Clock
from virtuoso.processes.stopping import until_stopped
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.cycle_history import CycleHistory
from virtuoso.storage.database.store import Database
from virtuoso.storage.views import StoredViews
from virtuoso.web.access import Access
from virtuoso.web.app import create_app
from virtuoso.web.connections.limits import Limits, connections_for
from virtuoso.web.connections.server import WebServer
from virtuoso.web.published_health import PublishedHealth
from virtuoso.web.wrong_tokens import tell_wrong_tokens
from virtuoso.wiring.rule_files import rule_files
from virtuoso.wiring.session_secret import session_secret
from virtuoso.wiring.stores import database_for, depth_history_for, readable_for

log = structlog.get_logger(__name__)

_SWEEP_S = 1.0
DATABASE_THREADS = 4


async def serve_documents(
    settings: Settings, sock: socket.socket, cache: MemoryCache, clock: Clock, stop: asyncio.Event, *, mode: str,
    works: Iterable[asyncio.Task[None]], database: Database | None = None,
) -> None:  # fmt: skip
    """Serve what `cache` holds until `stop`, or until one of `works`, which fill it, ends.

    `mode` is what `/health` calls this process. `database` is closed at the end; without one it is that of the
    settings, whose schema another process looks after.
    """
    kept = database or database_for(settings, clock, threads=DATABASE_THREADS, follows=True)
    try:
        async with readable_for(settings, clock) as series:
            frames = tuple(settings.analysis.timeframes.weights())
            access = Access(
                (*settings.web.allowed_hosts, settings.web.host),
                _revealed(settings.web.token),
                _revealed(settings.web.read_token),
                secret=partial(session_secret, settings),
                port=sock.getsockname()[1],
            )
            web = WebServer(
                create_app(
                    cache=cache,
                    board=PublishedHealth(cache, mode),
                    views=StoredViews(cache, series, frames, clock),
                    database=kept,
                    identity=settings.identity,
                    clock=clock,
                    access=access,
                    history=CycleHistory(series, clock),
                    depth=depth_history_for(settings, cache, series, clock),
                    check_rule=rule_files(settings),
                ),
                _limits(settings),
            )
            sweeping = asyncio.create_task(_sweep(cache, settings.cache.cleanup_interval), name="sweep")
            telling = asyncio.create_task(
                tell_wrong_tokens(access.wrong, kept, settings.identity, clock), name="wrong tokens"
            )
            serving = asyncio.create_task(web.serve(sock), name="web")
            await until_stopped({*works, sweeping, telling, serving}, stop, web)
    finally:
        await kept.close()


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _limits(settings: Settings) -> Limits:
    """As configured, and as many files as may be opened."""
    web = settings.web
    connections = connections_for(web.connections)
    if connections < web.connections:
        log.warning("fewer connections than configured: raise the limit of open files", connections=connections)
    return Limits(connections=connections, per_address=min(web.connections_per_address, connections))


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

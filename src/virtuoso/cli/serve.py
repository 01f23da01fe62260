"""One process: monitor and web on one event loop, until a signal says stop."""

import asyncio
from collections.abc import Callable
from socket import socket

import typer

from virtuoso.cli.running import reload_on_hangup, stop_signals, until_stopped
from virtuoso.cli.runtime import Runtime
from virtuoso.cli.stores import database_for, make_data_dir, opened
from virtuoso.cli.web_server import WebServer
from virtuoso.config import Settings
from virtuoso.config.keys import secret_texts
from virtuoso.model.clock import Clock
from virtuoso.monitor.app import Monitor
from virtuoso.monitor.recorder import Recorder, Recording
from virtuoso.monitor.views import MarketViews
from virtuoso.operations import logs
from virtuoso.operations.health import HealthBoard
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.views import StoredViews
from virtuoso.web.app import create_app
from virtuoso.web.listening import listen


def serve(
    settings: Settings, runtime: Runtime, banner: Callable[[str], None] = typer.echo, *, record: Recording | None = None
) -> None:
    """Run until SIGINT or SIGTERM.

    Raises:
        UsageError: the data folder or the port cannot be had, or another monitor of this identity runs.
    """
    logs.configure(settings.logging.level, settings.logging.format, secret_texts(settings))
    make_data_dir(settings)
    sock = listen(settings.web.host, settings.web.port)
    runtime.run(_run(settings, runtime.clock(), sock, banner, record))


async def _run(
    settings: Settings, clock: Clock, sock: socket, banner: Callable[[str], None], record: Recording | None
) -> None:
    stop = stop_signals()
    cache = MemoryCache(clock)
    board = HealthBoard(clock, settings.monitoring.interval, "embedded")
    url = f"http://{settings.web.host}:{sock.getsockname()[1]}"
    banner(f"virtuoso: {url} · watching {settings.exchange.address} · Ctrl-C stops")
    async with opened(settings, clock, cache) as stores:
        recorder = None if record is None else Recorder(record, settings, clock)
        monitor = Monitor(settings, clock, cache, board, stores=stores, tap=recorder)
        token = settings.web.token
        asked = database_for(settings, clock, threads=2)  # a question of the web does not wait before a commit
        stored = StoredViews(cache, stores.series, monitor.market.timeframes, clock)
        web = WebServer(
            create_app(
                cache=cache,
                board=board,
                views=MarketViews(monitor.market, monitor.cycle, stored),
                database=asked,
                identity=settings.identity,
                clock=clock,
                allowed_hosts=(*settings.web.allowed_hosts, settings.web.host),
                token=None if token is None else token.get_secret_value(),
            )
        )
        works = {
            asyncio.create_task(monitor.run(), name="monitor"),
            asyncio.create_task(web.serve(sock), name="web"),
            asyncio.create_task(reload_on_hangup(monitor.reload), name="reload"),
            asyncio.create_task(_announce(monitor, url, banner), name="announce"),
        }
        try:
            await until_stopped(works, stop, web)
        finally:
            if recorder is not None:
                await recorder.close()
            await asked.close()


async def _announce(monitor: Monitor, where: str, banner: Callable[[str], None]) -> None:
    """Say when the first signals are there."""
    began = asyncio.get_running_loop().time()
    await monitor.ready.wait()
    seconds = asyncio.get_running_loop().time() - began
    banner(f"virtuoso: scored {len(monitor.cycle.evaluations)} symbols in {seconds:.1f} s · {where}")

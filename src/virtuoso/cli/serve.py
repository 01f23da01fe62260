"""`up` and `demo`: the monitor in this process, the web in a child that it feeds, until a signal says stop."""

import asyncio
from collections.abc import Callable
from socket import socket

import typer

from virtuoso.cli.running import reload_on_hangup, stop_signals, until_stopped
from virtuoso.cli.runtime import Runtime
from virtuoso.cli.stores import make_data_dir, opened
from virtuoso.cli.web_process import WebProcess
from virtuoso.config import Settings
from virtuoso.config.keys import secret_texts
from virtuoso.model.clock import Clock
from virtuoso.monitor.app import Monitor
from virtuoso.monitor.recorder import Recorder, Recording
from virtuoso.operations import logs
from virtuoso.operations.health import HealthBoard
from virtuoso.storage.cache.feed import Feed
from virtuoso.storage.cache.memory import MemoryCache
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
    runtime.run(_run(settings, runtime, sock, banner, record))


async def _run(
    settings: Settings, runtime: Runtime, sock: socket, banner: Callable[[str], None], record: Recording | None
) -> None:
    stop = stop_signals()
    clock = runtime.clock()
    cache = MemoryCache(clock)
    url = f"http://{settings.web.host}:{sock.getsockname()[1]}"
    banner(f"virtuoso: {url} · watching {settings.exchange.address} · Ctrl-C stops")
    web = WebProcess(settings, runtime, sock, Feed(cache, clock))
    await web.start()  # it imports while the stores are opened and the market warms up
    try:
        await _watch(settings, clock, cache, web, stop, lambda said: banner(f"{said} · {url}"), record)
    finally:
        await web.close()


async def _watch(
    settings: Settings, clock: Clock, cache: MemoryCache, web: WebProcess, stop: asyncio.Event,
    banner: Callable[[str], None], record: Recording | None,
) -> None:  # fmt: skip
    board = HealthBoard(clock, settings.monitoring.interval, "embedded")
    async with opened(settings, clock, cache) as stores:
        recorder = None if record is None else Recorder(record, settings, clock)
        monitor = Monitor(settings, clock, cache, board, stores=stores, tap=recorder)
        monitor.tasks.start("web", web.run)
        works = {
            asyncio.create_task(monitor.run(), name="monitor"),
            asyncio.create_task(reload_on_hangup(monitor.reload), name="reload"),
            asyncio.create_task(_announce(monitor, banner), name="announce"),
        }
        try:
            await until_stopped(works, stop, web)
        finally:
            if recorder is not None:
                await recorder.close()


async def _announce(monitor: Monitor, banner: Callable[[str], None]) -> None:
    """Say when the first signals are there."""
    began = asyncio.get_running_loop().time()
    await monitor.ready.wait()
    seconds = asyncio.get_running_loop().time() - began
    banner(f"virtuoso: scored {len(monitor.cycle.evaluations)} symbols in {seconds:.1f} s")

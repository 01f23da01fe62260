"""`up` and `demo`: the monitor in this process, the web in a child that it feeds, until a signal says stop."""

import asyncio
from collections.abc import Callable
from socket import socket

import typer

from virtuoso.config import Settings
from virtuoso.model.clock import Clock
from virtuoso.model.text.numbers import counted
from virtuoso.monitor.app import Monitor
from virtuoso.processes.announcing import announced
from virtuoso.processes.monitor import monitor_for
from virtuoso.processes.reload import reloading
from virtuoso.processes.runtime import Runtime
from virtuoso.processes.stopping import hangups, reload_on_hangup, stop_signals, until_stopped
from virtuoso.processes.web.parent import WebProcess
from virtuoso.recording.recorder import Recorder, Recording
from virtuoso.storage.cache.feed import Feed
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.web.connections.listening import listen
from virtuoso.wiring.folders import make_data_dir
from virtuoso.wiring.recording import recorded_settings
from virtuoso.wiring.stores import opened


def serve(
    settings: Settings, read: Callable[[], Settings], runtime: Runtime, banner: Callable[[str], None] = typer.echo, *,
    record: Recording | None = None,
) -> None:  # fmt: skip
    """Run until SIGINT or SIGTERM, by `settings`, and from each SIGHUP on by those that `read` gives.

    Raises:
        UsageError: the data folder or the port cannot be had, or another monitor of this identity runs.
    """
    make_data_dir(settings)
    sock = listen(settings.web.host, settings.web.port)
    runtime.run(_run(settings, read, runtime, sock, banner, record))


async def _run(
    settings: Settings, read: Callable[[], Settings], runtime: Runtime, sock: socket, banner: Callable[[str], None],
    record: Recording | None,
) -> None:  # fmt: skip
    stop, hangup = stop_signals(), hangups()
    clock = runtime.clock()
    cache = MemoryCache(clock)
    url = f"http://{settings.web.host}:{sock.getsockname()[1]}"
    web = WebProcess(settings, runtime, sock, Feed(cache, clock))
    await web.start()  # it imports while the stores are opened and the market warms up
    try:
        await announced(
            _watch(settings, read, clock, cache, web, stop, hangup, lambda said: banner(f"{said} · {url}"), record),
            sock,
            lambda: banner(f"virtuoso: {url} · watching {settings.exchange.address} · Ctrl-C stops"),
        )
    finally:
        await web.close()


async def _watch(
    settings: Settings, read: Callable[[], Settings], clock: Clock, cache: MemoryCache, web: WebProcess,
    stop: asyncio.Event, hangup: asyncio.Event, banner: Callable[[str], None], record: Recording | None,
) -> None:  # fmt: skip
    async with opened(settings, clock, cache) as stores:
        recorder = (
            None
            if record is None
            else Recorder(
                record, settings.exchange.name, settings.exchange.category, clock, recorded_settings(settings)
            )
        )
        monitor = monitor_for(settings, clock, cache, stores=stores, tap=recorder)
        monitor.tasks.start("web", web.run)
        works = {
            asyncio.create_task(monitor.run(), name="monitor"),
            asyncio.create_task(reload_on_hangup(hangup, reloading(monitor, read)), name="reload"),
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
    banner(f"virtuoso: scored {counted(len(monitor.cycle.evaluations), 'symbol')} in {seconds:.1f} s")

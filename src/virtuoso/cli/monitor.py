"""`virtuoso monitor`: watch the configured exchange and publish to the shared cache; `virtuoso web` serves it."""

import asyncio
import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import typer

from virtuoso.cli.terminal.configuration import Config, NoConfig, chosen, running_settings
from virtuoso.config import Settings, load
from virtuoso.model.clock import Clock
from virtuoso.model.text.numbers import counted
from virtuoso.processes.runtime import Runtime
from virtuoso.processes.stopping import hangups, reload_on_hangup, stop_signals, until_stopped
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.wiring.folders import make_data_dir
from virtuoso.wiring.stores import need_shared_tier, opened

if TYPE_CHECKING:
    from virtuoso.monitor.app import Monitor

app = typer.Typer(add_completion=False)


@app.command()
def monitor(
    ctx: typer.Context,
    config: Config = None,
    no_config: NoConfig = False,
) -> None:
    """Watch the configured exchange and publish to Redis and Memcached; one of each identity runs at a time."""
    settings = running_settings(config, no_config)
    need_shared_tier(settings)
    make_data_dir(settings)
    runtime = ctx.ensure_object(Runtime)
    runtime.run(_run(settings, partial(load, chosen(config, no_config), os.environ), runtime.clock()))


async def _run(settings: Settings, read: Callable[[], Settings], clock: Clock) -> None:
    stop, hangup = stop_signals(), hangups()
    cache = MemoryCache(clock)
    async with opened(settings, clock, cache) as stores:
        typer.echo(
            f"virtuoso monitor: {settings.identity} (epoch {stores.lease.epoch}) · watching {settings.exchange.address}"
            f" · publishing to {', '.join(s.name for s in stores.publisher.statuses())} · Ctrl-C stops"
        )
        from virtuoso.processes.monitor import monitor_for  # noqa: PLC0415 - slow to import: the lease is taken before
        from virtuoso.processes.reload import reloading  # noqa: PLC0415

        running = monitor_for(settings, clock, cache, "standalone", stores=stores)
        works = {
            asyncio.create_task(running.run(), name="monitor"),
            asyncio.create_task(reload_on_hangup(hangup, reloading(running, read)), name="reload"),
            asyncio.create_task(_announce(running), name="announce"),
        }
        await until_stopped(works, stop)


async def _announce(running: "Monitor") -> None:
    began = asyncio.get_running_loop().time()
    await running.ready.wait()
    seconds = asyncio.get_running_loop().time() - began
    typer.echo(f"virtuoso monitor: scored {counted(len(running.cycle.evaluations), 'symbol')} in {seconds:.1f} s")

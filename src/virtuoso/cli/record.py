"""`virtuoso record`: keep what goes over the wire, byte for byte."""

import asyncio
import os
import signal
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from virtuoso.cli.terminal.configuration import Config, NoConfig, chosen, running_settings
from virtuoso.config import Settings, load
from virtuoso.model.clock import Clock
from virtuoso.model.errors import UsageError, VirtuosoError
from virtuoso.model.text.bytes import size_text
from virtuoso.model.text.duration import read
from virtuoso.model.text.numbers import counted
from virtuoso.processes.monitor import monitor_for
from virtuoso.processes.runtime import Runtime
from virtuoso.processes.up import serve
from virtuoso.recording.recorder import Recorder, Recording
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.wiring.recording import keep_of, recorded_settings

app = typer.Typer(add_completion=False)

_DAY_S = 86_400
_RATE_AFTER_S = 90.0
"""Before that the start, which asks for the past, says nothing of the rate."""


@app.command()
def record(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="The recording, such as day.vrec.zst; files are numbered.")],
    config: Config = None,
    no_config: NoConfig = False,
    while_running: Annotated[
        bool, typer.Option("--while-running", help="Serve API and dashboard meanwhile, as `virtuoso up` does.")
    ] = False,
    for_: Annotated[
        str | None,
        typer.Option(
            "--for", metavar="DURATION", help="How long, such as 90s or 1h30m (default: until it is stopped)."
        ),
    ] = None,
    rotate_mb: Annotated[int, typer.Option(min=1, help="Megabytes after which a new file begins.")] = 256,
    rotate_hours: Annotated[float, typer.Option(min=0.01, help="Hours after which a new file begins.")] = 24.0,
    keep: Annotated[int | None, typer.Option(min=1, help="Files kept, beside the bounds of `recording`.")] = None,
) -> None:
    """Record everything that goes over the wire: what a monitor asks, and what it is told."""
    for_s = None if for_ is None else _seconds(for_)
    settings = running_settings(config, no_config, None if while_running else "warning")
    runtime = ctx.ensure_object(Runtime)
    recording = Recording(file, rotate_mb * 1_000_000, rotate_hours * 3600, keep_of(settings, keep))
    if while_running:
        if for_s is not None:
            raise UsageError(
                "--for: a program that serves runs until it is stopped; leave out --for or --while-running"
            )
        serve(settings, partial(load, chosen(config, no_config), os.environ), runtime, record=recording)
        return
    runtime.run(_record(recording, settings, runtime.clock(), for_s))


def _seconds(text: str) -> float:
    found = read(text)
    if found is None or found < 1:
        raise UsageError(f"--for {text}: must be a duration of a second at least, such as 90s or 1h30m")
    return found


async def _record(recording: Recording, settings: Settings, clock: Clock, for_s: float | None) -> None:
    recorder = Recorder(
        recording, settings.exchange.name, settings.exchange.category, clock, recorded_settings(settings)
    )
    monitor = monitor_for(settings, clock, MemoryCache(clock), tap=recorder)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    running = asyncio.create_task(monitor.run(), name="monitor")
    telling = asyncio.create_task(_tell(recorder), name="progress")
    ends = [asyncio.create_task(stop.wait()), asyncio.create_task(recorder.failed.wait()), running]
    try:
        await asyncio.wait(ends, timeout=for_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (*ends, telling):
            task.cancel()
        await asyncio.gather(*ends, telling, return_exceptions=True)
        await recorder.close()
    if running.done() and not running.cancelled():
        running.result()
    said = f"recorded {recorder.records} frames, {size_text(recorder.written)}, to {recorder.path}"
    gone = f"; {counted(recorder.removed, 'old file')} removed" if recorder.removed else ""
    typer.echo(f"{said}; {recorder.dropped} records dropped{gone}")
    if recorder.failure is not None:
        raise VirtuosoError(recorder.failure)


async def _tell(recorder: Recorder) -> None:
    """Show the recording's progress until cancelled; does nothing where there is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return
    began_s = asyncio.get_running_loop().time()
    with console.status("recording") as status:
        while True:
            passed_s = asyncio.get_running_loop().time() - began_s
            rate = f", {size_text(recorder.written / passed_s * _DAY_S)} a day" if passed_s > _RATE_AFTER_S else ""
            size = f"{recorder.records} frames, {size_text(recorder.written)}{rate}"
            status.update(f"recording {recorder.path}: {size}, {recorder.dropped} dropped")
            await asyncio.sleep(0.5)

"""`virtuoso demo`: `up` against the embedded exchange, which runs as a process of its own."""

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from virtuoso.cli.terminal.configuration import say_unused
from virtuoso.cli.terminal.times import epoch_ms
from virtuoso.config import load
from virtuoso.exchange.bybit import paths
from virtuoso.model.clock import iso
from virtuoso.model.errors import UsageError
from virtuoso.processes.fast import faster
from virtuoso.processes.runtime import Runtime
from virtuoso.processes.up import serve
from virtuoso.simulator.sources import demo_start_ms
from virtuoso.wiring.program import settings_of

app = typer.Typer(add_completion=False)

_START_S = 30.0
_MOST_SPEED = 10.0
_NOT_YET = "127.0.0.1:8010"
"""Stands for the exchange's address in the settings until there is one."""


@app.command()
def demo(
    ctx: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of API and dashboard; 0 takes a free one.")] = 8002,
    seed: Annotated[int, typer.Option(min=0, help="Seed of what the exchange synthesises.")] = 1,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Moment to begin at: ISO 8601 or epoch ms, moved by whole weeks to the last seven days, or `now`. "
            "The history is 29 to 31 May 2025, again and again (default: half a minute before its most eventful hour).",
            show_default=False,
        ),
    ] = None,
    speed: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=_MOST_SPEED,
            help="How many times as fast as real time passes, for the exchange and for what watches it.",
        ),
    ] = 1.0,
    config: Annotated[
        list[Path] | None, typer.Option("-c", "--config", help="YAML file, such as one with alert rules; repeatable.")
    ] = None,
) -> None:
    """Run everything on the bundled history, without configuration or network. Its data is labelled `replay`."""
    runtime = ctx.ensure_object(Runtime) if speed == 1.0 else faster(speed)
    start_ms = _start_ms(start, runtime.clock().now_ns() // 1_000_000)
    with TemporaryDirectory(prefix="virtuoso-demo-") as folder:
        environment = partial(_environment, port=port, folder=folder, whole=config is not None)
        # The exchange's first line is as `logging` says, too.
        settings_of(config or [], environment(_NOT_YET), opening=lambda: say_unused(config))
        with _exchange(runtime, seed, start_ms) as (address, moment):
            typer.echo(_banner(address, start_ms, moment, speed))
            read = partial(load, config or [], environment(address))
            serve(read(), read, runtime)


def _start_ms(start: str | None, now_ms: int) -> int:
    """The exchange time at which the demo begins, epoch ms."""
    if start == "now":
        return now_ms
    return demo_start_ms(now_ms, None if start is None else epoch_ms("--start", start))


def _banner(address: str, start_ms: int, moment: str, speed: float) -> str:
    said = f"virtuoso: embedded exchange on http://{address} · {iso(start_ms)} by its clock, {moment}"
    return said if speed == 1.0 else f"{said} · TIME PASSES {speed:g} TIMES AS FAST AS ON THE WALL"


def _environment(address: str, *, port: int, folder: str, whole: bool) -> dict[str, str]:
    """What the user set, and the exchange. What a demo keeps is gone with it, unless a folder is given.

    Without a file of the user's own, webhooks that stand in the environment are not for a demo.
    """
    set_by_user = {name: value for name, value in os.environ.items() if whole or name.upper().startswith("VIRTUOSO__")}
    return {
        "VIRTUOSO__DATA_DIR": folder,
        **set_by_user,
        "VIRTUOSO__EXCHANGE__REST_URL": f"http://{address}",
        "VIRTUOSO__EXCHANGE__STREAM_URL": f"ws://{address}/v5/public",
        "VIRTUOSO__WEB__PORT": str(port),
    }


@contextmanager
def _exchange(runtime: Runtime, seed: int, start_ms: int) -> Iterator[tuple[str, str]]:
    """The embedded exchange as a child that goes when we go, however we go: it reads its end from a pipe.

    Yields its address, and which moment of the history it plays.
    """
    command = runtime.command("virtuoso.processes.child_exchange", str(seed), str(start_ms))
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ourselves
    try:
        address, moment = ((child.stdout.readline() if child.stdout else "").strip() for _ in range(2))
        if not address:
            raise UsageError(f"the embedded exchange did not start (exit {child.wait(5)}); see the lines above")
        _await(address)
        yield address, moment
    finally:
        child.terminate()
        try:
            child.wait(3)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


def _await(address: str) -> None:
    """Wait until the embedded exchange at `address` answers; raises `UsageError` if it does not in time."""
    give_up = time.perf_counter() + _START_S
    while True:
        try:
            with urllib.request.urlopen(f"http://{address}{paths.TIME}", timeout=1):
                return
        except (urllib.error.URLError, TimeoutError) as error:
            if time.perf_counter() > give_up:
                raise UsageError(f"the embedded exchange does not answer: {error}") from error

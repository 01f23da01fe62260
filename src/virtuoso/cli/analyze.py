"""`virtuoso analyze SYMBOL`: one pass over one symbol, with the whole tree of reasons."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import msgspec
import numpy as np
import typer
import uvloop
from rich.console import Console

from virtuoso.cli.terminal.configuration import Config, NoConfig, files_of
from virtuoso.cli.terminal.reading import only_on, show
from virtuoso.config import Settings, load
from virtuoso.config.keys import secret_texts
from virtuoso.model.clock import SystemClock
from virtuoso.model.errors import UsageError
from virtuoso.model.timeframe import Timeframe
from virtuoso.operations import logs
from virtuoso.playback.one_pass import OnePass, analyze_once
from virtuoso.wiring.monitor import monitor_parts
from virtuoso.wiring.parts import exchange_for

app = typer.Typer(add_completion=False)


@app.command()
def analyze(
    symbol: Annotated[str, typer.Argument(help="Symbol, such as BTCUSDT or BTC/USDT:USDT; BTC, where it is only one.")],
    config: Config = None,
    no_config: NoConfig = False,
    timeframe: Annotated[
        str | None, typer.Option(help="Show the components of this timeframe alone, such as 5m, in full.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the document of /api/symbols/{symbol}.")] = False,
) -> None:
    """Ask the exchange once, score the last closed minute, and say why. Exit code 1 when there is no score."""
    if not symbol.strip():
        raise UsageError("SYMBOL: is empty; name one, such as BTCUSDT or BTC/USDT:USDT")
    settings = load(files_of(config, no_config), os.environ)
    only = None if timeframe is None else _configured(timeframe, settings)
    logs.configure("error", settings.logging.format, secret_texts(settings))
    with _telling() as tell:
        found = uvloop.run(_analyze(settings, symbol, tell))
    if as_json:
        detail = found.detail if only is None else only_on(found.detail, only)
        typer.echo(msgspec.json.encode(detail))
    else:
        show(found.detail, found.closes, only)
    if found.detail.signal.score is None:
        raise typer.Exit(1)


async def _analyze(settings: Settings, symbol: str, tell: Callable[[str], None]) -> OnePass:
    clock = SystemClock()
    exchange = exchange_for(settings, clock, np.random.default_rng())
    return await analyze_once(exchange, monitor_parts(settings, notify=False), symbol, clock, tell)


def _configured(name: str, settings: Settings) -> Timeframe:
    """The timeframe of that name; `UsageError` when it is not analysed."""
    frames = settings.analysis.timeframes.weights()
    if name not in frames:
        raise UsageError(f"--timeframe {name}: not configured; choose {', '.join(frames)}")
    return Timeframe(name)


@contextmanager
def _telling() -> Iterator[Callable[[str], None]]:
    """Steps on standard error, when that is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("") as status:
        yield status.update

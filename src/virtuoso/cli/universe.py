"""`virtuoso universe`: which symbols would be watched, and why the others would not."""

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from virtuoso.config import Settings, load
from virtuoso.market.universe import Universe, select
from virtuoso.model.clock import SystemClock
from virtuoso.monitor.configured import exchange_for, universe_rules

app = typer.Typer(add_completion=False)


@app.command()
def universe(
    config: Annotated[
        list[Path] | None, typer.Option("-c", "--config", help="YAML file; repeatable, later ones win.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask the exchange once and show the choice."""
    chosen = asyncio.run(_choose(load(config or [], os.environ)))
    if as_json:
        typer.echo(json.dumps({"symbols": chosen.symbols, "left_out": dict(chosen.left_out)}, indent=2))
        return
    table = Table("symbol", "watched", "why not", box=None, pad_edge=False)
    for symbol in chosen.symbols:
        table.add_row(symbol, "yes", "")
    for symbol, reason in sorted(chosen.left_out.items()):
        table.add_row(symbol, "no", reason)
    Console().print(table)


async def _choose(settings: Settings) -> Universe:
    clock = SystemClock()
    exchange = exchange_for(settings, clock, np.random.default_rng())
    try:
        instruments, tickers = await exchange.instruments(), await exchange.tickers()
    finally:
        await exchange.close()
    return select(instruments, tickers, Universe((), {}), universe_rules(settings), clock.now_ns() // 1_000_000)

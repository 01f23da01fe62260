"""`virtuoso universe`: which symbols would be watched, and why the others would not."""

import asyncio
import json
import os
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import typer

from virtuoso.cli.terminal.configuration import Config, NoConfig, files_of
from virtuoso.cli.terminal.tables import Cells, Table, at, show
from virtuoso.config import Settings, load
from virtuoso.market.universe.choice import Universe, select, unknown_includes, why_empty
from virtuoso.market.universe.listing import Listings
from virtuoso.model.clock import SystemClock
from virtuoso.model.evidence import class_of
from virtuoso.model.instrument import Instrument
from virtuoso.monitor.watching.list_polls import polls
from virtuoso.wiring.parts import exchange_for, universe_rules

app = typer.Typer(add_completion=False)


@app.command()
def universe(
    config: Config = None,
    no_config: NoConfig = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask the exchange once, and show which symbols would be watched and why the others would not."""
    settings = load(files_of(config, no_config), os.environ)
    instruments, chosen = asyncio.run(_choose(settings))
    rules = universe_rules(settings)
    problems = list(unknown_includes(chosen, rules, instruments).values())
    if (empty := why_empty(chosen, rules, instruments)) is not None:
        problems.append(empty)
    classes = {symbol: class_of(detailed=symbol in chosen.detailed) for symbol in chosen.symbols}
    if as_json:
        shown = {
            "symbols": chosen.symbols, "evidence_class": classes, "left_out": dict(chosen.left_out),
            "problems": problems,
        }  # fmt: skip
        typer.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    if problems:
        typer.echo(f"virtuoso: {'; '.join(problems)}", err=True)
    watched: list[Cells] = [(symbol, "yes", str(kind), "") for symbol, kind in classes.items()]
    left_out: list[Cells] = [(symbol, "no", "", reason) for symbol, reason in sorted(chosen.left_out.items())]
    columns = (at("symbol", 0), at("watched", 1), at("class", 2), at("why not", 3, least=24))
    show([Table(columns, [*watched, *left_out])])


async def _choose(settings: Settings) -> tuple[Sequence[Instrument], Universe]:
    """What is listed, and what of it would be watched."""
    clock = SystemClock()
    exchange = exchange_for(settings, clock, np.random.default_rng())
    try:
        listed, _ = [look async for look in polls(exchange, Listings())][-1]
    finally:
        await exchange.close()
    for doubt in listed.doubts:
        typer.echo(f"virtuoso: {doubt.text}", err=True)
    now_ms = clock.now_ns() // 1_000_000
    chosen = select(listed.instruments, listed.turnovers, Universe((), {}), universe_rules(settings), now_ms)
    return listed.instruments, chosen

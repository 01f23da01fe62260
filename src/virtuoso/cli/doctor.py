"""`virtuoso doctor`: examine all that a running Virtuoso depends on."""

import asyncio
import os
from collections import Counter
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from virtuoso.cli.terminal.configuration import Config, NoConfig, files_of
from virtuoso.cli.terminal.tables import Cells, Table, at, show
from virtuoso.config.keys import secret_texts
from virtuoso.config.loading import read
from virtuoso.model.clock import SystemClock
from virtuoso.operations import logs
from virtuoso.processes.checking.doctor import examine
from virtuoso.processes.checking.finding import Finding, State

app = typer.Typer(add_completion=False)

_STYLES = {State.GOOD: "green", State.WARN: "yellow", State.BAD: "bold red"}


@app.command()
def doctor(
    config: Config = None,
    no_config: NoConfig = False,
    connect: Annotated[
        bool, typer.Option("--connect/--no-connect", help="Ask stores, exchange and channels too, each within seconds.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Examine configuration, machine, files, stores, exchange and channels: good, warn or bad, and what mends it.

    Nothing is begun, changed or sent. Exit code 1 where something is bad.
    """
    reading = read(files_of(config, no_config), os.environ)
    hidden = frozenset() if reading.settings is None else secret_texts(reading.settings)
    logs.configure("error", "auto", hidden)
    found = asyncio.run(examine(reading, SystemClock(), connect=connect))
    count = Counter(finding.state for finding in found)
    if as_json:
        typer.echo(msgspec.json.encode({"ok": not count[State.BAD], "findings": found}).decode())
    else:
        _print(found)
        typer.echo(", ".join(f"{count[state]} {state}" for state in State))
    if count[State.BAD]:
        raise typer.Exit(1)


def _print(found: list[Finding]) -> None:
    cells: list[Cells] = [
        (Text(finding.state, _STYLES[finding.state]), finding.what, finding.said, finding.mend or "")
        for finding in found
    ]
    columns = [at("", 0), at("what", 1), at("seen", 2, least=24), at("what mends it", 3, least=20)]
    show([Table(columns, cells)])

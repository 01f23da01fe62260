"""`virtuoso up`: watch the configured exchange."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from virtuoso.config import load
from virtuoso.processes.runtime import Runtime
from virtuoso.processes.up import serve

app = typer.Typer(add_completion=False)


@app.command()
def up(
    ctx: typer.Context,
    config: Annotated[
        list[Path] | None, typer.Option("-c", "--config", help="YAML file; repeatable, later ones win.")
    ] = None,
) -> None:
    """Watch the configured exchange and serve the API and the status page."""
    serve(partial(load, config or [], os.environ), ctx.ensure_object(Runtime))

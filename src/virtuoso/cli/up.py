"""`virtuoso up`: watch the configured exchange."""

import os
from functools import partial

import typer

from virtuoso.cli.terminal.configuration import Config, NoConfig, chosen, running_settings
from virtuoso.config import load
from virtuoso.processes.runtime import Runtime
from virtuoso.processes.up import serve

app = typer.Typer(add_completion=False)


@app.command()
def up(
    ctx: typer.Context,
    config: Config = None,
    no_config: NoConfig = False,
) -> None:
    """Watch the configured exchange, and serve the API and the dashboard."""
    settings = running_settings(config, no_config)
    serve(settings, partial(load, chosen(config, no_config), os.environ), ctx.ensure_object(Runtime))

"""`virtuoso up`: watch the configured exchange."""

import typer

from virtuoso.cli.terminal.configuration import Config, NoConfig, running_settings
from virtuoso.processes.runtime import Runtime
from virtuoso.processes.up import serve

app = typer.Typer(add_completion=False)


@app.command()
def up(
    ctx: typer.Context,
    config: Config = None,
    no_config: NoConfig = False,
) -> None:
    """Watch the configured exchange and serve the API and the status page."""
    settings, read = running_settings(config, no_config)
    serve(settings, read, ctx.ensure_object(Runtime))

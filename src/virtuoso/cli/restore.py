"""`virtuoso restore`: put a backup into the data folder."""

from pathlib import Path
from typing import Annotated

import typer

from virtuoso.cli.terminal.configuration import Config, NoConfig, running_settings
from virtuoso.cli.terminal.progress import telling
from virtuoso.model.text.numbers import counted
from virtuoso.processes.backups import restore as put_back

app = typer.Typer(add_completion=False)


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="What `virtuoso backup` made.")],
    config: Config = None,
    no_config: NoConfig = False,
) -> None:
    """Put a backup into an empty data folder, once every file was found to be as it was copied.

    What is kept already is never overwritten: stop monitor and web, and move it away first.
    """
    settings = running_settings(config, no_config, to_file=False)
    with telling("restore") as tell:
        manifest = put_back(settings, source, progress=tell)
    said = f"{counted(len(manifest.files), 'file')} of {manifest.made} (version {manifest.version})"
    typer.echo(f"{settings.data_dir}: {said}; start monitor and web as ever")

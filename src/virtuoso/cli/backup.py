"""`virtuoso backup`: copy what is kept, while everything runs."""

import json
from pathlib import Path
from typing import Annotated

import typer

import virtuoso
from virtuoso.cli.terminal.configuration import Config, NoConfig, running_settings
from virtuoso.cli.terminal.progress import telling
from virtuoso.model.clock import SystemClock, iso
from virtuoso.model.text.bytes import size_text
from virtuoso.model.text.numbers import counted
from virtuoso.processes.backups import back_up

app = typer.Typer(add_completion=False)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="A folder that is not there yet.")],
    config: Config = None,
    no_config: NoConfig = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: every file with its size and hash.")] = False,
) -> None:
    """Copy database and time series of the data folder, while everything runs.

    PostgreSQL and InfluxDB have their own: pg_dump, influxd backup.
    """
    settings = running_settings(config, no_config, to_file=False)
    made = iso(SystemClock().now_ns() // 1_000_000) or ""
    with telling("backup") as tell:
        manifest = back_up(settings, target, made=made, version=virtuoso.__version__, progress=tell)
    if as_json:
        files = [{"path": file.path, "bytes": file.bytes, "sha256": file.sha256} for file in manifest.files]
        typer.echo(json.dumps({"made": manifest.made, "version": manifest.version, "files": files}, indent=2))
        return
    typer.echo(f"{target}: {counted(len(manifest.files), 'file')}, {size_text(manifest.bytes)}, as of {made}")

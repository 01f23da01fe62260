"""`virtuoso config`: init, show, check, schema."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from virtuoso.cli.terminal.configuration import OF_THE_FOLDER, Config, NoConfig, files_of
from virtuoso.config import Settings, load, load_with_origins
from virtuoso.config.keys import written
from virtuoso.config.starter import starter_text
from virtuoso.model.errors import UsageError

app = typer.Typer(add_completion=False, help="Write, show and check the configuration.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="File to write.")] = OF_THE_FOLDER,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write a configuration to begin with: every key, commented out, with its default and what it is."""
    if path.exists() and not force:
        raise UsageError(f"{path}: exists already; choose another name, or --force to overwrite it")
    try:
        path.write_text(starter_text(), "utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    named = "" if path == OF_THE_FOLDER else f" -c {path}"
    typer.echo(f"wrote {path}; start with: virtuoso up{named}")


@app.command()
def show(config: Config = None, no_config: NoConfig = False, as_json: AsJson = False) -> None:
    """Show every effective value and where it came from; secrets are masked."""
    settings, layers = load_with_origins(files_of(config, no_config), os.environ)
    rows = [(path, value, layers.origin(path) or "default") for path, value in written(settings)]
    if as_json:
        typer.echo(json.dumps({".".join(p): {"value": v, "origin": o} for p, v, o in rows}, indent=2))
        return
    table = Table("key", "value", "from", box=None, pad_edge=False)
    for path, value, origin in rows:
        table.add_row(".".join(path), json.dumps(value, ensure_ascii=False), origin)
    Console().print(table)


@app.command()
def check(config: Config = None, no_config: NoConfig = False, as_json: AsJson = False) -> None:
    """Check files and environment; one line for each mistake, exit code 2."""
    files = files_of(config, no_config)
    load(files, os.environ)
    names = [str(path) for path in files]
    typer.echo(json.dumps({"ok": True, "files": names}) if as_json else f"ok: {', '.join(names) or 'defaults'}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of the configuration."""
    body = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Settings.model_json_schema()}
    typer.echo(json.dumps(body, indent=2))

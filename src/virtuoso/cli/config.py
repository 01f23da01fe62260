"""`virtuoso config`: init, show, check, schema."""

import json
import os
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from virtuoso.cli.terminal import tables
from virtuoso.config import Settings, load, load_with_origins
from virtuoso.config.document import KeyPath
from virtuoso.config.keys import leaves, shown
from virtuoso.config.layers import Layers
from virtuoso.model.errors import UsageError

app = typer.Typer(add_completion=False, help="Write, show and check the configuration.", no_args_is_help=True)

Files = Annotated[list[Path] | None, typer.Option("-c", "--config", help="YAML file; repeatable, later ones win.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="File to write.")] = Path("virtuoso.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write the commented default configuration."""
    if path.exists() and not force:
        raise UsageError(f"{path}: exists already; choose another name, or --force to overwrite it")
    try:
        path.write_text(default_text(), "utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    typer.echo(f"wrote {path}; start with: virtuoso up -c {path}")


@app.command()
def show(config: Files = None, as_json: AsJson = False) -> None:
    """Show every effective value and where it came from; secrets are masked."""
    settings, layers = load_with_origins(config or [], os.environ)
    rows = list(_values(settings, layers))
    if as_json:
        typer.echo(json.dumps({".".join(p): {"value": v, "origin": o} for p, v, o in rows}, indent=2))
        return
    columns = (tables.at("key", 0, least=40), tables.at("value", 1, least=16), tables.at("from", 2, least=16))
    tables.show([tables.Table(columns, [(".".join(path), json.dumps(value), origin) for path, value, origin in rows])])


@app.command()
def check(config: Files = None, as_json: AsJson = False) -> None:
    """Check files and environment; one line for each mistake, exit code 2."""
    load(config or [], os.environ)
    names = [str(path) for path in config or []]
    typer.echo(json.dumps({"ok": True, "files": names}) if as_json else f"ok: {', '.join(names) or 'defaults'}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of the configuration."""
    body = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Settings.model_json_schema()}
    typer.echo(json.dumps(body, indent=2))


def default_text() -> str:
    """The shipped `config.yaml`."""
    packaged = files("virtuoso.config") / "config.yaml"
    if packaged.is_file():
        return packaged.read_text("utf-8")
    return (Path(__file__).parents[3] / "config" / "config.yaml").read_text("utf-8")  # a checkout


def _values(settings: Settings, layers: Layers) -> Iterator[tuple[KeyPath, Any, str]]:
    """Every leaf as (path, value, origin)."""
    for path, value in leaves(settings):
        yield path, shown(path, _plain(value)), layers.origin(path) or "default"


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path | SecretStr) else value

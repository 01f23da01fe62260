"""`virtuoso config`: init, show, check, schema."""

import asyncio
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer

from virtuoso.cli.terminal import tables
from virtuoso.cli.terminal.configuration import OF_THE_FOLDER, Config, NoConfig, files_of
from virtuoso.config import Settings, load_with_origins
from virtuoso.config.keys import secret_texts, written
from virtuoso.config.loading import read
from virtuoso.config.starter import starter_text
from virtuoso.model.clock import SystemClock
from virtuoso.model.errors import UsageError
from virtuoso.model.text.token_hash import SHORTEST, hash_of, is_hash
from virtuoso.operations import logs

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
def token(
    given: Annotated[
        bool, typer.Option("--given", help="Hash the token that standard input holds, in a line.")
    ] = False,
) -> None:
    """Make a token for the web, and its hash: `web.token` may hold either, and nobody finds the one by the other."""
    text = sys.stdin.readline().strip() if given else secrets.token_urlsafe(32)
    if not text or is_hash(text):
        raise UsageError("standard input must begin with a line that holds a token, not its hash")
    if len(text) < SHORTEST:
        raise UsageError(
            f"a token must have at least {SHORTEST} characters: a shorter one can be guessed from its hash"
        )
    if not given:
        typer.echo(f"token  {text}")
    typer.echo(f"hash   {hash_of(text)}")


@app.command()
def show(config: Config = None, no_config: NoConfig = False, as_json: AsJson = False) -> None:
    """Show every effective value and where it came from; secrets are masked."""
    settings, layers = load_with_origins(files_of(config, no_config), os.environ)
    rows = [(path, value, layers.origin(path) or "default") for path, value in written(settings)]
    if as_json:
        typer.echo(json.dumps({".".join(p): {"value": v, "origin": o} for p, v, o in rows}, indent=2))
        return
    columns = (tables.at("key", 0, least=40), tables.at("value", 1, least=16), tables.at("from", 2, least=16))
    cells = [(".".join(path), json.dumps(value, ensure_ascii=False), origin) for path, value, origin in rows]
    tables.show([tables.Table(columns, cells)])


@app.command()
def check(
    config: Config = None,
    no_config: NoConfig = False,
    connect: Annotated[
        bool, typer.Option("--connect", help="Ask stores, exchange and channels too, each within seconds.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check whether `virtuoso up` could start: one line for each mistake, exit code 2. Nothing is begun or changed."""
    from virtuoso.processes.checking.check import check as checked  # noqa: PLC0415 - slow to import, and only needed here

    files = files_of(config, no_config)
    reading = read(files, os.environ)
    logs.configure("error", "auto", frozenset() if reading.settings is None else secret_texts(reading.settings))
    found = asyncio.run(checked(reading, SystemClock(), connect=connect))
    names = [str(path) for path in files]
    if as_json:
        body = {"ok": not found.mistakes, "files": names, "mistakes": found.mistakes, "notes": found.notes}
        typer.echo(json.dumps(body, ensure_ascii=False))
    for note in found.notes:
        typer.echo(f"virtuoso: {note}", err=True)
    if not found.mistakes:
        if not as_json:
            typer.echo(f"ok: {', '.join(names) or 'defaults'}")
    elif as_json:
        raise typer.Exit(UsageError.exit_code)
    else:
        raise UsageError("\n".join(found.mistakes))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the configuration."""
    body = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Settings.model_json_schema()}
    typer.echo(json.dumps(body, indent=2))

"""The files that a command is configured by: those that are named, else `virtuoso.yaml` of the working folder."""

from pathlib import Path
from typing import Annotated, Final

import typer

from virtuoso.model.errors import UsageError

OF_THE_FOLDER: Final = Path("virtuoso.yaml")

Config = Annotated[
    list[Path] | None,
    typer.Option(
        "-c", "--config", help=f"YAML file; repeatable, later ones win. Without: {OF_THE_FOLDER}, if it is here."
    ),
]
NoConfig = Annotated[bool, typer.Option("--no-config", help=f"Leave {OF_THE_FOLDER} of this folder unread.")]


def files_of(config: list[Path] | None, no_config: bool) -> list[Path]:
    """Choose the files, and say in one line where nobody named the one that is used.

    Raises:
        UsageError: files are named, and none is to be read.
    """
    if config and no_config:
        raise UsageError("--no-config: a file is named by -c; leave one of them out")
    if config or no_config or not OF_THE_FOLDER.exists():
        return config or []
    typer.echo(f"virtuoso: using {OF_THE_FOLDER} of this folder; --no-config leaves it out", err=True)
    return [OF_THE_FOLDER]


def say_unused(config: list[Path] | None) -> None:
    """Say that `virtuoso.yaml` of the working folder is not used, where it is there and not named."""
    if not config and OF_THE_FOLDER.exists():
        typer.echo(f"virtuoso: {OF_THE_FOLDER} of this folder is not used here; -c {OF_THE_FOLDER} does", err=True)

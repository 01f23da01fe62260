"""The files that a command is configured by: those that are named, else `virtuoso.yaml` of the working folder."""

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from virtuoso.config import Settings
from virtuoso.model.errors import UsageError
from virtuoso.wiring.program import settings_of

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
    files = chosen(config, no_config)
    if not config:
        say_used(files)
    return files


def chosen(config: list[Path] | None, no_config: bool) -> list[Path]:
    """Choose the files as `files_of` does, and say nothing."""
    if config and no_config:
        raise UsageError("--no-config: a file is named by -c; leave one of them out")
    if config or no_config or not OF_THE_FOLDER.exists():
        return config or []
    return [OF_THE_FOLDER]


def running_settings(
    config: list[Path] | None, no_config: bool, level: str | None = None, *, to_file: bool = True
) -> Settings:
    """Read the settings of a program that goes on running.

    Whatever is said from then on, the file that is used included, is said as `logging.format` wants it. `level` is that
    of the logs where the settings do not say it; without `to_file` the file of the logs is left to others.

    Raises:
        UsageError: files are named, and none is to be read, or there are mistakes.
    """
    files = chosen(config, no_config)
    return settings_of(files, os.environ, level, lambda: None if config else say_used(files), to_file=to_file)


def say_used(files: list[Path]) -> None:
    """Say that `virtuoso.yaml` of the working folder is used, where it is."""
    if files:
        typer.echo(f"virtuoso: using {OF_THE_FOLDER} of this folder; --no-config leaves it out", err=True)


def say_unused(config: list[Path] | None) -> None:
    """Say that `virtuoso.yaml` of the working folder is not used, where it is there and not named."""
    if not config and OF_THE_FOLDER.exists():
        typer.echo(f"virtuoso: {OF_THE_FOLDER} of this folder is not used here; -c {OF_THE_FOLDER} does", err=True)

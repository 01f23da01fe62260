"""Where the report of `virtuoso validate` goes, and as what."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import typer

from virtuoso.model.errors import UsageError
from virtuoso.model.text.failures import why_unread
from virtuoso.operations.streams import Mask
from virtuoso.operations.validate.rendering.markdown import markdown
from virtuoso.operations.validate.rendering.page import page
from virtuoso.operations.validate.report import Report


class Format(StrEnum):
    """The formats in which a report can be written."""

    MD = "md"
    HTML = "html"
    JSON = "json"


def writable(out: Path) -> None:
    """Find out before anything is watched whether the file can be written after it."""
    folder = out.absolute().parent
    if out.is_dir():
        raise UsageError(f"--out {out}: is a folder; name a file in it")
    if not folder.is_dir():
        raise UsageError(f"--out {out}: there is no folder {folder}")
    if not os.access(out if out.exists() else folder, os.W_OK):
        raise UsageError(f"--out {out}: cannot be written: permission denied")


def without(secrets: frozenset[str], report: Report) -> Report:
    """The report with `***` in place of secrets of the configuration, whoever told them."""
    mask = Mask(secrets)

    def masked(found: Any) -> Any:
        if isinstance(found, str):
            return mask(found)
        if isinstance(found, dict):
            return {key: value if key == "verdict" else masked(value) for key, value in found.items()}
        return [masked(each) for each in found] if isinstance(found, list | tuple) else found

    return msgspec.convert(masked(msgspec.to_builtins(report)), type=Report)


def write(report: Report, form: Format, out: Path | None) -> None:
    """Write the report to a file, or to standard output."""
    match form:
        case Format.MD:
            text = markdown(report)
        case Format.HTML:
            text = page(report)
        case Format.JSON:
            text = msgspec.json.format(msgspec.json.encode(report)).decode() + "\n"
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        typer.echo(text, nl=False)  # what was watched for a whole window is not lost with the disk
        raise UsageError(f"--out {out}: cannot be written: {why_unread(error)}") from error

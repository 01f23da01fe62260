"""Where the report of `virtuoso validate` goes, and as what."""

from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import typer

from virtuoso.cli.out_file import save
from virtuoso.model.errors import UsageError
from virtuoso.operations.streams import Mask
from virtuoso.operations.validate.rendering.markdown import markdown
from virtuoso.operations.validate.rendering.page import page
from virtuoso.operations.validate.report import Report


class Format(StrEnum):
    """The formats in which a report can be written."""

    MD = "md"
    HTML = "html"
    JSON = "json"


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
        save(out, text)
    except UsageError:
        typer.echo(text, nl=False)  # what was watched for a whole window is not lost with the disk
        raise

"""Commands that ask a running Virtuoso: their options, the request, the answer printed."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer
import uvloop
from rich.console import RenderableType

from virtuoso.cli.terminal.address import DEFAULT, VARIABLE, address
from virtuoso.cli.terminal.client import Client, token_of
from virtuoso.cli.terminal.tables import show
from virtuoso.model.errors import UsageError, VirtuosoError

T = TypeVar("T", bound=msgspec.Struct)

Url = Annotated[
    str | None,
    typer.Option(
        show_default=f"{VARIABLE}, the configuration, or {DEFAULT}",
        help="Address of the running Virtuoso, such as localhost:8002.",
    ),
]  # fmt: skip
Config = Annotated[
    list[Path] | None,
    typer.Option("-c", "--config", help="YAML file with its web.host and web.port; virtuoso.yaml of this folder."),
]
Token = Annotated[
    str | None, typer.Option(envvar="VIRTUOSO_TOKEN", show_envvar=True, help="Token, where it needs one.")
]
TokenFile = Annotated[Path | None, typer.Option(help="File that holds the token.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the document of the API.")]


def client(url: str | None, config: list[Path] | None, token: str | None, token_file: Path | None) -> Client:
    """A client of the address that is named: by the option, the variable, the configuration, or the default."""
    found = address(url, config)
    return Client(found.url, token_of(token, token_file) or found.token, found.origin)


def asked(asking: Client, path: str, method: str = "GET", document: msgspec.Struct | None = None) -> bytes:
    """Send one request by `asking`, close it, and return the bytes of the answer."""

    async def ask() -> bytes:
        async with asking:
            return await asking.send(method, path, document)

    return uvloop.run(ask())


def printed(body: bytes, kind: type[T], drawn: Callable[[T], Iterable[RenderableType]], *, as_json: bool) -> None:
    """Print the document, or what is drawn of it; exit code 1 with the reason where there is nothing to draw."""
    if as_json:
        typer.echo(body)
        return
    try:
        document = msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise VirtuosoError(f"not an answer of this version of Virtuoso: {error}") from error
    if (reason := getattr(document, "reason", None)) is not None:
        raise VirtuosoError(reason)
    show(drawn(document))


def identified(text: str, digits: int = 16) -> str:
    """An id, so that nothing else gets into a path.

    Raises:
        UsageError: it is none.
    """
    if not re.fullmatch(f"[0-9a-f]{{{digits}}}", text):
        raise UsageError(f"{text[:40]!r} is no id: one has {digits} of 0-9 and a-f, as the lists show them")
    return text

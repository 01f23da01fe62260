"""`virtuoso signals`: what a running Virtuoso said, and how good it was."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from virtuoso.cli import signals_show
from virtuoso.cli.signals_performance import markdown, tables
from virtuoso.cli.terminal.api import AsJson, Config, Token, TokenFile, Url, asked, client, identified, printed
from virtuoso.cli.terminal.tables import show
from virtuoso.model import documents as docs
from virtuoso.model.errors import VirtuosoError

app = typer.Typer(
    add_completion=False, help="Show what a running Virtuoso said, and what came of it.", no_args_is_help=True
)


@app.callback()
def signals() -> None:
    """Show what a running Virtuoso said, and when."""


@app.command()
def performance(
    as_json: AsJson = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    url: Url = None,
    config: Config = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Show how good forecasts and claims were, by what came of them."""
    body = asked(client(url, config, token, token_file), "/api/signals/performance")
    if as_markdown and not as_json:
        typer.echo(markdown(msgspec.json.decode(body, type=docs.SignalPerformance)), nl=False)
    else:
        printed(body, docs.SignalPerformance, tables, as_json=as_json)


@app.command(name="show")
def show_(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The id of a signal, as /api/signals lists it.")],
    image: Annotated[Path | None, typer.Option("--image", help="Write a picture of it (PNG), to be shared.")] = None,
    as_json: AsJson = False,
    url: Url = None,
    config: Config = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Show a signal with its claim, its reasons, what came of it, its hash, and the build that said it."""
    path = f"/api/signals/{identified(id_, 32)}"
    body = asked(client(url, config, token, token_file), path)
    if image is not None:
        detail = msgspec.json.decode(body, type=docs.SignalDetail)
        signals_show.draw(
            image, detail, _bars(detail, lambda asking: asked(client(url, config, token, token_file), asking))
        )
    if as_json:
        typer.echo(body)
    else:
        show(signals_show.written(msgspec.json.decode(body, type=docs.SignalDetail)))


def _bars(detail: docs.SignalDetail, ask: Callable[[str], bytes]) -> docs.Bars:
    """The bars around a signal; none, with a line that says why, where they are not served."""
    try:
        return msgspec.json.decode(ask(signals_show.bars_path(detail)), type=docs.Bars)
    except VirtuosoError as error:
        typer.echo(f"the picture has no chart: {error}", err=True)
        return docs.Bars(symbol=detail.said.symbol, timeframe="1m", bars=())

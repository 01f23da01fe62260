"""`virtuoso alerts deliveries` and `resend`: what is in the outbox."""

from typing import Annotated
from urllib.parse import urlencode

import msgspec
import typer

from virtuoso.cli.terminal import alert_tables as tables
from virtuoso.cli.terminal.api import AsJson, Config, Token, TokenFile, Url, asked, client, identified, printed
from virtuoso.model.alerts import documents as docs


def deliveries(
    channel: Annotated[str | None, typer.Option(help="Name of the channel.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Those that were given up.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the listing before this ended.")] = None,
    as_json: AsJson = False,
    url: Url = None,
    config: Config = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """List messages of the outbox, newest first."""
    wanted = {"channel": channel, "state": "dead" if dead else None, "limit": limit, "cursor": cursor}
    query = urlencode({name: value for name, value in wanted.items() if value is not None})
    body = asked(client(url, config, token, token_file), f"/api/alerts/deliveries?{query}")
    printed(body, docs.Deliveries, tables.deliveries, as_json=as_json)


def resend(
    delivery: Annotated[str, typer.Argument(metavar="ID", help="Id of a message, as `alerts deliveries` shows it.")],
    url: Url = None,
    config: Config = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Send again a message that was given up."""
    path = f"/api/alerts/deliveries/{identified(delivery, digits=32)}/resend"
    body = asked(client(url, config, token, token_file), path, "POST", docs.Nothing())
    found = msgspec.json.decode(body, type=docs.DeliveryItem)
    typer.echo(f"{found.id} waits for {found.channel} again")

"""`virtuoso alerts`: what a running Virtuoso found, why it notified people or not, and what they say to that."""

from typing import Annotated
from urllib.parse import urlencode

import msgspec
import typer

from virtuoso.alerts.rules.fields import duration_ms
from virtuoso.alerts.rules.mistakes import Mistaken
from virtuoso.cli.alert_deliveries import deliveries, resend
from virtuoso.cli.alert_test import send_test
from virtuoso.cli.terminal import alert_tables as tables
from virtuoso.cli.terminal import rule_tables
from virtuoso.cli.terminal.api import AsJson, Config, Token, TokenFile, Url, asked, client, identified, printed
from virtuoso.cli.terminal.tables import plain
from virtuoso.model.alerts import documents as docs
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.clock import SystemClock, iso
from virtuoso.model.errors import UsageError

app = typer.Typer(
    add_completion=False, help="Show, acknowledge and silence the alerts of a running Virtuoso.", no_args_is_help=True
)

AlertId = Annotated[str, typer.Argument(metavar="ID", help="Id of an alert, as `alerts list` shows it.")]
By = Annotated[str, typer.Option(envvar="USER", show_envvar=True, help="Who says so.")]


@app.command("list")
def list_alerts(
    kind: Annotated[str | None, typer.Option(help="A built-in kind, or the name of a rule.")] = None,
    symbol: Annotated[str | None, typer.Option(help="The exchange's own name, such as BTCUSDT.")] = None,
    severity: Annotated[Severity | None, typer.Option(help="The least severity.")] = None,
    since: Annotated[str | None, typer.Option(metavar="DURATION", help="How far back, as in 30m, 2h, 1d.")] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Those that still hold.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the listing before this ended.")] = None,
    as_json: AsJson = False,
    url: Url = None,
    config: Config = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """List incidents, newest first."""
    wanted = {
        "kind": kind, "symbol": symbol, "severity": severity, "state": "firing" if only_open else None,
        "since": None if since is None else iso(_now_ms() - _duration_ms("--since", since)), "limit": limit,
        "cursor": cursor,
    }  # fmt: skip
    query = urlencode({name: value for name, value in wanted.items() if value is not None})
    body = asked(client(url, config, token, token_file), f"/api/alerts?{query}")
    printed(body, docs.AlertHistory, tables.alerts, as_json=as_json)


@app.command()
def show(
    alert: AlertId,
    as_json: AsJson = False,
    url: Url = None,
    config: Config = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Show one incident with its details."""
    body = asked(client(url, config, token, token_file), f"/api/alerts/{identified(alert)}")
    printed(body, docs.AlertDetail, tables.detail, as_json=as_json)


@app.command()
def why(
    alert: AlertId,
    as_json: AsJson = False,
    url: Url = None,
    config: Config = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Say stage by stage why people were notified of an incident, or were not."""
    body = asked(client(url, config, token, token_file), f"/api/alerts/{identified(alert)}")
    printed(body, docs.AlertDetail, tables.path, as_json=as_json)


@app.command()
def ack(
    alert: AlertId,
    by: By,
    comment: Annotated[str, typer.Option(help="A comment, for others to read.")] = "",
    url: Url = None,
    config: Config = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Acknowledge an incident: nobody is notified of it again until it is over."""
    said = docs.NewAcknowledgement(by=by, comment=comment)
    body = asked(client(url, config, token, token_file), f"/api/alerts/{identified(alert)}/ack", "POST", said)
    found = msgspec.json.decode(body, type=docs.AlertDetail)
    typer.echo(f"{found.id} is acknowledged by {plain(found.acknowledged_by or '')}")


@app.command()
def silence(
    matchers: Annotated[
        list[str], typer.Argument(metavar="NAME=PATTERN...", help="Labels, as in kind=sudden_move symbol=BTC*.")
    ],
    by: By,
    comment: Annotated[str, typer.Option(help="Why.")],
    for_: Annotated[str, typer.Option("--for", metavar="DURATION", help="How long, as in 30m, 2h, 1d.")],
    starts_in: Annotated[str, typer.Option("--in", metavar="DURATION", help="When it begins.")] = "0",
    url: Url = None,
    config: Config = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Notify nobody of incidents whose labels match all of these; they are recorded all the same."""
    wanted = docs.NewSilence(
        matcher=_matcher(matchers), author=by, comment=comment, duration_s=_duration_ms("--for", for_) / 1000,
        starts_in_s=_duration_ms("--in", starts_in) / 1000,
    )  # fmt: skip
    body = asked(client(url, config, token, token_file), "/api/silences", "POST", wanted)
    made = msgspec.json.decode(body, type=docs.SilenceItem)
    typer.echo(f"silence {made.id} from {made.starts_at} until {made.ends_at}")


@app.command()
def silences(
    over: Annotated[bool, typer.Option("--over", help="Those of the last 30 days that are over, too.")] = False,
    as_json: AsJson = False,
    url: Url = None,
    config: Config = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """List silences in force or to come: what, until when, who and why."""
    body = asked(client(url, config, token, token_file), f"/api/silences?over={str(over).lower()}")
    printed(body, docs.Silences, tables.silences, as_json=as_json)


@app.command()
def unsilence(
    silence_id: Annotated[str, typer.Argument(metavar="ID", help="Id of a silence, as `alerts silences` shows it.")],
    url: Url = None,
    config: Config = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """End a silence now: people are notified of what it withheld and still holds."""
    asked(client(url, config, token, token_file), f"/api/silences/{identified(silence_id)}", "DELETE")
    typer.echo(f"silence {silence_id} is over")


@app.command()
def rules(
    as_json: AsJson = False, url: Url = None, config: Config = None, token: Token = None, token_file: TokenFile = None
) -> None:
    """List kinds and your own rules, as they are in force."""
    body = asked(client(url, config, token, token_file), "/api/alerts/rules")
    printed(body, docs.AlertRules, rule_tables.rules, as_json=as_json)


@app.command()
def pipeline(
    as_json: AsJson = False, url: Url = None, config: Config = None, token: Token = None, token_file: TokenFile = None
) -> None:
    """Show what each stage passed and withheld, and how the channels are."""
    body = asked(client(url, config, token, token_file), "/api/alerts/pipeline")
    printed(body, docs.AlertPipeline, tables.pipeline, as_json=as_json)


@app.command()
def performance(
    as_json: AsJson = False, url: Url = None, config: Config = None, token: Token = None, token_file: TokenFile = None
) -> None:
    """Show what alerts of each kind were worth, and which kinds may interrupt because of it."""
    body = asked(client(url, config, token, token_file), "/api/alerts/performance")
    printed(body, docs.AlertPerformance, rule_tables.performance, as_json=as_json)


app.command()(deliveries)
app.command()(resend)
app.command("test")(send_test)


def _matcher(pairs: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, pattern = pair.partition("=")
        if not equals or not name or not pattern:
            raise UsageError(f"{pair[:40]!r} is no matcher: write NAME=PATTERN, such as symbol=BTC*")
        if found.setdefault(name, pattern) != pattern:
            raise UsageError(f"{name} is given twice; all matchers must match, so make two silences")
    return found


def _duration_ms(option: str, text: str) -> int:
    try:
        return duration_ms(text)
    except Mistaken as error:
        raise UsageError(f"{option}: {error}") from error


def _now_ms() -> int:
    return SystemClock().now_ns() // 1_000_000

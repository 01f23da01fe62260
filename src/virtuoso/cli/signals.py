"""`virtuoso signals`: what a running Virtuoso said, and how good it was."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import RenderableType
from rich.text import Text

from virtuoso.cli import signals_show
from virtuoso.cli.terminal.api import AsJson, Config, Token, TokenFile, Url, asked, client, identified, printed
from virtuoso.cli.terminal.tables import Column, Table, show
from virtuoso.model import documents as docs
from virtuoso.model.errors import VirtuosoError
from virtuoso.model.forecast import horizon_text

app = typer.Typer(
    add_completion=False, help="Show what a running Virtuoso said, and what came of it.", no_args_is_help=True
)


@app.callback()
def signals() -> None:
    """Show what a running Virtuoso said, and when."""


@app.command()
def performance(
    as_json: AsJson = False, url: Url = None, config: Config = None, token: Token = None, token_file: TokenFile = None
) -> None:
    """Show how good forecasts and claims were, by what came of them."""
    body = asked(client(url, config, token, token_file), "/api/signals/performance")
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


_Row = tuple[str, str, docs.LivedFigure, str]
"""Within which horizon, what, its figure, and how it is written."""


def tables(found: docs.SignalPerformance) -> Iterator[RenderableType]:
    """Draw a table of the figures by horizon, and one of the groups."""
    yield Text(f"{found.origin} since {(found.since or 'never')[:10]}; still to come: {found.pending}")
    if found.reason is not None:
        yield Text(found.reason)
    columns: tuple[Column[_Row], ...] = (
        Column("within", lambda row: row[0]),
        Column("figure", lambda row: row[1], least=20),
        Column("value", lambda row: _value(row[2], row[3]), right=True),
        Column("95 %", lambda row: _interval(row[2], row[3]), right=True),
        Column("n", lambda row: f"{row[2].n:,}", 1, right=True),
        Column("n_eff", lambda row: "" if row[2].n_eff is None else f"{row[2].n_eff:,.0f}", 2, right=True),
        Column("days", lambda row: str(row[2].days), 1, right=True),
    )
    rows = [row for horizon in found.horizons for row in _figures(horizon) if row[2].n]
    if rows:
        yield Table(columns, rows)
    groups: tuple[Column[docs.GroupRow], ...] = (
        Column("by", lambda row: row.by),
        Column("which", lambda row: row.name),
        Column("within", lambda row: horizon_text(row.horizon_min)),
        Column("readings", lambda row: f"{row.readings:,}", right=True),
        Column("skill, large move", lambda row: _value(row.large_move_skill, "+.3f"), right=True),
        Column("skill, beyond costs", lambda row: _value(row.beyond_costs_skill, "+.3f"), 1, right=True),
        Column("in 80 %", lambda row: _value(row.inside_80, ".3f"), right=True),
        Column("claims hit", lambda row: _value(row.claim_hit, ".3f"), 1, right=True),
        Column("net bp", lambda row: _value(row.claim_net_bp, "+.1f"), 1, right=True),
    )
    if found.groups:
        yield Table(groups, found.groups)


def _figures(horizon: docs.HorizonQuality) -> Iterator[_Row]:
    within = horizon_text(horizon.horizon_min)
    for name, chance in (("large move", horizon.large_move), ("beyond costs", horizon.beyond_costs)):
        yield within, f"{name}: skill", chance.skill, "+.3f"
        yield within, f"{name}: log score", chance.log_score, ".3f"
        yield within, f"{name}: calibration error", chance.calibration_error, ".3f"
        yield within, f"{name}: said", chance.claimed, ".3f"
        yield within, f"{name}: came", chance.came, ".3f"
    for band in horizon.cone.bands:
        yield within, f"inside the {band.claimed:.0%} band", band.inside, ".3f"
    yield within, "pinball loss, bp", horizon.cone.pinball_bp, ".2f"
    claims = horizon.claims
    for result in (claims.made, *claims.rivals):
        name = result.rule.replace("_", " ")
        yield within, f"{name}: hit", result.hit, ".3f"
        yield within, f"{name}: net bp", result.net_bp, "+.1f"
    yield within, "claims: confidence", claims.confidence, ".3f"
    yield within, "HOLD: confidence", claims.hold_confidence, ".3f"
    yield within, "HOLD: right", claims.hold_right, ".3f"
    yield within, "lean: probability", claims.lean_probability, ".3f"
    yield within, "lean: right", claims.lean_right, ".3f"
    for result in horizon.any_time:
        yield within, f"any time, {result.rule.replace('_', ' ')}: net bp", result.net_bp, "+.1f"


def _value(of: docs.LivedFigure, how: str) -> str:
    return "-" if of.value is None else f"{of.value:{how}}"


def _interval(of: docs.LivedFigure, how: str) -> str:
    return "" if of.low is None or of.high is None else f"[{of.low:{how}}, {of.high:{how}}]"

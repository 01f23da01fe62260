"""How good what was lived was, as tables for a terminal and as Markdown."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from rich.console import RenderableType
from rich.text import Text

from virtuoso.cli.terminal.tables import Column, Table
from virtuoso.model import documents as docs
from virtuoso.model.forecast import horizon_text

_Any = TypeVar("_Any")
_Row = tuple[str, str, docs.LivedFigure, str]
"""Within which horizon, what, its figure, and how it is written."""


def tables(found: docs.SignalPerformance) -> Iterator[RenderableType]:
    """Draw a table of the figures by horizon, and one of the groups."""
    yield Text(_begin(found))
    if found.reason is not None:
        yield Text(found.reason)
    rows = _rows(found)
    if rows:
        yield Table(_COLUMNS, rows)
    if found.groups:
        yield Table(_GROUPS, found.groups)


def markdown(found: docs.SignalPerformance) -> str:
    """The same as Markdown; groups of which no figure is known are counted alone."""
    told = [row for row in found.groups if any(figure.value is not None for figure in _of_group(row))]
    lines = [_begin(found), ""]
    if found.reason is not None:
        lines += [found.reason, ""]
    if rows := _rows(found):
        lines += [*_lines(_COLUMNS, rows), ""]
    if told:
        lines += [
            f"<details><summary>By group: {len(told):,} rows</summary>",
            "",
            *_lines(_GROUPS, told),
            "",
            "</details>",
            "",
        ]
    if len(told) < len(found.groups):
        lines += [f"Groups with too few readings for any figure: {len(found.groups) - len(told):,}.", ""]
    return "\n".join(lines[:-1]) + "\n"


def _begin(found: docs.SignalPerformance) -> str:
    return f"{found.origin} since {(found.since or 'never')[:10]}; still to come: {found.pending}"


def _rows(found: docs.SignalPerformance) -> list[_Row]:
    return [row for horizon in found.horizons for row in _figures(horizon) if row[2].n]


def _lines(columns: Sequence[Column[_Any]], rows: Sequence[_Any]) -> Iterator[str]:
    """Write rows as a table of Markdown, a line at a time, with the columns and formats of the terminal's table."""
    yield "| " + " | ".join(column.title for column in columns) + " |"
    yield "|" + "".join("---:|" if column.right else "---|" for column in columns)
    for row in rows:
        yield "| " + " | ".join(str(column.cell(row)) for column in columns) + " |"


def _of_group(row: docs.GroupRow) -> tuple[docs.LivedFigure, ...]:
    return row.large_move_skill, row.beyond_costs_skill, row.inside_80, row.claim_hit, row.claim_net_bp


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


_COLUMNS: tuple[Column[_Row], ...] = (
    Column("within", lambda row: row[0]),
    Column("figure", lambda row: row[1], least=20),
    Column("value", lambda row: _value(row[2], row[3]), right=True),
    Column("95 %", lambda row: _interval(row[2], row[3]), right=True),
    Column("n", lambda row: f"{row[2].n:,}", 1, right=True),
    Column("n_eff", lambda row: "" if row[2].n_eff is None else f"{row[2].n_eff:,.0f}", 2, right=True),
    Column("days", lambda row: str(row[2].days), 1, right=True),
)
_GROUPS: tuple[Column[docs.GroupRow], ...] = (
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

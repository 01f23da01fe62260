"""Draws what alerts were worth, and what interrupts people because of it."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from virtuoso.cli.terminal.tables import Column, Table
from virtuoso.model.alerts import documents as docs

_Row = tuple[docs.KindPerformance, docs.HorizonPerformance]


def performance(found: docs.AlertPerformance) -> Iterator[RenderableType]:
    """Draw a table of the kinds by horizon, and one of what interrupts."""
    allowed = found.interruptions_allowed
    spent = f"interruptions today: {found.interruptions_today} of {allowed}"
    yield Text("everything interrupts" if allowed is None else spent)
    yield Text(f"outcomes still to come: {found.pending}")
    columns: tuple[Column[_Row], ...] = (
        Column("kind", lambda row: row[0].kind),
        Column("alerts", lambda row: str(row[0].incidents), right=True),
        Column("interrupted", lambda row: str(row[0].interruptions), right=True),
        Column("within", lambda row: f"{row[1].horizon_min} min", right=True),
        Column("lift", lambda row: _figure(row[1].lift, ".2f"), right=True),
        Column("precision", lambda row: _figure(row[1].precision, ".2f"), right=True),
        Column("base", lambda row: "" if row[1].base is None else f"{row[1].base:.3f}", 1, right=True),
        Column("lead s", lambda row: _figure(row[1].lead_s, ".0f"), 2, right=True),
        Column("move left", lambda row: _figure(row[1].remained, ".2f"), 2, right=True),
        Column("days", lambda row: str(row[1].days), 1, right=True),
        Column("why not known", lambda row: row[1].reason or "", 1, least=20),
    )
    rows = [(kind, horizon) for kind in found.kinds for horizon in kind.horizons]
    yield Table(columns, rows) if rows else Text("nothing was delivered and looked at yet")
    interrupting: tuple[Column[docs.InterruptingRow], ...] = (
        Column("kind", lambda row: row.kind),
        Column("level", lambda row: row.level),
        Column("interrupts", lambda row: "yes" if row.interrupts else "no"),
        Column("why not", lambda row: row.reason or "", 1, least=24),
    )
    if found.interrupting:
        yield Table(interrupting, found.interrupting)


def _figure(of: docs.Figure, how: str) -> str:
    """With its interval and how many it is of: `2.40 [1.50, 3.30] of 64`."""
    if of.value is None or of.low is None or of.high is None:
        return f"- of {of.n}"
    return f"{of.value:{how}} [{of.low:{how}}, {of.high:{how}}] of {of.n}"

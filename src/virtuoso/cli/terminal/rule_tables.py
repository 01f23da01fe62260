"""The kinds of alerts and the user's rules, drawn for a terminal: what each is about, and when it notifies."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from virtuoso.cli.terminal.tables import Column, Table, plain
from virtuoso.model.alerts import documents as docs
from virtuoso.model.text.duration import written
from virtuoso.model.text.numbers import number_text

_NOTIFIES = 3
"""Rank of how often one notifies, which matters less than what it is about."""


def rules(found: docs.AlertRules) -> Iterator[RenderableType]:
    """Draw the built-in kinds with what they mean, and the user's rules: when each notifies, and its condition."""
    kinds: tuple[Column[docs.PolicyItem], ...] = (
        *_policy("kind"),
        Column("condition", _condition, 2, least=30),
        Column("meaning", lambda row: row.meaning or "", 2, least=30),
        Column(
            "what to check", lambda row: row.check or "", 2, least=30,
            narrow=Column("meaning, condition, check", _said, least=30),
        ),
    )  # fmt: skip
    yield Table(kinds, found.kinds)
    if found.rules:
        yield Text()
        yield Table((*_policy("rule"), Column("condition", _condition, least=24)), found.rules)
    if found.left_out:
        yield Text()
        left_out: tuple[Column[docs.LeftOutRule], ...] = (
            Column("left out", lambda row: row.rule.name),
            Column("added by", lambda row: row.rule.author),
            Column("condition", lambda row: row.rule.when, 1, least=24),
            Column("why it is not judged", lambda row: row.reason, least=24),
        )
        yield Table(left_out, found.left_out)


def _policy(title: str) -> tuple[Column[docs.PolicyItem], ...]:
    return (
        Column(title, lambda row: Text(plain(row.kind), "" if row.enabled else "dim strike")),
        Column("severity", lambda row: " or ".join(row.severities), least=10),
        Column("for", lambda row: _seconds(row.hold), _NOTIFIES),
        Column("cooldown", lambda row: _seconds(row.cooldown), _NOTIFIES),
        Column("rearm", lambda row: _seconds(row.rearm), _NOTIFIES),
        Column("change", lambda row: "" if row.change is None else number_text(row.change), _NOTIFIES),
        Column("escalates", lambda row: _seconds(row.escalate_after), _NOTIFIES),
        Column("channels", lambda row: "all" if row.channels is None else ", ".join(row.channels), _NOTIFIES),
    )


def _condition(row: docs.PolicyItem) -> str:
    return row.when or ""


def _said(row: docs.PolicyItem) -> Text:
    """All three, one under the other, and for how long the condition must hold."""
    held = f" It must hold for {_seconds(row.hold)}." if row.hold else ""
    said = (row.meaning or "", _condition(row) + held, row.check or "")
    return Text("\n").join(Text(plain(text)) for text in said if text)


def _seconds(seconds: float | None) -> str:
    return written(seconds) if seconds else ""


_Measured = tuple[docs.KindPerformance, docs.HorizonPerformance]


def performance(found: docs.AlertPerformance) -> Iterator[RenderableType]:
    """Draw a table of the kinds by horizon, and one of what interrupts."""
    allowed = found.interruptions_allowed
    spent = f"interruptions today: {found.interruptions_today} of {allowed}"
    yield Text("everything interrupts" if allowed is None else spent)
    yield Text(f"outcomes still to come: {found.pending}")
    yield followed(found.kinds) if found.kinds else Text("nothing was delivered and looked at yet")
    interrupting: tuple[Column[docs.InterruptingItem], ...] = (
        Column("kind", lambda row: row.kind),
        Column("level", lambda row: row.level),
        Column("interrupts", lambda row: "yes" if row.interrupts else "no"),
        Column("why not", lambda row: row.reason or "", 1, least=24),
    )
    if found.interrupting:
        yield Table(interrupting, found.interrupting)


def followed(kinds: Sequence[docs.KindPerformance]) -> Table[_Measured]:
    """Draw what followed the alerts of each kind, a row a horizon."""
    columns: tuple[Column[_Measured], ...] = (
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
    return Table(columns, [(kind, horizon) for kind in kinds for horizon in kind.horizons])


def _figure(of: docs.Figure, how: str) -> str:
    """With its interval and how many it is of: `2.40 [1.50, 3.30] of 64`."""
    if of.value is None or of.low is None or of.high is None:
        return f"- of {of.n}"
    return f"{of.value:{how}} [{of.low:{how}}, {of.high:{how}}] of {of.n}"

"""The kinds of alerts and the user's rules, drawn for a terminal: what each is about, and how it is told."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from virtuoso.cli.terminal.tables import Column, Table, plain
from virtuoso.model.alerts import documents as docs
from virtuoso.model.text.duration import written
from virtuoso.model.text.numbers import number_text

_TOLD = 3
"""Rank of how often one is told, which matters less than what it is about."""


def rules(found: docs.AlertRules) -> Iterator[RenderableType]:
    """Draw the built-in kinds with what they mean, and the user's rules: how each is told, and its condition."""
    kinds: tuple[Column[docs.PolicyRow], ...] = (
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


def _policy(title: str) -> tuple[Column[docs.PolicyRow], ...]:
    return (
        Column(title, lambda row: Text(plain(row.kind), "" if row.enabled else "dim strike")),
        Column("severity", lambda row: " or ".join(row.severities), least=10),
        Column("for", lambda row: _seconds(row.hold), _TOLD),
        Column("cooldown", lambda row: _seconds(row.cooldown), _TOLD),
        Column("rearm", lambda row: _seconds(row.rearm), _TOLD),
        Column("change", lambda row: "" if row.change is None else number_text(row.change), _TOLD),
        Column("escalates", lambda row: _seconds(row.escalate_after), _TOLD),
        Column("channels", lambda row: "all" if row.channels is None else ", ".join(row.channels), _TOLD),
    )


def _condition(row: docs.PolicyRow) -> str:
    return row.when or ""


def _said(row: docs.PolicyRow) -> Text:
    """All three, one under the other, and for how long the condition must hold."""
    held = f" It must hold for {_seconds(row.hold)}." if row.hold else ""
    said = (row.meaning or "", _condition(row) + held, row.check or "")
    return Text("\n").join(Text(plain(text)) for text in said if text)


def _seconds(seconds: float | None) -> str:
    return written(seconds) if seconds else ""

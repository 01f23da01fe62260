"""Alerts drawn for a terminal. Texts came from outside: they are printed as text, without control characters."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from virtuoso.model.alerts import documents as docs
from virtuoso.model.text.numbers import number_text

_WORDS = frozenset({"what", "why", "who", "noted by", "what is wrong", "condition", "channels"})
"""Columns that give way where there is little room."""
_LEVELS = {"critical": "bold red", "warning": "yellow", "info": ""}
_STATES = {
    "firing": "bold", "up": "green", "active": "green", "down": "red", "disabled": "bold red", "limited": "yellow",
    "dead": "bold red", "expired": "red",
}  # fmt: skip


def plain(text: str) -> str:
    """What a terminal shows as it is."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def alerts(history: docs.AlertHistory) -> Iterator[RenderableType]:
    """Draw a table of incidents, one per line, and the cursor of the older ones."""
    table = _table("id", "time (UTC)", "level", "state", "what", "noted by", "withheld by")
    for row in history.alerts:
        table.add_row(
            row.id, _time(row.timestamp), _coloured(row.level, _LEVELS), _coloured(row.state, _STATES),
            Text(plain(row.message)), Text(plain(row.acknowledged_by or "")), row.held or "",
        )  # fmt: skip
    yield table if history.alerts else Text("no such alert")
    if history.next is not None:
        yield Text(f"older ones: --cursor {history.next}", "dim")


def detail(alert: docs.AlertDetail) -> Iterator[RenderableType]:
    """One incident, a line a field."""
    yield Text.assemble(_coloured(alert.level, _LEVELS), "  ", plain(alert.message))
    table = Table.grid(padding=(0, 2))
    fields = {
        "id": alert.id, "kind": alert.alert_type, "state": alert.state, "fired (UTC)": _time(alert.timestamp),
        "held since (UTC)": _time(alert.pending_at), "escalated (UTC)": _time(alert.escalated_at),
        "over (UTC)": _time(alert.resolved_at), "told (UTC)": _time(alert.told_at), "withheld by": alert.held,
        "acknowledged by": alert.acknowledged_by, "value": None if alert.value is None else number_text(alert.value),
    }  # fmt: skip
    labels = {f"label {name}": value for name, value in sorted(alert.labels.items())}
    details = {name: _written(value) for name, value in alert.details.items() if value is not None}
    for name, value in (fields | labels | details).items():
        if value:
            table.add_row(Text(plain(name), "dim"), Text(plain(value)))
    yield table


def path(alert: docs.AlertDetail) -> Iterator[RenderableType]:
    """Every decision, and when it was made after the incident fired."""
    yield Text.assemble(_coloured(alert.level, _LEVELS), "  ", plain(alert.message))
    fired = datetime.fromisoformat(alert.timestamp)
    table = _table("after", "stage", "", "why")
    for step in alert.path:
        seconds = (datetime.fromisoformat(step.at) - fired).total_seconds()
        passed = Text("passed", "green") if step.passed else Text("withheld", "yellow")
        table.add_row(_after(seconds), step.stage, passed, Text(plain(step.reason)))
    yield table if alert.path else Text("nothing was decided about it yet")
    if alert.held is not None:
        yield Text(f"it is withheld by {alert.held} now", "yellow")
    elif alert.told_at is None:
        yield Text("nobody was told of it")
    else:
        yield Text(f"told last at {_time(alert.told_at)} UTC")


def silences(found: docs.Silences) -> Iterator[RenderableType]:
    """Draw a table of silences, one per line."""
    table = _table("id", "state", "what", "from (UTC)", "until (UTC)", "who", "why")
    for row in found.silences:
        table.add_row(
            row.id, _coloured(row.state, _STATES), Text(plain(_pairs(row.matcher))), _time(row.starts_at),
            _time(row.ends_at), Text(plain(row.author)), Text(plain(row.comment)),
        )  # fmt: skip
    yield table if found.silences else Text("nothing is silenced")


def deliveries(found: docs.Deliveries) -> Iterator[RenderableType]:
    """Draw a table of messages, one per line, and the cursor of the older ones."""
    table = _table("id", "made (UTC)", "channel", "state", "attempts", "what", "what is wrong", right=(4,))
    for row in found.deliveries:
        table.add_row(
            row.id, _time(row.created_at), row.channel, _coloured(row.state, _STATES), str(row.attempts),
            Text(plain(row.title)), Text(plain(row.error or "")),
        )  # fmt: skip
    yield table if found.deliveries else Text("no such message")
    if found.next is not None:
        yield Text(f"older ones: --cursor {found.next}", "dim")


def rules(found: docs.AlertRules) -> Iterator[RenderableType]:
    """A line a kind, and a line a rule of the user's."""
    yield _policies("kind", found.kinds)
    if found.rules:
        yield _policies("rule", found.rules)


def pipeline(found: docs.AlertPipeline) -> Iterator[RenderableType]:
    """Draw the counts of the pipeline: a table of its stages and one of its channels."""
    yield Text(f"{found.fired} fired, {found.resolved} over, {found.open} open")
    table = _table("stage", "passed", "withheld", "withheld now", right=(1, 2, 3))
    for stage in found.stages:
        table.add_row(stage.stage, str(stage.passed), str(stage.withheld), str(stage.held))
    yield table
    titles = "channel", "state", "since (UTC)", "waiting", "dead", "sent", "failed", "what is wrong"
    table = _table(*titles, right=(3, 4, 5, 6))
    for row in found.channels:
        wrong = row.error or ("" if row.not_before is None else f"no request before {_time(row.not_before)}")
        table.add_row(
            row.name, _coloured(row.state, _STATES), _time(row.since), str(row.waiting), str(row.dead),
            str(row.counters.get("sent", 0)), str(row.counters.get("failed", 0)), Text(plain(wrong)),
        )  # fmt: skip
    yield table


def _policies(title: str, rows: Iterable[docs.PolicyRow]) -> Table:
    table = _table(title, "severity", "for", "cooldown", "rearm", "change", "escalates", "channels", "condition")
    for row in rows:
        table.add_row(
            Text(row.kind, "" if row.enabled else "dim strike"), row.severity or "", _seconds(row.hold),
            _seconds(row.cooldown), _seconds(row.rearm), "" if row.change is None else number_text(row.change),
            _seconds(row.escalate_after), "all" if row.channels is None else ", ".join(row.channels),
            Text(plain(row.when or "")),
        )  # fmt: skip
    return table


def _table(*titles: str, right: tuple[int, ...] = ()) -> Table:
    table = Table(box=None, pad_edge=False)
    for n, title in enumerate(titles):
        words = title in _WORDS
        table.add_column(title, justify="right" if n in right else "left", overflow="fold", no_wrap=not words)
    return table


def _written(value: object) -> str:
    return number_text(value, 12) if isinstance(value, float) else str(value)


def _coloured(word: str, colours: dict[str, str]) -> Text:
    return Text(word, colours.get(word, ""))


def _pairs(labels: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(labels.items()))


def _time(iso: str | None) -> str:
    return "" if iso is None else f"{iso[:10]} {iso[11:19]}"


def _after(seconds: float) -> str:
    if abs(seconds) < 60:
        return f"{seconds:+.3f} s"
    minutes, rest = divmod(round(abs(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    sign = "-" if seconds < 0 else "+"
    return f"{sign}{hours} h {minutes:02} min" if hours else f"{sign}{minutes} min {rest:02} s"


def _seconds(seconds: float | None) -> str:
    if not seconds:
        return ""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"

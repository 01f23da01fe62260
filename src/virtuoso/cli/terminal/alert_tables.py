"""Alerts drawn for a terminal. Texts came from outside: they are printed as text, without control characters."""

from collections.abc import Callable, Iterator
from datetime import datetime

from rich.console import RenderableType
from rich.text import Text

from virtuoso.cli.terminal.tables import Column, Row, Table, facts, plain
from virtuoso.model.alerts import documents as docs
from virtuoso.model.text.numbers import number_text

_LEVELS = {"critical": "bold red", "warning": "yellow", "info": ""}
_STATES = {
    "firing": "bold", "up": "green", "active": "green", "down": "red", "disabled": "bold red", "limited": "yellow",
    "dead": "bold red", "expired": "red",
}  # fmt: skip


def alerts(history: docs.AlertHistory) -> Iterator[RenderableType]:
    """Draw a table of incidents, one per line, and the cursor of the older ones."""
    columns: tuple[Column[docs.Alert], ...] = (
        Column("id", lambda row: row.id),
        _time("time (UTC)", lambda row: row.timestamp, 2),
        Column("level", lambda row: _coloured(row.level, _LEVELS)),
        Column("state", lambda row: _coloured(row.state, _STATES), 1),
        Column("noted by", lambda row: row.acknowledged_by or "", 3),
        Column("withheld by", lambda row: row.held or "", 3),
        Column("what", lambda row: row.message, least=24),
    )
    yield Table(columns, history.alerts) if history.alerts else Text("no alerts, or none like that")
    yield from _older(history.next)


def detail(alert: docs.AlertDetail) -> Iterator[RenderableType]:
    """Draw one incident, a line for each field."""
    yield Text.assemble(_coloured(alert.level, _LEVELS), "  ", plain(alert.message))
    fields = {
        "id": alert.id, "kind": alert.alert_type, "state": alert.state, "fired (UTC)": _day_time(alert.timestamp),
        "held since (UTC)": _day_time(alert.pending_at), "escalated (UTC)": _day_time(alert.escalated_at),
        "over (UTC)": _day_time(alert.resolved_at),
        "notified (UTC)": _day_time(alert.told_at), "withheld by": alert.held,
        "acknowledged by": alert.acknowledged_by, "value": None if alert.value is None else number_text(alert.value),
    }  # fmt: skip
    labels = {f"label {name}": value for name, value in sorted(alert.labels.items())}
    details = {name: _written(value) for name, value in alert.details.items() if value is not None}
    yield facts({name: value for name, value in (fields | labels | details).items() if value})


def path(alert: docs.AlertDetail) -> Iterator[RenderableType]:
    """Every decision, and when it was made after the incident fired."""
    yield Text.assemble(_coloured(alert.level, _LEVELS), "  ", plain(alert.message))
    fired = datetime.fromisoformat(alert.timestamp)
    columns: tuple[Column[docs.Decision], ...] = (
        Column("after", lambda row: _after((datetime.fromisoformat(row.at) - fired).total_seconds())),
        Column("stage", lambda row: row.stage),
        Column("", lambda row: Text("passed", "green") if row.passed else Text("withheld", "yellow")),
        Column("why", lambda row: row.reason.removeprefix("passed").removeprefix(": "), least=24),
    )
    yield Table(columns, alert.path) if alert.path else Text("nothing was decided about it yet")
    if alert.held is not None:
        yield Text(f"it is withheld by {alert.held} now", "yellow")
    elif alert.told_at is None:
        yield Text("nobody was notified of it")
    else:
        yield Text(f"notified last at {_day_time(alert.told_at)} UTC")


def silences(found: docs.Silences) -> Iterator[RenderableType]:
    """Draw a table of silences, one per line."""
    columns: tuple[Column[docs.SilenceItem], ...] = (
        Column("id", lambda row: row.id),
        Column("state", lambda row: _coloured(row.state, _STATES)),
        _time("from (UTC)", lambda row: row.starts_at, 3),
        _time("until (UTC)", lambda row: row.ends_at, 1),
        Column("who", lambda row: row.author, 2),
        Column("what", lambda row: _pairs(row.matcher), least=16),
        Column("why", lambda row: row.comment, least=16),
    )
    yield Table(columns, found.silences) if found.silences else Text("nothing is silenced")


def deliveries(found: docs.Deliveries) -> Iterator[RenderableType]:
    """Draw a table of messages, one per line, and the cursor of the older ones."""
    columns: tuple[Column[docs.DeliveryItem], ...] = (
        Column("id", lambda row: row.id),
        _time("made (UTC)", lambda row: row.created_at, 2),
        Column("channel", lambda row: row.channel),
        Column("state", lambda row: _coloured(row.state, _STATES)),
        Column("attempts", lambda row: str(row.attempts), 3, right=True),
        Column("what is wrong", lambda row: row.error or "", 1, least=20),
        Column(
            "what", lambda row: row.title, 1, least=20,
            narrow=Column("what", lambda row: f"{row.title}: {row.error}" if row.error else row.title, least=20),
        ),
    )  # fmt: skip
    yield Table(columns, found.deliveries) if found.deliveries else Text("no such message")
    yield from _older(found.next)


def pipeline(found: docs.AlertPipeline) -> Iterator[RenderableType]:
    """Draw the counts of the pipeline: a table of its stages and one of its channels."""
    yield Text(f"{found.fired} fired, {found.resolved} over, {found.open} open")
    stages: tuple[Column[docs.StageItem], ...] = (
        Column("stage", lambda row: row.stage),
        Column("passed", lambda row: str(row.passed), right=True),
        Column("withheld", lambda row: str(row.withheld), right=True),
        Column("withheld now", lambda row: str(row.held), right=True),
    )
    yield Table(stages, found.stages)
    channels: tuple[Column[docs.ChannelItem], ...] = (
        Column("channel", lambda row: row.name),
        Column("state", lambda row: _coloured(row.state, _STATES)),
        _time("since (UTC)", lambda row: row.since, 1),
        Column("waiting", lambda row: str(row.waiting), right=True),
        Column("dead", lambda row: str(row.dead), right=True),
        Column("sent", lambda row: str(row.counters.get("sent", 0)), right=True),
        Column("failed", lambda row: str(row.counters.get("failed", 0)), right=True),
        Column("what is wrong", _wrong, least=24),
    )
    yield Table(channels, found.channels)


def _wrong(row: docs.ChannelItem) -> str:
    return row.error or ("" if row.not_before is None else f"no request before {_day_time(row.not_before)}")


def _older(cursor: str | None) -> Iterator[RenderableType]:
    if cursor is not None:
        yield Text(f"older ones: --cursor {cursor}", "dim")


def _written(value: object) -> str:
    return number_text(value, 12) if isinstance(value, float) else str(value)


def _coloured(word: str, colours: dict[str, str]) -> Text:
    return Text(plain(word), colours.get(word, ""))


def _pairs(labels: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(labels.items()))


def _time(title: str, of: Callable[[Row], str | None], rank: int) -> Column[Row]:
    """A time to the second; without its year where there is little room."""
    short = Column[Row](title, lambda row: _day_time(of(row))[5:], rank - 1 if rank > 1 else rank)
    return Column(title, lambda row: _day_time(of(row)), rank, narrow=short)


def _day_time(iso: str | None) -> str:
    return "" if iso is None else f"{iso[:10]} {iso[11:19]}"


def _after(seconds: float) -> str:
    if abs(seconds) < 60:
        return f"{seconds:+.3f} s"
    minutes, rest = divmod(round(abs(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    sign = "-" if seconds < 0 else "+"
    return f"{sign}{hours} h {minutes:02} min" if hours else f"{sign}{minutes} min {rest:02} s"

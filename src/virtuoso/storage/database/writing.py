"""What a cycle keeps, and the silences: every statement may be repeated."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Table, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from virtuoso.model.alerts.incident import Incident, Silence
from virtuoso.model.alerts.notice import Delivery
from virtuoso.storage.database.lived import forget, lived_values, sums_values
from virtuoso.storage.database.records import Changes, Life, Lived, record_id
from virtuoso.storage.database.schema import (
    INCIDENTS,
    LIVED,
    LIVED_SUMS,
    OUTBOX,
    OUTCOMES,
    RUNS,
    SIGNALS,
    SILENCES,
    STATE,
    TRANSITIONS,
)
from virtuoso.storage.lease import Term

Insert = sqlite.Insert | postgresql.Insert


def new_rows(connection: Connection, table: Table) -> Insert:
    """An `INSERT` that knows `ON CONFLICT`, in the database's own dialect."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


class Writing:
    """The rows of one `Changes`, made ready before the transaction begins, so that its lock is held briefly."""

    def __init__(self, term: Term, changes: Changes) -> None:
        self._signals = [
            {
                "id": s.id, "exchange": s.exchange, "symbol": s.symbol, "close_ms": s.close_ms,
                "label": s.label and s.label.value,
                "before": s.before and s.before.value, "score": s.score, "agreement": s.agreement, "price": s.price,
                "confidence": s.confidence, "expires_ms": s.expires_ms,
                "data_quality": s.data_quality.value, "epoch": term.epoch, "why": s.why,
                "data_source": None if s.data_source is None else s.data_source.value,
            }
            for s in changes.signals
        ]  # fmt: skip
        self._transitions = [
            {
                "id": record_id(t.exchange, t.symbol, t.at_ms, t.after), "exchange": t.exchange, "symbol": t.symbol,
                "before": t.before, "after": t.after, "at_ms": t.at_ms,
            }
            for t in changes.transitions
        ]  # fmt: skip
        self._incidents = [_incident_row(term.identity, incident) for incident in changes.incidents]
        self._deliveries = [delivery_row(term.identity, delivery) for delivery in changes.deliveries]
        self._outcomes = [
            {
                "id": o.id, "identity": term.identity, "delivered_ms": o.delivered_ms, "settled_ms": o.settled_ms,
                "body": msgspec.json.encode(o).decode(),
            }
            for o in changes.outcomes
        ]  # fmt: skip
        self._state = [
            {"identity": term.identity, "key": s.key, "close_ms": s.close_ms, "body": s.body} for s in changes.state
        ]
        self._build = select(RUNS.c.version).where(RUNS.c.identity == term.identity, RUNS.c.epoch == term.epoch)
        self._identity, self._lived = term.identity, changes.lived

    def write(self, connection: Connection) -> None:
        """Write all of them. Signals, transitions and deliveries are ignored where they are kept already."""
        if self._signals:
            build = connection.execute(self._build).scalar_one_or_none()
            self._signals = [row | {"build": build} for row in self._signals]
        for table, rows in ((SIGNALS, self._signals), (TRANSITIONS, self._transitions)):
            if rows:
                connection.execute(new_rows(connection, table).on_conflict_do_nothing(), rows)
        if self._incidents:
            connection.execute(_incident_upsert(connection), self._incidents)
        if self._deliveries:
            connection.execute(new_rows(connection, OUTBOX).on_conflict_do_nothing(), self._deliveries)
        if self._outcomes:
            connection.execute(_outcome_upsert(connection), self._outcomes)
        if self._state:
            new = new_rows(connection, STATE)
            values = {"close_ms": new.excluded.close_ms, "body": new.excluded.body}
            connection.execute(new.on_conflict_do_update(index_elements=["identity", "key"], set_=values), self._state)
        if self._lived is not None:
            self._write_lived(connection, self._lived)

    def _write_lived(self, connection: Connection, lived: Lived) -> None:
        """Add what was lived: what is there already was written once and is never edited."""
        of = self._identity, lived.exchange
        for table, values in (
            (LIVED, [lived_values(*of, row) for row in lived.rows]),
            (LIVED_SUMS, [sums_values(*of, row) for row in lived.sums]),
        ):
            if values:
                connection.execute(new_rows(connection, table).on_conflict_do_nothing(), values)
        if lived.before_ms:
            forget(connection, *of, lived.before_ms)


def put_silence(connection: Connection, silence: Silence) -> None:
    """Make it, or replace the one of this id."""
    new = new_rows(connection, SILENCES)
    row: dict[str, Any] = {column.name: getattr(silence, column.name) for column in SILENCES.c}
    row["matcher"] = msgspec.json.encode(silence.matcher).decode()
    values = {name: new.excluded[name] for name in row if name != "id"}
    connection.execute(new.on_conflict_do_update(index_elements=["id"], set_=values), row)


_ALIKE = [c.name for c in INCIDENTS.c if c.name not in {"identity", "held", "told_ms", "life", "acknowledgement"}]
"""Columns of incidents that are named as the field of `Incident` is."""


def _incident_row(identity: str, incident: Incident) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(incident, name) for name in _ALIKE}
    row["identity"] = identity
    row["severity"] = incident.severity.value
    row["details"] = msgspec.json.encode(incident.details).decode()
    row["labels"] = msgspec.json.encode(incident.labels).decode()
    row["held"] = incident.suppressed_by
    row["told_ms"] = None if incident.notified is None else incident.notified.at_ms
    life = Life(**{name: getattr(incident, name) for name in Life.__struct_fields__})
    row["life"] = msgspec.json.encode(life).decode()
    return row


_CHANGING = ("severity", "message", "details", "resolved_ms", "ending", "held", "told_ms", "life")


def _incident_upsert(connection: Connection) -> Insert:
    """A later write replaces an earlier one; one from before it was resolved changes nothing any more."""
    new = new_rows(connection, INCIDENTS)
    values: dict[str, Any] = {name: new.excluded[name] for name in _CHANGING}
    values["acknowledged"] = or_(INCIDENTS.c.acknowledged, new.excluded.acknowledged)
    later = or_(INCIDENTS.c.resolved_ms.is_(None), new.excluded.resolved_ms.is_not(None))
    return new.on_conflict_do_update(index_elements=["id"], set_=values, where=later)


def _outcome_upsert(connection: Connection) -> Insert:
    """What is settled stays as it is."""
    new = new_rows(connection, OUTCOMES)
    values = {"settled_ms": new.excluded.settled_ms, "body": new.excluded.body}
    return new.on_conflict_do_update(index_elements=["id"], set_=values, where=OUTCOMES.c.settled_ms.is_(None))


def delivery_row(identity: str, delivery: Delivery) -> dict[str, Any]:
    """Its row, without a place in the order."""
    row: dict[str, Any] = {name: getattr(delivery, name) for name in OUTBOX.c.keys() if name in _DELIVERY}  # noqa: SIM118
    row["identity"] = identity
    row["notice"] = msgspec.json.encode(delivery.notice).decode()
    return row


_DELIVERY = frozenset(Delivery.__struct_fields__) - {"sequence"}

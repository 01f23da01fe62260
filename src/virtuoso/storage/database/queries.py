"""What the database tells: signals by page, incidents, transitions, silences, and what a restart continues from."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Column, Connection, Integer, Row, Select, bindparam, select, text, tuple_

from virtuoso.model.alerts.incident import Details, Incident, Severity, Silence
from virtuoso.model.quality import DataQuality, DataSource
from virtuoso.model.signal import Label
from virtuoso.storage.database.damage import Usable, made, usable
from virtuoso.storage.database.records import (
    Acknowledgement,
    Life,
    SignalFilter,
    SignalPage,
    SignalRecord,
    StateRecord,
    TransitionRecord,
)
from virtuoso.storage.database.schema import INCIDENTS, SIGNALS, SILENCES, STATE, TRANSITIONS

MOST: Final = 1000
"""Rows that one answer has, at most."""

_CURSOR = re.compile(r"(\d{1,15})\.([0-9a-f]{16}|[0-9a-f]{32})")

# From one symbol to the next by the index: grouping would read every signal there ever was (450 ms of 300,000).
_LAST = text("""
    WITH RECURSIVE known(symbol) AS (
        SELECT min(symbol) FROM signals WHERE exchange = :e
        UNION ALL
        SELECT (SELECT min(symbol) FROM signals WHERE exchange = :e AND symbol > known.symbol)
        FROM known WHERE known.symbol IS NOT NULL
    )
    SELECT s.symbol, s.label, s.close_ms FROM known JOIN signals s ON s.id = (
        SELECT id FROM signals WHERE exchange = :e AND symbol = known.symbol
            AND epoch IN (SELECT epoch FROM runs WHERE identity = :i)
        ORDER BY close_ms DESC, id DESC LIMIT 1
    )
""")


class LastLabel(NamedTuple):
    """The label a symbol has had since the close at `close_ms`; `None` is unknown."""

    label: Label | None
    close_ms: int


def encode_cursor(at_ms: int, row_id: str) -> str:
    """Encode time and id of the last row of a page as the cursor from which the next page goes on."""
    return urlsafe_b64encode(f"{at_ms}.{row_id}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[int, str]:
    """Time and id; raises `ValueError` for anything that `encode_cursor` did not make."""
    try:
        found = _CURSOR.fullmatch(urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii"))
    except ValueError:
        found = None
    if found is None or encode_cursor(int(found[1]), found[2]) != cursor:
        raise ValueError("this is not a cursor: give the one of the page before, unchanged, or none")
    return int(found[1]), found[2]


def page_query(
    columns: Iterable[Column[Any]], at: Column[int], row_id: Column[str], limit: int, cursor: str | None
) -> Select[tuple[object, ...]]:
    """The newest first; one row more than `limit`, so that the last page is known as such. Raises `ValueError`."""
    if not 1 <= limit <= MOST:
        raise ValueError(f"limit is from 1 to {MOST}, not {limit}")
    query = select(*columns).order_by(at.desc(), row_id.desc()).limit(limit + 1)
    return query if cursor is None else query.where(tuple_(at, row_id) < tuple_(*decode_cursor(cursor)))


def signals_query(wanted: SignalFilter, limit: int, cursor: str | None) -> Select[tuple[object, ...]]:
    """A page of those that are wanted. Raises `ValueError`."""
    query = page_query(SIGNALS.c, SIGNALS.c.close_ms, SIGNALS.c.id, limit, cursor)
    for name in ("exchange", "symbol", "label"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(SIGNALS.c[name] == str(value))
    if wanted.since_ms is not None:
        query = query.where(SIGNALS.c.close_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        query = query.where(SIGNALS.c.close_ms < wanted.until_ms)
    return query


def signals(connection: Connection, query: Select[tuple[object, ...]], limit: int) -> SignalPage:
    """Run `signals_query`, and make a page of what it finds."""
    rows = connection.execute(query).all()
    page = rows[:limit]
    cursor = encode_cursor(page[-1].close_ms, page[-1].id) if len(rows) > limit else None
    found = usable(SIGNALS, page, _signal)
    return SignalPage(found.found, cursor, found.damaged)


def signal(connection: Connection, signal_id: str) -> SignalRecord | None:
    """The signal with this id; raises `DamagedRow`."""
    row = connection.execute(select(*SIGNALS.c).where(SIGNALS.c.id == signal_id)).one_or_none()
    return None if row is None else made(SIGNALS, row, _signal)


def last_labels(connection: Connection, exchange: str, identity: str) -> dict[str, LastLabel]:
    """By symbol, the latest signal that an identity kept."""
    found: dict[str, LastLabel] = {}
    for symbol, label, close_ms in connection.execute(_LAST, {"e": exchange, "i": identity}):
        with suppress(ValueError):  # a damaged one is none
            found[symbol] = LastLabel(_label(label), int(close_ms))
    return found


def _label(text: str | None) -> Label | None:
    return None if text is None else Label(text)


def incidents(connection: Connection, limit: int, *, only_open: bool, identity: str | None) -> Usable:
    """The latest, newest first; of all identities where none is named."""
    query = (
        select(*(c for c in INCIDENTS.c if c.name != "identity"))
        .order_by(INCIDENTS.c.fired_ms.desc(), INCIDENTS.c.id.desc())
        .limit(limit)
    )
    if only_open:
        query = query.where(INCIDENTS.c.resolved_ms.is_(None))
    if identity is not None:
        query = query.where(INCIDENTS.c.identity == identity)
    return usable(INCIDENTS, connection.execute(query), incident_of)


def transitions(connection: Connection, exchange: str, limit: int) -> Usable:
    """The latest of an exchange, newest first."""
    t = TRANSITIONS.c
    query = select(t.id, t.exchange, t.symbol, t.before, t.after, t.at_ms).where(t.exchange == exchange)
    rows: Iterable[Row[Any]] = connection.execute(query.order_by(t.at_ms.desc(), t.id.desc()).limit(limit))
    return usable(TRANSITIONS, rows, _transition)


def state(connection: Connection, identity: str, key: str) -> StateRecord | None:
    """What was kept last under this name."""
    query = select(STATE.c.key, STATE.c.close_ms, STATE.c.body)
    row = connection.execute(query.where((STATE.c.identity == identity) & (STATE.c.key == key))).one_or_none()
    return None if row is None else StateRecord(**row._mapping)


_SILENCES = (
    select(SILENCES)
    .where(SILENCES.c.ends_ms > bindparam("after"))
    .order_by(SILENCES.c.ends_ms.desc(), SILENCES.c.id)
    .limit(bindparam("most", type_=Integer))
)
"""Asked every second, and so composed once."""


def silences(connection: Connection, after_ms: int, limit: int) -> Usable:
    """Those that end after `after_ms` (epoch ms), the last to end first."""
    return usable(SILENCES, connection.execute(_SILENCES, {"after": after_ms, "most": limit}), _silence)


def _silence(row: Row[Any]) -> Silence:
    return Silence(**{**row._mapping, "matcher": msgspec.json.decode(row.matcher, type=dict[str, str])})


def _transition(row: Row[Any]) -> TransitionRecord:
    return TransitionRecord(
        exchange=row.exchange, symbol=row.symbol, before=row.before, after=row.after, at_ms=row.at_ms
    )


class _Why(msgspec.Struct):
    """Of a kept reading, what others rely on."""

    why: tuple[str, ...] = ()


def _signal(row: Row[tuple[object, ...]]) -> SignalRecord:
    if row.why is not None:
        msgspec.json.decode(row.why, type=_Why)
    return SignalRecord(
        exchange=row.exchange, symbol=row.symbol, close_ms=row.close_ms, label=_label(row.label),
        before=_label(row.before), score=row.score, agreement=row.agreement, price=row.price,
        data_quality=DataQuality(row.data_quality),
        data_source=None if row.data_source is None else DataSource(row.data_source), why=row.why,
        confidence=row.confidence, expires_ms=row.expires_ms, build=row.build,
    )  # fmt: skip


def incident_of(row: Row[tuple[object, ...]]) -> Incident:
    """The incident of a row that has all columns but the identity."""
    fields = dict(row._mapping)
    del fields["told_ms"]
    fields["suppressed_by"] = fields.pop("held")
    life = msgspec.json.decode(fields.pop("life"), type=Life)
    fields |= {name: getattr(life, name) for name in Life.__struct_fields__}
    if (said := fields.pop("acknowledgement")) is not None:
        fields["acknowledged_by"] = msgspec.json.decode(said, type=Acknowledgement).by
    fields |= {
        "severity": Severity(row.severity), "details": msgspec.json.decode(row.details, type=Details),
        "labels": msgspec.json.decode(row.labels, type=dict[str, str]),
    }  # fmt: skip
    return Incident(**fields)

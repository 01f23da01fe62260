"""Alerts as people ask for them and answer them: history, acknowledgements, silences; and what a monitor reads back.

An acknowledgement has a column of its own that the monitor never writes, so neither undoes what the other wrote.
"""

from operator import attrgetter
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    case,
    delete,
    func,
    select,
    union,
    update,
)

from virtuoso.model.alerts.incident import Incident, Severity, Silence
from virtuoso.model.alerts.outcome import HORIZONS_MIN, Outcome, outcome_id
from virtuoso.model.timeframe import DAY_MS
from virtuoso.storage.database.damage import Usable, made, usable
from virtuoso.storage.database.from_webs import wrong_tokens
from virtuoso.storage.database.from_webs.added_rules import added_rules
from virtuoso.storage.database.lease.rows import STOPPED
from virtuoso.storage.database.queries import encode_cursor, incident_of, page_query, silences
from virtuoso.storage.database.records import Acknowledgement, AlertInputs, IncidentFilter, IncidentPage
from virtuoso.storage.database.schema import INCIDENTS, OUTCOMES, RUNS, SILENCES
from virtuoso.storage.database.writing import put_silence

MOST_SILENCES: Final = 500
"""In force or to come, at once."""
MOST_RESUMED: Final = 10_000
"""Incidents that a restart continues, and acknowledged ones that are open."""

MOST_OUTCOMES: Final = 20_000
"""Outcomes that a restart continues, or makes its figures of."""
WRONG_TOKENS_MS: Final = 600_000
"""Later than this after the last, wrong tokens are over."""
_KEPT_MS = 30 * DAY_MS
_YEAR_MS = 365 * DAY_MS
_COLUMNS = tuple(column for column in INCIDENTS.c if column.name != "identity")


def _is_of(identity: str | BindParameter[str]) -> ColumnElement[bool]:
    """By no index: SQLite would prefer one of the identity, which names nearly all there are, to that of the few."""
    return func.coalesce(INCIDENTS.c.identity, "") == identity


# What is asked every second is composed once: to compose a statement takes longer than SQLite takes to answer it.
_ACKNOWLEDGED = (
    select(INCIDENTS.c.id, INCIDENTS.c.acknowledgement)
    .where(
        INCIDENTS.c.resolved_ms.is_(None), INCIDENTS.c.acknowledgement.is_not(None),
        _is_of(bindparam("of", type_=INCIDENTS.c.identity.type)),
    )
    .order_by(INCIDENTS.c.fired_ms.desc())
    .limit(MOST_RESUMED)
)  # fmt: skip
_CRASHES = select(func.count()).where(
    RUNS.c.identity == bindparam("of"), RUNS.c.ended_ms >= bindparam("since"), RUNS.c.ending != STOPPED
)


def incidents_query(wanted: IncidentFilter, limit: int, cursor: str | None) -> Select[tuple[object, ...]]:
    """A page of those that are wanted. Raises `ValueError`."""
    i = INCIDENTS.c
    query = page_query(_COLUMNS, i.fired_ms, i.id, limit, cursor)
    for column, value in ((i.kind, wanted.kind), (i.symbol, wanted.symbol), (i.identity, wanted.monitor)):
        if value is not None:
            query = query.where(column == value)
    if wanted.severity is not None:
        query = query.where(i.severity.in_([s.value for s in Severity if s.rank >= wanted.severity.rank]))
    if wanted.state == "firing":
        query = query.where(i.resolved_ms.is_(None))
    elif wanted.state is not None:
        query = query.where(i.resolved_ms.is_not(None), func.coalesce(i.ending, "resolved") == wanted.state)
    if wanted.since_ms is not None:
        query = query.where(i.fired_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        query = query.where(i.fired_ms < wanted.until_ms)
    return query


def history(connection: Connection, query: Select[tuple[object, ...]], limit: int) -> IncidentPage:
    """Run `incidents_query`, and make a page of what it finds."""
    rows = connection.execute(query).all()
    page = rows[:limit]
    cursor = encode_cursor(page[-1].fired_ms, page[-1].id) if len(rows) > limit else None
    found = usable(INCIDENTS, page, incident_of)
    return IncidentPage(found.found, cursor, found.damaged)


def incident(connection: Connection, incident_id: str) -> Incident | None:
    """The one of this id. Raises `DamagedRow`."""
    row = connection.execute(select(*_COLUMNS).where(INCIDENTS.c.id == incident_id)).one_or_none()
    return None if row is None else made(INCIDENTS, row, incident_of)


def resumable(connection: Connection, identity: str, since_ms: int) -> Usable:
    """Open ones, undecided ones, and those notified since then; newest first, at most 10,000.

    A union, so that each part goes by an index of its own.
    """
    i = INCIDENTS.c
    ids = union(
        select(i.id).where(i.resolved_ms.is_(None), _is_of(identity)),
        select(i.id).where(i.held.is_not(None), _is_of(identity)),
        select(i.id).where(i.told_ms >= since_ms, i.identity == identity),
    )
    query = select(*_COLUMNS).where(i.id.in_(ids)).order_by(i.fired_ms.desc(), i.id.desc()).limit(MOST_RESUMED)
    return usable(INCIDENTS, connection.execute(query), incident_of)


def outcomes_query(identity: str, now_ms: int) -> Select[tuple[object, ...]]:
    """Those of the year before `now_ms`, newest first, at most 20,000; older ones do not settle any more."""
    o = OUTCOMES.c
    query: Select[tuple[object, ...]] = select(o.id, o.body)
    query = query.where(o.identity == identity, o.delivered_ms >= now_ms - _YEAR_MS)
    return query.order_by(o.delivered_ms.desc(), o.id.desc()).limit(MOST_OUTCOMES)


def outcomes(connection: Connection, identity: str, now_ms: int) -> Usable:
    """Run `outcomes_query`, and decode what it finds."""
    rows = connection.execute(outcomes_query(identity, now_ms)).all()
    return usable(OUTCOMES, rows, lambda row: msgspec.json.decode(row.body, type=Outcome))


def outcomes_of(connection: Connection, incident_id: str) -> Usable:
    """What followed one incident, by horizon."""
    o, ids = OUTCOMES.c, [outcome_id(incident_id, horizon_min) for horizon_min in HORIZONS_MIN]
    query: Select[tuple[object, ...]] = select(o.id, o.body).where(o.id.in_(ids))
    found = usable(OUTCOMES, connection.execute(query).all(), lambda row: msgspec.json.decode(row.body, type=Outcome))
    return Usable(tuple(sorted(found.found, key=attrgetter("horizon_min"))), found.damaged)


def acknowledge(connection: Connection, incident_id: str, said: Acknowledgement) -> Incident | None:
    """The incident, acknowledged: by the first who did. `None` where there is none."""
    unsaid = update(INCIDENTS).where(INCIDENTS.c.id == incident_id, INCIDENTS.c.acknowledgement.is_(None))
    connection.execute(unsaid.values(acknowledged=True, acknowledgement=msgspec.json.encode(said).decode()))
    return incident(connection, incident_id)


def inputs(connection: Connection, identity: str, now_ms: int) -> AlertInputs:
    """What people said that the monitor of this identity must know."""
    acknowledged = usable(INCIDENTS, connection.execute(_ACKNOWLEDGED, {"of": identity}), _acknowledgement)
    silenced = silences(connection, now_ms, MOST_SILENCES)
    wrong, unread = wrong_tokens.since(connection, identity, now_ms - WRONG_TOKENS_MS)
    rules = added_rules(connection, identity)
    damaged = (*silenced.damaged, *acknowledged.damaged, *rules.damaged, *unread)
    return AlertInputs(silenced.found, dict(acknowledged.found), wrong, rules.found, damaged)


def _acknowledgement(row: Row[Any]) -> tuple[str, Acknowledgement]:
    return row.id, msgspec.json.decode(row.acknowledgement, type=Acknowledgement)


def add_silence(connection: Connection, silence: Silence) -> bool:
    """Make it (or again), and forget those that ended 30 days before; `False` when there are as many as may be."""
    ends_ms, now_ms = SILENCES.c.ends_ms, silence.created_ms
    connection.execute(delete(SILENCES).where(ends_ms < now_ms - _KEPT_MS))
    if (connection.scalar(select(func.count()).where(ends_ms > now_ms)) or 0) >= MOST_SILENCES:
        return False
    put_silence(connection, silence)
    return True


def end_silence(connection: Connection, silence_id: str, now_ms: int) -> bool:
    """From now on it withholds nothing, and still tells who made it and why. Whether there is one of this id."""
    ends_ms = case((SILENCES.c.ends_ms > now_ms, now_ms), else_=SILENCES.c.ends_ms)
    ending = update(SILENCES).where(SILENCES.c.id == silence_id).values(ends_ms=ends_ms)
    return connection.execute(ending).rowcount > 0


def crashes(connection: Connection, identity: str, since_ms: int) -> int:
    """Runs of the monitor of this identity that ended at or after `since_ms` without having been stopped."""
    return connection.scalar(_CRASHES, {"of": identity, "since": since_ms}) or 0

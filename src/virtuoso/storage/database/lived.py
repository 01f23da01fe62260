"""What was said and what came of it: kept once, read back in order, let go of when it is old; its sums stay."""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, select, tuple_

from virtuoso.storage.database.damage import Usable, usable
from virtuoso.storage.database.records import LivedKey, LivedRow, LivedSums
from virtuoso.storage.database.schema import LIVED, LIVED_SUMS

MOST: Final = 100
"""Rows that one answer has, at most: of 600 symbols each takes up to 150 kB."""
_KEY = (LIVED.c.close_ms, LIVED.c.kind, LIVED.c.part, LIVED.c.horizon_min)


def rows(
    connection: Connection, identity: str, exchange: str, after: LivedKey | None, since_ms: int, horizon_min: int | None
) -> Usable:
    """The first 100 after a key, of closes from `since_ms` on (epoch ms); of one horizon where it is given."""
    query = select(*_KEY, LIVED.c.body).where(
        LIVED.c.identity == identity, LIVED.c.exchange == exchange, LIVED.c.close_ms >= since_ms
    )
    if after is not None:
        query = query.where(tuple_(*_KEY) > tuple_(*after))
    if horizon_min is not None:
        query = query.where(LIVED.c.horizon_min == horizon_min)
    found: Iterable[Row[Any]] = connection.execute(query.order_by(*_KEY).limit(MOST))
    return usable(LIVED, found, _row)


def _row(row: Row[Any]) -> LivedRow:
    return LivedRow(LivedKey(row.close_ms, row.kind, row.part, row.horizon_min), row.body)


def sums(connection: Connection, identity: str, exchange: str, since_day: int) -> Usable:
    """Those of days from `since_day` on, the oldest first."""
    c = LIVED_SUMS.c
    query = select(c.day, c.kind, c.horizon_min, c.body).where(
        c.identity == identity, c.exchange == exchange, c.day >= since_day
    )
    found: Iterable[Row[Any]] = connection.execute(query.order_by(c.day, c.kind, c.horizon_min))
    return usable(LIVED_SUMS, found, lambda row: LivedSums(**row._mapping))


def forget(connection: Connection, identity: str, exchange: str, before_ms: int) -> None:
    """Let go of what was said before a time (epoch ms), and of what came of it."""
    connection.execute(
        delete(LIVED).where(LIVED.c.identity == identity, LIVED.c.exchange == exchange, LIVED.c.close_ms < before_ms)
    )


def lived_values(identity: str, exchange: str, row: LivedRow) -> dict[str, Any]:
    """Make the values of a row's columns."""
    return {"identity": identity, "exchange": exchange, **row.key._asdict(), "body": row.body}


def sums_values(identity: str, exchange: str, row: LivedSums) -> dict[str, Any]:
    """Make the column values of a row of sums."""
    return {"identity": identity, "exchange": exchange, **row._asdict()}

"""Rules that people added while a monitor ran: a row each among the state of its identity, which it never writes."""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, func, select

from virtuoso.model.alerts.added_rule import AddedRule
from virtuoso.storage.database.damage import Usable, usable
from virtuoso.storage.database.schema import STATE
from virtuoso.storage.database.writing import new_rows

MOST_ADDED: Final = 50
"""Of one identity, at once."""
_KEY: Final = "rule:"
_OURS = (STATE.c.identity == bindparam("of")) & STATE.c.key.startswith(_KEY, autoescape=True)
_ALL = select(STATE.c.key, STATE.c.body).where(_OURS).order_by(STATE.c.close_ms, STATE.c.key).limit(MOST_ADDED)
"""Asked every second, and so composed once."""


def add(connection: Connection, identity: str, rule: AddedRule) -> str | None:
    """Keep it; says why it was not: there is one of its name, or there are as many as may be."""
    if (connection.scalar(select(func.count()).where(_OURS), {"of": identity}) or 0) >= MOST_ADDED:
        return f"{MOST_ADDED} rules were added already; remove one first"
    row = {
        "identity": identity, "key": _KEY + rule.name, "close_ms": rule.created_ms,
        "body": msgspec.json.encode(rule).decode(),
    }  # fmt: skip
    added = connection.execute(new_rows(connection, STATE).on_conflict_do_nothing(), row).rowcount
    return None if added else f"a rule {rule.name!r} was added already; remove it first, or choose another name"


def remove(connection: Connection, identity: str, name: str) -> bool:
    """Forget the one of this name; whether there was one."""
    found = delete(STATE).where((STATE.c.identity == identity) & (STATE.c.key == _KEY + name))
    return connection.execute(found).rowcount > 0


def added_rules(connection: Connection, identity: str) -> Usable:
    """Those of this identity, the oldest first."""
    return usable(STATE, connection.execute(_ALL, {"of": identity}), _rule)


def _rule(row: Row[Any]) -> AddedRule:
    return msgspec.json.decode(row.body, type=AddedRule)

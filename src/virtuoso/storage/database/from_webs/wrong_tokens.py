"""Wrong tokens that the web was given, where the monitor reads them: a row for each web process, of the last hour."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, select

from virtuoso.storage.database.damage import usable
from virtuoso.storage.database.records import NO_WRONG_TOKENS, WrongTokens
from virtuoso.storage.database.schema import STATE
from virtuoso.storage.database.writing import new_rows

_KEY = "web:wrong_tokens:"
_KEPT_MS = 3_600_000
_MOST = 1_000


def note(connection: Connection, identity: str, process: str, wrong: WrongTokens) -> None:
    """Keep what the web process of this name was given; what others were given an hour ago is forgotten."""
    s = STATE.c
    ours = (s.identity == identity) & s.key.startswith(_KEY, autoescape=True)
    connection.execute(delete(STATE).where(ours, s.close_ms < wrong.last_ms - _KEPT_MS))
    new = new_rows(connection, STATE)
    row = {
        "identity": identity, "key": _KEY + process, "close_ms": wrong.last_ms,
        "body": msgspec.json.encode(wrong).decode(),
    }  # fmt: skip
    changed = {"close_ms": new.excluded.close_ms, "body": new.excluded.body}
    connection.execute(new.on_conflict_do_update(index_elements=["identity", "key"], set_=changed), row)


_SINCE = (
    select(STATE.c.key, STATE.c.body)
    .where(
        STATE.c.identity == bindparam("of"), STATE.c.key.startswith(_KEY, autoescape=True),
        STATE.c.close_ms >= bindparam("since"),
    )
    .order_by(STATE.c.close_ms.desc())
    .limit(_MOST)
)  # fmt: skip
"""Asked every second, and so composed once."""


def since(connection: Connection, identity: str, since_ms: int) -> tuple[WrongTokens, tuple[str, ...]]:
    """All that the webs of this identity were given, as far as the last was at or after `since_ms` (epoch ms).

    And what rows of it are damaged, a line each.
    """
    asked = {"of": identity, "since": since_ms}
    found, damaged = usable(STATE, connection.execute(_SINCE, asked), _wrong)
    if not found:
        return NO_WRONG_TOKENS, damaged
    return WrongTokens(sum(each.count for each in found), found[0].client, found[0].last_ms), damaged


def _wrong(row: Row[Any]) -> WrongTokens:
    return msgspec.json.decode(row.body, type=WrongTokens)

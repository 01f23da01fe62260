"""Wrong tokens that the web was given, where the monitor reads them: a row for each web process, of the last hour."""

import msgspec
from sqlalchemy import Connection, delete, select

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


def since(connection: Connection, identity: str, since_ms: int) -> WrongTokens:
    """All that the webs of this identity were given, as far as the last was at or after `since_ms` (epoch ms)."""
    s = STATE.c
    query = select(s.body).where(
        s.identity == identity, s.key.startswith(_KEY, autoescape=True), s.close_ms >= since_ms
    )
    found = [
        msgspec.json.decode(body, type=WrongTokens)
        for body in connection.scalars(query.order_by(s.close_ms.desc()).limit(_MOST))
    ]
    if not found:
        return NO_WRONG_TOKENS
    return WrongTokens(sum(each.count for each in found), found[0].client, found[0].last_ms)

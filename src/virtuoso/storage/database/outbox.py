"""The outbox's statements. Those that write are repeatable: done twice, they are as done once.

A claimed row is `sending`. Only one process may claim (its lease guards the transaction), and for each channel only one
at a time; so a `sending` row that a claim finds was claimed by an earlier call of the same process whose answer was
lost, and was not sent. Those of earlier processes are taken back at the start, see `recover`.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, Row, Select, bindparam, case, delete, func, insert, literal, select, true, update

from virtuoso.model.alerts.notice import Delivery, Notice, delivery_id
from virtuoso.model.alerts.outbox import ChannelState, Claimed, Count, DeliveryPage, Tidied
from virtuoso.model.timeframe import DAY_MS
from virtuoso.storage.database.damage import DamagedRow, made, usable
from virtuoso.storage.database.queries import encode_cursor, page_query
from virtuoso.storage.database.schema import CHANNELS, OUTBOX
from virtuoso.storage.database.writing import delivery_row, new_rows

BATCH: Final = 500
"""Rows that one transaction folds, moves or deletes, at most."""

_KEPT_MS = 30 * DAY_MS
_DONE = ("sent", "folded", "expired")
_LATE = "its time to live passed before it could be sent"
_O = OUTBOX.c
_COLUMNS = tuple(column for column in OUTBOX.c if column.name != "identity")


def recover(connection: Connection, identity: str) -> int:
    """What an earlier process was sending waits again, marked: it may have been sent. How many these were."""
    in_flight = update(OUTBOX).where(_O.identity == identity, _O.state == "sending")
    return connection.execute(in_flight.values(state="waiting", repeat=true(), attempts=_O.attempts + 1)).rowcount


_SETTLED = ("state", "attempts", "ref", "error", "repeat", "folded_into")
"""What an attempt changes of a delivery."""


def turn(
    connection: Connection,
    identity: str,
    channel: str,
    now_ms: int,
    *,
    settled: Delivery | None,
    state: ChannelState | None,
    claim: bool,
) -> Claimed | None:
    """Record what became of one delivery and of the channel, and claim the next, which is not expired."""
    if settled is not None:
        values = {name: getattr(settled, name) for name in _SETTLED}
        connection.execute(
            update(OUTBOX).where(_O.id == settled.id, _O.identity == identity, _O.state == "sending").values(**values)
        )
    if state is not None:
        put_state(connection, identity, state)
    return _claim(connection, identity, channel, now_ms) if claim else None


def put_state(connection: Connection, identity: str, state: ChannelState) -> None:
    """Insert or replace the state of a channel."""
    new = new_rows(connection, CHANNELS)
    row = {"identity": identity, **msgspec.structs.asdict(state)}
    values = {name: new.excluded[name] for name in row if name not in {"identity", "name"}}
    connection.execute(new.on_conflict_do_update(index_elements=["identity", "name"], set_=values), row)


def backlog(connection: Connection, identity: str, channel: str, now_ms: int) -> tuple[Delivery, ...]:
    """What waits and is not expired, in order; at most `BATCH`."""
    rows = connection.execute(_waiting(identity, channel, now_ms).limit(BATCH)).all()
    return usable(OUTBOX, rows, _delivery).found


def fold(connection: Connection, identity: str, digest: Delivery, members: Sequence[Delivery]) -> None:
    """Put a digest in the place of the first of its members, which are folded into it: all of them, or none.

    Nothing is done when one does not wait any more: it expired meanwhile, or all of this was done before.
    """
    ids = [member.id for member in members]
    still = select(func.count()).where(_O.id.in_(ids), _O.identity == identity, _O.state == "waiting")
    if connection.scalar(still) != len(members):
        return
    place = members[0].sequence
    # A folded row has no place in the order any more: the first one's is the digest's.
    aside = case((_O.sequence == place, -_O.sequence), else_=_O.sequence)
    values = {"state": "folded", "folded_into": digest.id, "sequence": aside}
    connection.execute(update(OUTBOX).where(_O.id.in_(ids)).values(values))
    connection.execute(insert(OUTBOX), {**delivery_row(identity, digest), "sequence": place})


def move(connection: Connection, identity: str, channel: str, fallback: str | None, reason: str, now_ms: int) -> int:
    """What waits for a channel goes to its fallback, or is dead; at most `BATCH`, how many these were.

    A notice that the fallback has already is not put there again.
    """
    moved = backlog(connection, identity, channel, now_ms)
    if not moved:
        return 0
    left = update(OUTBOX).where(_O.id == bindparam("old"), _O.state == "waiting")
    if fallback is None:
        connection.execute(left.values(state="dead", error=reason), [{"old": each.id} for each in moved])
        return len(moved)
    new = [
        replace(each, id=delivery_id(each.notice.id, fallback), channel=fallback, attempts=0, error=None)
        for each in moved
    ]
    connection.execute(
        new_rows(connection, OUTBOX).on_conflict_do_nothing(), [delivery_row(identity, each) for each in new]
    )
    connection.execute(
        left.values(state="folded", folded_into=bindparam("new"), error=f"moved to {fallback}: {reason}"),
        [{"old": old.id, "new": at.id} for old, at in zip(moved, new, strict=True)],
    )
    return len(moved)


def keep_ref(connection: Connection, identity: str, delivery: str, ref: str | None) -> None:
    """Keep what the channel knows a sent message by from now on."""
    sent = update(OUTBOX).where(_O.id == delivery, _O.identity == identity, _O.state == "sent")
    connection.execute(sent.values(ref=ref))


def tidy(connection: Connection, identity: str, now_ms: int) -> Tidied:
    """Expire what waited for too long, and delete some of what was settled 30 days ago; dead ones stay."""
    late = update(OUTBOX).where(_O.state == "waiting", _O.expires_ms <= now_ms, _O.identity == identity)
    reason = func.coalesce(literal(f"{_LATE}; the last attempt: ").concat(_O.error), _LATE)
    expired = connection.execute(late.values(state="expired", error=reason)).rowcount
    old = select(_O.sequence).where(_O.identity == identity, _O.created_ms < now_ms - _KEPT_MS, _O.state.in_(_DONE))
    some = old.order_by(_O.created_ms, _O.id).limit(BATCH)
    deleted = connection.execute(delete(OUTBOX).where(_O.sequence.in_(some.scalar_subquery()))).rowcount
    return Tidied(expired, deleted)


def counts(connection: Connection, identity: str, channels: Sequence[str] | None) -> tuple[Count, ...]:
    """Rows by channel and state; of these channels only what waits, is being sent or is dead: that is quick."""
    query = select(_O.channel, _O.state, func.count(), func.min(_O.created_ms)).where(_O.identity == identity)
    if channels is not None:
        query = query.where(_O.channel.in_(channels), _O.state.in_(("waiting", "sending", "dead")))
    rows = connection.execute(query.group_by(_O.channel, _O.state).order_by(_O.channel, _O.state))
    return tuple(
        Count(channel=channel, state=state, deliveries=many, oldest_ms=oldest) for channel, state, many, oldest in rows
    )


def states(connection: Connection, identity: str) -> dict[str, ChannelState]:
    """Read by name how each channel is."""
    query = select(*(column for column in CHANNELS.c if column.name != "identity"))
    rows = connection.execute(query.where(CHANNELS.c.identity == identity).order_by(CHANNELS.c.name))
    return {state.name: state for state in usable(CHANNELS, rows, lambda row: ChannelState(**row._mapping)).found}


def page_of(
    identity: str, channel: str | None, state: str | None, limit: int, cursor: str | None
) -> Select[tuple[object, ...]]:
    """A page of an identity's deliveries. Raises `ValueError`."""
    query = page_query(_COLUMNS, _O.created_ms, _O.id, limit, cursor).where(_O.identity == identity)
    for column, value in ((_O.channel, channel), (_O.state, state)):
        if value is not None:
            query = query.where(column == value)
    return query


def page(connection: Connection, query: Select[tuple[object, ...]], limit: int) -> DeliveryPage:
    """Run the query of `page_of` and return its deliveries, with the cursor of the next page if there is one."""
    rows = connection.execute(query).all()
    found = rows[:limit]
    cursor = encode_cursor(found[-1].created_ms, found[-1].id) if len(rows) > limit else None
    read = usable(OUTBOX, found, _delivery)
    return DeliveryPage(read.found, cursor, read.damaged)


def resend(connection: Connection, delivery: str, now_ms: int) -> Delivery | None:
    """A dead or expired one waits again, as if created now. `None` where there is no such one."""
    again = update(OUTBOX).where(_O.id == delivery, _O.state.in_(("dead", "expired")))
    life_ms = now_ms + _O.expires_ms - _O.created_ms
    values = {"state": "waiting", "created_ms": now_ms, "expires_ms": life_ms}
    row = connection.execute(again.values(values).returning(*_COLUMNS)).one_or_none()
    return None if row is None else made(OUTBOX, row, _delivery)


def _claim(connection: Connection, identity: str, channel: str, now_ms: int) -> Claimed | None:
    next_one = None
    for _ in range(BATCH):  # a row that cannot be read must not stand in the way of all that follow
        row = _next(connection, identity, channel, now_ms)
        if row is None:
            return None
        try:
            next_one = made(OUTBOX, row, _delivery)
            break
        except DamagedRow as error:
            dead = update(OUTBOX).where(_O.sequence == row.sequence)
            connection.execute(dead.values(state="dead", error=f"it cannot be read: {error}"))
    if next_one is None:
        return None
    found = replace(next_one, state="sending")
    amended = None
    if found.notice.amends is not None:
        earlier = (_O.id == delivery_id(found.notice.amends, channel), _O.identity == identity, _O.state == "sent")
        amended = connection.scalar(select(_O.ref).where(*earlier))
    return Claimed(delivery=found, amended_ref=amended)


def _next(connection: Connection, identity: str, channel: str, now_ms: int) -> Row[Any] | None:
    """What was claimed already, else what waits for longest, claimed now."""
    claimed = select(*_COLUMNS).where(_O.identity == identity, _O.channel == channel, _O.state == "sending")
    row = connection.execute(claimed.order_by(_O.sequence).limit(1)).one_or_none()
    if row is None:
        row = connection.execute(_waiting(identity, channel, now_ms).limit(1)).one_or_none()
        if row is not None:
            connection.execute(update(OUTBOX).where(_O.sequence == row.sequence).values(state="sending"))
    return row


def _waiting(identity: str, channel: str, now_ms: int) -> Select[Any]:
    """Select the deliveries of a channel that wait and are not expired, in their order."""
    mine = (_O.identity == identity, _O.channel == channel, _O.state == "waiting")
    return select(*_COLUMNS).where(*mine, _O.expires_ms > now_ms).order_by(_O.sequence)


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(**{**row._mapping, "notice": msgspec.json.decode(row.notice, type=Notice)})

"""The row of the lease: looked at, taken, renewed and given back, each in one transaction."""

from typing import Any, Final, cast

from sqlalchemy import Connection, Row, and_, bindparam, insert, select, update

from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.database.damage import DamagedRow, made
from virtuoso.storage.database.schema import LEASES, RUNS
from virtuoso.storage.database.writing import new_rows
from virtuoso.storage.lease import LeaseRow, Superseded, Term

STOPPED: Final = "stopped"
"""How a run ends that was told to."""
_ROW = select(LEASES.c.epoch, LEASES.c.beat, LEASES.c.holder, LEASES.c.process)

# Said every second, and so composed once.
_BEAT = (
    update(LEASES)
    .where(LEASES.c.identity == bindparam("of"), LEASES.c.epoch == bindparam("at"))
    .values(beat=LEASES.c.beat + 1, seen_ms=bindparam("now"))
)
_HELD = select(LEASES.c.epoch, LEASES.c.holder).where(LEASES.c.identity == bindparam("of")).with_for_update()


def probe(connection: Connection, identity: str) -> LeaseRow | None:
    """The row. Writes a mark as well: that proves that its holder could have renewed it now."""
    connection.execute(update(LEASES).where(LEASES.c.identity == identity).values(looks=LEASES.c.looks + 1))
    return read(connection, identity)


def read(connection: Connection, identity: str) -> LeaseRow | None:
    """The row as it is. Raises `DamagedRow`."""
    row = connection.execute(_ROW.where(LEASES.c.identity == identity)).one_or_none()
    return None if row is None else made(LEASES, cast("Row[Any]", row), _lease_row)


def _lease_row(row: Row[Any]) -> LeaseRow:
    return LeaseRow(row.epoch, row.beat, row.holder, row.process)


def take(
    connection: Connection,
    term: Term,
    seen: LeaseRow | None,
    *,
    holder: str,
    process: str,
    version: str,
    now_ms: int,
) -> bool:
    """Take the lease if its row is still as it was `seen`, and note the run; `False` when another was faster."""
    values = {"epoch": term.epoch, "holder": holder, "process": process, "beat": 0, "looks": 0}
    if seen is None:
        new = new_rows(connection, LEASES).on_conflict_do_nothing().values(identity=term.identity, **values)
        if connection.execute(new.returning(LEASES.c.epoch)).one_or_none() is None:
            return False
    else:
        unchanged = and_(LEASES.c.identity == term.identity, LEASES.c.epoch == seen.epoch, LEASES.c.beat == seen.beat)
        if connection.execute(update(LEASES).where(unchanged).values(**values)).rowcount != 1:
            return False
    unended = and_(RUNS.c.identity == term.identity, RUNS.c.ending.is_(None))
    connection.execute(update(RUNS).where(unended).values(ending="did not end by itself", ended_ms=now_ms))
    run = {"identity": term.identity, "epoch": term.epoch, "holder": holder, "version": version, "started_ms": now_ms}
    connection.execute(new_rows(connection, RUNS).on_conflict_do_nothing().values(**run))
    return True


def seen(connection: Connection, identity: str) -> int | None:
    """When a holder renewed it last (epoch ms, by that holder's clock)."""
    at_ms = connection.scalar(select(LEASES.c.seen_ms).where(LEASES.c.identity == identity))
    return at_ms if isinstance(at_ms, int) else None


def stopped(connection: Connection, identity: str) -> bool:
    """Whether the latest run that is over was stopped on purpose; `True` where there was none."""
    query = select(RUNS.c.ending).where(RUNS.c.identity == identity).order_by(RUNS.c.epoch.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return row is None or row.ending == STOPPED


def renew(connection: Connection, term: Term, *, holder: str, process: str, now_ms: int) -> None:
    """Beat. A row that is gone, lower (the database was lost, or an old copy put back) or damaged is made ours again.

    Raises `Superseded` when a higher epoch is there.
    """
    if connection.execute(_BEAT, {"of": term.identity, "at": term.epoch, "now": now_ms}).rowcount == 1:
        return
    ours = LEASES.c.identity == term.identity
    try:
        row = read(connection, term.identity)
    except DamagedRow:
        row = LeaseRow(-1, 0, None, None)
    else:
        ours = and_(ours, LEASES.c.epoch < term.epoch)  # another may have taken it meanwhile
    values = {"epoch": term.epoch, "holder": holder, "process": process, "beat": 1, "looks": 0, "seen_ms": now_ms}
    if row is None:
        connection.execute(insert(LEASES).values(identity=term.identity, **values))
    elif row.epoch > term.epoch:
        raise Superseded(row.epoch, row.holder)
    else:
        connection.execute(update(LEASES).where(ours).values(**values))


def give_back(connection: Connection, term: Term, *, ending: str, now_ms: int) -> None:
    """Free the lease, if it is still ours, and note how the run ended."""
    mine = and_(LEASES.c.identity == term.identity, LEASES.c.epoch == term.epoch)
    connection.execute(update(LEASES).where(mine).values(holder=None, process=None, seen_ms=now_ms))
    run = and_(RUNS.c.identity == term.identity, RUNS.c.epoch == term.epoch)
    connection.execute(update(RUNS).where(run).values(ended_ms=now_ms, ending=ending))


def guard(connection: Connection, term: Term) -> None:
    """Hold the row until the transaction ends, so that nobody takes over in the middle of a write.

    Raises `Superseded` when a higher epoch is there, `StoreUnavailable` when the row is not ours yet again.
    """
    row = connection.execute(_HELD, {"of": term.identity}).one_or_none()
    if row is not None and isinstance(row.epoch, int) and row.epoch > term.epoch:
        raise Superseded(row.epoch, row.holder)
    if row is None or row.epoch != term.epoch:
        raise StoreUnavailable("the database lost the lease's row; it is made again by the next renewal")

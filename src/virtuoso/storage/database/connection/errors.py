"""What a failed call means, in one line: down, full, locked, or a file that is no database."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.database.connection.unreached import why_no_connection


class StoreFull(StoreUnavailable):
    """The database has no space left: nothing is written until there is some."""


class StoreLocked(StoreUnavailable):
    """Another process held the database for longer than the wait."""


class StoreStarting(StoreUnavailable):
    """The server is there and takes no connection yet: it starts, or its machine is busy."""


class NoDatabase(StoreUnavailable):
    """The file is there and is something else."""


_FULL = {"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "53100"}
_LOCKED = {"SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_BUSY_SNAPSHOT", "SQLITE_BUSY_RECOVERY", "55P03", "40P01"}
_SLOW = {"SQLITE_INTERRUPT", "57014"}
_FOREIGN = {"SQLITE_NOTADB"}
_STARTING, _CONNECTING = {"57P03"}, "ConnectionTimeout"
"""The latter is a class of psycopg, by its name: whoever has no server need not import it."""


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Errors of the driver within the block as ours, naming `place` (no password in it)."""
    try:
        yield
    except DBAPIError as error:
        raise explain(place, error.orig or error) from error
    except SQLAlchemyError as error:
        raise StoreUnavailable(f"the database {place} cannot be used: {_one_line(error)}") from error


def explain(place: str, error: BaseException) -> StoreUnavailable:
    """What this error of the driver means."""
    code = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None)
    if code in _FULL:
        return StoreFull(f"the database {place} is full: no space is left where it is kept; free some")
    if code in _LOCKED:
        return StoreLocked(f"the database {place} is locked by another process ({_one_line(error)})")
    if code in _SLOW:
        return StoreUnavailable(f"the database {place} was too slow: the statement was cancelled")
    if code in _FOREIGN:
        return NoDatabase(f"{place} is not a database: name another file, or move this one away to begin a new one")
    starts = code in _STARTING or type(error).__name__ == _CONNECTING
    kind = StoreStarting if starts else StoreUnavailable
    return kind(f"the database {place} does not answer: {why_no_connection(error) or _one_line(error)}")


def _one_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__

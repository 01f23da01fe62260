"""Bring the schema up to date at the start: under a lock, in one transaction, and never down."""

import re
import sqlite3
from pathlib import Path
from threading import Event
from typing import Any, Final

from sqlalchemy import Connection, inspect, text

from virtuoso.model.errors import UsageError
from virtuoso.storage.database.connection.backend import WRITING, Backend
from virtuoso.storage.database.connection.errors import StoreLocked, explain
from virtuoso.storage.database.schema import HEAD

MIGRATION_S: Final = 60.0
"""How long a start waits for another that migrates, and for its own statements."""

_LOCK: Final = 0x76697274756F736F  # "virtuoso", the key of the advisory lock
_REVISION: Final = re.compile(r"\d{4}")
_TRIES, _PAUSE_S = 100, 0.05


def migrate(backend: Backend) -> bool:
    """Make the schema the program's own; `True` when there was something to do.

    Raises `UsageError` when the schema is newer than the program, or the file is no database.
    """
    if not needs_migration(backend):
        return False
    from alembic import command  # noqa: PLC0415 - slow to import, and seldom needed
    from alembic.config import Config  # noqa: PLC0415

    if backend.sqlite:
        _switch_to_wal(backend)
    with backend.engine.connect() as connection:
        try:
            if backend.sqlite:
                backend.patience(connection, int(MIGRATION_S * 1000))
            with connection.execution_options(**{WRITING: True}).begin():
                if not backend.sqlite:
                    backend.patience(connection, int(MIGRATION_S * 1000))
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
                if not _is_older(backend.place, _stored(connection)):
                    return False  # another start did it while this one waited
                config = Config()
                config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        finally:
            if backend.sqlite:
                backend.patience(connection, backend.busy_ms)
    return True


def needs_migration(backend: Backend) -> bool:
    """Whether the schema is older than the program's; changes nothing, and raises as `migrate` does."""
    with backend.engine.connect() as connection:
        stored = _stored(connection)
    return _is_older(backend.place, stored)


def _stored(connection: Connection) -> Any:
    """The schema's revision, or whatever stands in its place; `None` in a new database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(text("SELECT version_num FROM alembic_version"))


def _is_older(place: str, stored: Any) -> bool:
    if stored is not None and not (isinstance(stored, str) and _REVISION.fullmatch(stored)):
        raise UsageError(
            f"the database {place} has schema {stored!r:.40}, which is none: put a copy of it back, or name another one"
        )
    if stored is not None and stored > HEAD:
        raise UsageError(
            f"the database {place} has schema {stored}, this program knows up to {HEAD}:"
            " start the newer program, or name another database"
        )
    return stored != HEAD


def _switch_to_wal(backend: Backend) -> None:
    """A property of the file. Several starts at once are told "locked" at once here, whatever `busy_timeout` says."""
    pause = Event()
    for attempt in range(_TRIES):
        driver = backend.engine.raw_connection()
        try:
            driver.cursor().execute("PRAGMA journal_mode = WAL")
        except sqlite3.Error as error:
            reason = explain(backend.place, error)
            if attempt + 1 == _TRIES or not isinstance(reason, StoreLocked):
                raise reason from error
        else:
            return
        finally:
            driver.close()
        pause.wait(_PAUSE_S)

"""The two databases: how each is reached, how a transaction begins, and how a stuck connection is cut."""

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from virtuoso.model.errors import StoreUnavailable, UsageError

WRITING = "virtuoso_writing"
"""Execution option of a transaction that will write: SQLite takes its lock at the beginning, not in the middle."""


class Backend:
    """An engine with its time-outs, and the connections it has open, which `cut` ends from another thread.

    Args:
        url: `sqlite:///path` or `postgresql://user:password@host/database`.
        threads: connections kept, at most.
        timeout_s: the server's own limits are set below this one, so that it answers before the caller gives up.
        follows: when another file has the name, that one is opened; who keeps the state of a monitor must not.
    """

    def __init__(self, url: str, *, threads: int, timeout_s: float, follows: bool = False) -> None:
        self._follows = follows
        parsed = _parse(url)
        self.sqlite = parsed.get_backend_name() == "sqlite"
        self._busy_ms = int(timeout_s * 500)
        self._sockets: dict[int, socket.socket] = {}
        self._files: dict[int, Any] = {}
        self._identity: tuple[int, int] | None = None
        pool = {"pool_size": threads, "max_overflow": 0, "pool_timeout": timeout_s}
        if self.sqlite:
            self.place = parsed.database or ""
            _make_folder(Path(self.place))
            self.engine: Engine = create_engine(parsed, **pool, connect_args={"check_same_thread": False})
        else:
            self.place = parsed.set(query={}).render_as_string(hide_password=True)
            parsed = parsed.set(drivername="postgresql+psycopg")
            arguments = _server_limits(timeout_s) | dict(parsed.query)
            self.engine = create_engine(parsed.set(query={}), **pool, pool_pre_ping=True, connect_args=arguments)
        event.listen(self.engine, "connect", self._connected)
        event.listen(self.engine, "close", self._closed)
        event.listen(self.engine, "close_detached", self._closed_detached)
        if self.sqlite:
            event.listen(self.engine, "begin", _begin)

    def cut(self) -> None:
        """End what every connection is waiting for; their calls fail, the next ones open new connections."""
        for plug in list(self._sockets.values()):
            with suppress(OSError):
                plug.shutdown(socket.SHUT_RDWR)
        for connection in list(self._files.values()):
            connection.interrupt()

    def patience(self, connection: Connection, ms: int) -> None:
        """Within the transaction to come (SQLite) or this one (PostgreSQL), wait `ms` for locks and statements."""
        if self.sqlite:
            connection.connection.cursor().execute(f"PRAGMA busy_timeout = {ms}")
        else:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {ms}")
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {ms}")

    @property
    def busy_ms(self) -> int:
        """How long SQLite waits for a lock as a rule, ms."""
        return self._busy_ms

    def check(self, *, begins: bool = False) -> None:
        """Raise `StoreUnavailable` if the file that is open is not the one that has its name any more.

        SQLite goes on writing to a deleted file, and says that all is well. Who keeps the state of a monitor does not
        open another: what the connections do would be in neither file. Who `follows` does, when a transaction `begins`.
        """
        if not self.sqlite or not self._identified():
            return
        try:
            found = Path(self.place).stat()
        except OSError as error:
            gone = "was deleted" if isinstance(error, FileNotFoundError) else f"cannot be seen ({error.strerror})"
        else:
            if (found.st_dev, found.st_ino) == self._identity:
                return
            if self._follows and begins:
                self._identity = found.st_dev, found.st_ino
                self.engine.dispose()
                return
            gone = "was replaced by another"
        raise StoreUnavailable(
            f"the file of the database {self.place} {gone} while it was open: nothing is kept any more; put it back "
            "if you can, and restart virtuoso"
        )

    def dispose(self) -> None:
        """Close all connections of the engine's pool."""
        self.engine.dispose()

    def _connected(self, driver: Any, record: Any) -> None:
        if not self.sqlite:
            # A duplicate of our own: its number is never another socket's, whenever the connection closes.
            self._sockets[id(driver)] = socket.socket(fileno=os.dup(driver.pgconn.socket))
            return
        driver.text_factory = _text  # a text that is none costs its row, not all that are read with it
        driver.isolation_level = None  # transactions begin where we say, DDL included
        for pragma in (f"busy_timeout = {self._busy_ms}", "synchronous = FULL", "foreign_keys = ON"):
            driver.execute(f"PRAGMA {pragma}").close()
        self._files[id(driver)] = driver
        self._identified()

    def _identified(self) -> bool:
        """Whether it is known which file is open; SQLite makes a new one no sooner than it is used."""
        if self._identity is None:
            with suppress(FileNotFoundError):
                found = Path(self.place).stat()
                self._identity = found.st_dev, found.st_ino
        return self._identity is not None

    def _closed(self, driver: Any, record: Any) -> None:
        self._closed_detached(driver)

    def _closed_detached(self, driver: Any) -> None:
        self._files.pop(id(driver), None)
        plug = self._sockets.pop(id(driver), None)
        if plug is not None:
            plug.close()


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get(WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _parse(url: str) -> URL:
    known = "sqlite:///data/virtuoso.sqlite or postgresql://user:password@host/database"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise UsageError(f"this is not the URL of a database; it is like {known}") from None
    if parsed.drivername not in {"sqlite", "postgresql", "postgresql+psycopg"}:
        raise UsageError(f"there is no database of the kind {parsed.drivername!r}; the URL is like {known}")
    if parsed.drivername == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise UsageError("the database is a file that other processes read: sqlite:///data/virtuoso.sqlite")
    return parsed


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"the folder of the database {path} cannot be made: {error.strerror}") from error


def _server_limits(timeout_s: float) -> dict[str, Any]:
    """Limits that the server keeps; a holder that is stopped in mid-transaction loses its row lock before its lease."""
    ms = int(timeout_s * 1000)
    limits = {
        "statement_timeout": ms * 2 // 3,
        "lock_timeout": ms // 2,
        "idle_in_transaction_session_timeout": ms,
    }
    return {
        "connect_timeout": 2,
        "tcp_user_timeout": ms,
        "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
        "application_name": "virtuoso",
    }


def _text(data: bytes) -> str:
    return data.decode(errors="replace")

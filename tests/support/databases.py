"""Both databases, empty, and processes that use them."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from sqlalchemy import create_engine, text

from tests.support import warm
from tests.support.servers import Server, postgres_server

LIMIT_S = 40.0
"""How long a condition is waited for; the machine may be busy with other things."""


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'virtuoso.sqlite'}"


@contextmanager
def postgres(*, fsync: bool = False) -> Iterator[Server]:
    """PostgreSQL in a folder that it can reach again when it is restarted.

    Every pytest session closes pytest's own folder to other users anew, also while another session is running.
    """
    with (
        TemporaryDirectory(prefix="virtuoso-postgres-") as folder,
        postgres_server(Path(folder), fsync=fsync) as server,
    ):
        yield server


def postgres_url(server: Server) -> str:
    """A new database on the server."""
    name = f"t{uuid4().hex}"
    root = f"postgresql+psycopg://monitor@{server.address}/postgres"
    engine = create_engine(root, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"postgresql://monitor@{server.address}/{name}"


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    """What another program sees in it."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]
    finally:
        engine.dispose()


class DatabaseProcess:
    """One `tests.support.database_process`, and the lines it wrote."""

    def __init__(self, mode: str, url: str, folder: Path) -> None:
        self.path = folder / f"lines-{uuid4().hex}"
        self.process = warm.Popen(
            [sys.executable, "-m", "tests.support.database_process", mode, url, str(self.path)],
            cwd=Path(__file__).parents[2], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def lines(self, first: str) -> list[list[str]]:
        """Whole lines that begin with this word, as words."""
        text = self.path.read_text("utf-8") if self.path.exists() else ""
        return [line.split(" ") for line in text.split("\n")[:-1] if line.split(" ")[0] == first]

    def wait_for(self, first: str, *, more_than: int = 0) -> list[str]:
        """The last line that begins with this word, as soon as there are more than so many."""
        wait_until(lambda: len(self.lines(first)) > more_than or self.process.poll() is not None, f"{first!r}")
        found = self.lines(first)
        assert len(found) > more_than, f"it ended before {first!r}: {self._said()}"
        return found[-1]

    def end(self) -> int:
        """Wait for its end; its exit code."""
        self.process.wait(LIMIT_S)
        return self.process.returncode

    def kill(self) -> None:
        """SIGKILL; reaped."""
        self.process.kill()
        self.process.wait(10)
        if self.process.stderr is not None:
            self.process.stderr.close()

    def _said(self) -> str:
        return "" if self.process.stderr is None else self.process.stderr.read().decode()[-2000:]


@contextmanager
def started(count: int, mode: str, url: str, folder: Path) -> Iterator[list[DatabaseProcess]]:
    """So many at once; killed at the end of the block."""
    processes = [DatabaseProcess(mode, url, folder) for _ in range(count)]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()


def wait_until(holds: Callable[[], bool], what: str, limit_s: float = LIMIT_S) -> None:
    """Wait for a condition."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < limit_s, f"not within {limit_s} s: {what}"
        time.sleep(0.01)

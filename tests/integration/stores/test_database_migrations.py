"""The schema at the start: once, whole, never down; in files and on a server."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine, make_url, text
from tests.support.databases import postgres, postgres_url, rows, sqlite_url, started
from tests.support.lazily import Lazily
from tests.support.servers import Server

import virtuoso.storage.database.migrations as migrations_folder
from virtuoso.model.clock import SystemClock
from virtuoso.model.errors import StoreUnavailable, UsageError
from virtuoso.storage.database.connection.errors import explain
from virtuoso.storage.database.schema import HEAD, METADATA
from virtuoso.storage.database.store import Database

autogenerate, migration, script = map(Lazily, ("alembic.autogenerate", "alembic.migration", "alembic.script"))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, server: Server) -> str:
    return sqlite_url(tmp_path) if request.param == "sqlite" else postgres_url(server)


async def start(url: str) -> bool:
    database = Database(url, SystemClock())
    try:
        return await database.start()
    finally:
        await database.close()


def test_the_constant_is_the_newest_revision() -> None:
    folder = str(Path(str(migrations_folder.__file__)).parent)
    assert script.ScriptDirectory(folder).get_heads() == [HEAD]


async def test_the_migrations_make_the_tables_that_the_program_uses(url: str) -> None:
    assert await start(url)
    assert not await start(url), "the second start has nothing to do"
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        context = migration.MigrationContext.configure(connection, opts={"compare_type": True})
        assert autogenerate.compare_metadata(context, METADATA) == []
    engine.dispose()


async def test_a_start_without_migrations_does_not_import_alembic(tmp_path: Path) -> None:
    await start(sqlite_url(tmp_path))
    code = (
        "import asyncio, sys; from virtuoso.model.clock import SystemClock;"
        "from virtuoso.storage.database.store import Database;"
        f"asyncio.run(Database({sqlite_url(tmp_path)!r}, SystemClock()).start()); print('alembic' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert said == "False\n"


async def test_a_file_is_durable_and_read_while_it_is_written(tmp_path: Path) -> None:
    await start(sqlite_url(tmp_path / "a" / "new" / "folder"))
    url = sqlite_url(tmp_path / "a" / "new" / "folder")
    assert rows(url, "PRAGMA journal_mode") == [("wal",)]
    database = Database(url, SystemClock())
    pragmas = [
        await database.run(lambda c, name=name: c.exec_driver_sql(f"PRAGMA {name}").scalar(), writing=False)
        for name in ("synchronous", "foreign_keys", "busy_timeout")
    ]
    assert pragmas == [2, 1, 1500]
    await database.close()


def test_five_that_start_at_once_migrate_once(url: str, tmp_path: Path) -> None:
    with started(5, "migrate", url, tmp_path) as processes:
        assert [process.end() for process in processes] == [0] * 5
        done = [len(process.lines("migrated")) for process in processes]
    assert sum(done) == 1
    assert rows(url, "SELECT version_num FROM alembic_version") == [(HEAD,)]


async def test_a_kill_in_mid_migration_leaves_the_old_schema(url: str, tmp_path: Path) -> None:
    with started(1, "halt", url, tmp_path) as (process,):
        process.wait_for("halfway")
        process.kill()
    names = (
        "SELECT name FROM sqlite_master"
        if "sqlite" in url
        else "SELECT tablename FROM pg_tables WHERE schemaname='public'"
    )
    assert rows(url, names) == []
    assert await start(url)


async def test_a_newer_schema_is_refused(url: str) -> None:
    await start(url)
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0099'"))
    engine.dispose()
    with pytest.raises(UsageError, match=f"schema 0099, this program knows up to {HEAD}: start the newer program"):
        await start(url)
    assert rows(url, "SELECT version_num FROM alembic_version") == [("0099",)]


async def test_a_file_that_is_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "virtuoso.sqlite"
    path.write_text("these are my notes, and no database at all\n" * 100)
    with pytest.raises(UsageError, match=r"virtuoso\.sqlite is not a database"):
        await start(sqlite_url(tmp_path))
    assert path.read_text().startswith("these are my notes")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://host/x", "no database of the kind 'mysql'"),
        ("nonsense", "not the URL of a database"),
        ("sqlite://", "a file that other processes read"),
        ("sqlite:///:memory:", "a file that other processes read"),
    ],
)
def test_a_url_that_cannot_be_says_what_one_is_like(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Database(url, SystemClock())


async def test_a_server_that_is_not_there_is_said_without_the_password() -> None:
    with pytest.raises(StoreUnavailable) as caught:
        await start("postgresql://monitor:secret@127.0.0.1:1/x?sslpassword=secret")
    assert str(caught.value) == (
        "the database postgresql://monitor:***@127.0.0.1:1/x does not answer: connection refused; start the server, or "
        "correct host and port in database.url"
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"host": "no.such.host.invalid"}, "there is no host of this name, or no name service; correct the host in"),
        ({"database": "none"}, "it has no database none; make it, or correct the name in database.url"),
        ({"username": "nobody"}, "it has no user nobody; make it, or correct the name in database.url"),
        ({"query": {"sslmode": "require"}}, "it speaks no TLS; let it, or correct sslmode in database.url"),
    ],
)
async def test_why_a_server_takes_no_connection_is_said_with_what_to_do(
    server: Server, wrong: dict[str, Any], message: str
) -> None:
    url = make_url(postgres_url(server)).set(**wrong)
    with pytest.raises(StoreUnavailable, match=f"does not answer: {message}"):
        await start(url.render_as_string(hide_password=False))


async def test_a_server_of_another_kind_is_said_to_be_none() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]
        with pytest.raises(StoreUnavailable, match="no PostgreSQL listens there; correct host and port in"):
            await start(f"postgresql://monitor@127.0.0.1:{port}/x")


def test_what_a_server_says_in_other_words_is_passed_on_without_the_libraries() -> None:
    said = 'connection failed: connection to server at "::1", port 5432 failed: FATAL:  désolé, trop de clients\nencore'
    explained = explain("postgresql://h/x", psycopg.OperationalError(said))
    assert str(explained) == (
        "the database postgresql://h/x does not answer: désolé, trop de clients; correct database.url"
    )


async def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="cannot be made"):
        await start(sqlite_url(tmp_path / "file" / "below"))

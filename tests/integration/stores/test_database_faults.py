"""A database that dies, stalls, answers garbage, is locked or full: callers are bounded, the holder keeps its lease."""

import asyncio
import os
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from signal import SIGCONT

import pytest
from tests.support.database_process import signal
from tests.support.databases import LIMIT_S, postgres, postgres_url, rows, sqlite_url, started
from tests.support.servers import Server
from tests.support.stopping import stop

from virtuoso.model.clock import SystemClock
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.database.connection.errors import StoreFull
from virtuoso.storage.database.lease.lease import Lease
from virtuoso.storage.database.records import Changes, SignalFilter, StateRecord
from virtuoso.storage.database.store import Database

MIB = 1 << 20


@pytest.fixture
def server() -> Iterator[Server]:
    with postgres() as server:
        yield server


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={2 * MIB}", "none", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@asynccontextmanager
async def held(url: str, timeout_s: float = 3.0) -> AsyncIterator[tuple[Database, Lease]]:
    """A database with a lease that is being renewed."""
    database = Database(url, SystemClock(), timeout_s=timeout_s)
    await database.start()
    lease = Lease(database, "monitor", SystemClock(), version="test")
    await lease.acquire()
    renewing = asyncio.create_task(lease.run())
    try:
        yield database, lease
    finally:
        renewing.cancel()
        await asyncio.wait({renewing})
        await database.close()


async def until(holds: Callable[[], bool], what: str) -> None:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < LIMIT_S, f"not within {LIMIT_S} s: {what}"
        await asyncio.sleep(0.02)


async def always(holds: Callable[[], bool], seconds: float) -> None:
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        assert holds(), f"not any more after {time.monotonic() - began:.1f} s"
        await asyncio.sleep(0.02)


async def works(database: Database, lease: Lease, number: int) -> bool:
    """Whether a commit goes through."""
    with suppress(StoreUnavailable):
        await database.commit(lease.term, Changes(signals=(signal(number),)))
        return True
    return False


async def until_it_works(database: Database, lease: Lease, number: int) -> None:
    began = time.monotonic()
    while not await works(database, lease, number):
        assert time.monotonic() - began < LIMIT_S
        await asyncio.sleep(0.1)


def beat(url: str) -> int:
    ((value,),) = rows(url, "SELECT beat FROM leases")
    return int(str(value))


@pytest.mark.slow
async def test_a_server_killed_under_a_holder_costs_it_nothing(server: Server) -> None:
    url = postgres_url(server)
    async with held(url) as (database, lease):
        epoch = lease.epoch
        assert await works(database, lease, 1)
        server.kill()
        await always(lease.may_publish, 7.0)
        with pytest.raises(StoreUnavailable, match="does not answer"):
            await database.signals(SignalFilter())
        assert database.status().state == "down"
        server.start()
        await until_it_works(database, lease, 2)
        before = beat(url)
        await until(lambda: beat(url) > before, "renewals go on")
        assert lease.may_publish()
        assert not lease.lost.is_set()
        assert rows(url, "SELECT epoch FROM leases") == [(epoch,)]
        assert len(rows(url, "SELECT id FROM signals")) == 2
        assert database.status().state == "up"


@pytest.mark.slow
async def test_a_server_that_stalls_holds_no_caller_and_serves_again(server: Server) -> None:
    url = postgres_url(server)
    async with held(url, timeout_s=1.0) as (database, lease):
        # A stopped parent accepts no connection; the processes of the connections are stopped with it.
        stall(server)
        for _ in range(4):
            began = time.monotonic()
            with pytest.raises(StoreUnavailable):
                await database.signals(SignalFilter())
            assert time.monotonic() - began < 2.5
        await always(lease.may_publish, 6.0)
        go_on(server)
        await until_it_works(database, lease, 1)
        assert not lease.lost.is_set()
        assert lease.may_publish()
    assert database.status().counts["timed_out"] > 0  # type: ignore[operator]


@pytest.mark.slow
async def test_a_start_waits_for_a_server_that_takes_no_connection_yet(server: Server) -> None:
    database = Database(postgres_url(server), SystemClock())
    stall(server)
    starting = asyncio.create_task(database.start())
    try:
        await until(lambda: database.status().counts["failed"] > 0, "a first attempt fails")  # type: ignore[operator]
        assert not starting.done()
    finally:
        go_on(server)
    assert await starting
    assert database.status().state == "up"
    await database.close()


@pytest.mark.slow
async def test_a_newcomer_does_not_take_over_because_the_server_was_away(server: Server, tmp_path: Path) -> None:
    url = postgres_url(server)
    async with held(url) as (_, lease):
        with started(1, "hold", url, tmp_path) as (newcomer,):
            await asyncio.to_thread(newcomer.wait_for, "start")
            await asyncio.sleep(1)
            server.kill()
            await asyncio.sleep(6)
            server.start()
            assert await asyncio.to_thread(newcomer.end) == 2
            assert lease.holder in newcomer.lines("refused")[0]
        assert lease.may_publish()
        assert not lease.lost.is_set()


@pytest.mark.slow
async def test_a_transaction_that_was_stopped_in_the_middle_frees_its_row_before_the_lease_ends(
    server: Server,
) -> None:
    url = postgres_url(server)
    async with held(url) as (_, lease):
        stopped = Database(url, SystemClock(), timeout_s=3.0)
        inside, go = threading.Event(), threading.Event()

        def stop_inside(connection: object) -> None:
            connection.exec_driver_sql("SELECT * FROM leases FOR UPDATE")  # type: ignore[attr-defined]
            inside.set()
            go.wait(LIMIT_S)

        stuck = asyncio.create_task(stopped.run(stop_inside, writing=True, timeout_s=LIMIT_S))
        await asyncio.to_thread(inside.wait, LIMIT_S)
        began, before = time.monotonic(), None
        while before is None or beat(url) == before:
            before = beat(url) if before is None else before
            await asyncio.sleep(0.05)
        assert time.monotonic() - began < 5.0
        assert lease.may_publish()
        go.set()
        with pytest.raises(StoreUnavailable):
            await stuck
        await stopped.close()


async def test_a_server_that_talks_nonsense_is_down(tmp_path: Path) -> None:
    with nonsense() as port:
        database = Database(f"postgresql://monitor@127.0.0.1:{port}/x", SystemClock(), timeout_s=2.0)
        began = time.monotonic()
        with pytest.raises(StoreUnavailable) as caught:
            await database.start()
        assert time.monotonic() - began < 5
        assert "\n" not in str(caught.value)
        await database.close()


async def test_a_lock_held_by_another_is_waited_for_briefly(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    async with held(url, timeout_s=1.0) as (database, lease):
        other = sqlite3.connect(tmp_path / "virtuoso.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match=r"locked by another process|within 1 s"):
            await database.commit(lease.term, Changes(signals=(signal(1),)))
        assert time.monotonic() - began < 2.5
        assert (await database.signals(SignalFilter())).signals == (), "reading goes on meanwhile"
        other.execute("ROLLBACK")
        other.close()
        await until_it_works(database, lease, 1)
        assert lease.may_publish()


async def test_too_many_calls_are_refused(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path), SystemClock())
    await database.start()
    go = threading.Event()
    calls = [asyncio.create_task(database.run(lambda c: go.wait(LIMIT_S), writing=False)) for _ in range(256)]
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable, match="256 calls wait already"):
        await database.signals(SignalFilter())
    go.set()
    assert await asyncio.gather(*calls) == [True] * 256
    await database.close()


@pytest.mark.slow
async def test_a_full_disk_is_said_keeps_the_lease_and_ends_by_itself(small_disk: Path, tmp_path: Path) -> None:
    url = sqlite_url(small_disk)
    async with held(url) as (database, lease):
        await database.commit(lease.term, Changes(signals=(signal(1),)))
        fill(small_disk)
        big = Changes(state=(StateRecord(key="big", close_ms=1, body="x" * 3 * MIB),))
        with pytest.raises(StoreFull, match="is full"):
            await database.commit(lease.term, big)
        await until(lambda: database.status().state == "full", "the state is shown")
        with started(1, "hold", url, tmp_path) as (newcomer,):
            await asyncio.to_thread(newcomer.wait_for, "start")
            await always(lambda: lease.may_publish() and not newcomer.lines("acquired"), 7.0)
            assert (await database.signals(SignalFilter())).signals == (signal(1),)
            subprocess.run(["mount", "-o", f"remount,size={20 * MIB}", str(small_disk)], check=True)
            await until_it_works(database, lease, 2)
            assert await asyncio.to_thread(newcomer.end) == 2, "it leaves the lease to who has it"
        await database.commit(lease.term, big)
        assert not lease.lost.is_set()
        assert lease.may_publish()


def fill(folder: Path) -> None:
    """Take all the space there is."""
    with (folder / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)


def stall(server: Server) -> None:
    for pid in _family(server):
        stop(pid)


def go_on(server: Server) -> None:
    for pid in _family(server):
        with suppress(ProcessLookupError):  # one that had ended meanwhile is collected as soon as its parent goes on
            os.kill(pid, SIGCONT)


def _family(server: Server) -> list[int]:
    """The server and its children, which lead groups of their own."""
    assert server._process is not None
    parent = server._process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [parent, *(int(child) for child in children)]


@contextmanager
def nonsense() -> Iterator[int]:
    """A server that answers every connection with the same garbage."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                with suppress(TimeoutError):
                    connection, _ = listening.accept()
                    with connection, suppress(OSError):
                        connection.sendall(b"\x00garbage\xff" * 50)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            ended.set()
            thread.join()


async def test_a_database_deleted_under_it_is_noticed_and_never_called_up(tmp_path: Path) -> None:
    """SQLite goes on writing to a deleted file, and says that all is well."""
    folder = tmp_path / "data"
    folder.mkdir()
    async with held(sqlite_url(folder)) as (database, lease):
        changes = Changes(state=(StateRecord(key="k", close_ms=1, body="x"),))
        await database.commit(lease.term, changes)
        assert database.status().state == "up"
        folder.rename(tmp_path / "elsewhere")
        await until(lambda: database.status().state == "down", "the renewal of the lease notices it")
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match=r"was deleted while it was open.*restart virtuoso"):
                await database.commit(lease.term, changes)
            with pytest.raises(StoreUnavailable, match="was deleted"):
                await database.state("monitor", "k")
        folder.mkdir()
        (folder / "virtuoso.sqlite").touch()
        with pytest.raises(StoreUnavailable, match="was replaced by another while it was open"):
            await database.commit(lease.term, changes)
        assert database.status().state == "down"


async def test_a_reader_follows_the_file_that_has_the_name_now(tmp_path: Path) -> None:
    """`virtuoso web` goes on when the data folder was deleted and the monitor began a new one."""
    folder = tmp_path / "data"
    folder.mkdir()
    reader = Database(sqlite_url(folder), SystemClock(), threads=2, follows=True)
    await reader.start()
    try:
        assert await reader.state("monitor", "k") is None
        folder.rename(tmp_path / "elsewhere")
        with pytest.raises(StoreUnavailable, match="was deleted while it was open"):
            await reader.state("monitor", "k")
        folder.mkdir()
        async with held(sqlite_url(folder)) as (database, lease):
            await database.commit(lease.term, Changes(state=(StateRecord(key="k", close_ms=1, body="new"),)))
            kept = await reader.state("monitor", "k")
            assert (kept is not None and kept.body) == "new"
            assert reader.status().state == "up"
    finally:
        await reader.close()


async def test_what_was_committed_while_the_file_was_deleted_is_not_called_kept(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    database = Database(sqlite_url(folder), SystemClock())
    await database.start()
    try:
        with pytest.raises(StoreUnavailable, match="was deleted while it was open"):
            await database.run(lambda _: folder.rename(tmp_path / "elsewhere"), writing=True)
    finally:
        await database.close()

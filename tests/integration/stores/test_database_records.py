"""What is kept and told, the same in files and on a server."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.database_process import signal
from tests.support.databases import postgres, postgres_url, rows, sqlite_url
from tests.support.servers import Server

from virtuoso.model.alerts.incident import Incident, Notified, Severity, Silence, Step
from virtuoso.model.clock import SystemClock
from virtuoso.model.errors import StoreUnavailable
from virtuoso.model.quality import DataQuality, DataSource
from virtuoso.model.signal import Label
from virtuoso.storage.database.lease.lease import Lease
from virtuoso.storage.database.lease.rows import probe
from virtuoso.storage.database.queries import decode_cursor, encode_cursor
from virtuoso.storage.database.records import Changes, Life, SignalFilter, StateRecord, TransitionRecord
from virtuoso.storage.database.schema import INCIDENTS, SIGNALS
from virtuoso.storage.database.store import Database
from virtuoso.storage.lease import Superseded, Term


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, server: Server) -> str:
    return sqlite_url(tmp_path) if request.param == "sqlite" else postgres_url(server)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = Database(url, SystemClock())
    await database.start()
    yield database
    await database.close()


@pytest.fixture
async def term(database: Database) -> Term:
    return await Lease(database, "monitor", SystemClock(), version="test").acquire()


INCIDENT = Incident(
    id="i1", kind="whale", severity=Severity.WARNING, message="first", fired_ms=1000, symbol="S", part="buy",
    details={"n": 1, "x": 0.5, "ok": True, "none": None, "text": "ü"}, labels={"kind": "whale", "side": "buy"},
    value=0.5, pending_ms=900, escalated_ms=1100, ending=None, acknowledged_by="me", suppressed_by="group",
    notified=Notified(at_ms=1000, severity=Severity.WARNING, value=None), path=(Step(1000, "silence", True, "none"),),
)  # fmt: skip


def test_every_field_of_an_incident_has_a_column() -> None:
    fields = {field.name for field in msgspec.structs.fields(Incident)}
    together = {field.name for field in msgspec.structs.fields(Life)}
    own = {"identity", "held", "told_ms", "life", "acknowledgement"}
    assert {column.name for column in INCIDENTS.c} == fields - together - {"suppressed_by"} | own
    assert b'"told":{' in msgspec.json.encode(Life(notified=INCIDENT.notified))  # as databases have it from before


async def test_a_commit_is_read_back_as_it_was_given(database: Database, term: Term) -> None:
    full = replace(signal(3), build="test", data_source=DataSource.REPLAY, why='{"score": 71.0}')
    bare = replace(
        signal(2), build="test", score=None, agreement=None, price=None, why=None, data_quality=DataQuality.PARTIAL
    )
    transitions = (
        TransitionRecord(exchange="test", symbol=None, before="RANGE", after="TREND_UP", at_ms=60_000),
        TransitionRecord(exchange="test", symbol="S", before="RANGE", after="TREND_UP", at_ms=60_000),
    )
    state = StateRecord(key="labels", close_ms=60_000, body='{"S": 1}')
    changes = Changes(signals=(full, bare), transitions=transitions, incidents=(INCIDENT,), state=(state,))
    for _ in range(3):
        await database.commit(term, changes)
    assert (await database.signals(SignalFilter())).signals == (full, bare)
    assert set(await database.transitions("test", 10)) == set(transitions)
    assert await database.transitions("another", 10) == ()
    assert await database.incidents(10) == await database.open_incidents() == (INCIDENT,)
    assert await database.state("monitor", "labels") == state
    assert await database.state("another", "labels") is None
    assert database.status().state == "up"


async def test_the_latest_state_and_label_count(database: Database, term: Term) -> None:
    sell = replace(signal(0), build="test", close_ms=7 * 60_000, label=Label.SELL)
    changes = Changes(signals=(sell, signal(0)), state=(StateRecord(key="k", close_ms=1, body="1"),))
    await database.commit(term, changes)
    await database.commit(term, Changes(state=(StateRecord(key="k", close_ms=2, body="2"),)))
    assert await database.last_labels("test", "monitor") == {"S0": (Label.SELL, 420_000)}
    assert await database.last_labels("another", "monitor") == await database.last_labels("test", "another") == {}
    lost = replace(sell, close_ms=9 * 60_000, before=Label.SELL, label=None)
    await database.commit(term, Changes(signals=(lost,)))
    assert await database.last_labels("test", "monitor") == {"S0": (None, 540_000)}
    assert (await database.signals(SignalFilter(), limit=1)).signals == (lost,)
    state = await database.state("monitor", "k")
    assert state is not None
    assert (state.close_ms, state.body) == (2, "2")


async def test_an_older_write_never_opens_an_incident_again(database: Database, term: Term) -> None:
    async def kept(incident: Incident) -> Incident:
        await database.commit(term, Changes(incidents=(incident,)))
        (found,) = await database.incidents(10)
        return found

    grown = msgspec.structs.replace(INCIDENT, message="second", severity=Severity.CRITICAL, acknowledged=True)
    assert await kept(INCIDENT) == INCIDENT
    assert await kept(grown) == grown
    assert (await kept(INCIDENT)).acknowledged, "who writes it again need not know that it was acknowledged"
    resolved = msgspec.structs.replace(grown, resolved_ms=5000)
    assert await kept(resolved) == resolved
    assert await kept(INCIDENT) == resolved
    assert await database.open_incidents() == ()


async def test_one_that_was_superseded_commits_nothing(database: Database, term: Term, url: str) -> None:
    later = Term("monitor", term.epoch + 1)
    await database.run(lambda c: c.exec_driver_sql(f"UPDATE leases SET epoch = {later.epoch}"), writing=True)
    with pytest.raises(Superseded) as caught:
        await database.commit(term, Changes(signals=(signal(1),)))
    assert caught.value.epoch == later.epoch
    await database.commit(later, Changes(signals=(signal(2),)))
    assert rows(url, "SELECT close_ms, epoch FROM signals") == [(120_000, later.epoch)]


async def test_a_lost_row_is_made_again_by_the_holder_and_meanwhile_nothing_is_committed(
    database: Database, url: str
) -> None:
    lease = Lease(database, "monitor", SystemClock(), version="test")
    term = await lease.acquire()
    for damage in ("DELETE FROM leases", f"UPDATE leases SET epoch = {term.epoch - 5}"):
        await database.run(lambda c, damage=damage: c.exec_driver_sql(damage), writing=True)
        with pytest.raises(StoreUnavailable, match="lost the lease's row"):
            await database.commit(term, Changes())
        renewing = asyncio.create_task(lease.run())
        while rows(url, "SELECT epoch FROM leases") != [(term.epoch,)]:
            await asyncio.sleep(0.02)
        renewing.cancel()
        await asyncio.wait({renewing})
        await database.commit(term, Changes())
        assert lease.may_publish()


async def test_a_lease_given_back_is_free_and_the_run_is_told(database: Database, url: str) -> None:
    lease = Lease(database, "monitor", SystemClock(), version="1.2")
    assert not lease.may_publish()
    first = await lease.acquire()
    await lease.release("stopped")
    assert not lease.may_publish()
    second = await Lease(database, "monitor", SystemClock(), version="1.3").acquire()
    assert second.epoch > first.epoch
    told = rows(url, "SELECT version, ending, ended_ms >= started_ms FROM runs ORDER BY epoch")
    assert [(version, ending, ended and bool(ended)) for version, ending, ended in told] == [
        ("1.2", "stopped", True), ("1.3", None, None),
    ]  # fmt: skip


async def test_a_look_writes_and_so_proves_that_the_holder_could_have(database: Database, term: Term, url: str) -> None:
    for number in (1, 2):
        row = await database.run(lambda c: probe(c, "monitor"), writing=True)
        assert row is not None
        assert (row.epoch, row.beat) == (term.epoch, 0), "it leaves what is watched alone"
        assert rows(url, "SELECT looks FROM leases") == [(number,)]
    assert await database.run(lambda c: probe(c, "another"), writing=True) is None


async def test_being_told_of_a_higher_epoch_ends_the_lease(database: Database) -> None:
    lease = Lease(database, "monitor", SystemClock(), version="test")
    term = await lease.acquire()
    lease.superseded(term.epoch)
    assert lease.may_publish()
    lease.superseded(term.epoch + 1, "other:1")
    assert not lease.may_publish()
    assert lease.lost.is_set()
    assert lease.lost_to is not None
    assert lease.lost_to.holder == "other:1"
    await lease.run()


async def test_silences_are_made_repeated_and_ended(database: Database) -> None:
    one = Silence(id="a", matcher={"kind": "whale"}, created_ms=1, starts_ms=2, ends_ms=10, author="me", comment="c")
    two = msgspec.structs.replace(one, id="b", ends_ms=20, matcher={})
    for silence in (two, one, two):
        assert await database.add_silence(silence)
    assert await database.silences(0) == (two, one), "the last to end first"
    assert await database.silences(10) == (two,)
    assert await database.end_silence("b", 5)
    assert await database.silences(5) == (one,)
    assert await database.end_silence("b", 7), "it is there, and stays ended"
    assert await database.silences(5) == (one,)
    assert not await database.end_silence("c", 7)


async def test_signals_are_filtered(database: Database, term: Term) -> None:
    sell = replace(signal(9), label=Label.SELL, exchange="other")
    await database.commit(term, Changes(signals=(*(signal(n) for n in range(8)), sell)))

    async def closes(**wanted: object) -> list[int]:
        page = await database.signals(SignalFilter(**wanted))  # type: ignore[arg-type]
        return [found.close_ms // 60_000 for found in page.signals]

    assert await closes(symbol="S0") == [7, 0]
    assert await closes(label=Label.SELL) == [9]
    assert await closes(exchange="test", since_ms=120_000, until_ms=300_000) == [4, 3, 2]
    assert await closes(symbol="S0' OR 1=1") == []


async def test_pages_miss_and_repeat_nothing_while_rows_arrive(database: Database, term: Term) -> None:
    drawn = st.lists(st.integers(0, 30), unique=True, max_size=31)

    @settings(max_examples=15)
    @given(drawn, st.lists(st.integers(0, 60), max_size=20), st.integers(1, 5))
    def check(first: list[int], later: list[int], limit: int) -> None:
        collected.append((first, later, limit))

    collected: list[tuple[list[int], list[int], int]] = []
    check()
    for first, later, limit in collected:
        await database.run(lambda c: c.execute(SIGNALS.delete()), writing=True)
        # Several at one close, so that the order within it matters.
        there = tuple(replace(signal(n // 3), symbol=f"S{n}") for n in first)
        await database.commit(term, Changes(signals=there))
        seen, cursor, pages = [], None, 0
        while True:
            page = await database.signals(SignalFilter(), limit=limit, cursor=cursor)
            seen += [found.id for found in page.signals]
            if pages < len(later):
                arriving = replace(signal(later[pages] // 3), symbol=f"N{pages}")
                await database.commit(term, Changes(signals=(arriving,)))
            cursor, pages = page.cursor, pages + 1
            if cursor is None:
                break
        assert len(seen) == len(set(seen))
        assert {found.id for found in there} <= set(seen)


@given(st.integers(0, 10**14), st.binary(min_size=16, max_size=16))
def test_a_cursor_says_where_a_page_ended(close_ms: int, key: bytes) -> None:
    assert decode_cursor(encode_cursor(close_ms, key.hex())) == (close_ms, key.hex())


@given(st.one_of(st.text(max_size=60), st.from_regex(r"[A-Za-z0-9_-]{60,70}", fullmatch=True)))
def test_any_other_text_is_no_cursor(text: str) -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        decode_cursor(text)


async def test_readers_run_beside_each_other(url: str) -> None:
    database = Database(url, SystemClock(), threads=3)
    await database.start()
    together = threading.Barrier(3)
    await asyncio.gather(*(database.run(lambda c: together.wait(2), writing=False) for _ in range(3)))
    await database.close()


@pytest.mark.parametrize("limit", [0, -1, 1001])
async def test_a_limit_that_cannot_be_is_refused(tmp_path: Path, limit: int) -> None:
    database = Database(sqlite_url(tmp_path), SystemClock())
    with pytest.raises(ValueError, match="limit is from 1 to 1000"):
        await database.signals(SignalFilter(), limit=limit)
    await database.close()


def test_times_beyond_any_calendar_are_refused() -> None:
    with pytest.raises(ValueError, match="since_ms"):
        SignalFilter(since_ms=10**30)
    with pytest.raises(ValueError, match="until_ms"):
        SignalFilter(until_ms=-1)


async def test_a_cancellation_is_never_swallowed(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path), SystemClock())
    await database.start()

    async def call_for_ever() -> None:
        while True:
            await database.run(lambda c: c.exec_driver_sql("SELECT 1").scalar(), writing=False)

    for attempt in range(500):
        task = asyncio.create_task(call_for_ever())
        await asyncio.sleep(attempt % 30 / 10_000)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=5)
        assert done
    await database.close()
    with pytest.raises(StoreUnavailable, match="is closed"):
        await database.incidents(1)

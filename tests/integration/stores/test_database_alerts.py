"""What people ask of alerts and say about them, the same in files and on a server."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection
from tests.support.alerts_web import NOW_MS, incident
from tests.support.databases import postgres, postgres_url, sqlite_url
from tests.support.servers import Server

from virtuoso.model.alerts.incident import Incident, Severity, Silence
from virtuoso.model.alerts.outcome import Edge, Outcome
from virtuoso.model.clock import SystemClock
from virtuoso.storage.database.alerts import MOST_SILENCES
from virtuoso.storage.database.lease.lease import Lease
from virtuoso.storage.database.records import Acknowledgement, Changes, IncidentFilter
from virtuoso.storage.database.store import Database
from virtuoso.storage.database.writing import put_silence
from virtuoso.storage.lease import Term

SAID = Acknowledgement(by="anna", at_ms=NOW_MS, comment="on it")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path, server: Server) -> AsyncIterator[Database]:
    url = sqlite_url(tmp_path) if request.param == "sqlite" else postgres_url(server)
    database = Database(url, SystemClock())
    await database.start()
    yield database
    await database.close()


@pytest.fixture
async def term(database: Database) -> Term:
    return await Lease(database, "monitor", SystemClock(), version="test").acquire()


async def test_outcomes_are_kept_and_what_is_settled_stays(database: Database, term: Term) -> None:
    begun = Outcome(
        incident="a1", horizon_min=15, kind="sudden_move", symbol="A", severity=Severity.WARNING, side="up",
        delivered_ms=NOW_MS, interrupted=True, before=99.0, base=0.05, due_ms=NOW_MS + 900_000, edge_reason=None,
        edge=Edge(close_ms=NOW_MS - 1, version="f1", low=-0.01, high=0.02, volatility=0.005),
    )  # fmt: skip
    later = replace(begun, incident="b2", delivered_ms=NOW_MS + 1, edge=None, edge_reason="none yet")
    await database.commit(term, Changes(outcomes=(begun, later)))
    settled = replace(begun, settled_ms=NOW_MS + 900_000, entry=100.0, closed=0.03, highest=0.03, lowest=0.0)
    await database.commit(term, Changes(outcomes=(settled,)))
    await database.commit(term, Changes(outcomes=(begun,)))  # repeated after a time-out
    assert await database.outcomes("monitor", NOW_MS + 1) == (later, settled)
    assert await database.outcomes("other", NOW_MS) == ()
    assert await database.outcomes("monitor", NOW_MS + 366 * 86_400_000) == ()


async def test_history_is_filtered_and_comes_in_pages(database: Database, term: Term) -> None:
    over = {"resolved_ms": NOW_MS + 9}
    kept = (
        incident("A", NOW_MS), incident("B", NOW_MS + 1, severity=Severity.INFO), incident("C", NOW_MS + 1, **over),
        incident("A", NOW_MS + 2, kind="whale_trade", severity=Severity.CRITICAL, ending="resolved", **over),
        incident("B", NOW_MS + 3, ending="expired", **over),
    )  # fmt: skip
    await database.commit(term, Changes(incidents=kept))
    wanted = {
        IncidentFilter(): (0, 1, 2, 3, 4), IncidentFilter(kind="whale_trade"): (3,),
        IncidentFilter(symbol="A"): (0, 3), IncidentFilter(severity=Severity.WARNING): (0, 2, 3, 4),
        IncidentFilter(severity=Severity.CRITICAL): (3,), IncidentFilter(state="firing"): (0, 1),
        IncidentFilter(state="resolved"): (2, 3), IncidentFilter(state="expired"): (4,),
        IncidentFilter(since_ms=NOW_MS + 2): (3, 4), IncidentFilter(until_ms=NOW_MS + 1): (0,),
        IncidentFilter(monitor="monitor", symbol="B", state="firing"): (1,), IncidentFilter(monitor="other"): (),
    }  # fmt: skip
    for filters, expected in wanted.items():
        page = await database.history(filters)
        assert {found.id for found in page.incidents} == {kept[n].id for n in expected}, filters
        assert page.cursor is None
    seen: list[Incident] = []
    cursor = None
    while True:
        page = await database.history(IncidentFilter(), limit=2, cursor=cursor)
        seen += page.incidents
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == sorted(kept, key=lambda each: (each.fired_ms, each.id), reverse=True)


async def test_an_acknowledgement_survives_what_the_monitor_writes_meanwhile(database: Database, term: Term) -> None:
    one, other = incident("A"), incident("B")
    await database.commit(term, Changes(incidents=(one, other)))
    found = await database.acknowledge(one.id, SAID)
    assert found == replace(one, acknowledged=True, acknowledged_by="anna")
    await database.commit(term, Changes(incidents=(replace(one, message="worse"),)))  # it does not know of it yet
    assert await database.incident(one.id) == replace(found, message="worse")
    assert (await database.alert_inputs("monitor", NOW_MS)).acknowledged == {one.id: SAID}
    assert (await database.alert_inputs("other", NOW_MS)).acknowledged == {}
    second = await database.acknowledge(one.id, Acknowledgement(by="ben", at_ms=NOW_MS + 1))
    assert second is not None
    assert second.acknowledged_by == "anna", "the first who took note"
    await database.commit(term, Changes(incidents=(replace(one, resolved_ms=NOW_MS + 5),)))
    assert (await database.alert_inputs("monitor", NOW_MS)).acknowledged == {}
    assert await database.acknowledge("0" * 16, SAID) is None
    assert await database.incident("0" * 16) is None


async def test_a_restart_goes_on_with_what_is_open_undecided_or_told_lately(database: Database, term: Term) -> None:
    over = {"resolved_ms": NOW_MS + 9, "ending": "resolved"}
    long_open = incident("A", NOW_MS - 10_000_000)
    held = incident("B", NOW_MS - 9_000_000, suppressed_by="silence", **over)
    told, told_before = incident("C", NOW_MS, **over), incident("D", NOW_MS - 1, **over)
    await database.commit(term, Changes(incidents=(long_open, held, told, told_before, incident("E", NOW_MS, **over))))
    found = await database.resumable("monitor", NOW_MS)
    assert [each.symbol for each in found][2:] == ["B", "A"]
    assert {each.symbol for each in found} == {"A", "B", "C", "E"}
    assert await database.resumable("other", NOW_MS) == ()


async def test_silences_are_bounded_in_number_and_forgotten_after_a_month(database: Database) -> None:
    def silence(n: int, created_ms: int, ends_ms: int) -> Silence:
        return Silence(
            id=f"s{n}", matcher={"kind": "*"}, created_ms=created_ms, starts_ms=created_ms, ends_ms=ends_ms, author="a"
        )

    def all_but_one(connection: Connection) -> None:
        for n in range(1, MOST_SILENCES):
            put_silence(connection, silence(n, NOW_MS, NOW_MS + 2))

    await database.run(all_but_one, writing=True)
    assert await database.add_silence(silence(0, NOW_MS, NOW_MS + 1))
    assert not await database.add_silence(silence(MOST_SILENCES, NOW_MS, NOW_MS + 2))
    assert len((await database.alert_inputs("monitor", NOW_MS)).silences) == MOST_SILENCES
    assert await database.add_silence(silence(MOST_SILENCES, NOW_MS + 1, NOW_MS + 2)), "the first is over"
    later_ms = NOW_MS + 31 * 86_400_000
    assert await database.add_silence(silence(9999, later_ms, later_ms + 1))
    assert [each.id for each in await database.silences(0)] == ["s9999"]


async def test_only_runs_that_were_not_stopped_are_crashes(database: Database) -> None:
    async def run(ending: str | None) -> Lease:
        lease = Lease(database, "monitor", SystemClock(), version="test", lease_s=2.0)
        await lease.acquire()
        if ending is not None:
            await lease.release(ending)
        return lease

    now_ms = SystemClock().now_ns() // 1_000_000
    for _ in range(6):
        assert (await run("stopped")).was_stopped
    assert await database.crashes("monitor", now_ms - 3_600_000) == 0, "clean restarts are no crash loop"
    await run("failed: the disk is gone")
    assert not (await run(None)).was_stopped, "the one before failed"
    assert await database.crashes("monitor", now_ms - 3_600_000) == 1
    assert not (await run("stopped")).was_stopped, "the one before was killed"
    assert await database.crashes("monitor", now_ms - 3_600_000) == 2
    assert await database.crashes("monitor", now_ms + 60_000) == 0
    assert await database.crashes("other", 0) == 0

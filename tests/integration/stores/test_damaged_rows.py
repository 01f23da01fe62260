"""A row that is not what this program writes costs itself: the rest of its table is read, and it is named."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.support.alerts_web import NOW_MS, Web, delivery, incident, running_web
from tests.support.databases import sqlite_url

from virtuoso.model.alerts.incident import Silence
from virtuoso.model.clock import SystemClock
from virtuoso.model.errors import StoreUnavailable, UsageError
from virtuoso.model.quality import DataQuality
from virtuoso.model.signal import Label
from virtuoso.storage.database.lease.lease import Lease
from virtuoso.storage.database.lease.rows import renew
from virtuoso.storage.database.leased_outbox import LeasedOutbox
from virtuoso.storage.database.records import (
    Acknowledgement,
    Changes,
    SignalFilter,
    SignalRecord,
    TransitionRecord,
    WrongTokens,
)
from virtuoso.storage.database.store import Database

GARBAGE = ("'{'", "'[]'", "NULL", "x'ff00'", "'null'", "7", "'{\"a\":'", "CAST(x'c3280a' AS TEXT)")
INCIDENT_COLUMNS = (
    "severity", "details", "labels", "life", "acknowledgement", "fired_ms", "resolved_ms", "message", "kind",
    "acknowledged",
)  # fmt: skip


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    async with running_web(tmp_path) as running:
        yield running


def spoil(folder: Path, table: str, column: str, value: str, where: str) -> bool:
    """Whether the database took it."""
    with sqlite3.connect(folder / "virtuoso.sqlite") as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        try:
            connection.execute(f"UPDATE {table} SET {column} = {value} WHERE {where}")
        except sqlite3.IntegrityError:
            return False
    connection.close()
    return True


@pytest.mark.parametrize("column", INCIDENT_COLUMNS)
async def test_a_damaged_incident_is_left_out_and_named(web: Web, tmp_path: Path, column: str) -> None:
    good, bad = incident("GOOD"), incident("BAD", NOW_MS + 1)
    await web.keep(good, bad)
    for value in GARBAGE:
        if not spoil(tmp_path, "incidents", column, value, f"id = '{bad.id}'"):
            continue
        status, listed = await web.ask("/api/alerts")
        assert status == 200
        shown = [each["id"] for each in listed["alerts"]]
        assert good.id in shown, (value, listed)
        assert (bad.id in shown) == (listed["reason"] is None), (value, listed)
        if listed["reason"] is not None:
            assert f"damaged rows are left out: incidents '{bad.id}': " in listed["reason"]
            assert "\n" not in listed["reason"]
            status, problem = await web.ask(f"/api/alerts/{bad.id}")
            assert (status, bad.id in problem["detail"]) == (500, True)
        status, recent = await web.ask("/api/alerts/recent?limit=10")
        assert (status, good.id in [each["id"] for each in recent]) == (200, True)
        assert good.id in [each.id for each in await web.database.resumable("monitor", 0)]
        await web.database.alert_inputs("monitor", NOW_MS)
    assert web.database.status().state == "up", "a damaged row is no reason to call the database down"


async def test_what_else_is_read_is_whole_but_for_the_damaged(web: Web, tmp_path: Path) -> None:
    values = {
        "exchange": "bybit", "label": Label.BUY, "before": Label.HOLD, "score": 71.0, "agreement": 0.5, "price": 1.0,
        "data_quality": DataQuality.LIVE, "data_source": None, "why": '{"why":["because"]}',
    }  # fmt: skip
    signals = tuple(SignalRecord(symbol=s, close_ms=NOW_MS, **values) for s in ("A", "B", "C"))  # type: ignore[arg-type]
    moves = tuple(
        TransitionRecord(exchange="bybit", symbol=s, before="NEUTRAL", after="BULLISH", at_ms=NOW_MS) for s in "AB"
    )
    await web.database.commit(web.term, Changes(signals=signals, transitions=moves))
    for name in ("1" * 16, "2" * 16):
        made = Silence(
            id=name, matcher={"kind": name}, created_ms=NOW_MS, starts_ms=NOW_MS, ends_ms=NOW_MS + 10_000, author="a",
            comment="",
        )  # fmt: skip
        await web.database.add_silence(made)
    assert spoil(tmp_path, "signals", "label", "'MOON'", "symbol = 'A'")
    assert spoil(tmp_path, "signals", "why", "'{\"why\":3}'", "symbol = 'B'")
    assert spoil(tmp_path, "silences", "matcher", "'[1]'", f"id = '{'1' * 16}'")
    assert spoil(tmp_path, "regime_transitions", "at_ms", "'then'", "symbol = 'A'")
    page = await web.database.signals(SignalFilter())
    assert [each.symbol for each in page.signals] == ["C"]
    assert len(page.damaged) == 2
    status, history = await web.ask("/api/signals")
    assert (status, [each["symbol"] for each in history["signals"]]) == (200, ["C"])
    assert "MOON" in history["reason"]
    with capture_logs() as logs:
        for _ in range(3):
            assert [each.id for each in await web.database.silences(0)] == ["2" * 16]
        assert [each.symbol for each in await web.database.transitions("bybit", 10)] == ["B"]
        assert [s.id for s in (await web.database.alert_inputs("monitor", NOW_MS)).silences] == ["2" * 16]
    assert len(logs) == 2, "each is told once"
    assert (await web.ask("/api/silences"))[0] == 200


async def test_a_damaged_count_of_wrong_tokens_costs_neither_silences_nor_a_start(web: Web, tmp_path: Path) -> None:
    for process, count in (("one", 3), ("two", 4)):
        await web.database.note_wrong_tokens("monitor", process, WrongTokens(count, "10.0.0.9", NOW_MS))
    assert spoil(tmp_path, "state", "body", '\'{"count":"many"}\'', "key = 'web:wrong_tokens:two'")
    with capture_logs() as logs:
        found = await web.database.alert_inputs("monitor", NOW_MS)
    assert (found.wrong_tokens.count, len(found.damaged), len(logs)) == (3, 1, 1)
    assert await web.database.added_rules("monitor") == ()


async def test_a_damaged_message_does_not_stand_in_the_way_of_the_next(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path), SystemClock())
    await database.start()
    lease = Lease(database, "monitor", SystemClock(), version="test")
    term = await lease.acquire()
    first, second = delivery("FIRST"), delivery("SECOND")
    await database.commit(term, Changes(deliveries=(first, second)))
    assert spoil(tmp_path, "outbox", "notice", "'{'", f"id = '{first.id}'")
    outbox = LeasedOutbox(database, lease, "monitor")
    claimed = await outbox.turn("discord", NOW_MS, claim=True)
    assert claimed is not None
    assert claimed.delivery.id == second.id
    page = await database.deliveries("monitor")
    assert [each.id for each in page.deliveries] == [second.id]
    assert first.id in page.damaged[0]
    dead = await database.deliveries("monitor", state="dead")
    assert (len(dead.deliveries), len(dead.damaged)) == (0, 1)
    await database.close()


async def test_an_acknowledgement_of_a_damaged_incident_is_a_problem_that_names_it(web: Web, tmp_path: Path) -> None:
    bad = incident("BAD")
    await web.keep(bad)
    assert spoil(tmp_path, "incidents", "labels", "'{'", f"id = '{bad.id}'")
    status, problem = await web.ask(f"/api/alerts/{bad.id}/ack", "POST", json={"by": "anna", "comment": ""})
    assert status == 500
    assert bad.id in problem["detail"]
    with pytest.raises(Exception, match=bad.id):
        await web.database.acknowledge(bad.id, Acknowledgement(by="anna", at_ms=NOW_MS, comment=""))


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("leases", "epoch", "'x'"), ("leases", "epoch", "x'ff'"), ("leases", "epoch", "9223372036854775807"),
        ("leases", "beat", "'x'"), ("alembic_version", "version_num", "'x'"),
        ("alembic_version", "version_num", "x'ff'"), ("alembic_version", "version_num", "-5"),
        ("alembic_version", "version_num", "'9999'"),
    ],
)  # fmt: skip
async def test_what_a_start_cannot_do_without_stops_it_in_one_line(
    tmp_path: Path, table: str, column: str, value: str
) -> None:
    async def start() -> None:
        database = Database(sqlite_url(tmp_path), SystemClock())
        try:
            await database.start()
            lease = Lease(database, "monitor", SystemClock(), version="test")
            await lease.acquire()
            await lease.release("stopped")
        finally:
            await database.close()

    await start()
    assert spoil(tmp_path, table, column, value, "1")
    with pytest.raises(UsageError) as raised:
        await start()
    assert raised.value.exit_code == 2
    assert len(str(raised.value).splitlines()) == 1
    assert str(tmp_path) in str(raised.value)


async def test_a_lease_that_is_damaged_while_it_is_held_is_made_ours_again(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path), SystemClock())
    await database.start()
    term = await Lease(database, "monitor", SystemClock(), version="test").acquire()
    assert spoil(tmp_path, "leases", "epoch", "'x'", "1")
    with pytest.raises(StoreUnavailable, match="made again by the next renewal"):
        await database.commit(term, Changes(incidents=(incident("A"),)))
    await database.run(lambda c: renew(c, term, holder="h", process="p", now_ms=NOW_MS), writing=True)
    await database.commit(term, Changes(incidents=(incident("A"),)))
    await database.close()

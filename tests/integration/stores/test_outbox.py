"""The outbox's rows, the same in files and on a server."""

from collections.abc import AsyncIterator, Iterator

import pytest
from msgspec.structs import replace
from tests.support.databases import postgres, postgres_url, sqlite_url
from tests.support.outbox import HOUR_MS, Kept, delivery, kept, notice, resolution
from tests.support.servers import Server

from virtuoso.delivery.outbox.digest import digest_of
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.alerts.notice import Delivery, delivery_id
from virtuoso.model.alerts.outbox import ChannelState, Claimed
from virtuoso.model.clock import SystemClock
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.database.store import Database

T = 1_764_000_000_000
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as server:
        yield server


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory, server: Server) -> dict[str, str]:
    """One of each for all tests: migrations take their time."""
    return {"sqlite": sqlite_url(tmp_path_factory.mktemp("outbox")), "postgresql": postgres_url(server)}


@pytest.fixture(params=["sqlite", "postgresql"])
async def on(request: pytest.FixtureRequest, urls: dict[str, str]) -> AsyncIterator[Kept]:
    async with kept(urls[request.param]) as on:
        await on.database.run(lambda c: c.exec_driver_sql("DELETE FROM outbox"), writing=True)
        await on.database.run(lambda c: c.exec_driver_sql("DELETE FROM channels"), writing=True)
        yield on


def alerts(count: int, channel: str = "chat", first: int = 0) -> tuple[Delivery, ...]:
    return tuple(delivery(notice(n, at_ms=T + n), channel) for n in range(first, first + count))


async def claim(on: Kept, channel: str = "chat", now_ms: int = T, settled: Delivery | None = None) -> Claimed:
    claimed = await on.store.turn(channel, now_ms, settled=settled, claim=True)
    assert claimed is not None
    return claimed


async def test_each_channel_is_served_in_the_order_of_commits(on: Kept) -> None:
    first, second, third = alerts(3)
    other = delivery(notice(9, at_ms=T), "other")
    await on.put(other, second)
    await on.put(first, third, second)
    seen: list[Delivery] = []
    settled = None
    while (claimed := await on.store.turn("chat", T, settled=settled, claim=True)) is not None:
        assert claimed.delivery.state == "sending"
        seen.append(claimed.delivery)
        settled = replace(claimed.delivery, state="sent", attempts=1, ref=f"m{len(seen)}")
    assert [each.notice for each in seen] == [second.notice, first.notice, third.notice]
    assert (await claim(on, "other")).delivery.id == other.id
    assert {row.ref for row in await on.rows(state="sent")} == {"m1", "m2", "m3"}


async def test_a_call_whose_answer_was_lost_is_repeated_without_harm(on: Kept) -> None:
    await on.put(*alerts(3))
    first = await claim(on)
    assert await claim(on) == first, "the answer was lost: it is still ours, and not sent"
    sent = replace(first.delivery, state="sent", attempts=1, ref="m1")
    second = await claim(on, settled=sent)
    assert await claim(on, settled=sent) == second
    again = replace(second.delivery, state="waiting", attempts=1, error="no", repeat=True)
    assert await on.store.turn("chat", T, settled=again) is None
    assert await on.store.turn("chat", T, settled=again) is None
    retried = await claim(on)
    assert (retried.delivery.id, retried.delivery.attempts, retried.delivery.repeat) == (second.delivery.id, 1, True)
    assert await on.states() == ["sent", "sending", "waiting"]


async def test_what_was_in_flight_waits_again_marked(on: Kept) -> None:
    await on.put(*alerts(2))
    await claim(on)
    assert await on.store.recover() == 1
    assert await on.store.recover() == 0
    assert [(row.state, row.repeat, row.attempts) for row in await on.rows()] == [
        ("waiting", True, 1), ("waiting", False, 0),
    ]  # fmt: skip


async def test_one_that_lost_the_lease_claims_nothing(on: Kept) -> None:
    await on.put(*alerts(1))
    higher = f"UPDATE leases SET epoch = {on.term.epoch + 1}, holder = 'b:1'"
    await on.database.run(lambda c: c.exec_driver_sql(higher), writing=True)
    with pytest.raises(StoreUnavailable, match="taken over by b:1"):
        await on.store.turn("chat", T, claim=True)
    assert not on.store.may_publish()
    with pytest.raises(StoreUnavailable):
        await on.store.recover()
    assert await on.states() == ["waiting"]
    await on.database.run(lambda c: c.exec_driver_sql("DELETE FROM leases"), writing=True)


async def test_a_digest_takes_the_place_of_what_it_folds(on: Kept) -> None:
    await on.put(*alerts(5))
    waiting = await on.store.backlog("chat", T)
    assert len(waiting) == 5
    digest = digest_of(waiting[:3], T + 10)
    for _ in range(2):
        await on.store.fold(digest, waiting[:3])
    claimed = await claim(on)
    assert claimed.delivery.notice == digest.notice
    await on.store.fold(digest, waiting[:3])
    after = await claim(on, settled=replace(claimed.delivery, state="sent", attempts=1))
    assert after.delivery.id == waiting[3].id
    folded = await on.rows(state="folded")
    assert [(row.id, row.folded_into) for row in folded] == [(each.id, digest.id) for each in waiting[:3]]


async def test_nothing_is_folded_when_one_of_them_does_not_wait_any_more(on: Kept) -> None:
    await on.put(delivery(notice(0, at_ms=T), "chat", life_ms=10), *alerts(3, first=1))
    waiting = await on.store.backlog("chat", T)
    assert (await on.store.tidy(T + 10)).expired == 1
    await on.store.fold(digest_of(waiting, T), waiting)
    assert await on.states() == ["expired", "waiting", "waiting", "waiting"]


async def test_what_amends_a_sent_message_is_told_its_ref(on: Kept) -> None:
    await on.put(*alerts(2), delivery(resolution(0, at_ms=T + 5), "chat"), delivery(resolution(1, at_ms=T + 6), "chat"))
    first = await claim(on)
    second = await claim(on, settled=replace(first.delivery, state="sent", attempts=1, ref="m1"))
    await on.store.keep_ref(first.delivery.id, "m1+chart")
    over = await claim(on, settled=replace(second.delivery, state="dead", attempts=1, error="no"))
    assert (over.delivery.notice.id, over.amended_ref) == ("r000000", "m1+chart")
    other = await claim(on, settled=replace(over.delivery, state="sent", attempts=1, ref="m1"))
    assert (other.delivery.notice.id, other.amended_ref) == ("r000001", None)


async def test_what_waited_too_long_expires_and_says_why(on: Kept) -> None:
    short = delivery(notice(0, at_ms=T), "chat", life_ms=10)
    tried = delivery(notice(1, at_ms=T), "chat", life_ms=10, error="no connection")
    gone = delivery(notice(2, at_ms=T), "no longer configured", life_ms=10)
    await on.put(short, tried, gone, delivery(notice(3, at_ms=T), "chat"))
    assert (await claim(on, now_ms=T + 10)).delivery.notice.id == "n000003"
    assert (await on.store.tidy(T + 10)).expired == 3
    expired = {row.id: row.error for row in await on.rows(state="expired")}
    assert expired == {
        short.id: "its time to live passed before it could be sent",
        tried.id: "its time to live passed before it could be sent; the last attempt: no connection",
        gone.id: "its time to live passed before it could be sent",
    }


async def test_old_rows_are_deleted_but_for_dead_ones(on: Kept) -> None:
    states = ("sent", "folded", "expired", "dead", "waiting")
    await on.put(*(delivery(notice(n, at_ms=T), "chat", life_ms=90 * DAY_MS, state=s) for n, s in enumerate(states)))
    await on.put(delivery(notice(9, at_ms=T + DAY_MS), "chat", state="sent"))
    assert (await on.store.tidy(T + 30 * DAY_MS + 1)).deleted == 3
    assert await on.states() == ["dead", "waiting", "sent"]
    many = [delivery(notice(n, at_ms=T), "chat", state="sent") for n in range(100, 700)]
    await on.put(*many)
    assert [(await on.store.tidy(T + 30 * DAY_MS + 1)).deleted for _ in range(3)] == [500, 100, 0]


async def test_a_fallback_takes_over_what_it_does_not_have(on: Kept) -> None:
    both = notice(0, at_ms=T)
    await on.put(delivery(both, "chat"), *alerts(1, first=1), delivery(both, "spare"))
    assert await on.store.move("chat", "spare", "gone (404)", T) == 2
    assert await on.store.move("chat", "spare", "gone (404)", T) == 0
    assert [row.notice.id for row in await on.rows(channel="spare")] == ["n000000", "n000001"]
    moved = await on.rows(channel="chat")
    assert [(row.state, row.folded_into) for row in moved] == [
        ("folded", delivery_id(row.notice.id, "spare")) for row in moved
    ]
    assert moved[0].error == "moved to spare: gone (404)"
    assert await on.store.move("spare", None, "gone (410)", T) == 2
    assert {(row.state, row.error) for row in await on.rows(channel="spare")} == {("dead", "gone (410)")}


async def test_a_dead_one_is_sent_again_when_it_is_asked_for(on: Kept) -> None:
    dead, sent = delivery(notice(0, at_ms=T), "chat", state="dead"), delivery(notice(1, at_ms=T), "chat", state="sent")
    await on.put(dead, sent)
    later = T + 5 * HOUR_MS
    back = await on.database.resend(dead.id, later)
    assert back is not None
    assert (back.state, back.expires_ms) == ("waiting", later + HOUR_MS)
    assert (await claim(on, now_ms=later)).delivery.id == dead.id
    for refused in (dead.id, sent.id, "none"):
        assert await on.database.resend(refused, later) is None


async def test_it_is_listed_by_channel_and_state_in_pages(on: Kept) -> None:
    await on.put(*alerts(5), *alerts(2, "other", 5))
    await claim(on)
    seen: list[str] = []
    cursor = None
    while True:
        page = await on.database.deliveries("monitor", channel="chat", limit=2, cursor=cursor)
        seen += [each.notice.id for each in page.deliveries]
        if (cursor := page.cursor) is None:
            break
    assert seen == [f"n{n:06d}" for n in (4, 3, 2, 1, 0)]
    assert [each.notice.id for each in await on.rows(state="sending")] == ["n000000"]
    assert (await on.database.deliveries("another")).deliveries == ()
    with pytest.raises(ValueError, match="cursor"):
        await on.database.deliveries("monitor", cursor="x")
    counts = await on.store.counts(("chat",))
    counted = {(each.channel, each.state): (each.deliveries, each.oldest_ms) for each in counts}
    assert counted == {("chat", "sending"): (1, T), ("chat", "waiting"): (4, T + 1)}
    assert {each.channel for each in await on.database.delivery_counts("monitor")} == {"chat", "other"}


async def test_the_state_of_a_channel_is_kept_with_what_it_answered(on: Kept) -> None:
    await on.put(*alerts(1))
    claimed = await claim(on)
    limited = ChannelState(
        name="chat", fingerprint="f", state="limited", since_ms=T, not_before_ms=T + 60_000, error="429"
    )
    back = replace(claimed.delivery, state="waiting", attempts=1, error="429")
    assert await on.store.turn("chat", T, settled=back, state=limited) is None
    assert await on.store.states() == {"chat": limited}
    up = replace(limited, state="up", not_before_ms=None, error=None)
    await on.store.turn("chat", T, state=up)
    assert await on.database.channel_states("monitor") == {"chat": up}
    assert await on.database.channel_states("another") == {}


async def test_what_is_committed_is_on_the_disk_or_the_start_says_so(on: Kept) -> None:
    warning = await on.database.durability_warning()
    if "postgresql" in on.database.place:
        assert warning is not None, "the server of the tests runs with fsync = off"
        assert "fsync = off" in warning
        shown = "ALTER DATABASE {} SET synchronous_commit = off"
        name = on.database.place.rpartition("/")[2]
        await on.database.run(lambda c: c.exec_driver_sql(shown.format(name)), writing=True)
        other = Database(on.database.place, SystemClock())
        try:
            assert "fsync = off, synchronous_commit = off" in str(await other.durability_warning())
        finally:
            await other.close()
        return
    assert warning is None
    level = await on.database.run(lambda c: c.exec_driver_sql("PRAGMA synchronous").scalar_one(), writing=True)
    mode = await on.database.run(lambda c: c.exec_driver_sql("PRAGMA journal_mode").scalar_one(), writing=True)
    assert (level, mode) == (2, "wal")
    driver = on.database._backend.engine.raw_connection()
    driver.cursor().execute("PRAGMA synchronous = NORMAL")
    driver.close()
    assert "synchronous = 1" in str(await on.database.durability_warning())


async def test_severities_of_a_digest_survive_the_database(on: Kept) -> None:
    critical = delivery(notice(7, at_ms=T, severity=Severity.CRITICAL), "chat")
    await on.put(critical, *alerts(2))
    waiting = await on.store.backlog("chat", T)
    await on.store.fold(digest_of(waiting, T), waiting)
    found = (await claim(on)).delivery.notice
    assert found.severity is Severity.CRITICAL
    assert found.lines[0].severity is Severity.CRITICAL
    assert len(found.incidents) == 3

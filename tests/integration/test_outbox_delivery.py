"""The outbox at work: a real database, and a real chat host that fails in every way it can."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from tests.support.chat_server import Chat, Fault, Message, chat_server
from tests.support.databases import sqlite_url
from tests.support.outbox import Kept, delivery, kept, notice, resolution, until
from tests.support.soak import SOAK

from virtuoso.delivery.channels.discord.channel import DiscordChannel
from virtuoso.delivery.channels.protocol import Channel, Sent
from virtuoso.delivery.outbox.outbox import Outbox
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.alerts.notice import Delivery, Notice, Role
from virtuoso.model.alerts.outbox import ChannelStatus
from virtuoso.model.clock import SystemClock
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.database.records import Changes
from virtuoso.storage.database.store import Database
from virtuoso.storage.lease import Term

pytestmark = pytest.mark.slow

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100
MARK = "possible repeat"


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with all tables."""
    folder = tmp_path_factory.mktemp("migrated")

    async def migrate() -> None:
        database = Database(sqlite_url(folder), SystemClock())
        await database.start()
        await database.close()

    asyncio.run(migrate())
    return folder


@pytest.fixture
async def on(migrated: Path, tmp_path: Path) -> AsyncIterator[Kept]:
    shutil.copytree(migrated, tmp_path, dirs_exist_ok=True)
    async with kept(sqlite_url(tmp_path)) as on:
        yield on


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    async with chat_server() as chat:
        yield chat


def discord(chat: Chat, name: str = "chat", token: str = "token-1", timeout_s: float = 10.0) -> DiscordChannel:
    return DiscordChannel(name, chat.url(token), api_url=chat.api_url, timeout_s=timeout_s)


@asynccontextmanager
async def sending(on: Kept, *channels: Channel, **settings: Any) -> AsyncIterator[Outbox]:
    """An outbox at work; stopped as a monitor stops it."""
    outbox = Outbox(
        {channel.name: channel for channel in channels}, on.store, SystemClock(), np.random.default_rng(3), **settings
    )
    running = asyncio.create_task(outbox.run())
    try:
        yield outbox
    finally:
        running.cancel()
        await asyncio.wait({running})
        if not running.cancelled():
            running.result()
        await outbox.close()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def alert(number: int, channel: str = "chat", *, life_ms: int = 3_600_000, **other: Any) -> Delivery:
    return delivery(notice(number, at_ms=now_ms(), **other), channel, life_ms=life_ms)


def over(number: int, channel: str = "chat", **other: Any) -> Delivery:
    return delivery(resolution(number, at_ms=now_ms(), **other), channel)


def names(chat: Chat) -> list[str]:
    return [message.embed["title"] for message in chat.messages]


def title(number: int) -> str:
    return f"N{number}USDT: whale trade"


def status(outbox: Outbox) -> ChannelStatus:
    return outbox.statuses()[0]


def marked(message: Message) -> bool:
    return MARK in message.embed["title"]


async def test_what_is_committed_is_sent_at_once_in_order_and_recorded(on: Kept, chat: Chat) -> None:
    took: list[float] = []
    await on.put(replace(alert(0), created_ms=now_ms() - 60_000))
    async with sending(on, discord(chat), on_sent=took.append) as outbox:
        await until(lambda: len(chat.messages) == 1, "what waited already")
        began = time.monotonic()
        for n in range(1, 6):
            await on.put(alert(n))
            outbox.nudge()
        await until(lambda: len(chat.messages) == 6, "what came later")
        assert time.monotonic() - began < 4.0, "it was not told, and looked by itself"
        await until(lambda: status(outbox).counters["sent"] == 6, "all recorded")
    assert names(chat) == [title(n) for n in range(6)]
    assert len(took) == 6
    assert took[0] >= 60.0 > max(took[1:]), "of each it is told how long it took, waiting included"
    rows = await on.rows()
    assert {(row.state, row.attempts, row.error) for row in rows} == {("sent", 1, None)}
    assert all(row.ref is not None for row in rows)
    assert not any(map(marked, chat.messages))


async def test_no_request_goes_out_before_the_server_says_so_also_over_a_restart(on: Kept, chat: Chat) -> None:
    wait_s = 60.0 if SOAK else 2.5
    chat.script(Fault(status=429, retry_after=wait_s))
    await on.put(*(alert(n) for n in range(3)))
    async with sending(on, discord(chat)) as outbox:
        await until(lambda: status(outbox).state == "limited", "the limit")
        refused_s = chat.requests[0].at
        before = status(outbox).not_before_ms
    assert before is not None
    kept_ms = (await on.database.channel_states("monitor"))["chat"].not_before_ms
    assert kept_ms == before
    async with sending(on, discord(chat)):
        deadline = time.monotonic() + wait_s + 20
        while len(chat.messages) < 3 and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
    assert names(chat) == [title(n) for n in range(3)]
    assert chat.requests[1].at - refused_s >= wait_s
    assert len(chat.requests) == 4
    assert not any(map(marked, chat.messages)), "it was refused for certain"


async def test_the_rate_of_the_server_is_kept_without_a_refusal(on: Kept) -> None:
    async with chat_server(rate=(3, 0.6)) as chat:
        await on.put(*(alert(n) for n in range(8)))
        async with sending(on, discord(chat)):
            await until(lambda: len(chat.messages) == 8, "all")
        assert [request.status for request in chat.requests] == [200] * 8
        assert names(chat) == [title(n) for n in range(8)]


async def test_an_address_that_is_gone_is_asked_once_ever_and_its_fallback_takes_over(on: Kept, chat: Chat) -> None:
    chat.script(Fault(status=404))
    await on.put(alert(0), alert(1))
    spare = discord(chat, "spare", "token-2")
    async with sending(on, discord(chat), spare, fallbacks={"chat": "spare"}) as outbox:
        await until(lambda: len(chat.messages) == 2, "the fallback")
        await on.put(alert(2))
        outbox.nudge()
        await until(lambda: len(chat.messages) == 3, "later ones too")
        assert status(outbox).state == "disabled"
        assert "404" in str(status(outbox).error)
    async with sending(on, discord(chat), spare) as outbox:
        await on.put(alert(3))
        outbox.nudge()
        await until(lambda: status(outbox).counters["dead"] == 1, "without a fallback it is dead, and listed")
    assert [request.token for request in chat.requests] == ["token-1", "token-2", "token-2", "token-2"]
    assert names(chat) == [title(n) for n in range(3)]
    assert await on.states(channel="chat") == ["folded"] * 3 + ["dead"]
    (dead,) = await on.rows(state="dead")
    async with sending(on, discord(chat, token="token-3")) as outbox:
        assert await on.database.resend(dead.id, now_ms())
        outbox.nudge()
        await until(lambda: len(chat.messages) == 4, "another address begins anew")
    assert chat.requests[-1].token == "token-3"
    assert (await on.database.channel_states("monitor"))["chat"].state == "up"


async def test_a_message_that_is_refused_is_dead_at_once_and_the_next_goes_on(on: Kept, chat: Chat) -> None:
    chat.script(Fault(status=400))
    await on.put(alert(0), alert(1))
    async with sending(on, discord(chat)):
        await until(lambda: len(chat.messages) == 1, "the next")
    assert names(chat) == [title(1)]
    assert await on.states() == ["dead", "sent"]
    assert len(chat.requests) == 2


async def test_after_an_outage_everything_arrives_in_order_folded(on: Kept, chat: Chat) -> None:
    chat.down()
    await on.put(*(alert(n) for n in range(3)))
    async with sending(on, discord(chat)) as outbox:
        await until(lambda: status(outbox).state == "down", "the outage is noticed")
        await until(lambda: status(outbox).waiting == 3, "it says what waits")
        assert status(outbox).oldest_ms == (await on.rows())[0].created_ms
        severe = (50, 600)
        rest = [
            alert(n, severity=Severity.CRITICAL if n in severe else Severity.WARNING) if n != 7 else over(1)
            for n in range(3, 700)
        ]
        await on.put(*rest)
        outbox.nudge()
        chat.up()
        await until(lambda: _all_settled(on), "all are out")
    assert names(chat)[0] == title(0), "the head goes alone"
    digests = chat.messages[1:]
    assert [message.embed["title"].split(" ")[0] for message in digests] == ["500", "199"]
    assert "number 50" in digests[0].embed["description"].split("🟠")[0], "the critical one is named first"
    assert "number 600" in digests[1].embed["description"].split("🟠")[0]
    rows = [*await on.rows(state="folded"), *await on.rows(state="sent")]
    arrived = {row.id for row in rows if row.state == "sent"}
    assert len(rows) == 702
    assert all(row.state == "sent" or row.folded_into in arrived for row in rows)
    told = {incident for row in rows if row.state == "sent" for incident in row.notice.incidents}
    assert told == {f"i{n:06d}" for n in range(700) if n != 7}
    assert not any(map(marked, chat.messages))


async def _all_settled(on: Kept) -> bool:
    counts = await on.store.counts(("chat",))
    return not [count for count in counts if count.state in {"waiting", "sending"}]


async def test_a_backlog_of_an_earlier_run_is_folded_too(on: Kept, chat: Chat) -> None:
    chat.down()
    await on.put(*(alert(n) for n in range(20)))
    async with sending(on, discord(chat)) as outbox:
        await until(lambda: status(outbox).state == "down", "the outage is noticed")
    chat.up()
    async with sending(on, discord(chat)) as outbox:
        await until(lambda: len(chat.messages) == 2, "the head and a digest")
        await until(lambda: _all_settled(on), "all are out")
        assert status(outbox).counters["digests"] == 1
    assert len(chat.messages) == 2


async def test_few_that_waited_are_sent_one_by_one(on: Kept, chat: Chat) -> None:
    chat.script(Fault(status=503))
    await on.put(*(alert(n) for n in range(8)))
    async with sending(on, discord(chat)):
        await until(lambda: len(chat.messages) == 8, "all")
    assert names(chat) == [title(n) for n in range(8)]


async def test_a_request_without_an_answer_makes_the_next_a_possible_repeat(on: Kept, chat: Chat) -> None:
    chat.script(Fault(drop=True, saved=True))
    await on.put(alert(0), alert(1))
    async with sending(on, discord(chat)):
        await until(lambda: len(chat.messages) == 3, "both, one of them twice")
    assert [marked(message) for message in chat.messages] == [False, True, False]
    assert [title(0) in name for name in names(chat)] == [True, True, False]


async def test_one_that_is_over_is_edited_in_place(on: Kept, chat: Chat) -> None:
    await on.put(alert(0), alert(1))
    async with sending(on, discord(chat)) as outbox:
        await until(lambda: len(chat.messages) == 2, "two")
        await on.put(over(0))
        outbox.nudge()
        await until(lambda: names(chat)[0].startswith("Resolved"), "the edit")
        assert names(chat)[1] == title(1)
        chat.messages.clear()
        await on.put(over(1))
        outbox.nudge()
        await until(lambda: len(chat.requests) == 4, "an edit of what somebody deleted")
        await until(lambda: status(outbox).counters["dead"] == 1, "it is not worth a message")
        await on.put(alert(2, severity=Severity.CRITICAL))
        outbox.nudge()
        await until(lambda: len(chat.messages) == 1, "a critical one")
        chat.messages.clear()
        await on.put(over(2, severity=Severity.CRITICAL))
        outbox.nudge()
        await until(lambda: len(chat.messages) == 1, "it is worth a message")
    assert names(chat) == [f"Resolved: {title(2)}"]


async def test_what_is_over_before_it_could_be_told_follows_it(on: Kept, chat: Chat) -> None:
    await on.put(alert(0), over(0), over(9))
    async with sending(on, discord(chat)):
        await until(lambda: len(chat.messages) == 2, "both")
    assert names(chat) == [f"Resolved: {title(0)}", f"Resolved: {title(9)}"]
    assert [request.method for request in chat.requests] == ["POST", "PATCH", "POST"]


async def test_one_that_is_too_late_expires_and_is_not_sent(on: Kept, chat: Chat) -> None:
    await on.put(alert(0, life_ms=-1), alert(1))
    async with sending(on, discord(chat)):
        await until(lambda: len(chat.messages) == 1, "the other")
        await until(lambda: _has(on, "expired", 1), "it is marked")
    assert names(chat) == [title(1)]


async def _has(on: Kept, state: str, many: int) -> bool:
    return len(await on.rows(state=state)) == many


async def test_charts_are_added_when_nothing_waits_and_never_after_the_end(on: Kept, chat: Chat) -> None:
    drawn: list[str] = []
    gate = asyncio.Event()

    async def charts(said: Notice) -> bytes | None:
        drawn.append(said.id)
        await gate.wait()
        return None if said.id == "n000001" else PNG

    async with sending(on, discord(chat), charts={"chat": charts}) as outbox:
        await on.put(alert(0), alert(1), alert(2))
        outbox.nudge()
        await until(lambda: len(chat.messages) == 3 and drawn, "sent, and the first is being drawn")
        await on.put(over(0))
        outbox.nudge()
        await until(lambda: names(chat)[0].startswith("Resolved"), "over while it is drawn")
        gate.set()
        await until(lambda: status(outbox).counters["illustrated"] == 1, "the third")
        await until(lambda: _chart_is_kept(on), "its new reference")
        await on.put(over(2))
        outbox.nudge()
        await until(lambda: names(chat)[2].startswith("Resolved"), "it is over")
    assert drawn == ["n000000", "n000001", "n000002"]
    assert [len(message.files) for message in chat.messages] == [0, 0, 1]
    assert names(chat)[0].startswith("Resolved"), "the chart did not put back what was said before"


async def _chart_is_kept(on: Kept) -> bool:
    return any("true" in str(row.ref) for row in await on.rows(state="sent"))


async def test_what_was_in_flight_at_a_stop_is_recorded_first(on: Kept, chat: Chat) -> None:
    await on.put(*(alert(n) for n in range(50)))
    for _ in range(6):
        seen = len(chat.messages)
        async with sending(on, discord(chat)):
            await until(lambda n=seen: len(chat.messages) > n, "some")  # type: ignore[misc]
        rows = await on.rows()
        assert {row.state for row in rows} <= {"sent", "waiting"}
        assert sum(row.state == "sent" for row in rows) == len(chat.messages)
    assert not any(map(marked, chat.messages))


async def test_a_stop_does_not_wait_for_a_host_that_hangs_and_marks_what_it_left(on: Kept, chat: Chat) -> None:
    chat.script(Fault(hang=True, saved=True))
    await on.put(alert(0))
    async with sending(on, discord(chat)):
        await until(lambda: len(chat.requests) == 1, "it hangs")
        began = time.monotonic()
    assert time.monotonic() - began < 8.0
    assert await on.states() == ["sending"]
    async with sending(on, discord(chat)):
        await until(lambda: len(chat.messages) == 2, "again")
    assert [marked(message) for message in chat.messages] == [False, True]


async def test_what_was_sent_while_the_database_was_away_is_recorded_when_it_is_back(on: Kept, chat: Chat) -> None:
    outage = asyncio.Event()
    turn = on.store.turn

    async def failing(*args: Any, **settings: Any) -> Any:
        if outage.is_set() and chat.messages:
            raise StoreUnavailable("the database is away")
        return await turn(*args, **settings)

    on.store.turn = failing  # type: ignore[method-assign]
    outage.set()
    await on.put(alert(0), alert(1))
    async with sending(on, discord(chat)) as outbox:
        await until(lambda: status(outbox).counters["sent"] == 1, "one went out")
        await asyncio.sleep(0.5)
        assert len(chat.requests) == 1, "nothing is sent that is not claimed"
        assert await on.states() == ["sending", "waiting"]
        outage.clear()
        await until(lambda: len(chat.messages) == 2, "the next")
    assert await on.states() == ["sent", "sent"]
    assert not any(map(marked, chat.messages))


async def test_one_who_lost_the_lease_sends_nothing(on: Kept, chat: Chat) -> None:
    async with sending(on, discord(chat)) as outbox:
        await on.put(alert(0))
        outbox.nudge()
        await until(lambda: len(chat.messages) == 1, "one")
        newer = Term("monitor", on.term.epoch + 1)
        await on.database.run(
            lambda c: c.exec_driver_sql(f"UPDATE leases SET epoch = {newer.epoch}, holder = 'b:1'"), writing=True
        )
        await on.database.commit(newer, Changes(deliveries=(alert(1),)))
        outbox.nudge()
        await until(lambda: on.lease.lost_to is not None, "it is noticed")
        outbox.nudge()
        await asyncio.sleep(0.5)
    assert len(chat.requests) == 1


class Broken:
    """A channel of somebody's that fails in ways of its own."""

    name, fingerprint = "chat", "broken"

    def __init__(self) -> None:
        self.tried = 0

    def validate(self) -> None:
        """Fine."""

    def render(self, said: Notice, *, repeat: bool) -> str:
        if said.id == "n000000":
            raise KeyError("secret-canary")
        return said.id

    async def send(self, message: str) -> Any:
        self.tried += 1
        raise RuntimeError("https://secret-canary")

    async def close(self) -> None:
        """Fine."""


async def test_a_channel_with_a_bug_does_not_block_what_comes_after(
    on: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Broken()
    late = replace(alert(1), attempts=3)
    await on.put(alert(0), late)
    async with sending(on, broken):
        await until(lambda: _has(on, "dead", 2), "both are dead")
    errors = {row.error for row in await on.rows()}
    assert errors == {
        "the message could not be made: KeyError",
        "the channel failed with RuntimeError, after 5 attempts",
    }
    assert broken.tried == 2
    said = capsys.readouterr()
    assert "secret-canary" not in said.out + said.err
    assert Role.DIGEST not in {row.notice.role for row in await on.rows()}


class Plain(Broken):
    """A channel that sends, and cannot edit."""

    async def send(self, message: str) -> Sent:
        self.tried += 1
        return Sent()


async def test_an_edit_is_recorded_as_folded_where_a_channel_cannot_edit(on: Kept) -> None:
    first, last = alert(1), alert(3)
    edit = alert(2)
    edit = replace(edit, notice=replace(edit.notice, amends=first.notice.id, quiet=True))
    plain = Plain()
    await on.put(first, edit, last)
    async with sending(on, plain) as outbox:
        await until(lambda: _has(on, "sent", 2), "the first and the last")
        assert status(outbox).state == "up"
    assert [(row.state, row.folded_into) for row in await on.rows()] == [
        ("sent", None), ("folded", first.id), ("sent", None),
    ]  # fmt: skip
    assert plain.tried == 2

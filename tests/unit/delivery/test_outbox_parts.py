"""The pure parts of the outbox: back-off, what an answer means, what a digest says; and charts that are drawn aside."""

import asyncio

import numpy as np
import pytest
from msgspec.structs import replace
from tests.support.outbox import delivery, notice, resolution

from virtuoso.delivery.channels.protocol import ChannelError, Gone, RateLimited, Rejected, Sent, Unreachable
from virtuoso.delivery.outbox.attempt import attempt
from virtuoso.delivery.outbox.backoff import wait_s
from virtuoso.delivery.outbox.chart_queue import ChartQueue
from virtuoso.delivery.outbox.digest import digest_of, foldable
from virtuoso.delivery.outbox.verdict import channel_after, settled
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.alerts.notice import Delivery, Notice, Role, delivery_id
from virtuoso.model.alerts.outbox import ChannelState, Claimed

T = 1_764_000_000_000
UP = ChannelState(name="chat", fingerprint="f", state="up", since_ms=5)


def test_the_back_off_is_spread_over_a_bound_that_doubles_up_to_a_minute() -> None:
    rng = np.random.default_rng(1)
    for failures, bound in ((1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (500, 60)):
        drawn = [wait_s(failures, rng) for _ in range(2_000)]
        assert min(drawn) < bound * 0.01
        assert bound * 0.99 < max(drawn) <= bound
        assert np.mean(drawn) == pytest.approx(bound / 2, rel=0.05)


@pytest.mark.parametrize(
    ("outcome", "state", "repeat", "channel", "not_before_ms"),
    [
        (Sent(ref="m"), "sent", False, "up", None),
        (Sent(ref="m", wait_s=1.5), "sent", False, "up", T + 1_501),
        (RateLimited("wait", 60.0), "waiting", False, "limited", T + 60_001),
        (Unreachable("refused"), "waiting", False, "down", None),
        (Unreachable("no answer", maybe_sent=True), "waiting", True, "down", None),
        (Rejected("too long"), "dead", False, "up", None),
        (Gone("404"), "waiting", False, "disabled", None),
    ],
)
def test_what_an_answer_means(
    outcome: Sent | ChannelError, state: str, repeat: bool, channel: str, not_before_ms: int | None
) -> None:
    before = delivery(notice(1, at_ms=T), "chat")
    after = settled(before, outcome)
    assert (after.state, after.repeat, after.attempts) == (state, repeat, 1)
    assert after.error == (None if isinstance(outcome, Sent) else str(outcome))
    assert after.ref == (outcome.ref if isinstance(outcome, Sent) else None)
    now = channel_after(UP, outcome, T)
    assert (now.state, now.not_before_ms, now.since_ms) == (channel, not_before_ms, 5 if channel == "up" else T)
    assert settled(replace(before, repeat=True), outcome).repeat, "once possible, it stays so"


class Plain:
    """A channel whose messages cannot be edited."""

    name = fingerprint = "plain"

    def __init__(self) -> None:
        self.sent: list[str] = []

    def validate(self) -> None: ...

    def render(self, notice: Notice, *, repeat: bool) -> str:
        return notice.id

    async def send(self, message: str) -> Sent:
        self.sent.append(message)
        return Sent()

    async def close(self) -> None: ...


class Edited(Plain):
    """One whose messages can."""

    async def edit(self, ref: str, message: str) -> Sent:
        self.sent.append(f"{ref} is now {message}")
        return Sent(ref=ref)


async def test_what_only_brings_a_message_up_to_date_is_left_out_where_none_can_be_edited() -> None:
    quiet = replace(notice(2, at_ms=T), amends="n1", quiet=True)
    plain, edited = Plain(), Edited()
    claimed = Claimed(delivery=delivery(quiet, "plain"))
    outcome = await attempt(plain, claimed)
    after = settled(claimed.delivery, outcome)
    assert plain.sent == []
    assert (after.state, after.folded_into, after.attempts) == ("folded", delivery_id("n1", "plain"), 0)
    assert channel_after(UP, outcome, T) == UP
    await attempt(edited, replace(claimed, amended_ref="m7"))
    await attempt(edited, claimed)  # the first was never sent: it is told by this
    assert edited.sent == [f"m7 is now {quiet.id}", quiet.id]
    loud = replace(quiet, quiet=False)
    await attempt(plain, Claimed(delivery=delivery(loud, "plain")))
    assert plain.sent == [loud.id]


def test_a_digest_names_the_most_severe_first_then_the_oldest_and_counts_all() -> None:
    severities = [Severity.INFO] * 30 + [Severity.WARNING] * 15 + [Severity.CRITICAL] * 10
    members = [
        delivery(notice(n, at_ms=T + 1000 * (60 - n), severity=severity), "chat", life_ms=n + 1)
        for n, severity in enumerate(severities)
    ]
    folded = digest_of(members, T)
    said = folded.notice
    assert (said.role, said.severity, said.amends) == (Role.DIGEST, Severity.CRITICAL, None)
    assert [line.severity for line in said.lines] == [Severity.CRITICAL] * 10 + [Severity.WARNING] * 10
    assert [line.fired_ms for line in said.lines[:10]] == sorted(line.fired_ms for line in said.lines[:10])
    assert said.incidents == tuple(f"i{n:06d}" for n in range(55))
    assert said.more == 35
    assert said.text.split("\n") == [
        "10 × whale trade (critical)", "15 × whale trade (warning)", "30 × whale trade (info)",
    ]  # fmt: skip
    assert folded.expires_ms == max(member.expires_ms for member in members)
    assert digest_of(members, T + 9).id == folded.id, "the same members are the same digest"
    assert digest_of(members[1:], T).id != folded.id


def test_a_digest_has_each_incident_once_and_says_which_are_over() -> None:
    said = [notice(1, at_ms=T), notice(2, at_ms=T), resolution(1, at_ms=T + 9, fired_ms=T)]
    folded = digest_of([delivery(each, "chat") for each in said], T).notice
    assert [(line.id, line.resolved_ms) for line in folded.lines] == [("i000001", T + 9), ("i000002", None)]
    assert folded.incidents == ("i000001", "i000002")
    assert folded.text.split("\n") == ["2 × whale trade (warning)", "1 × whale trade (resolved, warning)"]


def test_a_digest_of_many_kinds_stays_short() -> None:
    members = [delivery(notice(n, at_ms=T, kind=f"rule_{n:02d}"), "chat") for n in range(40)]
    rows = digest_of(members, T).notice.text.split("\n")
    assert len(rows) == 16
    assert rows[-1] == "25 more of other kinds"


def test_nothing_that_may_have_been_sent_is_folded_nor_overtaken() -> None:
    plain = [delivery(notice(n, at_ms=T), "chat") for n in range(4)]
    digest = digest_of(plain[:2], T)
    assert foldable([*plain[:2], replace(plain[2], repeat=True), plain[3]]) == tuple(plain[:2])
    assert foldable([plain[0], digest, plain[1]]) == (plain[0],)
    assert foldable([digest, *plain]) == ()


def sent(number: int) -> Delivery:
    return delivery(notice(number, at_ms=T), "chat", state="sent", ref=f"m{number}")


async def test_an_album_keeps_the_latest_twenty_alerts_that_have_a_symbol_and_a_ref() -> None:
    drawn: list[str] = []

    async def charts(said: Notice) -> bytes | None:
        drawn.append(said.id)
        return b"png"

    album = ChartQueue(charts)
    assert album.drawing() is None
    for without in (
        replace(sent(0), ref=None), delivery(notice(0, at_ms=T, symbol=None, charted=None), "chat", ref="m"),
        delivery(resolution(0, at_ms=T), "chat", ref="m"),
    ):  # fmt: skip
        album.add(without)
    assert album.drawing() is None
    for n in range(25):
        album.add(sent(n))
    album.forget(sent(6).id)
    taken = []
    while (task := album.drawing()) is not None:
        await task
        found = album.take()
        assert found is not None
        taken.append(found[0].ref)
    assert taken == [f"m{n}" for n in range(5, 25) if n != 6]
    assert len(drawn) == 19


async def test_a_message_that_was_brought_up_to_date_before_its_chart_gets_it_as_it_says_now() -> None:
    async def charts(said: Notice) -> bytes | None:
        return said.id.encode()

    album = ChartQueue(charts)
    first = sent(1)
    album.add(first)
    for update in ("u1", "u2"):
        assert album.forget(first.id)
        amending = notice(1, at_ms=T, id=update, role=Role.GROUP, amends=first.notice.id, quiet=True)
        album.add(delivery(amending, "chat", ref="m1"))
    task = album.drawing()
    assert task is not None
    await task
    found = album.take()
    assert found is not None
    assert (found[0].notice.id, found[1]) == ("u2", b"u2")
    assert not album.forget(first.id)


async def test_a_chart_that_fails_or_is_not_wanted_any_more_is_given_up() -> None:
    begun = asyncio.Event()

    async def charts(said: Notice) -> bytes | None:
        if said.id == "n000001":
            raise ValueError("no bars")
        begun.set()
        await asyncio.sleep(0)
        return b"png"

    album = ChartQueue(charts)
    album.add(sent(1))
    task = album.drawing()
    assert task is not None
    await task
    assert album.take() is None
    album.add(sent(2))
    task = album.drawing()
    await begun.wait()
    album.forget(sent(2).id)
    assert task is not None
    await task
    assert album.take() is None
    album.add(sent(3))
    assert album.drawing() is not None
    await album.close()
    assert album.take() is None

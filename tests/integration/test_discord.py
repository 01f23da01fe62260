"""Discord's channel against a real server that speaks Discord's API: what is sent, and what each failure becomes."""

import asyncio
import json
import logging
import socket
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.support.chat_server import TOKEN, Chat, Fault, chat_server
from tests.unit.delivery.test_discord_embed import notice

from virtuoso.delivery.channels.discord.answers import failure_of
from virtuoso.delivery.channels.discord.channel import DiscordChannel, from_spec
from virtuoso.delivery.channels.protocol import (
    Channel,
    ChannelError,
    Editing,
    Gone,
    Illustrating,
    RateLimited,
    Rejected,
    Unreachable,
)  # fmt: skip
from virtuoso.delivery.channels.spec import ChannelSpec
from virtuoso.model.clock import ManualClock
from virtuoso.model.errors import ConfigError

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@asynccontextmanager
async def connected(
    *, timeout_s: float = 20.0, rate: tuple[int, float] | None = None
) -> AsyncIterator[tuple[Chat, DiscordChannel]]:
    async with chat_server(rate=rate) as chat:
        channel = DiscordChannel("discord", chat.url(), timeout_s=timeout_s)
        try:
            yield chat, channel
        finally:
            await channel.close()


async def failing(channel: DiscordChannel, ref: str | None = None) -> ChannelError:
    """The error of a send or an edit; it and its traceback hold no secret."""
    message = channel.render(notice(), repeat=False)
    with pytest.raises(ChannelError) as raised:
        await (channel.send(message) if ref is None else channel.edit(ref, message))
    told = "".join(traceback.TracebackException.from_exception(raised.value, capture_locals=True).format())
    assert TOKEN not in told + repr(raised.value)
    assert raised.value.__context__ is None
    return raised.value


async def test_a_notice_is_sent_illustrated_and_replaced_in_place() -> None:
    async with connected() as (chat, channel):
        checked: Channel = channel
        assert isinstance(channel, Editing)
        assert isinstance(channel, Illustrating)
        message = checked.render(notice(), repeat=False)
        sent = await channel.send(message)
        assert sent.ref is not None
        edited = await channel.edit(sent.ref, message)
        assert edited.ref == sent.ref
        assert "image" not in chat.messages[0].embed
        shown = await channel.illustrate(sent.ref, message, PNG)
        assert shown.ref is not None
        over = await channel.edit(shown.ref, channel.render(notice(title="Over"), repeat=False))
        assert over.ref == shown.ref
        (kept,) = chat.messages
        assert kept.embed["title"] == "Over"
        assert kept.embed["image"] == {"url": "attachment://chart.png"}
        assert kept.files == {"chart.png": PNG}
        assert [one.status for one in chat.requests] == [200] * 4
        assert chat.requests[0].query["wait"] == "1"
        assert chat.requests[0].headers["User-Agent"].startswith("DiscordBot (")
        assert all(one.payload["allowed_mentions"] == {"parse": []} for one in chat.requests)
        again = await channel.illustrate(shown.ref, message, PNG + b"2")
        assert again.ref == shown.ref
        assert kept.files == {"chart.png": PNG + b"2"}


async def test_the_api_may_be_at_another_address_than_the_webhook_says() -> None:
    async with chat_server() as chat:
        channel = DiscordChannel("d", f"https://discord.com/api/webhooks/12/{TOKEN}", api_url=chat.api_url + "/")
        try:
            assert (await channel.send(channel.render(notice(), repeat=False))).ref
        finally:
            await channel.close()
        assert chat.requests[0].path == f"/api/v10/webhooks/12/{TOKEN}"


async def test_429_is_one_request_and_says_for_how_long() -> None:
    async with connected() as (chat, channel):
        chat.script(
            Fault(status=429, retry_after=60.5, headers={"Via": "1.1 google"}), Fault(status=429, body="<html>")
        )
        began = time.monotonic()
        error = await failing(channel)
        assert isinstance(error, RateLimited)
        assert error.retry_after_s == 61.0  # the header's, which is longer than the body's 60.5
        error = await failing(channel)
        assert isinstance(error, RateLimited)
        assert error.retry_after_s == 60.0
        assert len(chat.requests) == 2
        assert time.monotonic() - began < 30
        assert (await channel.send(channel.render(notice(), repeat=False))).ref


async def test_a_used_up_rate_is_told_and_not_waited_for() -> None:
    async with connected(rate=(2, 3600.0)) as (chat, channel):
        message = channel.render(notice(), repeat=False)
        assert (await channel.send(message)).wait_s == 0
        sent = await channel.send(message)
        assert 3000 < sent.wait_s <= 3600
        error = await failing(channel)
        assert isinstance(error, RateLimited)
        assert 3000 < error.retry_after_s <= 3601
        assert len(chat.requests) == 3


@pytest.mark.parametrize(("status", "error"), [
    (401, Gone), (403, Gone), (404, Gone), (410, Gone), (400, Rejected), (413, Rejected),
    (500, Unreachable), (502, Unreachable), (503, Unreachable), (302, Unreachable), (408, Unreachable),
])  # fmt: skip
async def test_every_refusal_is_one_request(status: int, error: type[ChannelError]) -> None:
    async with connected() as (chat, channel):
        chat.script(Fault(status=status, headers={"Location": "/elsewhere"}))
        failed = await failing(channel)
        assert type(failed) is error
        assert str(status) in str(failed)
        assert len(chat.requests) == 1
        assert not isinstance(failed, Unreachable) or not failed.maybe_sent


async def test_a_wrong_token_is_gone_and_a_deleted_message_is_not() -> None:
    async with connected() as (chat, channel):
        gone = await failing(channel, '{"id":"123","chart":false}')
        assert isinstance(gone, Rejected)
        assert "code 10008" in str(gone)
        chat.tokens.clear()
        assert isinstance(await failing(channel), Gone)
        assert isinstance(await failing(channel, '{"id":"123"}'), Gone)


@pytest.mark.parametrize("ref", ["", "nonsense", '{"id":"../../x"}', '{"id":1}', "[]"])
async def test_a_reference_that_is_none_is_rejected_without_a_request(ref: str) -> None:
    async with connected() as (chat, channel):
        assert isinstance(await failing(channel, ref), Rejected)
        assert chat.requests == []


async def test_discord_says_what_it_does_not_take() -> None:
    async with connected() as (chat, channel):
        with pytest.raises(Rejected, match=r"400: Invalid Form Body, code 50035, embeds\.0\.title Must be 256"):
            await channel.send({"title": "x" * 300})
        assert chat.messages == []


async def test_no_connection_is_not_sent_and_a_broken_or_silent_one_may_be() -> None:
    async with connected(timeout_s=1.0) as (chat, channel):
        chat.script(Fault(drop=True, saved=True), Fault(hang=True, saved=True))
        for _ in range(2):
            error = await failing(channel)
            assert isinstance(error, Unreachable)
            assert error.maybe_sent
        assert len(chat.messages) == 2
        chat.down()
        error = await failing(channel)
        assert isinstance(error, Unreachable)
        assert not error.maybe_sent
        chat.up()
        assert (await channel.send(channel.render(notice(), repeat=False))).ref


async def test_no_connection_in_time_is_not_sent() -> None:
    with socket.socket() as deaf:  # its queue is full: no connection is ever made
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        channel = DiscordChannel("d", f"http://127.0.0.1:{port}/api/webhooks/1/{TOKEN}", timeout_s=1.0)
        error = await failing(channel)
        await channel.close()
        for filler in fillers:
            filler.close()
    assert isinstance(error, Unreachable)
    assert not error.maybe_sent


@pytest.mark.parametrize("body", ["", "{}", "[1]", '{"id": {"a": 1}}', '{"id": "x"}', "\x00", '{"id": 12}'])
async def test_an_odd_answer_to_an_accepted_message_is_no_failure(body: str) -> None:
    async with connected() as (chat, channel):
        chat.script(Fault(status=200, body=body, saved=True))
        sent = await channel.send(channel.render(notice(), repeat=False))
        assert sent.ref is None
        assert len(chat.messages) == 1


async def test_a_host_that_repeats_the_address_gives_nothing_away(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with connected() as (chat, channel):
        chat.script(
            Fault(status=400, body=json.dumps({"message": f"no {chat.url()}", "code": 1})),
            Fault(status=404, body=json.dumps({"message": f"no {chat.url()}", "code": 1})),
            Fault(status=500, body=chat.url()), Fault(drop=True), Fault(status=429, body=chat.url()),
        )  # fmt: skip
        for _ in range(5):
            await failing(channel)
        await channel.send(channel.render(notice(), repeat=False))
        assert len(chat.requests) == 6
        assert TOKEN not in repr(channel) + channel.fingerprint + str(channel.__dict__)
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(("url", "api_url", "words"), [
    ("https://discord.com/api/webhooks/1/", None, "webhook URL"),
    ("https://discord.com/webhooks/1/" + TOKEN, None, "webhook URL"),
    (f"https://user:{TOKEN}@discord.com/api/webhooks/1/{TOKEN}", None, "webhook URL"),
    (f"https://discord.com/api/webhooks/1/{TOKEN}?x=1", None, "webhook URL"),
    (TOKEN, None, "webhook URL"),
    (f"https://discord.com/api/webhooks/1/{TOKEN}", "discord.com/api", "api_url"),
    (f"https://discord.com/api/webhooks/1/{TOKEN}", f"https://x/api?{TOKEN}", "api_url"),
])  # fmt: skip
def test_a_wrong_address_is_named_but_not_shown(url: str, api_url: str | None, words: str) -> None:
    channel = DiscordChannel("general", url, api_url=api_url)
    with pytest.raises(ConfigError, match=f"channel general: .*{words}") as raised:
        channel.validate()
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize("host", ["https://discord.com", "https://discordapp.com", "https://ptb.discord.com"])
def test_one_webhook_has_one_fingerprint_whichever_name_discord_has(host: str) -> None:
    channel = DiscordChannel("d", f"{host}/api/webhooks/1/{TOKEN}")
    channel.validate()
    assert channel.fingerprint == DiscordChannel("e", f"https://discord.com/api/v10/webhooks/1/{TOKEN}").fingerprint
    assert channel.fingerprint != DiscordChannel("d", f"{host}/api/webhooks/1/{TOKEN}x").fingerprint


@pytest.mark.parametrize(("body", "headers", "wait_s"), [
    (b'{"retry_after": 1e99}', {}, 86_400.0), (b'{"retry_after": -1}', {"Retry-After": "3"}, 3.0),
    (b'{"retry_after": "nan"}', {}, 60.0), (b'{"retry_after": 0.3, "global": true}', {}, 0.3),
])  # fmt: skip
def test_times_to_wait_are_bounded(body: bytes, headers: dict[str, str], wait_s: float) -> None:
    failure = failure_of(429, headers, body)
    assert isinstance(failure, RateLimited)
    assert failure.retry_after_s == wait_s


def test_a_403_that_is_not_discords_does_not_end_the_channel() -> None:
    assert isinstance(failure_of(403, {}, b"<html>blocked</html>"), Unreachable)
    assert isinstance(failure_of(403, {}, b'{"message": "Missing", "code": 50013}'), Gone)


async def test_sending_is_quick() -> None:
    async with connected() as (_, channel):
        message: Any = channel.render(notice(), repeat=False)
        await channel.send(message)
        took = []
        for _ in range(20):
            began = time.perf_counter()
            await channel.send(message)
            took.append(time.perf_counter() - began)
            await asyncio.sleep(0)
        assert sorted(took)[10] < 0.1


def test_made_from_a_spec() -> None:
    url = f"https://discord.com/api/webhooks/1/{TOKEN}"
    spec = ChannelSpec(name="d", key="alerts.x", clock=ManualClock(), url=url, options={"api_url": "http://h/api/v10"})
    channel = from_spec(spec)
    channel.validate()
    assert channel.name == "d"
    assert channel.fingerprint == DiscordChannel("d", url, api_url="http://h/api/v10").fingerprint
    with pytest.raises(ConfigError, match=r"alerts\.x\.options\.nonsense"):
        from_spec(ChannelSpec(name="d", key="alerts.x", clock=ManualClock(), url=url, options={"nonsense": 1}))
    with pytest.raises(ConfigError, match=r"alerts\.x: its webhook URL"):
        from_spec(ChannelSpec(name="d", key="alerts.x", clock=ManualClock())).validate()

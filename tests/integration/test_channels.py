"""The webhook and Apprise against a real server: what arrives, and what each answer means."""

import asyncio
import hmac
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from tests.support.servers import free_port
from tests.unit.delivery.test_channels_plain import HOSTILE, notice

from virtuoso.delivery.channels import hosts, webhook
from virtuoso.delivery.channels.protocol import Channel, ChannelError, Gone, RateLimited, Rejected, Unreachable
from virtuoso.delivery.channels.registry import make
from virtuoso.delivery.channels.spec import ChannelSpec
from virtuoso.model.alerts.notice import delivery_id
from virtuoso.model.clock import ManualClock

NOW_S = 1_800_000_000
SECRET = "canary-hmac-secret"
PATH = "/hooks/canary-in-the-path"


@dataclass
class Receiver:
    """A server that keeps what it gets, and answers as it is told."""

    port: int = 0
    got: list[tuple[web.Request, bytes]] = field(default_factory=list)
    answer: Callable[[], Awaitable[web.StreamResponse]] | None = None

    def says(self, status: int, **headers: str) -> None:
        async def answer() -> web.StreamResponse:
            return web.Response(status=status, headers={name.replace("_", "-"): text for name, text in headers.items()})

        self.answer = answer

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.got.append((request, await request.read()))
        return web.Response(status=204) if self.answer is None else await self.answer()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    yield receiver
    await runner.cleanup()


@asynccontextmanager
async def channel_to(address: str, kind: str = "webhook", **given: Any) -> AsyncIterator[Channel]:
    spec = ChannelSpec(
        name="mine", key="channels.mine", clock=ManualClock(NOW_S * 10**9), url=address, secret=SECRET, **given
    )
    channel = make(kind, spec)
    try:
        yield channel
    finally:
        await channel.close()


async def failure(channel: Channel) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        await channel.send(channel.render(notice(), repeat=False))
    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None  # no address in a traceback
    return caught.value


async def test_a_webhook_is_signed_json(receiver: Receiver) -> None:
    async with channel_to(f"http://127.0.0.1:{receiver.port}{PATH}") as channel:
        assert (await channel.send(channel.render(notice(HOSTILE + "x" * 10_000, HOSTILE), repeat=True))).ref is None
    ((request, body),) = receiver.got
    assert (request.method, request.path, request.content_type) == ("POST", PATH, "application/json")
    signed = hmac.digest(SECRET.encode(), f"{NOW_S}.".encode() + body, "sha256").hex()
    assert request.headers["X-Virtuoso-Timestamp"] == str(NOW_S)
    assert request.headers["X-Virtuoso-Signature"] == f"sha256={signed}"
    assert request.headers["X-Virtuoso-Delivery"] == delivery_id("n", "mine")
    assert request.headers["X-Virtuoso-Repeat"] == "true"
    document = json.loads(body)
    assert (document["delivery"], document["repeat"], document["severity"]) == (
        delivery_id("n", "mine"),
        True,
        "critical",
    )
    assert document["text"] == HOSTILE
    assert len(document["title"]) == 500
    assert document["incidents"] == ["0", "1", "2"]
    assert document["more"] == 2
    assert document["at"] == "1970-01-01T00:00:01.500Z"


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, Rejected), (413, Rejected), (404, Gone), (410, Gone), (401, Gone), (500, Unreachable), (503, Unreachable),
     (408, Unreachable), (302, Rejected)],
)  # fmt: skip
async def test_what_a_status_means(receiver: Receiver, status: int, error: type[ChannelError]) -> None:
    receiver.says(status)
    async with channel_to(f"http://127.0.0.1:{receiver.port}{PATH}") as channel:
        assert type(await failure(channel)) is error
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    ("status", "wait", "seconds"),
    [(429, "60", 60.0), (429, None, 60.0), (503, "120", 120.0), (429, "0", 1.0), (429, "99999999", 86_400.0),
     (429, "soon", 60.0), (429, format_datetime(datetime.fromtimestamp(NOW_S + 90, UTC), usegmt=True), 90.0)],
)  # fmt: skip
async def test_retry_after_is_obeyed(receiver: Receiver, status: int, wait: str | None, seconds: float) -> None:
    receiver.says(status, **({} if wait is None else {"Retry_After": wait}))
    async with channel_to(f"http://127.0.0.1:{receiver.port}{PATH}") as channel:
        error = await failure(channel)
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == seconds


async def test_no_connection_is_surely_not_sent_and_no_answer_may_be(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with channel_to(f"http://127.0.0.1:{free_port()}{PATH}") as channel:
        error = await failure(channel)
        assert isinstance(error, Unreachable)
        assert not error.maybe_sent
    monkeypatch.setattr(webhook, "_LIMIT_S", 0.2)
    stuck = asyncio.Event()

    async def never() -> web.StreamResponse:
        await stuck.wait()
        return web.Response()

    receiver.answer = never
    async with channel_to(f"http://127.0.0.1:{receiver.port}{PATH}") as channel:
        error = await failure(channel)
        assert isinstance(error, Unreachable)
        assert error.maybe_sent
    stuck.set()


async def test_redirects_stay_with_allowed_hosts(receiver: Receiver) -> None:
    address = f"http://127.0.0.1:{receiver.port}{PATH}"
    receiver.says(307, Location=f"http://localhost:{receiver.port}/other")
    async with channel_to(address) as channel:
        assert "redirects (307) to localhost, which is not followed" in str(await failure(channel))
    assert len(receiver.got) == 1
    async with channel_to(address, allowed_hosts=("127.0.0.1", "localhost")) as channel:
        assert "more than 3 times" in str(await failure(channel))
    assert [request.path for request, _ in receiver.got[1:]] == [PATH, "/other", "/other", "/other"]
    receiver.says(307, Location="http://169.254.169.254/latest/meta-data")
    async with channel_to(address) as channel:
        assert "not followed" in str(await failure(channel))


class Lying(AbstractResolver):
    """A name server that gives a public address first and a private one from then on."""

    def __init__(self) -> None:
        self.asked = 0

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        self.asked += 1
        address = "127.0.0.1" if self.asked > 1 else "1.1.1.1"
        return [ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is held."""


async def test_a_name_of_a_private_address_is_refused(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = hosts.PublicResolver(Lying())
    assert [one["host"] for one in await resolver.resolve("rebinding.example", 80)] == ["1.1.1.1"]
    monkeypatch.setattr(webhook, "PublicResolver", lambda: resolver)
    address = f"http://rebinding.example:{receiver.port}{PATH}"
    async with channel_to(address) as channel:
        error = await failure(channel)
        assert isinstance(error, Rejected)
        assert "rebinding.example is a name for private addresses" in str(error)
    assert receiver.got == []


async def test_private_addresses_can_be_allowed(receiver: Receiver) -> None:
    local = f"http://localhost:{receiver.port}{PATH}"  # its name says that it is this machine
    async with channel_to(local) as channel:
        await channel.send(channel.render(notice(), repeat=False))
    named = f"http://{socket.gethostname()}:{receiver.port}{PATH}"
    async with channel_to(named, options={"private": True}) as channel:
        sending = channel.send(channel.render(notice(), repeat=False))
        if socket.gethostbyname(socket.gethostname()).startswith("127."):
            await sending
        else:  # the receiver listens on loopback alone: the connection was tried
            with pytest.raises(Unreachable, match="cannot be reached"):
                await sending
    async with channel_to(f"http://2130706433:{receiver.port}{PATH}") as channel:
        assert isinstance(await failure(channel), Rejected)


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise's own import
async def test_apprise_sends_plain_text(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    address = f"json://127.0.0.1:{receiver.port}/canary-apprise"
    async with channel_to(address, "apprise") as channel:
        await channel.send(channel.render(notice(HOSTILE, HOSTILE), repeat=True))
        ((request, body),) = receiver.got
        assert request.path == "/canary-apprise"
        document = json.loads(body)
        assert "(possible repeat)" in document["title"]
        assert document["type"] == "failure"
        assert "@everyone" not in document["title"] + document["message"]
        assert "<script>" not in document["title"] + document["message"]
        link = "https://desk.example.org/alerts/1f2e3d4c5b6a7988"
        await channel.send(channel.render(msgspec.structs.replace(notice(), link=link), repeat=False))
        assert json.loads(receiver.got[-1][1])["message"].endswith(f"\n\n{link}")
        receiver.says(500)
        assert isinstance(await failure(channel), Unreachable)
    assert "canary" not in caplog.text

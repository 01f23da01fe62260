"""The dead man's switch: asked while all is well, quiet otherwise, and its address is never told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from virtuoso.operations.heartbeat import Heartbeat

CANARY = "c4n4ry-t0ken"


@asynccontextmanager
async def receiver(statuses: list[int]) -> AsyncIterator[tuple[str, list[str]]]:
    """Answers with these, one after the other; the paths that it was asked."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=statuses[len(asked) - 1], headers={"location": "/elsewhere"})

    app = web.Application()
    app.router.add_get("/{path}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/{CANARY}", asked
    finally:
        await runner.cleanup()


async def test_it_beats_only_while_cycles_succeed() -> None:
    well = True
    async with receiver([200, 200]) as (url, asked):
        heart = Heartbeat(url, 60.0, lambda: well)
        await heart.beat()
        well = False
        await heart.beat()
        assert asked == [f"/{CANARY}"]
        well = True
        await heart.beat()
    assert heart.counts == {"sent": 2, "failed": 0, "withheld": 1}
    assert len(asked) == 2


async def test_a_failure_is_told_once_and_so_is_its_end() -> None:
    async with receiver([204, 500, 404, 302, 200, 503]) as (url, asked):
        heart = Heartbeat(url, 60.0, lambda: True)
        with capture_logs() as logs:
            for _ in range(6):
                await heart.beat()
    assert [(line["log_level"], line.get("reason")) for line in logs] == [
        ("warning", "status 500"), ("info", None), ("warning", "status 503"),
    ]  # fmt: skip
    assert heart.counts == {"sent": 2, "failed": 4, "withheld": 0}
    assert set(asked) == {f"/{CANARY}"}, "a redirect is not followed"
    assert CANARY not in str(logs)


@pytest.mark.parametrize(
    "url", [f"http://127.0.0.1:9/{CANARY}", f"http://no.such.host.invalid/{CANARY}", f"nonsense {CANARY}"]
)
async def test_nobody_there_is_a_failure_that_does_not_tell_the_address(url: str) -> None:
    heart = Heartbeat(url, 60.0, lambda: True)
    with capture_logs() as logs:
        await heart.beat()
    (line,) = logs
    assert (line["log_level"], heart.counts["failed"]) == ("warning", 1)
    assert CANARY not in str(logs) + repr(heart)
    if "127.0.0.1" in url:
        assert line["reason"] == "connection refused"

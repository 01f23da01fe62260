"""Hosts, tokens, methods and parameters, as strangers and as good clients send them."""

import asyncio
import re
import time

import msgspec
import pytest
from tests.support.databases import sqlite_url
from tests.support.raw_web import GET, RawWeb, raw_web

from virtuoso.model.clock import ManualClock, SystemClock
from virtuoso.storage.database.records import WrongTokens
from virtuoso.storage.database.store import Database
from virtuoso.web.access import Delays
from virtuoso.web.wrong_tokens import tell_wrong_tokens

TOKEN = "a-token-that-is-long-enough"
DATA = "/api/market/overview"
PATHS = ("/", "/docs", "/health", "/health/live", "/api/market/overview", "/api/alerts/recent", "/openapi.json")


def request(target: str, method: str = "GET", *headers: str) -> bytes:
    """One request; `Host` stands there unless it is given."""
    lines = list(headers) if any(h.lower().startswith("host") for h in headers) else ["Host: 127.0.0.1", *headers]
    return "\r\n".join((f"{method} {target} HTTP/1.1", *lines, "", "")).encode()


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        (["Host: 127.0.0.1"], 200),
        (["Host: 127.0.0.1:8002"], 200),
        (["Host: [::1]:8002"], 200),
        (["Host: 127.0.0.1", "Host: 127.0.0.1"], 400),
        (["Host: evil.example", "Host: 127.0.0.1"], 400),
        (["Host: 127.0.0.1", "Host: evil.example"], 400),
        (["Host: user@127.0.0.1"], 400),
        (["Host: 127.0.0.1:80@evil.example"], 400),
        (["Host: 127.0.0.1:x"], 400),
        (["Host: 127.0.0.1/path"], 400),
        (["Host: 127.0.0.1, evil.example"], 400),
        (["Host:"], 400),
        (["Host: evil.example"], 421),
        (["Host: 127.0.0.1.evil.example"], 421),
    ],
)
async def test_a_host_is_one_name_that_is_ours(hosts: list[str], status: int) -> None:
    async with raw_web() as web:
        for _ in range(2):  # a host that was good once makes no other one good
            assert (await web.ask(request("/health/live", "GET", *hosts))).status == status
            assert (await web.ask(GET)).status == 200


async def test_a_wrong_token_is_slow_and_the_right_one_never() -> None:
    async with raw_web(token=TOKEN) as web:
        right = request(DATA, "GET", f"Authorization: Bearer {TOKEN}")
        assert (await web.ask(right)).status == 200
        assert (await web.ask(request(DATA))).status == 401
        for expected_s in (0.25, 0.5, 1.0):
            began = time.monotonic()
            answer = await web.ask(request(DATA, "GET", f"Authorization: Bearer {TOKEN}x"))
            assert answer.status == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert time.monotonic() - began >= expected_s
            began = time.monotonic()
        began = time.monotonic()
        assert (await web.ask(request(DATA, "GET", f"authorization: bearer {TOKEN}"))).status == 200
        assert time.monotonic() - began < 0.25
        two = request(DATA, "GET", f"Authorization: Bearer {TOKEN}", "Authorization: Bearer x")
        assert (await web.ask(two)).status == 400
        for scheme in ("Basic", ""):
            assert (await web.ask(request(DATA, "GET", f"Authorization: {scheme} {TOKEN}"))).status == 401


async def test_the_wait_after_a_wrong_token_is_bounded_in_time_number_and_memory() -> None:
    delays = Delays()
    waiting = [asyncio.create_task(delays.wait(str(number))) for number in range(300)]
    await asyncio.sleep(0)
    assert await asyncio.gather(*waiting) == [True] * 256 + [False] * 44
    for number in range(3_000):
        task = asyncio.create_task(delays.wait(str(number)))
        await asyncio.sleep(0)
        task.cancel()
    assert len(delays._failures) == 1_000


async def test_wrong_tokens_reach_the_monitor_by_the_database(tmp_path_factory: pytest.TempPathFactory) -> None:
    clock = SystemClock()
    database = Database(sqlite_url(tmp_path_factory.mktemp("tokens")), clock)
    await database.start()
    async with raw_web(token=TOKEN) as web:
        telling = asyncio.create_task(tell_wrong_tokens(web.access.wrong, database, "monitor", clock))
        wrong = request(DATA, "GET", "Authorization: Bearer guess")
        await asyncio.gather(*(web.ask(wrong) for _ in range(3)))
        async with asyncio.timeout(10):
            while not (found := await database.alert_inputs("monitor", clock.now_ns() // 1_000_000)).wrong_tokens.count:
                await asyncio.sleep(0.05)
        telling.cancel()
    now_ms = clock.now_ns() // 1_000_000
    assert (found.wrong_tokens.count, found.wrong_tokens.client) == (3, "127.0.0.1")
    await database.note_wrong_tokens("monitor", "other:1", WrongTokens(4, "10.0.0.9", now_ms + 1))
    await database.note_wrong_tokens("else", "other:1", WrongTokens(40, "10.0.0.8", now_ms + 1))
    assert (await database.alert_inputs("monitor", now_ms)).wrong_tokens == WrongTokens(7, "10.0.0.9", now_ms + 1)
    assert (await database.alert_inputs("monitor", now_ms + 601_000)).wrong_tokens == WrongTokens()
    await database.close()


async def test_health_live_is_open_and_says_nothing_else() -> None:
    async with raw_web(token=TOKEN) as web:
        answer = await web.ask(GET)
        assert (answer.status, answer.json()) == (200, {"status": "alive"})
        for path in ("/health", "/health/ready", "/health/live/", "//health/live", "/metrics", "/openapi.json"):
            assert (await web.ask(request(path))).status == 401, path


async def test_head_is_answered_wherever_get_is_and_without_a_body() -> None:
    async with raw_web(clock=ManualClock(1_790_000_000 * 10**9)) as web:  # no age grows by a digit between the two
        for path in PATHS:
            client = await web.client()
            got = await client.ask(request(path))
            await client.send(request(path, "HEAD"))
            headed = await client.answer(head=True)
            assert (headed.status, headed.headers) == (got.status, got.headers), path
            assert (await client.ask(GET)).status == 200, "no byte of a body came after the head"
        stream = await web.client()
        await stream.send(request("/api/stream", "HEAD"))
        assert (await stream.answer(head=True)).headers["content-type"].startswith("text/event-stream")
        assert (await stream.ask(GET)).status == 200


async def allowed(web: RawWeb, path: str, method: str) -> tuple[int, str]:
    answer = await web.ask(request(path, method, "Content-Length: 0"))
    return answer.status, answer.headers.get("allow", "")


async def test_what_is_not_allowed_is_405_with_all_that_is() -> None:
    async with raw_web() as web:
        assert await allowed(web, "/api/silences", "PUT") == (405, "GET, HEAD, OPTIONS, POST")
        assert await allowed(web, "/api/silences/0123456789abcdef", "GET") == (405, "DELETE, OPTIONS")
        assert await allowed(web, "/api/market/overview", "POST") == (405, "GET, HEAD, OPTIONS")
        assert await allowed(web, "/api/alerts/0123456789abcdef/ack", "DELETE") == (405, "OPTIONS, POST")
        assert await allowed(web, "/openapi.json", "POST") == (405, "GET, HEAD, OPTIONS")
        assert await allowed(web, "/api/silences", "OPTIONS") == (204, "GET, HEAD, OPTIONS, POST")
        assert (await allowed(web, "/nowhere", "PUT"))[0] == 404


async def test_the_openapi_document_refers_to_nothing_that_is_missing() -> None:
    async with raw_web() as web:
        document = (await web.ask(request("/openapi.json"))).json()
    referred = set(re.findall(r'"#/components/schemas/([^"]+)"', msgspec.json.encode(document).decode()))
    assert referred <= set(document["components"]["schemas"])
    assert len(referred) > 20
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert {"token": []} in document["security"]
    assert document["paths"]["/health/live"]["get"]["security"] == []


@pytest.mark.parametrize("path", ["/api/alerts", "/api/signals"])
@pytest.mark.parametrize("name", ["since", "until", "limit", "cursor"])
@pytest.mark.parametrize("value", ["0.5", "nan", "inf", "1e999", "-1", "99999999999999999999", "0x10", "%00", "٣"])
async def test_odd_numbers_are_problems(path: str, name: str, value: str) -> None:
    async with raw_web() as web:
        if (name, value) == ("cursor", ""):
            return
        encoded = "".join(f"%{byte:02X}" for byte in value.encode()) if not value.isascii() else value
        answer = await web.ask(request(f"{path}?{name}={encoded}"))
        if name == "cursor":
            assert answer.status in {200, 404}, "without a database there is no page, and a reason"
            return
        assert answer.status == 422, answer
        problem = answer.json()
        assert problem["status"] == 422
        assert name in problem["detail"]


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("2026-11-23T20:45:00Z", 200), ("2026-11-23T20:45:00.5%2B01:00", 200), ("2026-11-23T20:45:00", 422),
        ("2026-11-23", 422), ("1795000000", 422), ("2026-13-45T99:99:99Z", 422), ("9999-12-31T23:59:59Z", 200),
        ("0001-01-01T00:00:00Z", 200), ("99999-01-01T00:00:00Z", 422),
    ],
)  # fmt: skip
async def test_times_are_written_out_with_their_zone(value: str, status: int) -> None:
    async with raw_web() as web:
        assert (await web.ask(request(f"/api/alerts?since={value}"))).status == status

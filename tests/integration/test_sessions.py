"""Sessions as browsers hold them, and as strangers would like to: forged cookies, other sites, roles."""

import asyncio
import re
import time

import msgspec
import pytest
from tests.support.raw_web import Answer, RawWeb, raw_web

from virtuoso.model.clock import ManualClock
from virtuoso.model.text.token_hash import hash_of
from virtuoso.storage.cache.memory import Version
from virtuoso.web.sessions import LASTS_S, Role, Session, Sessions
from virtuoso.web.tokens import RightToken

TOKEN, READ_TOKEN = "a-token-that-is-long-enough", "another-one-to-look-only"
DATA, CHANGE = "/api/market/overview", "/api/silences"
NOW_S = 1_790_000_000
HERE = "Origin: http://127.0.0.1"


def request(method: str, path: str, *headers: str, body: object = None) -> bytes:
    content = b"" if body is None else msgspec.json.encode(body)
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join((*lines, "", "")).encode() + content


async def log_in(web: RawWeb, token: str = TOKEN, origin: str = HERE) -> Answer:
    return await web.ask(request("POST", "/api/session", origin, body={"token": token}))


def cookie_of(answer: Answer) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_S * 10**9)


async def test_a_token_begins_a_session_that_no_script_reads_and_no_other_site_sends(clock: ManualClock) -> None:
    async with raw_web(token=TOKEN, clock=clock) as web:
        assert (await web.ask(request("GET", DATA))).status == 401
        assert (await web.ask(request("GET", "/api/session"))).json() == {
            "required": True, "role": None, "until": None,
        }  # fmt: skip
        begun = await log_in(web)
        assert (begun.status, begun.json()["role"]) == (200, "operate")
        said = begun.headers["set-cookie"]
        assert re.fullmatch(
            rf"virtuoso_session_{web.port}=[a-z0-9.]+; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax", said
        ), "no Secure without HTTPS, where no browser would send it"
        assert TOKEN not in said
        cookie = f"Cookie: other=1; {cookie_of(begun)}; more=2"
        assert (await web.ask(request("GET", DATA, cookie))).status == 200
        assert (await web.ask(request("GET", "/api/session", cookie))).json()["role"] == "operate"
        stream = await web.client()
        await stream.send(request("HEAD", "/api/stream", cookie))
        assert (await stream.answer(head=True)).status == 200
        ended = await web.ask(request("DELETE", "/api/session", HERE, cookie))
        assert (ended.status, ended.headers["set-cookie"]) == (
            204, f"virtuoso_session_{web.port}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
        )  # fmt: skip


async def test_pages_open_without_a_token_and_data_does_not() -> None:
    async with raw_web(token=TOKEN) as web:
        for path in ("/", "/login", "/system", "/symbol/BTCUSDT", "/alerts/1", "/docs", "/static/icon.svg"):
            assert (await web.ask(request("GET", path))).status == 200, path
        for path in ("/login", "/system", "/alerts", "/docs"):
            with_a_slash = await web.ask(request("GET", f"{path}/"))
            assert (with_a_slash.status, with_a_slash.headers["location"]) == (307, f"http://127.0.0.1{path}")
        hidden = (
            DATA,
            "/openapi.json",
            "/api/stream",
            "/api/alerts",
            "/health",
            "/api/silences",
            "/api/session/x",
            f"{DATA}/",
            f"/{DATA}",
            f"/login{DATA}",
        )
        for path in hidden:
            assert (await web.ask(request("GET", path))).status == 401, path


async def test_behind_https_the_cookie_is_for_https_alone() -> None:
    async with raw_web(token=TOKEN) as web:
        assert (await log_in(web, origin="Origin: https://127.0.0.1")).headers["set-cookie"].endswith("; Secure")


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:81", "http://127.0.0.1.evil", "x://127.0.0.1"]
)
async def test_another_site_neither_logs_in_nor_changes_anything(origin: str, clock: ManualClock) -> None:
    async with raw_web(token=TOKEN, clock=clock) as web:
        cookie = f"Cookie: {cookie_of(await log_in(web))}"
        theirs = f"Origin: {origin}"
        assert (await log_in(web, origin=theirs)).status == 403
        assert (await web.ask(request("POST", CHANGE, theirs, cookie, body={}))).status == 403
        assert (await web.ask(request("DELETE", "/api/session", theirs, cookie))).status == 403
        assert (await web.ask(request("POST", CHANGE, HERE, theirs, cookie, body={}))).status == 400
        assert (await web.ask(request("POST", CHANGE, cookie, body={}))).status == 403, "it does not say who asks"
        assert (await web.ask(request("POST", CHANGE, HERE, cookie, body={}))).status == 422, "from here, it is judged"
        form = request("POST", "/api/session", "Content-Type: text/plain", "Content-Length: 2") + b"{}"
        assert (await web.ask(form)).status == 415, "no form of another site logs anybody in"


async def test_a_cookie_that_was_tampered_with_or_is_over_opens_nothing(clock: ManualClock) -> None:
    async with raw_web(token=TOKEN, read_token=READ_TOKEN, clock=clock) as web:
        name, _, value = cookie_of(await log_in(web, READ_TOKEN)).partition("=")
        role, until, mac = value.split(".")
        assert role == "read"
        other = "0" if mac[0] != "0" else "1"
        forged = [
            f"operate.{until}.{mac}", f"read.{int(until) + 1}.{mac}", f"read.{until}.{other}{mac[1:]}",
            f"read.{until}.{mac[:-1]}", f"read.{until}.", f"read.{until}.{mac}x", f"READ.{until}.{mac}", "", "read..",
            f"read.{'9' * 400}.{mac}", f"operate.{until}.{'0' * 64}",
        ]  # fmt: skip
        for text in forged:
            assert (await web.ask(request("GET", DATA, f"Cookie: {name}={text}"))).status == 401, text
        assert (await web.ask(request("GET", DATA, f"Cookie: x{name}={value}"))).status == 401
        right = f"Cookie: {name}={value}"
        assert (await web.ask(request("GET", DATA, right))).status == 200
        clock.advance_to(NOW_S * 10**9 + (LASTS_S - 1) * 10**9)
        assert (await web.ask(request("GET", DATA, right))).status == 200
        clock.advance_to(NOW_S * 10**9 + LASTS_S * 10**9)
        over = await web.ask(request("GET", DATA, right))
        assert (over.status, over.json()["detail"]) == (401, "the session is over; log in again")
        assert (await web.ask(request("GET", "/api/session", right))).json()["role"] is None


async def test_a_cookie_of_the_same_name_from_elsewhere_hides_none_of_ours(clock: ManualClock) -> None:
    async with raw_web(token=TOKEN, clock=clock) as web:
        ours = cookie_of(await log_in(web))
        theirs = f"virtuoso_session_{web.port}=operate.{NOW_S + 9 * LASTS_S}.{'0' * 64}"
        keys = {Role.OPERATE: RightToken.of(Role.OPERATE, TOKEN, lambda: b"").key}
        old = Sessions(keys, web.port).cookie(Session(Role.OPERATE, NOW_S - 1), 0, secure=False)
        for cookies in (f"{theirs}; {ours}", f"{ours};{theirs}", f"{old.partition(';')[0]}; {ours}"):
            assert (await web.ask(request("GET", DATA, f"Cookie: {cookies}"))).status == 200, cookies


async def test_a_bearer_token_is_judged_before_a_cookie_and_the_login_of_a_proxy_is_not(clock: ManualClock) -> None:
    async with raw_web(token=TOKEN, read_token=READ_TOKEN, clock=clock) as web:
        cookie = f"Cookie: {cookie_of(await log_in(web))}"
        wrong, reading = "Authorization: Bearer guess", f"Authorization: Bearer {READ_TOKEN}"
        assert (await web.ask(request("GET", DATA, cookie, wrong))).status == 401
        assert (await web.ask(request("POST", CHANGE, HERE, cookie, reading, body={}))).status == 403
        proxy = "Authorization: Basic dXNlcjpwYXNz"
        assert (await web.ask(request("GET", DATA, cookie, proxy))).status == 200
        assert (await web.ask(request("POST", CHANGE, cookie, proxy, body={}))).status == 403, "no Origin"
        assert (await web.ask(request("GET", DATA, proxy))).status == 401
        assert web.access.wrong.count == 1, "what is for a proxy is no wrong token"


async def test_no_cache_between_keeps_what_a_session_was_shown(clock: ManualClock) -> None:
    async with raw_web(token=TOKEN, clock=clock) as web:
        cookie = f"Cookie: {cookie_of(await log_in(web))}"
        for published in (False, True):
            if published:
                web.cache.put("overview", b"{}", Version(1, 1), 60.0)
            shown = await web.ask(request("GET", DATA, cookie))
            assert (shown.status, shown.headers["cache-control"]) == (200, "private, no-cache")
        held = await web.ask(request("GET", DATA, cookie, f"If-None-Match: {shown.headers['etag']}"))
        assert (held.status, held.headers["cache-control"]) == (304, "private, no-cache")
        assert (await web.ask(request("GET", DATA, f"If-None-Match: {shown.headers['etag']}"))).status == 401


async def test_a_stream_ends_with_its_session_and_no_sooner(clock: ManualClock) -> None:
    async with raw_web(token=TOKEN, clock=clock) as web:
        cookie = f"Cookie: {cookie_of(await log_in(web))}"
        clock.advance_to((NOW_S + LASTS_S) * 10**9 - 300_000_000)  # which the loop's own time has yet to pass
        ending, going_on = await web.client(), await web.client()
        await ending.send(request("GET", "/api/stream", cookie))
        await going_on.send(request("GET", "/api/stream", cookie, f"Authorization: Bearer {TOKEN}"))
        began = time.monotonic()
        text = await asyncio.wait_for(ending.reader.readuntil(b"\r\n0\r\n\r\n"), 10)
        assert time.monotonic() - began >= 0.25
        assert b"200 OK" in text
        assert b"event: clock" in text
        assert not await going_on.closed(0.2)


async def test_who_may_read_changes_nothing_by_token_or_session() -> None:
    async with raw_web(token=TOKEN, read_token=READ_TOKEN) as web:
        cookie = f"Cookie: {cookie_of(await log_in(web, READ_TOKEN))}"
        for who in (cookie, f"Authorization: Bearer {READ_TOKEN}"):
            assert (await web.ask(request("GET", DATA, who))).status == 200
            assert (await web.ask(request("POST", CHANGE, HERE, who, body={}))).status == 403
            assert (await web.ask(request("DELETE", f"{CHANGE}/{'0' * 16}", HERE, who))).status == 403
        assert (await web.ask(request("POST", CHANGE, f"Authorization: Bearer {TOKEN}", body={}))).status == 422


async def test_wrong_tokens_at_the_form_are_slow_and_counted_like_all_others() -> None:
    async with raw_web(token=TOKEN) as web:
        for count, expected_s in enumerate((0.25, 0.5), 1):
            began = time.monotonic()
            refused = await log_in(web, f"{TOKEN}x")
            assert (refused.status, refused.json()["detail"]) == (401, "this is not the token")
            assert "set-cookie" not in refused.headers
            assert time.monotonic() - began >= expected_s
            assert (web.access.wrong.count, web.access.wrong.client) == (count, "127.0.0.1")
        assert (await web.ask(request("POST", "/api/session", HERE, body={"token": 7}))).status == 422
        assert (await log_in(web)).status == 200


async def test_without_a_token_there_is_nothing_to_log_in_to() -> None:
    async with raw_web() as web:
        everything = {"required": False, "role": "operate", "until": None}
        assert (await web.ask(request("GET", "/api/session"))).json() == everything
        answer = await log_in(web, "whatever")
        assert (answer.json(), "set-cookie" in answer.headers) == (everything, False)


@pytest.mark.parametrize("plain", [True, False])
def test_a_changed_token_ends_its_sessions_and_no_others(plain: bool) -> None:
    def sessions(secret: str = "secret", **tokens: str) -> Sessions:
        known = {Role(role): text if plain else hash_of(text) for role, text in tokens.items()}
        return Sessions({role: RightToken.of(role, text, secret.encode).key for role, text in known.items()})

    before = sessions(operate="one", read="two")
    after = sessions(operate="three", read="two")
    held = {role: before.cookie(Session(role, NOW_S), 0, secure=True).partition(";")[0].encode() for role in Role}
    assert {role: before.read(cookie) for role, cookie in held.items()} == {r: Session(r, NOW_S) for r in Role}
    assert after.read(held[Role.OPERATE]) is None
    assert after.read(held[Role.READ]) == Session(Role.READ, NOW_S)
    assert sessions(operate="one").read(held[Role.READ]) is None
    assert (sessions("another", read="two").read(held[Role.READ]) is None) == (not plain), (
        "the hash alone signs nothing"
    )


async def test_a_token_that_is_known_by_its_hash_lets_in_and_its_hash_does_not(clock: ManualClock) -> None:
    async with raw_web(token=hash_of(TOKEN), read_token=READ_TOKEN, clock=clock) as web:
        for token, status in ((TOKEN, 200), (READ_TOKEN, 200), (hash_of(TOKEN), 401), (hash_of(READ_TOKEN), 401)):
            assert (await web.ask(request("GET", DATA, f"Authorization: Bearer {token}"))).status == status, token
            assert (await log_in(web, token)).status == status
        begun = await log_in(web)
        assert begun.json()["role"] == "operate"
        assert (await web.ask(request("GET", DATA, f"Cookie: {cookie_of(begun)}"))).status == 200


async def test_two_webs_of_one_host_do_not_end_each_others_sessions(clock: ManualClock) -> None:
    async with raw_web(token=TOKEN, clock=clock) as one, raw_web(token=READ_TOKEN, clock=clock) as two:
        jar = {}

        def take(answer: Answer) -> str:
            name, _, value = cookie_of(answer).partition("=")
            jar[name] = value
            return "Cookie: " + "; ".join(f"{name}={value}" for name, value in jar.items())

        take(await log_in(one))
        both = take(await log_in(two, READ_TOKEN))
        for web in (one, two):
            assert (await web.ask(request("GET", DATA, both))).status == 200
        left = take(await two.ask(request("DELETE", "/api/session", HERE, both)))
        assert [(await web.ask(request("GET", DATA, left))).status for web in (one, two)] == [200, 401]

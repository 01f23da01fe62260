"""The embedded exchange's server: REST rules, acks and errors of the socket, faults on order, the capture."""

import asyncio
import re
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import aiohttp
import msgspec
import pytest
from tests.support.capture import CAPTURE, frames

from virtuoso.model.clock import SystemClock
from virtuoso.simulator.capture import CaptureSource
from virtuoso.simulator.limits import RequestLimit
from virtuoso.simulator.rest import ENDPOINTS
from virtuoso.simulator.server import EmbeddedExchange
from virtuoso.simulator.sources import caveat, open_source

CLOCK = SystemClock()
BTC = "category=linear&symbol=BTCUSDT"
QUERIES = {
    "instruments-info": "category=linear", "tickers": "category=linear", "kline": f"{BTC}&interval=5",
    "mark-price-kline": f"{BTC}&interval=5", "index-price-kline": f"{BTC}&interval=5",
    "premium-index-price-kline": f"{BTC}&interval=5", "orderbook": BTC, "recent-trade": BTC,
    "open-interest": f"{BTC}&intervalTime=5min", "funding/history": BTC, "account-ratio": f"{BTC}&period=5min",
    "time": "",
}  # fmt: skip


@pytest.fixture(params=["history"])
async def exchange(request: pytest.FixtureRequest) -> AsyncIterator[EmbeddedExchange]:
    source = open_source(request.param, 1, CLOCK.now_ns() // 1_000_000)
    async with EmbeddedExchange(source, clock=CLOCK, control=True) as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


class Asker:
    """REST questions to one exchange."""

    def __init__(self, exchange: EmbeddedExchange, session: aiohttp.ClientSession) -> None:
        self._url = f"{exchange.rest_url}/v5/market/"
        self._session = session

    async def __call__(self, path: str, query: str = "") -> dict[str, Any]:
        async with self._session.get(f"{self._url}{path}?{query}") as answer:
            assert answer.headers["X-Virtuoso-Source"] == "replay"
            assert int(answer.headers["X-Bapi-Limit-Status"]) < int(answer.headers["X-Bapi-Limit"])
            assert answer.status == 200
            body: dict[str, Any] = await answer.json()
            assert body.keys() == {"retCode", "retMsg", "result", "retExtInfo", "time"}
            return body


@pytest.fixture
def ask(exchange: EmbeddedExchange, session: aiohttp.ClientSession) -> Asker:
    return Asker(exchange, session)


async def test_every_endpoint_answers(ask: Asker) -> None:
    assert {f"/v5/market/{path}" for path in QUERIES} == set(ENDPOINTS)
    for path, query in QUERIES.items():
        body = await ask(path, query)
        assert (body["retCode"], body["retMsg"]) == (0, "OK")
        assert body["result"]


@pytest.mark.parametrize(
    ("path", "query", "default", "most"),
    [
        ("kline", f"{BTC}&interval=1", 200, 1000),
        ("recent-trade", BTC, 500, 1000),
        ("open-interest", f"{BTC}&intervalTime=5min", 50, 200),
        ("account-ratio", f"{BTC}&period=5min", 50, 500),
    ],
)
async def test_limits_defaults_and_order(ask: Asker, path: str, query: str, default: int, most: int) -> None:
    """Rule of the wire: the documented default and maximum, newest first, numbers as strings."""
    rows = (await ask(path, query))["result"]["list"]
    assert len(rows) == default
    times = [int(row[0]) if isinstance(row, list) else int(row.get("timestamp") or row["time"]) for row in rows]
    assert times == sorted(times, reverse=True)
    assert all(isinstance(v, str | bool) for row in rows for v in (row if isinstance(row, list) else row.values()))
    assert len((await ask(path, f"{query}&limit={most}"))["result"]["list"]) in range(min(most, 260), most + 1)
    for wrong in (0, most + 1, "x"):
        assert (await ask(path, f"{query}&limit={wrong}"))["retCode"] == 10001


async def test_book_limits(ask: Asker) -> None:
    assert len((await ask("orderbook", BTC))["result"]["b"]) == 25
    assert len((await ask("orderbook", f"{BTC}&limit=1000"))["result"]["a"]) == 1000
    assert (await ask("orderbook", f"{BTC}&limit=1001"))["retCode"] == 10001


@pytest.mark.parametrize(
    ("path", "query", "key"),
    [
        ("instruments-info", "category=linear&limit=4", "symbol"),
        ("open-interest", f"{BTC}&intervalTime=5min&limit=7", "timestamp"),
        ("account-ratio", f"{BTC}&period=5min&limit=7", "timestamp"),
    ],
)
async def test_cursors_page_without_holes_or_doubles(ask: Asker, path: str, query: str, key: str) -> None:
    whole = (await ask(path, query.rpartition("&")[0]))["result"]["list"][:15]
    seen: list[str] = []
    cursor = ""
    while len(seen) < 15:
        page = (await ask(path, f"{query}&cursor={cursor}"))["result"]
        seen += [row[key] for row in page["list"]]
        cursor = page["nextPageCursor"]
        assert cursor or len(seen) >= 15
    assert seen[:15] == [row[key] for row in whole]


async def test_real_error_bodies(ask: Asker) -> None:
    """Rule of the wire: two forms of refusal, as captured from the real exchange."""
    body = await ask("tickers", "category=nonsense")
    assert (body["retCode"], body["retMsg"], body["result"]) == (10001, "Illegal category", {})
    body = await ask("kline", "category=linear&symbol=NOPE&interval=1")
    assert (body["retCode"], body["retMsg"]) == (10001, "params error: symbol invalid")
    assert body["result"] == {"category": "", "list": [], "nextPageCursor": ""}
    assert (await ask("kline", f"{BTC}&interval=7"))["retCode"] == 10001
    assert (await ask("funding/history", f"{BTC}&startTime=1"))["retCode"] == 10001
    for cursor in ("bad", "lasttime%3D%C2%B2"):
        assert (await ask("open-interest", f"{BTC}&intervalTime=5min&cursor={cursor}"))["retCode"] == 10001
    for wrong in ("--5", "%C2%B2", "9" * 5_000):
        assert (await ask("kline", f"{BTC}&interval=1&start={wrong}"))["retCode"] == 10001


async def test_unknown_path_and_ban(exchange: EmbeddedExchange, session: aiohttp.ClientSession) -> None:
    """Rule of the wire: 600 requests in 5 s, then 403 for everything."""
    async with session.get(f"{exchange.rest_url}/v5/market/nothing") as answer:
        assert answer.status == 404
        assert answer.headers["X-Virtuoso-Source"] == "replay"
        assert answer.headers["X-Bapi-Limit"] == "600"
    statuses = set()
    for _ in range(610):
        async with session.get(f"{exchange.rest_url}/v5/market/time") as answer:
            statuses.add(answer.status)
            if answer.status == 403:
                assert "access too frequent" in await answer.text()
                break
    assert statuses == {200, 403}


def test_the_limit_rolls_and_the_ban_ends() -> None:
    limit = RequestLimit(requests=3, window_s=5.0, ban_s=600.0)
    assert [limit.allow("a", t) for t in (0.0, 1.0, 2.0)] == [2, 1, 0]
    assert limit.allow("b", 2.0) == 2
    assert limit.allow("a", 5.0) == 0  # the first has left the window
    assert limit.allow("a", 5.5) is None
    assert limit.allow("a", 5.6) is None  # under way when the ban began: a minute longer, but not counted
    assert limit.during_ban == 0
    assert limit.allow("a", 665.0) is None  # another minute for asking: until 725.5
    assert limit.during_ban == 1
    assert limit.allow("a", 726.0) == 2


def test_a_ban_that_is_lifted_is_over() -> None:
    limit = RequestLimit()
    limit.ban("a", 0.0, 600.0)
    assert limit.allow("a", 1.0) is None
    limit.lift()
    assert limit.allow("a", 2.0) is not None


def test_idle_addresses_are_forgotten() -> None:
    limit = RequestLimit(requests=3)
    for i in range(1_000):
        limit.allow(f"a{i}", float(i))
    assert len(limit._seen) <= 257


class Socket:
    """One public stream."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def say(self, **message: Any) -> None:
        await self.socket.send_json(message)

    async def hear(self, timeout_s: float = 3.0) -> dict[str, Any]:
        heard: dict[str, Any] = msgspec.json.decode((await self.socket.receive(timeout_s)).data)
        return heard

    async def reply(self) -> dict[str, Any]:
        """The next answer to a request, past data."""
        while "op" not in (message := await self.hear()):
            pass
        return message


@pytest.fixture
async def linear(exchange: EmbeddedExchange, session: aiohttp.ClientSession) -> AsyncIterator[Socket]:
    async with session.ws_connect(f"{exchange.stream_url}/linear") as socket:
        yield Socket(socket)


@pytest.mark.parametrize("req_id", [7, "seven", None, 1.5])
async def test_acks_echo_the_request(linear: Socket, req_id: object) -> None:
    await linear.say(op="subscribe", args=["publicTrade.BTCUSDT"], req_id=req_id)
    ack = await linear.reply()
    assert ack.pop("conn_id")
    assert ack == {"success": True, "ret_msg": "", "req_id": req_id, "op": "subscribe", "virtuoso_source": "replay"}
    await linear.say(op="ping", req_id=req_id)
    pong = await linear.reply()
    assert (pong["success"], pong["ret_msg"], pong["op"], pong["req_id"]) == (True, "pong", "ping", req_id)


async def test_requests_that_are_refused_keep_the_socket(linear: Socket) -> None:
    await linear.say(op="subscribe", args=["tickers.BTCUSDT", "liquidation.BTCUSDT"])
    refused = await linear.reply()
    assert (refused["success"], refused["ret_msg"]) == (False, "error:handler not found,topic:liquidation.BTCUSDT")
    for nonsense in ("{nonsense", "[" * 5_000):
        await linear.socket.send_str(nonsense)
        assert "not a JSON object" in (await linear.reply())["ret_msg"]
    await linear.say(op="dance")
    assert "unknown op" in (await linear.reply())["ret_msg"]
    await linear.say(op="subscribe", args="tickers.BTCUSDT")
    assert "list of topics" in (await linear.reply())["ret_msg"]
    await linear.say(op="subscribe", args=["orderbook.1000.BTCUSDT"] * 900)
    assert "21000 characters" in (await linear.reply())["ret_msg"]
    await linear.say(op="ping")
    assert (await linear.reply())["ret_msg"] == "pong"


async def test_spot_acks_differ(exchange: EmbeddedExchange, session: aiohttp.ClientSession) -> None:
    async with session.ws_connect(f"{exchange.stream_url}/spot") as made:
        spot = Socket(made)
        await spot.say(op="subscribe", args=[f"tickers.A{i}" for i in range(11)])
        assert (await spot.reply())["ret_msg"] == "args size >10"


async def order(exchange: EmbeddedExchange, session: aiohttp.ClientSession, **fault: Any) -> int:
    async with session.post(f"{exchange.rest_url}/control/faults", json=fault) as answer:
        return answer.status


async def test_faults(exchange: EmbeddedExchange, session: aiohttp.ClientSession, linear: Socket) -> None:
    await linear.say(op="subscribe", args=["orderbook.50.BTCUSDT"])
    assert (await linear.hear())["type"] == "snapshot"
    await linear.reply()
    updates = [(await linear.hear())["data"]["u"]]
    assert await order(exchange, session, fault="drop_delta", topic="orderbook.50.BTCUSDT") == 200
    updates += [(await linear.hear())["data"]["u"] for _ in range(8)]
    assert sorted({b - a for a, b in pairwise(updates)}) == [1, 2]
    assert await order(exchange, session, fault="mute", for_s=1.0) == 200
    await linear.say(op="ping", req_id=1)
    assert (await linear.reply())["ret_msg"] == "pong"
    with pytest.raises(TimeoutError):
        await linear.hear(0.6)
    assert (await linear.hear())["topic"] == "orderbook.50.BTCUSDT"  # by itself, when its time is over
    assert await order(exchange, session, fault="disconnect") == 200
    while (await linear.socket.receive(3)).type is aiohttp.WSMsgType.TEXT:
        pass
    assert await order(exchange, session, fault="refuse", for_s=30) == 200
    with pytest.raises(aiohttp.ClientError):
        await session.get(f"{exchange.rest_url}/v5/market/time")
    async with session.delete(f"{exchange.rest_url}/control/faults") as answer:
        assert answer.status == 200
    async with session.get(f"{exchange.rest_url}/v5/market/time") as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    "fault", [{"fault": "storm"}, {"fault": "drop_delta"}, {"fault": "mute", "for_s": 0}, {"fault": "mute", "x": 1}, {}]
)
async def test_wrong_orders_are_refused(
    exchange: EmbeddedExchange, session: aiohttp.ClientSession, fault: dict[str, Any]
) -> None:
    assert await order(exchange, session, **fault) == 422


async def test_faults_must_be_asked_for(session: aiohttp.ClientSession) -> None:
    source = open_source("capture", 1, CLOCK.now_ns() // 1_000_000, capture=CAPTURE)
    async with EmbeddedExchange(source, clock=CLOCK) as plain:
        assert await order(plain, session, fault="disconnect") == 404


TIMES = re.compile(rb'"(ts|cts|T|start|end|timestamp)":\d{13}')


def test_the_capture_is_pushed_as_it_was() -> None:
    """Frames keep their bytes but for the times, all shifted alike; then it starts over."""
    start = 1_800_000_000_000
    source = CaptureSource(CAPTURE, start)
    assert caveat(source) == (
        "the capture lasts 43 s and has no bars from before it: whoever watches it scores nothing; "
        "--source history has the bars of weeks"
    )
    assert caveat(open_source("history", 1, start)) is None
    recorded = [(c, f) for c, f, _ in frames() if b'"topic"' in f]
    wanted = {(c, msgspec.json.decode(f)["topic"]) for c, f in recorded}
    pushed = source.advance((source.restarts_at() or 0) - 1, wanted)
    ours = [(p.category, TIMES.sub(b"", p.payload)) for p in pushed]
    assert sorted(ours) == sorted((c, TIMES.sub(b"", f)) for c, f in recorded)
    assert [p.at_ms for p in pushed] == sorted(p.at_ms for p in pushed)
    assert {msgspec.json.decode(p.payload)["ts"] - p.at_ms < 5_000 for p in pushed} == {True}
    again = source.advance((source.restarts_at() or 0) + 2_000, wanted)
    assert again
    assert again[0].payload != pushed[0].payload


def test_levels_one_and_fifty_are_derived_from_the_capture() -> None:
    source = CaptureSource(CAPTURE, 1_800_000_000_000)
    topics = [("linear", f"orderbook.{d}.BTCUSDT") for d in (1, 50, 200)]
    books: dict[str, dict[str, dict[str, str]]] = {}
    last: dict[str, int] = {}
    for push in source.advance(1_800_000_040_000, topics):
        message = msgspec.json.decode(push.payload)
        data, topic = message["data"], push.topic
        if message["type"] == "snapshot":
            books[topic] = {side: dict(data[side]) for side in "ba"}
        else:
            assert data["u"] == last[topic] + 1
            for side in "ba":
                for price, size in data[side]:
                    books[topic][side].pop(price, None) if size == "0" else books[topic][side].update({price: size})
        last[topic] = data["u"]
    for depth in (1, 50):
        book, whole = books[f"orderbook.{depth}.BTCUSDT"], books["orderbook.200.BTCUSDT"]
        assert book["b"] == dict(sorted(whole["b"].items(), key=lambda level: -float(level[0]))[:depth])
        assert book["a"] == dict(sorted(whole["a"].items(), key=lambda level: float(level[0]))[:depth])
    assert source.knows("linear", "allLiquidation.BTCUSDT")
    assert source.snapshot("linear", "allLiquidation.BTCUSDT") is None


def test_an_unchanged_level_one_is_pushed_again_after_three_seconds() -> None:
    """Rule of the wire: level 1 is repeated after 3 s without change, with the same `u`."""
    source = CaptureSource(CAPTURE, 1_800_000_000_000)
    pushes = source.advance(1_800_000_043_000, [("spot", "orderbook.1.ETHUSDT")])
    seen = [(p.at_ms, p.payload) for p in pushes]
    repeated = [(b[0] - a[0]) for a, b in pairwise(seen) if a[1] == b[1]]
    assert repeated == [3_000] * 4
    assert max(b[0] - a[0] for a, b in pairwise(seen)) <= 3_000


async def test_the_captures_end_closes_every_socket(session: aiohttp.ClientSession) -> None:
    start_ms = CLOCK.now_ns() // 1_000_000
    async with EmbeddedExchange(
        open_source("capture", 1, start_ms, capture=CAPTURE), clock=CLOCK, start_ms=start_ms, speed=20
    ) as exchange:
        async with session.ws_connect(f"{exchange.stream_url}/linear") as made:
            await Socket(made).say(op="subscribe", args=["tickers.BTCUSDT"])
            async with asyncio.timeout(8):
                while (await made.receive()).type is aiohttp.WSMsgType.TEXT:
                    pass
        async with session.ws_connect(f"{exchange.stream_url}/linear") as made:
            await Socket(made).say(op="subscribe", args=["tickers.BTCUSDT"])
            assert (await Socket(made).hear())["topic"] == "tickers.BTCUSDT"

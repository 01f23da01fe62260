"""The adapter's asked half against real answers: the embedded exchange's, and a server that misbehaves on order."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import numpy as np
import pytest
from aiohttp import web

from virtuoso.exchange.bybit import Bybit
from virtuoso.model.clock import SystemClock
from virtuoso.model.errors import ExchangeRejected, ExchangeUnavailable, RateLimited
from virtuoso.model.quality import DataSource
from virtuoso.model.timeframe import Timeframe
from virtuoso.simulator.server import EmbeddedExchange
from virtuoso.simulator.sources import open_source

CLOCK = SystemClock()


@asynccontextmanager
async def adapter(url: str, category: str = "linear") -> AsyncIterator[Bybit]:
    client = Bybit(
        rest_url=url, stream_url=url.replace("http", "ws"), category=category, clock=CLOCK, rng=np.random.default_rng(1)
    )
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture
async def exchange() -> AsyncIterator[EmbeddedExchange]:
    start_ms = CLOCK.now_ns() // 1_000_000
    async with EmbeddedExchange(open_source("history", 1, start_ms), clock=CLOCK) as running:
        yield running


async def test_lists(exchange: EmbeddedExchange) -> None:
    async with adapter(exchange.rest_url) as client:
        assert client.origin is None
        instruments = {i.symbol: i for i in await client.instruments()}
        assert client.origin is DataSource.REPLAY
        btc = instruments["BTCUSDT"]
        assert (btc.unified, btc.tick_size, btc.lot_size, btc.perpetual) == ("BTC/USDT:USDT", 0.1, 0.001, True)
        assert btc.funding_interval_min == 480
        tickers = await client.tickers()
        assert tickers.keys() == instruments.keys()
        assert all(isinstance(t.turnover_24h, float) and t.turnover_24h > 0 for t in tickers.values())


async def test_bars_are_walked_page_by_page_oldest_first(exchange: EmbeddedExchange) -> None:
    """Rule of the wire: at most 1000 a page, newest first, the last one may be unclosed."""
    async with adapter(exchange.rest_url) as client:
        now_ms = CLOCK.now_ns() // 1_000_000
        last = Timeframe.M1.floor(now_ms)
        bars = await client.bars("BTCUSDT", Timeframe.M1, last - 2_400 * 60_000, now_ms)
        opens = [bar.open_ms for bar in bars]
        assert opens == list(range(opens[0], opens[-1] + 1, 60_000))
        assert opens[0] == last - 2_400 * 60_000
        assert len(bars) in {2_400, 2_401, 2_402}
        assert all(bar.confirmed for bar in bars[:-1])
        assert all(bar.confirmed == (bar.open_ms + 60_000 <= CLOCK.now_ns() // 1_000_000) for bar in bars[:-1])


async def test_trades_ratio_funding_and_interest(exchange: EmbeddedExchange) -> None:
    async with adapter(exchange.rest_url) as client:
        trades = await client.trades("ETHUSDT", 300)
        assert len(trades) == 300
        assert [t.event_ms for t in trades] == sorted(t.event_ms for t in trades)
        ratios = await client.account_ratio("ETHUSDT", 5)
        assert [b.event_ms - a.event_ms for a, b in pairwise(ratios)] == [300_000] * 4
        assert all(r.long + r.short == pytest.approx(1) for r in ratios)
        assert len(await client.funding_history("ETHUSDT", 7)) == 7
        assert len(await client.open_interest("ETHUSDT", 9)) == 9


async def test_an_unknown_symbol_is_rejected_at_once(exchange: EmbeddedExchange) -> None:
    async with adapter(exchange.rest_url) as client:
        with pytest.raises(ExchangeRejected, match="symbol invalid") as caught:
            await client.trades("NOPEUSDT", 10)
        assert caught.value.code == 10001
        assert client.budget.requests == 1


async def test_the_clock_offset_is_measured() -> None:
    source = open_source("history", 1, CLOCK.now_ns() // 1_000_000)
    ahead_ms = CLOCK.now_ns() // 1_000_000 + 5_000
    async with (
        EmbeddedExchange(source, clock=CLOCK, start_ms=ahead_ms) as exchange,
        adapter(exchange.rest_url) as client,
    ):
        assert client.clock_offset_ms is None
        assert await client.measure_clock() == pytest.approx(5_000, abs=250)


Answer = Callable[[], web.Response]


@asynccontextmanager
async def misbehaving(*answers: Answer) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that gives these answers in turn, the last one for ever; and the paths it was asked for."""
    asked: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append(request.path)
        return answers[min(len(asked), len(answers)) - 1]()

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


def envelope(code: int, message: str = "", **headers: str) -> Answer:
    body = {"retCode": code, "retMsg": message, "result": {"category": "linear", "list": []}, "time": 1}
    return lambda: web.json_response(body, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def test_403_silences_rest_for_ten_minutes() -> None:
    """Rule of the wire: after `access too frequent` not one more request goes out."""
    refusal: Answer = lambda: web.Response(status=403, text="access too frequent")  # noqa: E731
    async with misbehaving(refusal) as (url, asked), adapter(url) as client:
        for _ in range(5):
            with pytest.raises(RateLimited):
                await client.tickers()
        assert len(asked) == 1
        assert client.budget.banned_until_ms is not None
        assert client.budget.banned_until_ms - CLOCK.now_ns() / 1e6 == pytest.approx(600_000, abs=2_000)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("access too frequent", "HTTP 403, access too frequent; silent"),
        (
            "<h1>403</h1> configured to block access from your country.",
            "does not serve the region that this comes from",
        ),
        ("", "access too frequent, or from a region that the exchange does not serve"),
    ],
)
async def test_a_403_says_why_as_far_as_it_tells(body: str, why: str) -> None:
    async with misbehaving(lambda: web.Response(status=403, text=body)) as (url, _), adapter(url) as client:
        with pytest.raises(RateLimited, match=why):
            await client.tickers()


async def test_10006_waits_until_the_time_the_headers_name() -> None:
    """Rule of the wire: `Too many visits!` comes in the JSON, the moment of the reset in a header."""
    reset_ms = CLOCK.now_ns() // 1_000_000 + 20_000
    limited = envelope(10006, "Too many visits!", X_Bapi_Limit_Reset_Timestamp=str(reset_ms))
    async with misbehaving(limited) as (url, asked), adapter(url) as client:
        with pytest.raises(RateLimited) as caught:
            await client.tickers()
        assert caught.value.retry_after_s == pytest.approx(20, abs=2)
        with pytest.raises(RateLimited):
            await client.instruments()
        assert len(asked) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        lambda: web.Response(status=503, text="<html>maintenance</html>", content_type="text/html"),
        lambda: web.Response(text="<html>log in to this network</html>", content_type="text/html"),
        lambda: web.Response(body=b'{"retCode":0,"resu', content_type="application/json"),
        envelope(10016, "server error"),
        envelope(10000, "server timeout"),
    ],
    ids=["503", "html", "truncated", "10016", "10000"],
)
async def test_trouble_is_tried_again_then_told(trouble: Answer) -> None:
    async with misbehaving(trouble, trouble, envelope(0)) as (url, asked), adapter(url) as client:
        assert await client.tickers() == {}
        assert len(asked) == 3
        assert client.origin is DataSource.LIVE  # it announced nothing, so it is the real one
    async with misbehaving(trouble) as (url, asked), adapter(url) as client:
        with pytest.raises(ExchangeUnavailable):
            await client.tickers()
        assert len(asked) == 3


async def test_only_the_exchange_says_that_it_is_under_maintenance() -> None:
    """A captive portal answers 200 with a page of its own: no good answer, and not the exchange's word."""
    for status, page, said in (
        (503, "<html>maintenance</html>", "HTTP 503 on /v5/market/tickers"),
        (200, " <html>log in to this network</html>", None),
    ):

        def answer(status: int = status, page: str = page) -> web.Response:
            return web.Response(status=status, text=page, content_type="text/html")

        async with misbehaving(answer) as (url, _), adapter(url) as client:
            with pytest.raises(ExchangeUnavailable) as caught:
                await client.tickers()
            assert client.maintenance == said
            assert client.origin is None
    assert "a web page that is not the exchange's: b' <html>log in to this" in str(caught.value)


async def test_a_bad_row_spoils_no_other() -> None:
    rows = [
        {"symbol": "AUSDT", "lastPrice": "1.5"},
        {"symbol": "BUSDT", "lastPrice": "one"},
        {"symbol": "CUSDT", "lastPrice": ""},
        {"lastPrice": "1.5"},
        {"symbol": "", "lastPrice": "1.5"},
        {"symbol": 7, "lastPrice": "1.5"},
        None,
        "DUSDT",
    ]
    body = {"retCode": 0, "retMsg": "OK", "result": {"category": "linear", "list": rows}, "time": 1}
    async with misbehaving(lambda: web.json_response(body)) as (url, _), adapter(url) as client:
        tickers = await client.tickers()
    assert tickers.keys() == {"AUSDT", "CUSDT"}
    assert tickers["AUSDT"].last == 1.5


async def test_nothing_listens() -> None:
    async with adapter("http://127.0.0.1:9") as client:
        with pytest.raises(ExchangeUnavailable):
            await client.instruments()

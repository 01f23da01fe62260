"""The adapter's asked half before a server that is no exchange: pages, bombs, drips, circles, numbers out of bounds."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from aiohttp import web
from tests.support.hostile_exchange import Answer, HostileExchange, hostile_exchange

from virtuoso.exchange.bybit import Bybit
from virtuoso.exchange.bybit.rest import MOST_LIST_BYTES, Rest
from virtuoso.exchange.ccxt.adapter import CcxtExchange
from virtuoso.exchange.limits import RateBudget
from virtuoso.exchange.origin import Origin
from virtuoso.model.clock import SystemClock
from virtuoso.model.errors import ExchangeError, ExchangeUnavailable, RateLimited
from virtuoso.model.quality import DataSource

CLOCK = SystemClock()
MOST_TAKEN = 64 << 20
"""What refusing a bomb may take; the bombs unpack to a gigabyte."""


@pytest.fixture
async def exchange() -> AsyncIterator[HostileExchange]:
    async with hostile_exchange() as running:
        yield running


@asynccontextmanager
async def adapter(exchange: HostileExchange, timeout_s: float = 10.0) -> AsyncIterator[Bybit]:
    rng = np.random.default_rng(1)
    origin = Origin(CLOCK)
    rest = Rest(
        url=exchange.url, budget=RateBudget(CLOCK, 400, 5.0, 100), clock=CLOCK, rng=rng, timeout_s=timeout_s,
        on_origin=lambda name: origin.announced("REST", name),
    )  # fmt: skip
    client = Bybit(rest_url=exchange.url, stream_url=exchange.stream_url, rest=rest, clock=CLOCK, rng=rng)
    client._origin = origin
    try:
        yield client
    finally:
        await client.close()


def body(data: bytes, **headers: str) -> Answer:
    """The same answer to everyone."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=data, headers={"Content-Type": "application/json", **named})

    return answer


def envelope(result: str, code: int = 0) -> bytes:
    return f'{{"retCode":{code},"retMsg":"OK","result":{result},"time":{CLOCK.now_ns() // 1_000_000}}}'.encode()


GOOD = envelope('{"category":"linear","list":[{"symbol":"BTCUSDT","lastPrice":"1.5"}]}')


def bomb(packed: str) -> bytes:
    """A gigabyte of blanks in a megabyte: one block that refers to nothing before it, a thousand times."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(b" " * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    header = b"\x1f\x8b\x08\0\0\0\0\0\0\xff" if packed == "gzip" else b"\x78\xda"
    return header + block * 1024


@asynccontextmanager
async def at_most(taken: int) -> AsyncIterator[None]:
    """What is in memory at any time inside the block is no more than this beyond what was before."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        yield
        assert tracemalloc.get_traced_memory()[1] - before < taken
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("packed", ["gzip", "deflate"])
async def test_a_bomb_is_not_unpacked(exchange: HostileExchange, packed: str) -> None:
    """Eight at once: a small body that unpacks to a gigabyte costs megabytes, and is said to be too large."""
    exchange.answers["*"] = body(bomb(packed), Content_Encoding=packed)
    async with adapter(exchange) as client, at_most(MOST_TAKEN):
        calls = [client.trades("BTCUSDT", 10) for _ in range(7)]
        found = await asyncio.gather(client.tickers(), *calls, return_exceptions=True)
    assert all(isinstance(error, ExchangeUnavailable) for error in found)
    assert "bytes" in str(found[0])
    assert client.origin is None


async def test_a_bomb_is_not_unpacked_by_ccxt_either(exchange: HostileExchange) -> None:
    exchange.answers["*"] = body(bomb("gzip"), Content_Encoding="gzip")
    client = CcxtExchange(name="bybit", clock=CLOCK, urls={"*": exchange.url})
    try:
        async with at_most(2 * MOST_TAKEN):
            with pytest.raises(ExchangeUnavailable, match="bytes"):
                await client.measure_clock()
        assert client.origin is None
    finally:
        await client.close()


def endless(piece: bytes, pause_s: float = 0.0) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        try:
            while True:
                await response.write(piece)
                await asyncio.sleep(pause_s)
        except ConnectionError:
            return response

    return answer


async def test_a_body_without_an_end_is_bounded(exchange: HostileExchange) -> None:
    exchange.answers["*"] = endless(b" " * (1 << 16))
    async with adapter(exchange) as client, at_most(MOST_TAKEN):
        with pytest.raises(ExchangeUnavailable, match=f"more than {MOST_LIST_BYTES:,} bytes"):
            await client.tickers()


async def test_a_body_that_drips_ends_by_the_total_time(exchange: HostileExchange) -> None:
    exchange.answers["*"] = endless(b" ", 0.05)
    began_ns = CLOCK.monotonic_ns()
    async with adapter(exchange, timeout_s=0.3) as client:
        with pytest.raises(ExchangeUnavailable):
            await client.tickers()
    assert (CLOCK.monotonic_ns() - began_ns) / 1e9 < 10
    assert len(exchange.asked) == 3


async def _redirect(_: web.Request) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "/portal"})


async def _huge_announced(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(10**15)})
    await response.prepare(request)
    return response


PAGE = b"<!doctype html><title>Sign in</title>"
FALSE_ANSWERS: dict[str, Answer] = {
    "html": body(PAGE, Content_Type="text/html"),
    "html called json": body(PAGE),
    "empty": body(b""),
    "null": body(b"null"),
    "a list": body(b"[]"),
    "another API": body(b'{"error":"not found","result":{"list":[]}}'),
    "a bad code": body(envelope('{"list":[]}', 10001)),
    "no list": body(envelope("{}")),
    "null result": body(envelope("null")),
    "a text": body(envelope('"hello"')),
    "gzip that is none": body(b"hello", Content_Encoding="gzip"),
    "gzip cut short": body(gzip.compress(GOOD)[:-9], Content_Encoding="gzip"),
    "packed otherwise": body(b"hello", Content_Encoding="br"),
    "redirect": _redirect,
    "huge": _huge_announced,
}


@pytest.mark.parametrize("name", FALSE_ANSWERS)
async def test_what_is_no_answer_tells_nothing_of_the_origin(exchange: HostileExchange, name: str) -> None:
    """A portal's page in place of the simulator does not make it the real exchange."""
    exchange.answers["/portal"] = body(GOOD)
    async with adapter(exchange) as client:
        exchange.answers["/v5/market/tickers"] = FALSE_ANSWERS[name]
        with pytest.raises(ExchangeError):
            await client.tickers()
        assert client.origin is None
        assert "/portal" not in exchange.asked
        exchange.answers["/v5/market/tickers"] = body(GOOD, X_Virtuoso_Source="replay")
        assert client.origin is None
        await client.tickers()
        assert client.origin is DataSource.REPLAY
        exchange.answers["/v5/market/tickers"] = FALSE_ANSWERS[name]
        with pytest.raises(ExchangeError):
            await client.tickers()
        assert client.origin is DataSource.REPLAY
        assert client.origin_change is None


async def test_an_origin_that_changes_is_said_and_the_less_real_one_stands(exchange: HostileExchange) -> None:
    async with adapter(exchange) as client:
        exchange.answers["*"] = body(GOOD, X_Virtuoso_Source="replay")
        await client.tickers()
        exchange.answers["*"] = body(GOOD)
        await client.tickers()
        assert client.origin is DataSource.REPLAY
        assert "live" in str(client.origin_change)
        exchange.answers["*"] = body(GOOD, X_Virtuoso_Source="replay")
        await client.tickers()
        assert client.origin_change is None
        exchange.answers["*"] = body(GOOD, X_Virtuoso_Source="no such thing")
        await client.tickers()
        assert client.origin is DataSource.SYNTHETIC


@pytest.mark.parametrize(
    "answer",
    [b'{"error":"x"}', b"{}", b"[]", envelope("{}", 10001), PAGE],
    ids=["error", "object", "list", "refusal", "page"],
)
async def test_ccxt_learns_no_origin_from_what_is_no_answer(exchange: HostileExchange, answer: bytes) -> None:
    exchange.answers["*"] = body(answer)
    client = CcxtExchange(name="bybit", clock=CLOCK, urls={"*": exchange.url})
    try:
        with pytest.raises(ExchangeError):
            await client.measure_clock()
        assert client.origin is None
    finally:
        await client.close()


@pytest.mark.parametrize(("cursors", "pages"), [(["a", "b", "a"], 3), (["a"], 2), (None, 50)], ids=str)
async def test_a_list_in_pages_that_never_ends(
    exchange: HostileExchange, cursors: list[str] | None, pages: int
) -> None:
    """A circle of cursors is noticed when it closes; one that is always new is cut."""

    async def page(request: web.Request) -> web.StreamResponse:
        cursor = str(len(exchange.asked)) if cursors is None else cursors[(len(exchange.asked) - 1) % len(cursors)]
        return web.Response(body=envelope(f'{{"list":[],"nextPageCursor":"{cursor}"}}'))

    exchange.answers["*"] = page
    async with adapter(exchange) as client:
        assert await client.instruments() == []
        assert len(exchange.asked) == pages
        assert client.missing["(end of the list of instruments)"] == 1


@pytest.mark.parametrize("value", ["-1", "9" * 400, "1e999", "nan", "²", "", "0x10", "١٢", "99999999999999999999"])
@pytest.mark.parametrize("status", [200, 429])
async def test_numbers_in_headers_are_bounded(exchange: HostileExchange, value: str, status: int) -> None:
    async def limited(_: web.Request) -> web.StreamResponse:
        data = envelope("{}", 10006)
        return web.Response(body=data, status=status, headers={"X-Bapi-Limit-Reset-Timestamp": value})

    exchange.answers["*"] = limited
    async with adapter(exchange) as client:
        with pytest.raises(RateLimited) as caught:
            await client.tickers()
    assert 1 <= caught.value.retry_after_s <= 60

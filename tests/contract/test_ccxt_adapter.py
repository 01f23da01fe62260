"""Any exchange through ccxt: its own `bybit` against the embedded exchange says what the native adapter says."""

import asyncio
import math
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from aiohttp import web
from msgspec import UNSET
from tests.support.exchange import Running, running_exchange

from virtuoso.exchange.bybit import Bybit
from virtuoso.exchange.ccxt import CcxtExchange
from virtuoso.exchange.ccxt.conversion import bars as bars_of
from virtuoso.exchange.ccxt.conversion import in_base
from virtuoso.exchange.protocol import Exchange
from virtuoso.model.clock import SystemClock
from virtuoso.model.errors import (
    ConfigError,
    ExchangeError,
    ExchangeRejected,
    ExchangeUnavailable,
    MalformedMessage,
    NotOffered,
    RateLimited,
)
from virtuoso.model.quality import DataSource
from virtuoso.model.timeframe import Timeframe

CLOCK = SystemClock()
SYMBOLS = ["BTCUSDT", "LAYERUSDT"]


@pytest.fixture(scope="module")
def exchange() -> Iterator[Running]:
    with running_exchange() as running:
        yield running


@asynccontextmanager
async def through_ccxt(url: str, category: str = "linear", name: str = "bybit") -> AsyncIterator[CcxtExchange]:
    adapter = CcxtExchange(name=name, category=category, clock=CLOCK, urls={"*": url})
    try:
        yield adapter
    finally:
        await adapter.close()


@pytest.fixture
async def adapter(exchange: Running) -> AsyncIterator[CcxtExchange]:
    async with through_ccxt(exchange.rest_url) as adapter:
        yield adapter


@pytest.fixture
async def native(exchange: Running) -> AsyncIterator[Bybit]:
    adapter = Bybit(
        rest_url=exchange.rest_url, stream_url=exchange.stream_url, clock=CLOCK, rng=np.random.default_rng(1)
    )
    yield adapter
    await adapter.close()


async def test_it_is_an_exchange_that_says_what_it_is(adapter: CcxtExchange, native: Bybit) -> None:
    as_protocol: Exchange = adapter
    assert as_protocol.name == "bybit"
    assert (adapter.origin, adapter.clock_offset_ms, adapter.budget.requests) == (None, None, 0)
    offset_ms = await adapter.measure_clock()
    assert adapter.origin is DataSource.REPLAY
    assert offset_ms == adapter.clock_offset_ms == pytest.approx(await native.measure_clock(), abs=100)
    assert adapter.budget.requests == 3


def test_to_import_it_costs_nothing() -> None:
    code = "import sys, virtuoso.exchange.ccxt; sys.exit('ccxt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


async def test_instruments_are_the_native_ones(adapter: CcxtExchange, native: Bybit) -> None:
    own = {instrument.symbol: instrument for instrument in await native.instruments()}
    assert {instrument.symbol: instrument for instrument in await adapter.instruments()} == own
    assert len(own) == 15


async def test_tickers_are_the_native_ones(adapter: CcxtExchange, native: Bybit) -> None:
    tickers, own = await adapter.tickers(), await native.tickers()
    assert tickers.keys() == own.keys()
    for symbol, ticker in own.items():
        other = tickers[symbol]
        for field in ("last", "mark", "index", "bid", "ask", "previous_24h", "high_24h", "low_24h"):
            assert getattr(other, field) == pytest.approx(getattr(ticker, field), rel=0.01), (symbol, field)
        for field in ("volume_24h", "turnover_24h"):
            assert getattr(other, field) == pytest.approx(getattr(ticker, field), rel=0.02), (symbol, field)
        assert other.change_24h == pytest.approx(ticker.change_24h, abs=0.005)
        assert other.funding_rate == ticker.funding_rate
        assert (other.next_funding_ms, other.funding_interval_h) == (ticker.next_funding_ms, ticker.funding_interval_h)
        assert other.bid_size is not None
        assert other.ask_size is not None


@pytest.mark.parametrize("timeframe", [Timeframe.M1, Timeframe.M5, Timeframe.H4])
async def test_bars_are_the_native_ones(adapter: CcxtExchange, native: Bybit, timeframe: Timeframe) -> None:
    await native.measure_clock()
    now_ms = CLOCK.now_ns() // 1_000_000
    start_ms = now_ms - 100 * timeframe.ms
    for symbol in SYMBOLS:
        own = {bar.open_ms: bar for bar in await native.bars(symbol, timeframe, start_ms, now_ms) if bar.confirmed}
        found = await adapter.bars(symbol, timeframe, start_ms, now_ms)
        assert [bar.open_ms for bar in found] == sorted(bar.open_ms for bar in found)
        closed = {bar.open_ms: bar for bar in found if bar.confirmed}
        assert closed.items() >= own.items(), "every bar, its volume and the turnover that ccxt itself drops"
        assert 99 <= len(own) <= len(closed) <= len(own) + 1
        assert len(found) - len(closed) <= 1


async def test_bars_are_walked_page_by_page(adapter: CcxtExchange) -> None:
    last = Timeframe.M1.floor(CLOCK.now_ns() // 1_000_000) - 10 * 60_000
    bars = await adapter.bars("BTCUSDT", Timeframe.M1, last - 2_299 * 60_000, last)
    assert [bar.open_ms for bar in bars] == list(range(last - 2_299 * 60_000, last + 1, 60_000))
    assert all(bar.confirmed for bar in bars)


async def test_the_forming_bar_is_not_confirmed(adapter: CcxtExchange) -> None:
    await adapter.measure_clock()
    now_ms = int(CLOCK.now_ns() / 1e6 + (adapter.clock_offset_ms or 0))
    bars = await adapter.bars("BTCUSDT", Timeframe.H4, now_ms - 2 * Timeframe.H4.ms, now_ms)
    assert [bar.confirmed for bar in bars] == [True, False]


async def test_trades_are_the_native_ones(adapter: CcxtExchange, native: Bybit) -> None:
    for symbol in SYMBOLS:
        found = await adapter.trades(symbol, 100)
        own = {trade.id: trade for trade in await native.trades(symbol, 200)}
        assert len(found) == 100
        assert [trade.event_ms for trade in found] == sorted(trade.event_ms for trade in found)
        assert sum(own.get(trade.id) == trade for trade in found) > 90


async def test_the_book_is_the_native_one(adapter: CcxtExchange, native: Bybit) -> None:
    """ccxt drops the number of the book; asked often enough, both adapters see the same one."""
    await adapter.book("BTCUSDT", 25)
    matched = 0
    for _ in range(40):
        own, found = await native.book("BTCUSDT", 25), await adapter.book("BTCUSDT", 25)
        assert len(found.bids) == len(found.asks) == 25
        assert found.bids[0][0] < found.asks[0][0]
        assert found.update_id == 0
        if own.event_ms == found.event_ms:
            assert (found.bids, found.asks) == (own.bids, own.asks)
            matched += 1
        if matched == 3:
            return
    raise AssertionError(f"only {matched} books could be compared")


async def test_ratio_funding_and_interest_are_the_native_ones(adapter: CcxtExchange, native: Bybit) -> None:
    for symbol in SYMBOLS:
        ratios, own = await adapter.account_ratio(symbol, 10), await native.account_ratio(symbol, 10)
        shared = {ratio.event_ms: ratio for ratio in own}
        assert len([ratio for ratio in ratios if ratio.event_ms in shared]) >= 9
        for ratio in ratios:
            if ratio.event_ms in shared:
                assert ratio.long == pytest.approx(shared[ratio.event_ms].long, abs=1e-9)
                assert ratio.short == pytest.approx(shared[ratio.event_ms].short, abs=1e-9)
        assert await adapter.funding_history(symbol, 10) == await native.funding_history(symbol, 10)
        interest, held = await adapter.open_interest(symbol, 10), await native.open_interest(symbol, 11)
        assert len(interest) == 10
        assert len({(row.event_ms, row.open_interest) for row in interest} & {
            (row.event_ms, row.open_interest) for row in held
        }) >= 9  # fmt: skip


@pytest.mark.parametrize("name", ["kraken", "gate", "krakenfutures"])
async def test_what_an_exchange_lacks_is_not_offered(name: str) -> None:
    """Known from ccxt's `has` alone: nothing is sent."""
    async with through_ccxt("http://127.0.0.1:9", name=name) as adapter:
        with pytest.raises(NotOffered, match=f"{name} offers no account ratio through ccxt"):
            await adapter.account_ratio("BTC_USDT", 1)
        with pytest.raises(NotOffered, match=f"{name} offers no 2h bars through ccxt|{name} offers no 3m bars"):
            await adapter.bars("BTC_USDT", Timeframe.M3, 0, 1)
        with pytest.raises(NotOffered, match="ccxt exchanges are polled"):
            adapter.stream(lambda event: None)
        assert adapter.budget.requests == 0


async def test_spot_has_no_funding() -> None:
    async with through_ccxt("http://127.0.0.1:9", "spot", "okx") as adapter:
        with pytest.raises(NotOffered, match="spot has no funding history"):
            await adapter.funding_history("BTC-USDT", 1)


async def test_an_exchange_without_time_has_no_offset() -> None:
    async with through_ccxt("http://127.0.0.1:9", name="krakenfutures") as adapter:
        assert await adapter.measure_clock() == 0.0
        assert adapter.clock_offset_ms is None


def test_an_unknown_exchange_or_address_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match=r"exchange.name = binanceusd: .* did you mean binanceusdm"):
        CcxtExchange(name="binanceusd", clock=CLOCK)
    with pytest.raises(ConfigError, match=r"bybit has no addresses \['fapiPublic'\]"):
        CcxtExchange(name="bybit", clock=CLOCK, urls={"fapiPublic": "http://127.0.0.1"})


async def test_an_unknown_symbol_is_rejected(adapter: CcxtExchange) -> None:
    with pytest.raises(ExchangeRejected, match="bybit lists no linear NOPEUSDT") as caught:
        await adapter.trades("NOPEUSDT", 10)
    assert caught.value.code == -1


@pytest.mark.slow
async def test_a_refusing_exchange_is_unavailable_until_it_serves_again() -> None:
    with running_exchange("--faults") as running:
        async with through_ccxt(running.rest_url) as adapter:
            assert len(await adapter.tickers()) == 15
            running.order('{"fault": "refuse", "for_s": 3}')
            sent = adapter.budget.requests
            with pytest.raises(ExchangeUnavailable, match="bybit fetch_time: the connection was closed"):
                await adapter.bars("BTCUSDT", Timeframe.M1, 0, CLOCK.now_ns() // 1_000_000)
            assert adapter.budget.requests - sent == 3
            await asyncio.sleep(3)
            assert len(await adapter.trades("BTCUSDT", 10)) == 10


@asynccontextmanager
async def serving(handle: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def answering(status: int, text: str, **headers: str) -> AsyncIterator[tuple[str, list[str]]]:
    """A server with one answer; and the paths it was asked for."""
    asked: list[str] = []
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def handle(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, text=text, headers=named)

    async with serving(handle) as url:
        yield url, asked


@pytest.mark.parametrize(
    ("status", "headers", "wait_s"), [(403, {}, 600), (429, {}, 10), (429, {"Retry_After": "25"}, 25), (418, {}, 600)]
)
async def test_a_limit_silences_every_request(status: int, headers: dict[str, str], wait_s: float) -> None:
    async with answering(status, "access too frequent", **headers) as (url, asked), through_ccxt(url) as adapter:
        with pytest.raises(RateLimited, match=f"HTTP {status}") as caught:
            await adapter.measure_clock()  # of one request: tickers ask for the markets in two at once
        assert caught.value.retry_after_s == wait_s
        for _ in range(3):
            with pytest.raises(RateLimited, match="silenced"):
                await adapter.trades("BTCUSDT", 1)
        assert len(asked) == adapter.budget.requests == 1
        banned_ms = adapter.budget.banned_until_ms
        assert banned_ms is not None
        assert banned_ms - CLOCK.now_ns() / 1e6 == pytest.approx(1000 * wait_s, abs=2_000)


@pytest.mark.parametrize(
    ("status", "body", "error", "tried_again"),
    [
        (200, '{"retCode":10006,"retMsg":"Too many visits!","result":{},"time":1}', RateLimited, False),
        (200, '{"retCode":10001,"retMsg":"params error","result":{},"time":1}', ExchangeRejected, False),
        (200, '{"retCode":0,"result":{"list":[{"symbol":7}]},"time":1}', MalformedMessage, False),
        (200, "<html>log in to this network</html>", ExchangeUnavailable, True),
        (503, "<html>maintenance</html>", ExchangeUnavailable, True),
    ],
)
async def test_errors_are_ours(status: int, body: str, error: type[ExchangeError], tried_again: bool) -> None:
    async with answering(status, body) as (url, asked), through_ccxt(url) as adapter:
        with pytest.raises(error):
            await adapter.tickers()
        assert (len(asked) > 2) == tried_again, "ccxt asks for the markets in two requests"
        assert (adapter.maintenance is not None) == (status == 503), "a page with 200 is not the exchange's"


OKX_MS = 1_700_000_040_000
OKX: dict[str, object] = {
    "/api/v5/public/time": [{"ts": str(OKX_MS + 90_000)}],
    "/api/v5/public/instruments": [
        {
            "instId": "BTC-USDT-SWAP", "instType": "SWAP", "uly": "BTC-USDT", "ctVal": "0.01", "ctMult": "1",
            "ctValCcy": "BTC", "ctType": "linear", "settleCcy": "USDT", "lotSz": "1", "minSz": "1", "tickSz": "0.1",
            "state": "live", "listTime": "1573557408000", "lever": "100", "baseCcy": "", "quoteCcy": "", "expTime": "",
        }
    ],
    "/api/v5/market/tickers": [
        {
            "instType": "SWAP", "instId": "BTC-USDT-SWAP", "last": "50000", "askPx": "50000.1", "askSz": "300",
            "bidPx": "50000", "bidSz": "200", "open24h": "49000", "high24h": "51000", "low24h": "48000",
            "volCcy24h": "100", "vol24h": "10000", "ts": str(OKX_MS + 90_000),
        }
    ],
    "/api/v5/public/funding-rate": [
        {
            "instId": "BTC-USDT-SWAP", "instType": "SWAP", "fundingRate": "0.0001", "nextFundingRate": "",
            "fundingTime": "1700006400000", "nextFundingTime": "1700035200000", "method": "current_period",
        }
    ],
    "/api/v5/public/open-interest": [
        {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "oi": "5000", "oiCcy": "50", "oiUsd": "2500000", "ts": "1700"}
    ],
    "/api/v5/market/candles": [
        [str(OKX_MS + 60_000), "50000", "50010", "49990", "50000", "100", "1", "50000", "0"],
        [str(OKX_MS), "50000", "50010", "49990", "50000", "300", "3", "150000", "1"],
    ],
    "/api/v5/market/trades": [
        {"instId": "BTC-USDT-SWAP", "side": "sell", "sz": "40", "px": "50000", "tradeId": "9", "ts": str(OKX_MS)}
    ],
    "/api/v5/market/books": [
        {"asks": [["50000.1", "300", "0", "4"]], "bids": [["50000", "200", "0", "1"]], "ts": str(OKX_MS)}
    ],
    "/api/v5/rubik/stat/contracts/open-interest-volume": [[str(OKX_MS), "1200000000", "900000000"]],
    "/api/v5/rubik/stat/contracts/long-short-account-ratio-contract": [[str(OKX_MS), "1.5"]],
}  # fmt: skip
OKX["/api/v5/market/history-candles"] = OKX["/api/v5/market/candles"]
"""One contract is 0.01 BTC. Written after the rows in ccxt's source, not recorded: it shows units, not the exchange."""


@asynccontextmanager
async def like_okx(refused: str = "") -> AsyncIterator[CcxtExchange]:
    async def handle(request: web.Request) -> web.Response:
        if request.path == refused:
            return web.json_response({"code": "51000", "msg": "Parameter instId error", "data": []})
        rows = [] if request.query.get("instType") == "FUTURES" else OKX[request.path]
        return web.json_response({"code": "0", "msg": "", "data": rows})

    async with serving(handle) as url, through_ccxt(url, name="okx") as adapter:
        yield adapter


class TestContractsThatAreNotCoins:
    async def test_lists(self) -> None:
        async with like_okx() as adapter:
            (btc,) = await adapter.instruments()
            assert (btc.symbol, btc.unified, btc.settle) == ("BTC-USDT-SWAP", "BTC/USDT:USDT", "USDT")
            assert (btc.lot_size, btc.tick_size, btc.funding_interval_min) == (0.01, 0.1, 480)
            await adapter.measure_clock()
            ticker = (await adapter.tickers())["BTC-USDT-SWAP"]
            assert (ticker.bid_size, ticker.ask_size) == (2.0, 3.0)
            assert (ticker.turnover_24h, ticker.volume_24h) == (None, None), "no value tells what the volume counts"
            assert (ticker.open_interest, ticker.open_interest_value) == (50.0, 2_500_000)
            assert (ticker.funding_rate, ticker.next_funding_ms) == (0.0001, 1_700_006_400_000)
            assert adapter.missing == {"quoteVolume": 1}
            assert adapter.origin is DataSource.LIVE

    async def test_what_completes_a_ticker_spoils_none(self) -> None:
        async with like_okx(refused="/api/v5/public/funding-rate") as adapter:
            ticker = (await adapter.tickers())["BTC-USDT-SWAP"]
            assert (ticker.last, ticker.funding_rate, ticker.open_interest) == (50_000.0, UNSET, 50.0)
            assert adapter.missing["fetchFundingRates"] == 1
        async with like_okx(refused="/api/v5/market/tickers") as adapter:
            with pytest.raises(ExchangeRejected, match=r"okx fetch_tickers.*51000"):
                await adapter.tickers()

    async def test_a_category_without_markets_is_not_offered(self) -> None:
        async with like_okx(refused="/api/v5/public/instruments") as adapter:
            with pytest.raises(ExchangeRejected):
                await adapter.instruments()
        async with (
            answering(200, '{"retCode":0,"result":{"list":[]},"time":1}') as (url, _),
            through_ccxt(url) as adapter,
        ):
            with pytest.raises(NotOffered, match="bybit offers no linear markets"):
                await adapter.instruments()

    async def test_rows(self) -> None:
        async with like_okx() as adapter:
            bars = await adapter.bars("BTC-USDT-SWAP", Timeframe.M1, OKX_MS, OKX_MS + 60_000)
            assert [(bar.volume, bar.turnover) for bar in bars] == [(3.0, 150_000.0), (1.0, 50_000.0)]
            assert [bar.confirmed for bar in bars] == [True, False], "by the exchange's clock, which is years behind"
            (trade,) = await adapter.trades("BTC-USDT-SWAP", 10)
            assert (trade.size, trade.side, trade.id) == (0.4, "Sell", "9")
            book = await adapter.book("BTC-USDT-SWAP", 5)
            assert (book.event_ms, book.bids, book.asks) == (OKX_MS, [(50_000.0, 2.0)], [(50_000.1, 3.0)])
            (ratio,) = await adapter.account_ratio("BTC-USDT-SWAP", 1)
            assert (ratio.long, ratio.short) == (0.6, 0.4)
            with pytest.raises(NotOffered, match="okx"):
                await adapter.open_interest("BTC-USDT-SWAP", 1)


class TestUnits:
    """What decides between contracts and coins; the samples are one contract = 0.01 BTC at 100 000."""

    OPEN_MS = 1_700_000_040_000

    def row(self, volume: float, turnover: float | None) -> list[float | None]:
        return [self.OPEN_MS, 100_000.0, 100_100.0, 99_900.0, 100_000.0, volume, turnover]

    @pytest.mark.parametrize(("volume", "turnover"), [(2.0, 200_000.0), (200.0, 200_000.0)])
    def test_a_bars_turnover_tells_what_its_volume_counts(self, volume: float, turnover: float) -> None:
        (bar,) = bars_of("okx", 0.01, Timeframe.M1, [self.row(volume, turnover)], math.inf)
        assert (bar.volume, bar.turnover) == (2.0, turnover)

    def test_without_turnover_contracts_are_not_taken_for_coins(self) -> None:
        with pytest.raises(NotOffered, match="contracts or coins"):
            bars_of("mexc", 0.01, Timeframe.M1, [self.row(2.0, None)], math.inf)

    def test_a_turnover_that_is_worth_neither_is_malformed(self) -> None:
        with pytest.raises(MalformedMessage, match="worth neither"):
            bars_of("okx", 0.01, Timeframe.M1, [self.row(2.0, 7.0)], math.inf)

    def test_a_wrong_column_is_not_a_turnover(self) -> None:
        (bar,) = bars_of("bitget", 1.0, Timeframe.M1, [self.row(2.0, 7.0)], math.inf)
        assert bar.volume == 2.0
        assert math.isnan(bar.turnover)

    def test_no_turnover_is_not_a_number(self) -> None:
        (bar,) = bars_of("hyperliquid", 1.0, Timeframe.M1, [self.row(2.0, None)], 0.0)
        assert math.isnan(bar.turnover)
        assert not bar.confirmed

    def test_a_bar_that_opens_elsewhere_is_malformed(self) -> None:
        row = self.row(2.0, None)
        with pytest.raises(MalformedMessage, match="UTC"):
            bars_of("okx", 1.0, Timeframe.H4, [row], math.inf)

    def test_an_amount_without_proof_is_unknown(self) -> None:
        assert in_base(5.0, None, 100_000.0, 0.01) is None
        assert in_base(5.0, 5_000.0, 100_000.0, 0.01) == pytest.approx(0.05)
        assert in_base(5.0, 500_000.0, 100_000.0, 0.01) == 5.0
        assert in_base(5.0, None, None, 1.0) == 5.0

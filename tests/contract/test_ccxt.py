"""ccxt, which no one here wrote, accepts the embedded exchange and agrees with it."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from tests.support.exchange import Running, running_exchange
from tests.support.lazily import Lazily

ccxt, ccxt_rest, ccxt_pro = Lazily("ccxt"), Lazily("ccxt.async_support"), Lazily("ccxt.pro")
SYMBOLS = {"BTC/USDT:USDT": "BTCUSDT", "LAYER/USDT:USDT": "LAYERUSDT"}


@pytest.fixture(scope="module")
def exchange() -> Iterator[Running]:
    with running_exchange() as running:
        yield running


def prepared(client: Any, exchange: Running) -> Any:
    client.urls["api"] = dict.fromkeys(client.urls["api"], exchange.rest_url) | {
        "ws": {
            "public": {kind: f"{exchange.stream_url}/{kind}" for kind in ("linear", "spot", "inverse", "option")},
            "private": {
                "spot": {},
                "contract": f"{exchange.stream_url}/linear",
                "usdc": f"{exchange.stream_url}/linear",
            },
        }
    }
    client.options["fetchMarkets"] = {"types": ["linear"]}
    return client


@pytest.fixture
async def rest(exchange: Running) -> AsyncIterator[Any]:
    client = prepared(ccxt_rest.bybit({"enableRateLimit": False}), exchange)
    yield client
    await client.close()


@pytest.fixture
async def pro(exchange: Running) -> AsyncIterator[Any]:
    client = prepared(ccxt_pro.bybit({"enableRateLimit": False}), exchange)
    yield client
    await client.close()


def ask(exchange: Running, path: str) -> Any:
    with urllib.request.urlopen(f"{exchange.rest_url}/v5/market/{path}", timeout=5) as answer:
        return json.load(answer)["result"]


async def test_markets(rest: Any) -> None:
    markets = await rest.load_markets()
    assert len(markets) == 15
    btc = markets["BTC/USDT:USDT"]
    assert (btc["id"], btc["swap"], btc["linear"], btc["active"]) == ("BTCUSDT", True, True, True)
    assert (btc["precision"]["price"], btc["precision"]["amount"]) == (0.1, 0.001)


async def test_tickers(rest: Any, exchange: Running) -> None:
    tickers = await rest.fetch_tickers()
    assert len(tickers) == 15
    own = {row["symbol"]: row for row in ask(exchange, "tickers?category=linear")["list"]}
    for unified, native in SYMBOLS.items():
        ticker = tickers[unified]
        assert ticker["last"] == pytest.approx(float(own[native]["lastPrice"]), rel=0.01)
        assert ticker["bid"] < ticker["ask"]
        assert ticker["quoteVolume"] == pytest.approx(float(own[native]["turnover24h"]), rel=0.01)
        assert ticker["percentage"] == pytest.approx(100 * float(own[native]["price24hPcnt"]), abs=1)


@pytest.mark.parametrize("timeframe", ["1m", "5m", "30m", "4h"])
async def test_bars(rest: Any, exchange: Running, timeframe: str) -> None:
    bars = await rest.fetch_ohlcv("BTC/USDT:USDT", timeframe, limit=50)
    interval = {"1m": "1", "5m": "5", "30m": "30", "4h": "240"}[timeframe]
    own = ask(exchange, f"kline?category=linear&symbol=BTCUSDT&interval={interval}&limit=50")["list"][::-1]
    assert len(bars) == 50
    assert [bar[0] for bar in bars[:-1]] == [int(row[0]) for row in own[:-1]]
    assert bars[:-1] == [[int(row[0]), *map(float, row[1:6])] for row in own[:-1]]


async def test_bars_since_go_forward(rest: Any) -> None:
    latest = await rest.fetch_ohlcv("BTC/USDT:USDT", "1m", limit=100)
    since = await rest.fetch_ohlcv("BTC/USDT:USDT", "1m", since=latest[10][0], limit=5)
    assert since == latest[10:15]


async def test_book_trades_and_the_rest(rest: Any, exchange: Running) -> None:
    for unified, native in SYMBOLS.items():
        book = await rest.fetch_order_book(unified, 25)
        assert len(book["bids"]) == len(book["asks"]) == 25
        assert book["bids"][0][0] < book["asks"][0][0]
        trades = await rest.fetch_trades(unified, limit=100)
        assert len(trades) == 100
        own = {row["execId"]: row for row in ask(exchange, f"recent-trade?category=linear&symbol={native}")["list"]}
        shared = [trade for trade in trades if trade["id"] in own]
        assert len(shared) > 90
        for trade in shared:
            row = own[trade["id"]]
            assert (trade["price"], trade["amount"]) == (float(row["price"]), float(row["size"]))
            assert (trade["side"], trade["timestamp"]) == (row["side"].lower(), int(row["time"]))
        interest = await rest.fetch_open_interest(unified)
        assert interest["openInterestAmount"] > 0
        funding = await rest.fetch_funding_rate(unified)
        assert funding["fundingRate"] == float(
            ask(exchange, f"tickers?category=linear&symbol={native}")["list"][0]["fundingRate"]
        )
        history = await rest.fetch_funding_rate_history(unified, limit=10)
        settled = ask(exchange, f"funding/history?category=linear&symbol={native}&limit=10")["list"][::-1]
        assert [(h["timestamp"], h["fundingRate"]) for h in history] == [
            (int(row["fundingRateTimestamp"]), float(row["fundingRate"])) for row in settled
        ]
        ratios = await rest.fetch_long_short_ratio_history(unified, "5min", limit=10)
        assert len(ratios) == 10
        assert all(0.1 < ratio["longShortRatio"] < 10 for ratio in ratios)


async def test_errors_are_what_ccxt_expects(rest: Any) -> None:
    with pytest.raises(ccxt.BadRequest):
        await rest.public_get_v5_market_kline({"category": "linear", "symbol": "NOPEUSDT", "interval": "1"})
    with pytest.raises(ccxt.BadRequest):
        await rest.public_get_v5_market_tickers({"category": "nonsense"})


async def test_watched_book_follows_the_exchanges_own(pro: Any, exchange: Running) -> None:
    """After some deltas the client's 50 levels are the exchange's own at the same instant."""
    await pro.load_markets()
    matched = 0
    for _ in range(60):
        book = await pro.watch_order_book("BTC/USDT:USDT", 50)
        assert book["bids"][0][0] < book["asks"][0][0]
        own = await asyncio.to_thread(ask, exchange, "orderbook?category=linear&symbol=BTCUSDT&limit=50")
        if own["ts"] == book["timestamp"]:
            assert [list(level[:2]) for level in book["bids"]] == [[float(p), float(q)] for p, q in own["b"]]
            assert [list(level[:2]) for level in book["asks"]] == [[float(p), float(q)] for p, q in own["a"]]
            matched += 1
        if matched == 5:
            return
    raise AssertionError(f"only {matched} books could be compared")


async def test_watched_trades_ticker_and_bars(pro: Any, exchange: Running) -> None:
    await pro.load_markets()
    trades = await asyncio.wait_for(pro.watch_trades("BTC/USDT:USDT"), 60)
    own = {row["execId"]: row for row in ask(exchange, "recent-trade?category=linear&symbol=BTCUSDT")["list"]}
    assert trades
    assert all((t["price"], t["amount"]) == (float(own[t["id"]]["price"]), float(own[t["id"]]["size"])) for t in trades)
    ticker = await asyncio.wait_for(pro.watch_ticker("BTC/USDT:USDT"), 10)
    assert ticker["last"] == pytest.approx(float(trades[-1]["price"]), rel=0.01)
    bars = await asyncio.wait_for(pro.watch_ohlcv("BTC/USDT:USDT", "1m"), 60)
    start, opened, high, low, close, _ = bars[-1]
    row = ask(exchange, f"kline?category=linear&symbol=BTCUSDT&interval=1&start={start}&end={start}")["list"][0]
    assert opened == float(row[1])
    assert low <= close <= high

"""pybit, Bybit's own client, accepts the embedded exchange; a minute's trades are its bar, in Decimal."""

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from tests.support.exchange import Running, running_exchange
from tests.support.lazily import Lazily

pybit, exceptions = Lazily("pybit.unified_trading"), Lazily("pybit.exceptions")

SYMBOLS = ["BTCUSDT", "XMRUSDT", "LAYERUSDT"]
SPEED = 20


def as_over_a_network(exchange: Running) -> None:
    """pybit notes whom to tell after it has sent the subscription; on a busy machine loopback beats it: it hangs."""
    exchange.order(json.dumps({"fault": "latency", "latency_ms": 250, "for_s": 300}))


@pytest.fixture(scope="module")
def exchange() -> Iterator[Running]:
    with running_exchange("--speed", str(SPEED), "--faults") as running:
        yield running


@pytest.fixture
def rest(exchange: Running) -> Any:
    client = pybit.HTTP()
    client.endpoint = exchange.rest_url
    return client


@pytest.fixture
def stream(exchange: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    as_over_a_network(exchange)
    monkeypatch.setattr(
        "pybit.unified_trading.PUBLIC_WSS", f"ws://127.0.0.1:{exchange.port}/v5/public/{{CHANNEL_TYPE}}"
    )
    client = pybit.WebSocket(channel_type="linear", testnet=False)
    yield client
    client.exit()


def test_rest_answers(rest: Any) -> None:
    assert len(rest.get_instruments_info(category="linear")["result"]["list"]) == 15
    assert len(rest.get_tickers(category="linear")["result"]["list"]) == 15
    assert len(rest.get_orderbook(category="linear", symbol="BTCUSDT", limit=200)["result"]["b"]) == 200
    assert len(rest.get_public_trade_history(category="linear", symbol="BTCUSDT", limit=1000)["result"]["list"]) == 1000
    assert len(rest.get_open_interest(category="linear", symbol="BTCUSDT", intervalTime="5min")["result"]["list"]) == 50
    assert rest.get_long_short_ratio(category="linear", symbol="BTCUSDT", period="5min", limit=3)["result"]["list"]
    for get in (rest.get_mark_price_kline, rest.get_index_price_kline, rest.get_premium_index_price_kline):
        assert len(get(category="linear", symbol="BTCUSDT", interval=5, limit=10)["result"]["list"]) == 10
    with pytest.raises(exceptions.InvalidRequestError, match="symbol invalid"):
        rest.get_kline(category="linear", symbol="NOPE", interval=1)


def test_history_pages_without_holes(rest: Any) -> None:
    seen: list[int] = []
    cursor = ""
    for _ in range(4):
        page = rest.get_open_interest(category="linear", symbol="BTCUSDT", intervalTime="5min", limit=20, cursor=cursor)
        rows = page["result"]["list"]
        seen += [int(row["timestamp"]) for row in rows]
        cursor = page["result"]["nextPageCursor"]
    assert len(seen) == 80
    assert all(later - earlier == 300_000 for later, earlier in pairwise(seen))


def test_a_minutes_trades_are_its_bar(stream: Any) -> None:
    trades: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    bars: dict[tuple[str, int], dict[str, Any]] = {}
    enough = threading.Event()

    def on_trade(message: dict[str, Any]) -> None:
        for row in message["data"]:
            trades[row["s"], row["T"] // 60_000 * 60_000].append(row)

    def on_bar(message: dict[str, Any]) -> None:
        symbol = message["topic"].rpartition(".")[2]
        for row in message["data"]:
            if row["confirm"]:
                bars[symbol, row["start"]] = row
        if len(bars) >= 5 * len(SYMBOLS):
            enough.set()

    stream.trade_stream(symbol=SYMBOLS, callback=on_trade)
    stream.kline_stream(interval=1, symbol=SYMBOLS, callback=on_bar)
    assert enough.wait(60), f"{len(bars)} bars in 60 s"
    first = {symbol: min(start for s, start in bars if s == symbol) for symbol in SYMBOLS}
    compared = 0
    for (symbol, start), bar in list(bars.items()):
        if start == first[symbol]:
            continue  # watched from its middle on
        rows = trades[symbol, start]
        prices = [Decimal(row["p"]) for row in rows]
        sizes = [Decimal(row["v"]) for row in rows]
        assert len({row["i"] for row in rows}) == len(rows)
        assert sum(sizes) == Decimal(bar["volume"])
        assert sum(p * v for p, v in zip(prices, sizes, strict=True)) == Decimal(bar["turnover"])
        assert (prices[0], max(prices), min(prices), prices[-1]) == tuple(
            Decimal(bar[name]) for name in ("open", "high", "low", "close")
        )
        compared += 1
    assert compared >= 4 * len(SYMBOLS)


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A stream of an exchange that runs at the speed of the wall: 1000 levels twenty times as fast are a load."""
    with running_exchange("--faults") as running:
        as_over_a_network(running)
        address = f"ws://127.0.0.1:{running.port}/v5/public/{{CHANNEL_TYPE}}"
        monkeypatch.setattr("pybit.unified_trading.PUBLIC_WSS", address)
        client = pybit.WebSocket(channel_type="linear", testnet=False)
        yield client
        client.exit()


def test_every_public_stream_delivers(unhurried: Any) -> None:
    heard: dict[str, tuple[int, int]] = {}
    everything = threading.Event()

    def on(message: dict[str, Any]) -> None:
        data = message["data"]  # pybit merges the deltas into it, in its own thread: look at it here
        levels = (len(data["b"]), len(data["a"])) if "orderbook" in message["topic"] else (0, 0)
        heard.setdefault(message["topic"], levels)
        if len(heard) == 6:
            everything.set()

    for depth in (1, 50, 200, 1000):
        unhurried.orderbook_stream(depth=depth, symbol="BTCUSDT", callback=on)
    unhurried.ticker_stream(symbol="BTCUSDT", callback=on)
    unhurried.kline_stream(interval=5, symbol="BTCUSDT", callback=on)
    assert everything.wait(90), f"only {sorted(heard)}"
    assert {d: heard[f"orderbook.{d}.BTCUSDT"] for d in (1, 50, 200, 1000)} == {d: (d, d) for d in (1, 50, 200, 1000)}

"""A recording given back as an exchange: pybit, ccxt.pro and our own `up` see what was recorded, wherever time is."""

import asyncio
import json
import re
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pybit.unified_trading
import pytest
from pybit.exceptions import InvalidRequestError
from pybit.unified_trading import HTTP, WebSocket
from tests.support import warm
from tests.support.bundled import record_bundled
from tests.support.exchange import Running
from tests.support.lazily import Lazily
from tests.support.program import command, running_program, settings_for

from virtuoso.cli.replay_serve import act
from virtuoso.model.clock import ManualClock, SystemClock
from virtuoso.processes.recordings.served import ServedRecording
from virtuoso.recording.reader import read
from virtuoso.recording.records import Frame
from virtuoso.simulator.faults import Fault
from virtuoso.simulator.replayed.server import ReplayServer
from virtuoso.simulator.replayed.source import ReplayedSource

ccxt_pro = Lazily("ccxt.pro")
START_MS = 1_795_463_400_000
SECONDS = 100
SYMBOLS = ("BTCUSDT", "ETHUSDT")
BOOK = "orderbook.50.BTCUSDT"

Levels = dict[float, float]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    return record_bundled(folder / "day", START_MS, SECONDS, SYMBOLS, beacons=SYMBOLS[:1])


@pytest.fixture(scope="module")
def books(recording: Path) -> dict[int, tuple[Levels, Levels]]:
    """What the book was after each recorded frame, by its update id and by its time: not made by what is tested."""
    found: dict[int, tuple[Levels, Levels]] = {}
    bids, asks = Levels(), Levels()
    for record in read(recording):
        if not isinstance(record, Frame) or f'"{BOOK}"'.encode() not in record.payload[:60]:
            continue
        message = msgspec.json.decode(record.payload)
        if message["type"] == "snapshot":
            bids, asks = Levels(), Levels()
        for side, levels in ((bids, message["data"]["b"]), (asks, message["data"]["a"])):
            for price, size in levels:
                side[float(price)] = float(size)
                if size == "0":
                    del side[float(price)]
        found[message["data"]["u"]] = found[message["ts"]] = dict(bids), dict(asks)
    return found


class Served:
    """A server in a thread of its own, ordered over HTTP."""

    def __init__(self, server: ReplayServer) -> None:
        self.server = server

    def ask(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.server.rest_url + path, data), timeout=30) as answer:
            return json.load(answer)


@contextmanager
def serving(recording: Path, **options: Any) -> Iterator[Served]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def started() -> ReplayServer:
        source = ReplayedSource(ServedRecording(recording).recorded())
        server = ReplayServer(source, clock=SystemClock(), **options)
        await server.start()
        return server

    server = asyncio.run_coroutine_threadsafe(started(), loop).result(60)
    try:
        yield Served(server)
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


@pytest.fixture
def pybit_stream(monkeypatch: pytest.MonkeyPatch) -> Callable[[Served], Any]:
    @contextmanager
    def connected(served: Served) -> Iterator[Any]:
        served.server.order(Fault(fault="latency", latency_ms=250, for_s=300))  # pybit hangs where answers beat it
        address = f"{served.server.stream_url}/{{CHANNEL_TYPE}}"
        monkeypatch.setattr(pybit.unified_trading, "PUBLIC_WSS", address)
        client = WebSocket(channel_type="linear", testnet=False)
        try:
            yield client
        finally:
            client.exit()

    return connected


def test_pybit_sees_the_book_that_was_recorded_also_after_a_seek(
    recording: Path, books: dict[int, tuple[Levels, Levels]], pybit_stream: Callable[[Served], Any]
) -> None:
    heard: list[tuple[str, int, int, Levels, Levels]] = []
    more = threading.Event()

    def on_book(message: dict[str, Any]) -> None:
        data = message["data"]
        sides = [{float(price): float(size) for price, size in data[side]} for side in ("b", "a")]
        heard.append((message["type"], data["u"], message["ts"], *sides))
        if len(heard) % 25 == 0:
            more.set()

    with serving(recording, speed=10, from_ms=START_MS + 30_000) as served, pybit_stream(served) as stream:
        stream.orderbook_stream(depth=50, symbol="BTCUSDT", callback=on_book)
        assert more.wait(60)
        assert served.ask("/replay/pause", {})["paused"]
        still = served.ask("/replay")["now_ms"]
        assert served.ask("/v5/market/time")["time"] == still == served.ask("/replay")["now_ms"]
        before = len(heard)
        assert all(START_MS + 30_000 <= ts < START_MS + 100_000 for _, _, ts, _, _ in heard)
        back = served.ask("/replay/seek", {"to_ms": START_MS + 5_000})
        assert (back["now_ms"], back["paused"]) == (START_MS + 5_000, True)
        more.clear()
        assert served.ask("/replay/speed", {"speed": 20})["speed"] == 20
        served.ask("/replay/resume", {})
        assert more.wait(60)
    again = next(n for n, each in enumerate(heard) if n and each[2] < heard[n - 1][2])
    assert again >= before - 1, "the moment went back once, when it was told to"
    assert heard[again][0] == "snapshot"
    for _, update, _, bids, asks in heard:
        assert (bids, asks) == books[update]
    ids = [each[1] for each in heard]
    for part in (ids[:again], ids[again:]):
        assert part == list(range(part[0], part[0] + len(part))), "no update is missing"


def test_what_was_not_recorded_is_refused_and_what_was_is_answered(recording: Path) -> None:
    with serving(recording, paused=True, from_ms=START_MS + 70_000) as served:
        rest = HTTP()
        rest.endpoint = served.server.rest_url
        assert len(rest.get_instruments_info(category="linear")["result"]["list"]) == 15
        assert len(rest.get_orderbook(category="linear", symbol="BTCUSDT", limit=50)["result"]["b"]) == 50
        bars = rest.get_kline(category="linear", symbol="BTCUSDT", interval=1, limit=3)["result"]["list"]
        assert [int(row[0]) for row in bars] == [START_MS + 60_000 - n * 60_000 for n in range(3)]
        for get, options in (
            (rest.get_public_trade_history, {"limit": 60}),
            (rest.get_open_interest, {"intervalTime": "5min"}),
            (rest.get_long_short_ratio, {"period": "5min"}),
            (rest.get_funding_rate_history, {}),
            (rest.get_tickers, {}),
        ):
            assert get(category="linear", symbol="ETHUSDT", **options)["result"]["list"], get.__name__
        for get, options in (
            (rest.get_mark_price_kline, {"interval": 1}),
            (rest.get_kline, {"interval": "W"}),
            (rest.get_long_short_ratio, {"period": "1d"}),
        ):
            with pytest.raises(InvalidRequestError, match="not in the recording"):
                get(category="linear", symbol="BTCUSDT", **options)
        with pytest.raises(InvalidRequestError, match="not in the recording"):
            rest.get_orderbook(category="linear", symbol="XMRUSDT")
        for path, body in (("/replay/seek", {"to_ms": 5}), ("/replay/speed", {"speed": 0}), ("/replay/speed", [])):
            with pytest.raises(urllib.error.HTTPError, match="422"):
                served.ask(path, body)


async def test_keys_pause_speed_up_and_seek(recording: Path) -> None:
    source = ReplayedSource(ServedRecording(recording).recorded())
    stop, seeking = asyncio.Event(), set[asyncio.Task[None]]()
    async with ReplayServer(source, clock=ManualClock(5), speed=2) as server:
        for key, speed, paused in ((" ", 2, True), ("+", 4, True), ("-", 2, True), ("x", 2, True), (" ", 2, False)):
            act(server, key, stop, seeking)
            assert (server.state["speed"], server.state["paused"]) == (speed, paused)
        act(server, ".", stop, seeking)
        await asyncio.wait_for(asyncio.gather(*seeking), 30)
        assert server.state["now_ms"] == server.state["first_ms"] + 60_000
        act(server, ",", stop, seeking)
        await asyncio.wait_for(asyncio.gather(*seeking), 30)
        assert server.state["now_ms"] == server.state["first_ms"]
        assert not stop.is_set()
        act(server, "q", stop, seeking)
        assert stop.is_set()


async def test_ccxt_pro_sees_what_was_recorded(recording: Path, books: dict[int, tuple[Levels, Levels]]) -> None:
    with serving(recording, speed=5, from_ms=START_MS + 20_000) as served:
        client: Any = ccxt_pro.bybit({"enableRateLimit": False})
        client.urls["api"] = dict.fromkeys(client.urls["api"], served.server.rest_url) | {
            "ws": {"public": {kind: f"{served.server.stream_url}/{kind}" for kind in ("linear", "spot")}}
        }
        client.options["fetchMarkets"] = {"types": ["linear"]}
        try:
            assert len(await client.load_markets()) == 15
            for _ in range(20):
                book = await asyncio.wait_for(client.watch_order_book("BTC/USDT:USDT", 50), 60)
                bids, asks = books[book["timestamp"]]
                assert {price: size for price, size, *_ in book["bids"]} == bids
                assert {price: size for price, size, *_ in book["asks"]} == asks
            trades = await asyncio.wait_for(client.watch_trades("BTC/USDT:USDT"), 60)
            assert {trade["id"] for trade in trades} <= recorded_trades(recording)
        finally:
            await client.close()


def recorded_trades(recording: Path) -> set[str]:
    frames = (record.payload for record in read(recording) if isinstance(record, Frame))
    return set(
        re.findall(r'"i":"([^"]+)"', b"\n".join(each for each in frames if b"publicTrade" in each[:30]).decode())
    )


def test_up_watches_a_recording_as_it_watches_an_exchange(recording: Path, tmp_path: Path) -> None:
    line = command("replay", str(recording), "--serve", "--port", "0", "--from", str(START_MS + 2_000))
    with warm.Popen(line, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"REST http://127\.0\.0\.1:(\d+)", process.stdout.readline())
            assert found
            config = settings_for(Running(int(found[1]), process), tmp_path, "universe: {size: 2, detailed: 2}\n")
            with running_program(config) as program:
                program.until("both symbols", lambda: len(scored(program.ask)) == len(SYMBOLS), 60)
                dashboard = program.ask("/api/signals/top?limit=50")
                assert {row["data_source"] for row in dashboard["signals"]} == {"replay"}
                prices = {row["symbol"]: row["price"] for row in dashboard["signals"]}
        finally:
            process.terminate()
            assert process.wait(20) == 0
    assert prices.keys() == set(SYMBOLS)
    for symbol, price in prices.items():
        assert price in recorded_prices(recording, symbol)


def scored(ask: Callable[[str], Any]) -> list[str]:
    return [row["symbol"] for row in ask("/api/signals/top?limit=50")["signals"] if row["score"] is not None]


def recorded_prices(recording: Path, symbol: str) -> set[float]:
    frames = (record.payload for record in read(recording) if isinstance(record, Frame))
    texts = b"\n".join(each for each in frames if f"tickers.{symbol}".encode() in each[:40]).decode()
    return {float(price) for price in re.findall(r'"(?:lastPrice|markPrice)":"([^"]+)"', texts)}

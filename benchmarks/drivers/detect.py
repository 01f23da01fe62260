"""What the fast detectors cost, and how soon they tell; one JSON object.

    python -m benchmarks.drivers.detect cost FOLDER with|without
    python -m benchmarks.drivers.detect added FOLDER
    python -m benchmarks.drivers.detect latency

`cost` feeds the mixed stream through the production handlers: CPU time of all of it. `added` hands each message to a
receiver without detectors and to one with them: what they add to a message. `latency` plants events in frames, thirty
of a kind, and takes the time from the call that hands the frame over until it returns with the incident raised.
"""

import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.peers import gauge
from benchmarks.workload import DEPTH, START_MS, SYMBOLS
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.config import Settings
from virtuoso.exchange.bybit.feeds import Feed, feeds_for, topic_of
from virtuoso.market.state import MarketState
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.watching.detection import SAMPLE_MS, Detection
from virtuoso.wiring.detectors import fast_parameters

MINUTE_MS = 60_000
TRIALS = 30
Take = Callable[[bytes, int], None]


class Scene:
    """Symbols with four hours of history behind them, and their handlers."""

    def __init__(self, symbols: tuple[str, ...], *, detected: bool) -> None:
        self.market = MarketState((Timeframe.M1,), depth=DEPTH)
        self.log = IncidentLog(10_000)
        self.detection = Detection(fast_parameters(Settings().monitoring.alerts), self.log)
        for symbol in symbols:
            self.market.add(symbol)
            self.market[symbol].history.load(Timeframe.M1, [_minute(i) for i in range(-240, 0)])
        sinks = self.detection.sinks(self.market, START_MS * 1_000_000) if detected else self.market.sinks()
        self.feeds: dict[bytes, Feed] = {
            feed.topic.encode(): feed
            for symbol, sink in sinks.items()
            for feed in feeds_for(symbol, sink, "linear", DEPTH, _no_resync)
        }

    def take(self, message: dict[str, Any], at_ms: int) -> float:
        """Hand a frame over; microseconds until it is dealt with."""
        frame = json.dumps({"ts": at_ms, "type": "delta", **message}).encode()
        take = self.feeds[message["topic"].encode()].take
        received_ns = at_ms * 1_000_000
        begin = time.perf_counter_ns()
        take(frame, received_ns)
        return (time.perf_counter_ns() - begin) / 1e3


def _minute(i: int) -> Bar:
    close = 100.0 + (i * 7919 % 13) * 0.01
    return Bar(START_MS + i * MINUTE_MS, close, close, close, close, 1_000.0 + i % 7 * 100, 1e5)


def _no_resync(feed: Feed) -> None:
    raise SystemExit(f"{feed.topic} asked for a resync")


def cost(folder: Path, *, detected: bool) -> None:
    """The mixed stream, without or with detectors."""
    frames = gauge.frames(folder)
    scene = Scene(SYMBOLS, detected=detected)
    pairs = _pairs(scene, frames)

    def feed() -> None:
        received_ns = START_MS * 1_000_000
        for take, frame in pairs:
            received_ns += 7_000_000
            take(frame, received_ns)

    cpu_s = gauge.measure_parse(feed)
    print(json.dumps({"cpu_s": cpu_s, "messages": len(frames), "incidents": scene.log.fired}))


def added(folder: Path) -> None:
    """Each message by both, now the one first and now the other: the median of the differences, by kind."""
    frames = gauge.frames(folder)
    takers = zip(*(_pairs(Scene(SYMBOLS, detected=detected), frames) for detected in (False, True)), strict=True)
    found: dict[str, list[int]] = {"orderbook": [], "publicTrade": [], "tickers": []}
    gc.collect()
    received_ns, now_ns = START_MS * 1_000_000, time.perf_counter_ns
    for i, ((plain, frame), (watched, _)) in enumerate(takers):
        received_ns += 7_000_000
        first, second = (plain, watched) if i % 2 else (watched, plain)
        begin = now_ns()
        first(frame, received_ns)
        between = now_ns()
        second(frame, received_ns)
        end = now_ns()
        difference = end - 2 * between + begin
        found[_kind(frame)].append(difference if i % 2 else -difference)
    print(json.dumps({"median_us": {kind: median(each) / 1e3 for kind, each in found.items()}}))


def _pairs(scene: Scene, frames: list[bytes]) -> list[tuple[Take, bytes]]:
    return [(scene.feeds[topic_of(frame) or b""].take, frame) for frame in frames]


def _kind(frame: bytes) -> str:
    return (topic_of(frame) or b"").decode().partition(".")[0]


def _trade(number: int, at_ms: int, price: float, size: float, side: str = "Buy") -> dict[str, Any]:
    row = {"T": at_ms, "s": "X", "S": side, "v": str(size), "p": str(price), "i": f"t{number}"}
    return {"topic": "publicTrade.X", "data": [row]}


def whale(scene: Scene) -> Iterator[float]:
    """An order twice the size of the last whale."""
    for i in range(8_000):
        scene.take(_trade(i, START_MS + i * 100, 100.0, 1.0 + i % 50 / 10), START_MS + i * 100)
    value = 1e5
    for i in count(8_000):
        at_ms = START_MS + i * 1_000
        value *= 2.0 if value < 1e15 else 1e-9
        yield scene.take(_trade(i, at_ms, 100.0, value / 100), at_ms)
        for j in range(20):
            scene.take(_trade(i, at_ms + 10 * j, 100.0, 1.0), at_ms + 10 * j)


def sudden_move(scene: Scene) -> Iterator[float]:
    """Three percent within a second, after two minutes of calm."""
    price = 100.0
    for i in count():
        for j in range(120):
            at_ms = START_MS + (i * 120 + j) * 1_000
            scene.take(_trade(i * 120 + j, at_ms, price, 1.0), at_ms)
        price *= 1.03 if i % 2 else 1 / 1.03
        yield scene.take(_trade(0, at_ms + 500, price, 1.0), at_ms + 500)


def _liquidated(at_ms: int, value: float, symbol: str = "X") -> dict[str, Any]:
    row = {"T": at_ms, "s": symbol, "S": "Buy", "v": str(value / 100), "p": "100"}
    return {"topic": f"allLiquidation.{symbol}", "type": "snapshot", "data": [row]}


def liquidation(scene: Scene) -> Iterator[float]:
    """A position of half a usual minute's turnover, and larger from time to time."""
    for i in count():
        at_ms = START_MS + i * 10 * MINUTE_MS
        yield scene.take(_liquidated(at_ms, 5e4 * 2 ** (i / 4)), at_ms)


def liquidation_cascade(scene: Scene) -> Iterator[float]:
    """The one that makes a cascade of many."""
    for i in count():
        at_ms = START_MS + i * 24 * 60 * MINUTE_MS
        for j in range(20):
            fired = scene.log.fired
            took = scene.take(_liquidated(at_ms + j * 100, 9e3), at_ms + j * 100)
            if scene.log.fired > fired:
                yield took
                break


def _book(update_id: int, asks: list[list[str]], wall: int) -> dict[str, Any]:
    data = {"s": "X", "b": [["99.70", str(wall)]], "a": asks, "u": update_id, "seq": 1}
    return {"topic": f"orderbook.{DEPTH}.X", "data": data}


def _booked(scene: Scene, spread: int, wall: int) -> Iterator[float]:
    """A usual book for a quarter of an hour, then what is unusual for fifteen seconds, by turns."""
    levels = [
        [[f"{100 + sign * 0.01 * (i + above):.2f}", "2"] for i in range(150)] for sign, above in ((-1, 0), (1, 1))
    ]
    data = {"s": "X", "b": levels[0], "a": levels[1], "u": 1, "seq": 1}
    scene.take({"topic": f"orderbook.{DEPTH}.X", "type": "snapshot", "data": data}, START_MS)
    update_id, at_ms = 1, START_MS
    while True:
        for look in range(4_000):
            update_id, at_ms, fired = update_id + 1, at_ms + SAMPLE_MS, scene.log.fired
            unusual = look >= 3_940
            asks = [[f"{100 + 0.01 * (i + 1):.2f}", "0" if unusual else "2"] for i in range(spread)]
            took = scene.take(_book(update_id, asks if look in {0, 3_940} else [], wall if unusual else 2), at_ms)
            if scene.log.fired > fired:
                yield took


def spread_blowout(scene: Scene) -> Iterator[float]:
    """Forty ticks wide for more than two seconds."""
    yield from _booked(scene, 38, 2)


def book_wall(scene: Scene) -> Iterator[float]:
    """A bid of two thousand that stays for ten seconds."""
    yield from _booked(scene, 0, 20_000)


def volume_spike(scene: Scene) -> Iterator[float]:
    """The push that takes a minute over its threshold."""
    for i in count():
        for j, (volume, confirm) in enumerate(
            [(900, False), (90_000, False), (1_000, True)] if i % 30 == 0 else [(1_000, True)]
        ):
            opened = START_MS + i * MINUTE_MS
            row = {"start": opened, "open": "100", "close": "100.01", "high": "101", "low": "99", "volume": str(volume),
                   "turnover": "1", "confirm": confirm}  # fmt: skip
            took = scene.take({"topic": "kline.1.X", "type": "snapshot", "data": [row]}, opened + 10_000 * (j + 1))
            if volume == 90_000:
                yield took


def funding_extreme(scene: Scene) -> Iterator[float]:
    """A rate of half a percent."""
    for i in count():
        at_ms = START_MS + i * MINUTE_MS
        took = scene.take(_ticker(fundingRate="0.0001" if i % 2 == 0 else "0.005", fundingIntervalHour="8"), at_ms)
        if i % 2:
            yield took


def open_interest_surge(scene: Scene) -> Iterator[float]:
    """Ten percent more than five minutes before."""
    interest = 1e6
    for i in count():
        for j in range(300 if i == 0 else 20):
            scene.take(_ticker(openInterest=str(interest)), START_MS + (i * 300 + j) * MINUTE_MS)
        if i:
            interest *= 1.1 if i % 2 else 0.9
            yield scene.take(_ticker(openInterest=str(interest)), START_MS + (i * 300 + 20) * MINUTE_MS - 1)


def _ticker(**fields: str) -> dict[str, Any]:
    return {"topic": "tickers.X", "data": {"symbol": "X", **fields}}


KINDS = (
    whale, liquidation, liquidation_cascade, sudden_move, spread_blowout, book_wall, volume_spike, funding_extreme,
    open_interest_surge,
)  # fmt: skip


def latency() -> None:
    """Thirty of each kind."""
    found = {}
    for plant in KINDS:
        scene = Scene(("X",), detected=True)
        samples: list[float] = []
        for took in plant(scene):
            if scene.log.fired > len(samples):
                samples.append(took)
            scene.detection.sweep(1 << 62)
            if len(samples) == TRIALS:
                break
        found[plant.__name__] = median(samples)
    print(json.dumps({"median_us": found}))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["cost", folder, how]:
            cost(Path(folder), detected=how == "with")
        case ["added", folder]:
            added(Path(folder))
        case _:
            latency()

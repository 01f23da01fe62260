"""Malformed messages into a real connection: never an exception, each counted once, and no bad number in any state."""

import json
import math
from collections import Counter
from copy import deepcopy
from typing import Any

import msgspec
import numpy as np
import pytest
from picows import WSMsgType
from tests.support.capture import frames
from tests.support.soak import SOAK

from virtuoso.exchange.bybit.connection import Connection
from virtuoso.exchange.bybit.feeds import BookFeed, Feed, TouchFeed, feeds_for, topic_of
from virtuoso.exchange.bybit.listener import Listener
from virtuoso.market.symbol import SymbolState
from virtuoso.model.clock import ManualClock
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe

COUNT = 100_000 if SOAK else 20_000
SYMBOLS = {"linear": ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT"), "spot": ("BTCUSDT", "ETHUSDT")}
BEFORE = Bar(1_786_310_700_000, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0)
PRICES = ("last", "mark")
ODD: tuple[Any, ...] = (
    "", None, "nan", "NaN", "inf", "-inf", "Infinity", "-1", "0", "-0", "1e400", "1e-400", "9" * 400, 10**30, -(10**30),
    -1, 0, 1e308, 2**63, 2**64, True, False, [], {}, [[]], [None], {"a": {"b": []}}, "0x10", " 1", "1_000", "１",
    [["1"]], [["nan", "1"]], [["1", "nan"]], [["0", "1"]], [["-1", "1"]], [["1", "-1"]], [["inf", "1"]], [["1", "inf"]],
    "\ud7ff", "\x00", "Buy", "snapshot", "delta", 1.5, "1.5e3",
)  # fmt: skip
GIANT = "x" * 100_000


class Text:
    """What the socket hands over: a text frame."""

    msg_type, fin, rsv1 = WSMsgType.TEXT, True, False

    def __init__(self, data: bytes) -> None:
        self._data = data

    def get_payload_as_bytes(self) -> bytes:
        return self._data


class Lab:
    """A connection without a network, its feeds and the states behind them."""

    def __init__(self, category: str) -> None:
        self.states: dict[str, SymbolState] = {}
        self.resyncs: list[Feed] = []
        self.clock = ManualClock(1_786_310_820_000_000_000)
        self.connection = Connection(
            number=0, url="ws://nowhere", spot=category == "spot", ping_interval_s=20.0, clock=self.clock,
            rng=np.random.default_rng(1), on_event=lambda event: None, on_origin=lambda origin: None,
        )  # fmt: skip
        for symbol in SYMBOLS[category]:
            state = self.states[symbol] = SymbolState(symbol, (Timeframe.M1, Timeframe.M5), 100, 200)
            state.history.load(Timeframe.M1, [BEFORE])
            self.connection.add(feeds_for(symbol, state, category, 200, self.resyncs.append))
        beacon = TouchFeed("orderbook.1.BTCUSDT", "BTCUSDT", self.states["BTCUSDT"])
        self.connection.beacon = beacon
        self.connection.add([beacon])
        self.listener = Listener(self.connection)
        self.feeds = list(self.connection.feeds_by_topic.values())

    def send(self, data: bytes) -> None:
        self.clock.advance(1_000_000)
        self.listener.on_ws_frame(None, Text(data))  # type: ignore[arg-type]

    def counts(self) -> tuple[int, int, int]:
        accepted = sum(feed.messages for feed in self.feeds)
        rejected = sum(feed.rejected.total() for feed in self.feeds)
        return accepted, rejected, self.connection.unknown_frames

    def assert_sane(self, symbol: str) -> None:
        """No NaN, infinity, negative number, and no price of 0."""
        state = self.states[symbol]
        for side in (state.book.bids, state.book.asks):
            assert all(0 < price < math.inf and 0 < size < math.inf for price, size in side.items())
        for trade in list(state.tape.recent)[-4:]:
            assert 0 < trade.price < math.inf
            assert 0 <= trade.size < math.inf
        forming = [state.history.forming] if state.history.forming else []
        for bar in [*forming, *state.history.base.last(3), *list(state.history._held.values())[-3:]]:
            assert all(0 < price < math.inf for price in (bar.open, bar.high, bar.low, bar.close))
            assert all(0 <= value < math.inf for value in (bar.volume, bar.turnover))
        for name, value in state.stats.values.items():
            if value is not None:
                signed = name in {"change_24h", "funding_rate"}
                assert math.isfinite(value), name
                assert signed or value > 0 or (value == 0 and name not in PRICES), name
        for liquidation in list(state.forced)[-3:]:
            assert 0 < liquidation.price < math.inf
            assert 0 <= liquidation.size < math.inf


def nodes(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a message."""
    found: list[tuple[Any, Any]] = []
    stack = [value]
    while stack:
        at = stack.pop()
        keys = list(at) if isinstance(at, dict) else range(min(len(at), 4)) if isinstance(at, list) else ()
        for key in keys:
            found.append((at, key))
            stack.append(at[key])
    return found


class Mutator:
    """Damages frames, with a seed."""

    def __init__(self, real: list[bytes]) -> None:
        self.rng = np.random.default_rng(7)
        self.real = real
        self.kinds: Counter[str] = Counter()

    def pick(self, items: Any) -> Any:
        return items[int(self.rng.integers(len(items)))]

    def damaged(self, frame: bytes) -> bytes:
        kind = self.pick(("field",) * 8 + ("bytes",) * 4 + ("cut", "flip", "utf8", "topic", "giant", "double", "junk"))
        self.kinds[kind] += 1
        at = int(self.rng.integers(len(frame)))
        match kind:
            case "field":
                return self.field(frame)
            case "bytes":
                return frame[:at] + self.rng.bytes(int(self.rng.integers(6))) + frame[at + int(self.rng.integers(9)) :]
            case "cut":
                return frame[:at]
            case "flip":
                return frame[:at] + bytes([frame[at] ^ (1 << int(self.rng.integers(8)))]) + frame[at + 1 :]
            case "utf8":
                return frame[:at] + b"\xff\xc0\x80" + frame[at:]
            case "topic":
                wrong = (b"orderbook.200.NOUSDT", b"", b"tickers", b"kline.1.BTCUSDT", b"publicTrade.BTCUSDT", b"\xff")
                topic = topic_of(frame) or b"BTCUSDT"
                return frame.replace(topic, self.pick(wrong), 1)
            case "giant":
                return frame.replace(b'"ts":', b'"giant":"' + GIANT.encode() + b'","ts":', 1)
            case "double":
                return frame + self.pick(self.real)
            case _:
                return self.pick((b"", b"{}", b"[]", b"null", b'""', b"0", b"<html>", b"\x00" * 30, frame[::-1]))

    def field(self, frame: bytes) -> bytes:
        message = msgspec.json.decode(frame)
        for _ in range(int(self.rng.integers(1, 4))):
            places = nodes(message)
            if not places:
                break
            container, key = self.pick(places)
            match self.pick(("set", "set", "set", "delete", "wrap", "copy", "number")):
                case "set":
                    container[key] = self.pick(ODD)
                case "delete":
                    del container[key]
                case "wrap":
                    container[key] = self.pick(([container[key]], {"x": container[key]}))
                case "copy":
                    container[key] = deepcopy(self.pick([c[k] for c, k in nodes(message)]))  # never a circle
                case _:
                    container[key] = self.pick((int, float, str))(self.rng.integers(-5, 1 << 40))
        body = json.dumps(message)
        if self.rng.random() < 0.1 and body.startswith("{"):  # a key twice
            body = '{"ts":"nan",' + body[1:]
        return body.replace(", ", ",").replace(": ", ":").encode()


@pytest.fixture(scope="module")
def captured() -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {"linear": [], "spot": []}
    for category, frame, _ in frames():
        found[category].append(frame)
    return found


def follow(frame: bytes, lab: Lab, snapshots: dict[bytes, bytes]) -> bytes:
    """A book's frame numbered so that it follows: what is wrong in it then reaches the book."""
    topic = topic_of(frame)
    feed = None if topic is None else lab.connection.feeds_by_topic.get(topic)
    if not isinstance(feed, BookFeed) or frame == snapshots.get(feed.topic.encode()):
        return frame
    message = msgspec.json.decode(frame)
    message["data"]["u"] = lab.states[feed.symbol].book.update_id + 1
    return msgspec.json.encode(message)


@pytest.mark.parametrize("category", ["linear", "spot"])
def test_no_damaged_frame_gets_through(category: str, captured: dict[str, list[bytes]]) -> None:
    lab, real = Lab(category), captured[category]
    mutate = Mutator([frame for frame in real if len(frame) < 1_000])
    snapshots: dict[bytes, bytes] = {}
    for frame in real:
        if (topic := topic_of(frame)) and b'"type":"snapshot"' in frame:
            snapshots.setdefault(topic, frame)
    sent = replies = 0
    for frame in snapshots.values():
        lab.send(frame)
        sent += 1
    for _ in range(COUNT * len(SYMBOLS[category]) // 6):
        whole = follow(mutate.pick(real), lab, snapshots)
        data = mutate.damaged(whole)
        before = lab.counts()
        lab.send(data)
        sent += 1
        moved = sum(lab.counts()) - sum(before)
        if moved == 0:
            replies += 1
            assert b'"op"' in data, data[:200]
        else:
            assert moved == 1, data[:200]
        for symbol in lab.states:
            lab.assert_sane(symbol)
        for feed in lab.resyncs:
            lab.send(snapshots[feed.topic.encode()])
            sent += 1
        lab.resyncs.clear()
    accepted, rejected, unknown = lab.counts()
    assert sent == accepted + rejected + unknown + replies
    reasons = sum((feed.rejected for feed in lab.feeds), Counter[str]())
    assert {"frame: not JSON", "data: missing"} <= set(reasons)
    assert all(reason == "other" or ": " in reason for reason in reasons), reasons
    assert max(len(feed.rejected) for feed in lab.feeds) <= 41
    assert len(mutate.kinds) == 9
    assert min(accepted, rejected, unknown, replies) > 0


@pytest.mark.parametrize("depth", [100, 5_000, 200_000])
def test_deep_nesting_in_a_topic(depth: int) -> None:
    lab = Lab("linear")
    for body in ("[" * depth, "[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
        lab.send(b'{"topic":"tickers.BTCUSDT","ts":1,"data":' + body.encode() + b"}")
    assert sum(lab.counts()) == 3  # an unknown field of any depth that can be read is no harm


@pytest.mark.parametrize("head", ['{"x":', '{"op":"subscribe","req_id":'])
def test_deep_nesting_without_a_topic(head: str) -> None:
    lab = Lab("linear")
    lab.send((head + "[" * 5_000).encode())
    assert lab.connection.unknown_frames == 1

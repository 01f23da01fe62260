"""The composing sink: the state is as without it, frames become incidents, symbols come and go."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from tests.support.capture import frames
from tests.support.detectors import MINUTE, PARAMETERS, START_MS, minutes, ns

from virtuoso.alerts.incidents import IncidentLog
from virtuoso.exchange.bybit.feeds import Feed, feeds_for, topic_of
from virtuoso.market.state import MarketState
from virtuoso.model.market import Bar, Side, TickerUpdate, Trade
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.watching.detection import SAMPLE_MS, Detection
from virtuoso.simulator.history import open_history

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT")


def feeds_of(sinks: Any, depth: int = 200) -> dict[bytes, Feed]:
    return {
        feed.topic.encode(): feed
        for symbol, sink in sinks.items()
        for feed in feeds_for(symbol, sink, "linear", depth, lambda feed: pytest.fail(f"resync of {feed.topic}"))
    }


def market(symbols: tuple[str, ...] = SYMBOLS, depth: int = 200) -> MarketState:
    state = MarketState([Timeframe.M1], depth=depth)
    for symbol in symbols:
        state.add(symbol)
    return state


def take(feeds: dict[bytes, Feed], frame: bytes, received_ns: int) -> None:
    topic = topic_of(frame)
    if topic is not None and topic in feeds:
        feeds[topic].take(frame, received_ns)


CAPTURED = [(frame, received_ns) for category, frame, received_ns in frames() if category == "linear"]


def test_the_state_after_the_capture_is_the_one_without_detectors_and_nothing_is_found_in_44_seconds() -> None:
    plain, watched, log = market(), market(), IncidentLog(100)
    detection = Detection(PARAMETERS, log)
    one, other = feeds_of(plain.sinks()), feeds_of(detection.sinks(watched, 0))
    for frame, received_ns in CAPTURED:
        take(one, frame, received_ns)
        take(other, frame, received_ns)
    assert Counter({topic: feed.messages for topic, feed in one.items()}).total() > 2_000
    for symbol in SYMBOLS:
        left, right = plain[symbol], watched[symbol]
        assert (left.book.bids, left.book.asks, left.book.order_flow) == (
            right.book.bids, right.book.asks, right.book.order_flow,
        )  # fmt: skip
        assert list(left.tape.recent) == list(right.tape.recent) != []
        assert left.stats.values == right.stats.values
        assert left.history.forming == right.history.forming
        assert left.book.valid
    assert log.fired == 0


def test_every_call_is_passed_on() -> None:
    plain, watched = market(("X",), 50), market(("X",), 50)
    for sink in (plain["X"], Detection(PARAMETERS, IncidentLog(10)).sinks(watched, 0)["X"]):
        levels = [(100.0 - i, 1.0) for i in range(20)], [(101.0 + i, 1.0) for i in range(20)]
        sink.book_snapshot(1, START_MS, ns(START_MS), *levels)
        assert sink.book_delta(2, START_MS + 5, ns(START_MS), [(100.0, 2.0)], []) is None
        sink.touch(START_MS, ns(START_MS), (100.0, 2.0), (101.0, 1.0))
        sink.trades(ns(START_MS), [Trade(START_MS, 100.0, 1.0, Side.BUY, "a")])
        sink.trades_fetched(ns(START_MS), [Trade(START_MS + 9, 100.0, 1.0, Side.BUY, "b")])
        sink.ticker(START_MS, ns(START_MS), TickerUpdate(last=100.0))
        assert sink.book_delta(9, START_MS + 6, ns(START_MS), [], []) == "u: does not follow"
        sink.book_fetched(20, START_MS + 9, ns(START_MS), *levels)
    for state in (plain["X"], watched["X"]):
        assert (state.book.update_id, state.book.gaps, len(state.tape.recent)) == (20, 1, 2)
        assert state.stats.values["last"] == 100.0
        state.book_invalid()
        assert not state.book.valid


def loaded(
    symbol: str = "BTCUSDT", price: float = 65_000.0
) -> tuple[MarketState, Detection, IncidentLog, dict[bytes, Feed]]:
    """A symbol with four hours of minutes up to `START_MS`, the last of which closed at `price`."""
    state, log = market((symbol,)), IncidentLog(1_000)
    rows = minutes(240, price=price**2 / minutes(240, price=price)[-1][3])
    state[symbol].history.load(
        Timeframe.M1,
        [Bar(START_MS + (i - 240) * MINUTE, o, h, lo, c, v, v * c) for i, (o, h, lo, c, v) in enumerate(rows)],
    )
    detection = Detection(PARAMETERS, log)
    return state, detection, log, feeds_of(detection.sinks(state, ns(START_MS)))


def rewritten(frame: bytes, at_ms: int, **changes: Any) -> bytes:
    """A captured trade frame at another time, its first row changed."""
    message = msgspec.json.decode(frame)
    rows = [{**row, "T": at_ms} for row in message["data"][:1]]
    return msgspec.json.encode({**message, "ts": at_ms, "data": [rows[0] | changes]})


def test_captured_frames_with_a_planted_move_and_whale_become_incidents_and_without_none() -> None:
    trades = [f for f, _ in CAPTURED if topic_of(f) == b"publicTrade.BTCUSDT"]
    price = float(msgspec.json.decode(trades[0])["data"][0]["p"])
    for planted in (False, True):
        _, detection, log, feeds = loaded(price=price)
        for i in range(3_000):  # fifty minutes, the capture's orders over and over
            at_ms = START_MS + i * 1_000
            take(feeds, rewritten(trades[i % len(trades)], at_ms, p=str(price), i=f"{i}"), ns(at_ms))
        assert log.fired == 0
        at_ms = START_MS + 3_000_000
        if planted:
            take(feeds, rewritten(trades[0], at_ms, p=str(price), v="90000", S="Sell", i="w"), ns(at_ms))
            take(feeds, rewritten(trades[0], at_ms + 1, p=str(price * 0.98), i="m"), ns(at_ms + 1))
        else:
            take(feeds, rewritten(trades[0], at_ms, p=str(price), i="w"), ns(at_ms))
        found = {i.kind: (i.fired_ms, i.details["direction"]) for i in log.recent(10)}
        assert found == ({"whale_trade": (at_ms + 50, "down"), "sudden_move": (at_ms + 51, "down")} if planted else {})
        detection.sweep(ns(at_ms + 10**6))
        assert {i.kind for i in log.open()} == ({"sudden_move"} if planted else set())  # no event has ended it yet
        if planted:  # the same message again is no second whale
            take(feeds, rewritten(trades[0], at_ms, p=str(price), v="90000", S="Sell", i="w"), ns(at_ms + 10**6))
        assert [i.kind for i in log.recent(10)].count("whale_trade") == planted


@pytest.mark.parametrize("first", ["asked for", "streamed"])
@pytest.mark.parametrize("named", [True, False])
def test_a_whale_that_is_asked_for_and_streamed_comes_once(first: str, named: bool) -> None:
    state, detection, log, _ = loaded(price=65_000.0)
    sink = detection.sinks(state, ns(START_MS))["BTCUSDT"]
    for i in range(3_000):
        at_ms = START_MS + i * 1_000
        sink.trades(ns(at_ms), [Trade(at_ms, 65_000.0, 0.001 * (1 + i % 7), Side.BUY, f"{i}")])
    at_ms = START_MS + 3_000_000
    whale = [Trade(at_ms, 65_000.0, 900.0, Side.SELL, "w" if named else "")]
    ways = [sink.trades_fetched, sink.trades]
    for way in ways if first == "asked for" else ways[::-1]:
        assert way(ns(at_ms), whale) is None
        detection.sweep(ns(at_ms + 10**6))  # a second one would be news
    assert [i.kind for i in log.recent(10)] == ["whale_trade"]
    assert list(state["BTCUSDT"].tape.recent).count(whale[0]) == 1


def test_liquidation_frames_side_is_the_positions() -> None:
    _, _, log, feeds = loaded()
    row = {"T": START_MS, "s": "BTCUSDT", "S": "Buy", "v": "1500", "p": "65000"}
    body = {"topic": "allLiquidation.BTCUSDT", "type": "snapshot", "ts": START_MS, "data": [row]}
    take(feeds, msgspec.json.encode(body), ns(START_MS))
    (found,) = log.recent(10)
    assert (found.kind, found.details["side"], found.details["direction"]) == ("liquidation", "Buy", "down")


def kline(open_ms: int, volume: float, close: float, *, confirm: bool) -> bytes:
    row = {
        "start": open_ms, "end": open_ms + MINUTE - 1, "interval": "1", "open": "65000", "close": str(close),
        "high": "66000", "low": "64000", "volume": str(volume), "turnover": str(volume * close), "confirm": confirm,
        "timestamp": open_ms,
    }  # fmt: skip
    return msgspec.json.encode(
        {"topic": "kline.1.BTCUSDT", "data": [row], "ts": open_ms + MINUTE * confirm, "type": "snapshot"}
    )


def test_kline_frames_give_volume_spikes_before_the_minute_closes() -> None:
    _, _, log, feeds = loaded()
    take(feeds, kline(START_MS, 900.0, 65_010, confirm=False), ns(START_MS + 10_000))
    assert log.fired == 0
    take(feeds, kline(START_MS, 20_000.0, 65_010, confirm=False), ns(START_MS + 20_000))
    assert [(i.kind, i.details["direction"]) for i in log.recent(5)] == [("volume_spike", "up")]
    take(feeds, kline(START_MS, 21_000.0, 65_010, confirm=True), ns(START_MS + MINUTE))
    take(feeds, kline(START_MS + MINUTE, 800.0, 65_010, confirm=True), ns(START_MS + 2 * MINUTE))
    assert log.open() == ()


def test_a_minute_held_back_by_a_hole_is_taken_when_it_is_repaired() -> None:
    state, _, log, feeds = loaded()
    take(feeds, kline(START_MS + 5 * MINUTE, 800.0, 65_000, confirm=True), ns(START_MS + 6 * MINUTE))
    state["BTCUSDT"].history.load(
        Timeframe.M1,
        [Bar(START_MS + i * MINUTE, 65_000, 65_000, 65_000, 65_000, 50_000.0, 1.0) for i in range(5)],
    )
    take(feeds, kline(START_MS + 6 * MINUTE, 800.0, 65_000, confirm=True), ns(START_MS + 7 * MINUTE))
    assert log.fired == 0  # seven at once are history


def book_frame(update_id: int, at_ms: int, spread: int, *, snapshot: bool = False, wall: float = 1.0) -> bytes:
    asks = [[str(65_001 + spread + i), str(wall if i == 30 else 1 + i % 3)] for i in range(200)] if snapshot else []
    bids = [[str(65_000 - i), str(1 + i % 3)] for i in range(200)] if snapshot else []
    if not snapshot:
        asks = [[str(65_001 + i), "0" if i < spread else "2"] for i in range(60)]
        asks.append([str(65_001 + 90), str(wall)])
    data = {"s": "BTCUSDT", "b": bids, "a": asks, "u": update_id, "seq": 1}
    kind = "snapshot" if snapshot else "delta"
    return msgspec.json.encode(
        {"topic": "orderbook.200.BTCUSDT", "type": kind, "ts": at_ms, "data": data, "cts": at_ms}
    )


def test_book_frames_give_blow_outs_and_walls_and_a_broken_book_ends_them() -> None:
    _, _, log, feeds = loaded()
    take(feeds, book_frame(1, START_MS, 0, snapshot=True), ns(START_MS))
    at_ms, update_id = START_MS, 1
    for _ in range(3_000):
        at_ms, update_id = at_ms + SAMPLE_MS, update_id + 1
        take(feeds, book_frame(update_id, at_ms, update_id % 2), ns(at_ms))
    assert log.fired == 0
    for _ in range(60):
        at_ms, update_id = at_ms + SAMPLE_MS, update_id + 1
        take(feeds, book_frame(update_id, at_ms, 50, wall=400.0), ns(at_ms))
    assert {i.kind: i.details["direction"] for i in log.open()} == {"spread_blowout": None, "book_wall": "down"}
    for feed in feeds.values():
        feed.sink.book_invalid()
    assert log.open() == ()
    assert {i.resolved_ms for i in log.recent(5)} == {at_ms + 50}


def test_symbols_come_and_go() -> None:
    state, log = market(("A", "B"), 50), IncidentLog(100)
    detection = Detection(PARAMETERS, log)
    first = detection.sinks(state, ns(START_MS))
    first["B"].ticker(START_MS, ns(START_MS), TickerUpdate(funding_rate=0.01, funding_interval_h=8.0))
    assert [i.symbol for i in log.open()] == ["B"]
    state.remove("B")
    state.add("C")
    second = detection.sinks(state, ns(START_MS + MINUTE))
    assert list(second) == list(state.rows) == ["A", "C"]
    assert second["A"] is first["A"]
    assert (log.open(), log.resolved) == ((), 1)
    state.remove("A")
    state.add("A")
    third = detection.sinks(state, ns(START_MS + 2 * MINUTE))
    assert third["A"] is not first["A"]  # its state is another one
    assert third["A"].state is state["A"]
    assert set(detection._sinks) == {"A", "C"}


@pytest.mark.slow
def test_a_fall_of_the_recorded_market_is_a_cascade_of_symbols_and_of_the_market() -> None:
    """Frames of the embedded exchange's recording, through the production handlers: a fall that hits many at once."""
    source = open_history(1, 1_795_463_400_000)
    start_ms = 1_795_463_400_000 + 185 * MINUTE
    source.advance(start_ms, ())
    symbols = tuple(row["symbol"] for row in source.tickers("linear"))
    state, log = market(symbols, 50), IncidentLog(1_000)
    for symbol in symbols:
        rows = source.klines("linear", symbol, "1", "trade", start_ms - 240 * MINUTE, start_ms - 1)
        state[symbol].history.load(Timeframe.M1, [Bar(int(at), *map(float, values)) for at, *values in rows])
    feeds = feeds_of(Detection(PARAMETERS, log).sinks(state, ns(start_ms)), 50)
    wanted = [("linear", topic.decode()) for topic in feeds if topic.startswith((b"kline", b"allLiquidation"))]
    for second in range(420):
        for push in source.advance(start_ms + second * 1_000, wanted):
            take(feeds, push.payload, push.at_ms * 1_000_000)
    cascades = [i for i in log.recent(1_000) if i.kind == "liquidation_cascade"]
    assert len({i.symbol for i in cascades if i.details["direction"] == "down"}) > 4
    first = [i for i in cascades if i.symbol is None][-1]
    assert (first.details["scope"], first.details["side"]) == ("market", Side.BUY)

"""A quiet day of a sparse symbol: live all day; stale 10 s after the beacon stops."""

import msgspec
import numpy as np

from virtuoso.exchange.bybit.connection import Connection
from virtuoso.exchange.bybit.feeds import TouchFeed, feeds_for
from virtuoso.exchange.bybit.liveness import Liveness
from virtuoso.market.quality import feed_quality
from virtuoso.market.symbol import SymbolState
from virtuoso.model.clock import ManualClock
from virtuoso.model.quality import DataQuality
from virtuoso.model.timeframe import Timeframe

S = 1_000_000_000
START_MS = 1_748_476_800_000


def test_a_quiet_day() -> None:
    clock, rng = ManualClock(START_MS * 1_000_000), np.random.default_rng(3)
    state = SymbolState("XUSDT", (Timeframe.M1,), 2_000, 50)
    feeds = feeds_for("XUSDT", state, "linear", 50, lambda feed: None)
    beacon = TouchFeed("orderbook.1.BTCUSDT", "BTCUSDT", state)
    connection = Connection(
        number=0, url="ws://nowhere", spot=False, ping_interval_s=20.0, clock=clock, rng=rng,
        on_event=lambda event: None, on_origin=lambda origin: None,
    )  # fmt: skip
    connection.add([*feeds, beacon])
    connection.connected = True
    for feed in feeds:
        feed.acked, feed.acked_ns = True, clock.now_ns()

    def say(topic: str, data: object, kind: str = "delta") -> None:
        body = {"topic": topic, "type": kind, "ts": clock.now_ns() // 1_000_000, "data": data}
        connection.handlers[topic.encode()](msgspec.json.encode(body), clock.now_ns())

    say("orderbook.50.XUSDT", {"b": [["10", "5"]], "a": [["11", "5"]], "u": 7}, "snapshot")
    say("tickers.XUSDT", {"lastPrice": "10", "bid1Price": "10", "ask1Price": "11"}, "snapshot")
    liveness, update_id, trades = Liveness(feeds), 7, 0
    next_trade_s = 600.0
    for at_s in range(3, 86_400, 3):
        clock.advance(3 * S)
        say("orderbook.1.BTCUSDT", {"b": [["9", "1"]], "a": [["12", "1"]], "u": at_s}, "snapshot")
        if at_s % 300 == 0:
            say("tickers.XUSDT", {"markPrice": str(10 + at_s % 7 / 10), "fundingRate": ""})
        if at_s >= next_trade_s:
            next_trade_s, trades, update_id = at_s + rng.uniform(120, 9_000), trades + 1, update_id + 1
            price, now_ms = str(10 + trades % 3), clock.now_ns() // 1_000_000
            say("tickers.XUSDT", {"lastPrice": price, "bid1Price": "10", "ask1Size": str(trades)})
            say("orderbook.50.XUSDT", {"b": [], "a": [["11", str(trades)]], "u": update_id})
            row = {"T": now_ms, "p": price, "v": "1", "S": "Buy", "i": f"t{trades}"}
            say("publicTrade.XUSDT", [row], "snapshot")
            bar = {**dict.fromkeys(("open", "high", "low", "close", "turnover"), price), "volume": "1"}
            say("kline.1.XUSDT", [{"start": now_ms - now_ms % 60_000, "confirm": False, **bar}], "snapshot")
        assert liveness.check(clock.now_ns()) == []
        for feed in feeds:
            status = feed.status(connection.connected, connection.alive_ns, 0.0)
            assert feed_quality(status, clock.now_ns()) is DataQuality.LIVE, (at_s, feed.topic)
    assert trades > 10
    assert len(state.tape.recent) == trades
    assert state.book.valid

    def found() -> set[DataQuality]:
        alive = connection.alive_ns
        return {feed_quality(feed.status(connection.connected, alive, 0.0), clock.now_ns()) for feed in feeds}

    clock.advance(10 * S)
    assert found() == {DataQuality.LIVE}
    clock.advance(S // 10)
    assert found() == {DataQuality.STALE}

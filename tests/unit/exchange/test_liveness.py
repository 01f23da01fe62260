"""A topic is mute when another proves that it should have spoken, and never because the market is quiet."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.exchange.bybit.feeds import Feed, feeds_for
from virtuoso.exchange.bybit.liveness import Liveness
from virtuoso.exchange.offset import ClockOffset

S = 1_000_000_000


class Silent:
    """A sink that takes everything."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: True


class Market:
    """The topics of one symbol, acknowledged at second 0."""

    def __init__(self) -> None:
        feeds = feeds_for("BTCUSDT", Silent(), "linear", 50, lambda feed: None)
        self.feeds: dict[str, Feed] = {feed.topic.partition(".")[0]: feed for feed in feeds}
        self.liveness = Liveness(feeds)
        self.found: list[tuple[str, int]] = []
        for feed in feeds:
            feed.acked, feed.acked_ns = True, 0

    def ticker(self, at_s: float, **fields: str) -> None:
        data = {"symbol": "BTCUSDT", **fields}
        body = {"topic": "tickers.BTCUSDT", "type": "delta", "ts": 1, "data": data}
        self.feeds["tickers"].take(msgspec.json.encode(body), int(at_s * S))

    def hear(self, kind: str, at_s: float) -> None:
        self.feeds[kind].received_ns = int(at_s * S)

    def check(self, at_s: float) -> list[tuple[str, int]]:
        return [(feed.topic.partition(".")[0], steps) for feed, steps in self.liveness.check(int(at_s * S))]

    def mute(self) -> set[str]:
        return {kind for kind, feed in self.feeds.items() if feed.mute}


def test_a_trade_that_only_the_ticker_knows() -> None:
    market = Market()
    market.ticker(1, lastPrice="10")
    market.hear("publicTrade", 1)
    market.hear("kline", 1)
    market.ticker(20, lastPrice="11")  # a trade, at 20 s; the tape says nothing
    assert market.check(20.5) == []
    assert market.check(25.9) == []
    assert market.check(26.5) == [("publicTrade", 1)]
    assert market.mute() == {"publicTrade"}
    market.feeds["publicTrade"].acked_ns = 27 * S  # subscribed anew, to no avail
    assert market.check(28) == []
    assert market.mute() == {"publicTrade"}
    assert market.check(33) == [("publicTrade", 2)]  # the next step of the ladder
    market.hear("publicTrade", 34)
    assert market.check(34.5) == []
    assert market.mute() == set()
    market.ticker(60, lastPrice="12")
    market.check(60.5)
    assert market.check(66.5) == [("publicTrade", 1)]  # the ladder begins anew


def test_a_touch_that_only_the_ticker_knows() -> None:
    market = Market()
    market.ticker(1, bid1Price="10", ask1Price="11")
    market.hear("orderbook", 1)
    market.ticker(10, bid1Price="10.5")
    market.check(10.5)
    assert market.check(17) == [("orderbook", 1)]


def test_trades_without_bars_and_ticker() -> None:
    market = Market()
    for kind in ("tickers", "kline", "publicTrade"):
        market.hear(kind, 1)
    market.hear("publicTrade", 9)
    market.check(9.5)
    assert sorted(market.check(16)) == [("kline", 1), ("tickers", 1)]


def test_what_was_proved_before_an_outage_proves_nothing_after_it() -> None:
    market = Market()
    market.hear("kline", 1)
    market.hear("publicTrade", 9)
    market.hear("tickers", 9)
    market.feeds["kline"].acked = False
    assert market.check(10) == []
    market.feeds["kline"].acked, market.feeds["kline"].acked_ns = True, 60 * S
    assert market.check(61) == []
    assert market.check(90) == []


@given(st.lists(st.tuples(st.floats(0.3, 300), st.floats(0, 1.0)), min_size=1, max_size=40), st.booleans())
def test_a_quiet_symbol_is_never_mute(trades: list[tuple[float, float]], moves: bool) -> None:
    """Trades hours or moments apart, each told by every topic within a second, in any order."""
    market, at = Market(), 1.0
    for i, (pause, delay) in enumerate(trades):
        market.check(at)
        at += pause
        fields = {"lastPrice": str(10 + i * moves), "bid1Price": str(9 + i * moves), "ask1Price": str(11 + i)}
        market.ticker(at + delay, **fields)
        for kind in ("publicTrade", "kline", "orderbook"):
            market.hear(kind, at + (1 - delay) * 0.9)
        for look in (1.0, 3.0, 8.0, 20.0):
            if look < pause:
                assert market.check(at + look) == []
    assert market.mute() == set()


def test_a_jump_of_the_exchanges_clock_is_believed_when_it_is_confirmed() -> None:
    offset = ClockOffset()
    offset.offer(100.0)
    offset.offer(130.0)
    assert (offset.ms, offset.doubt) == (130.0, None)
    offset.offer(5_100.0)
    assert offset.ms == 130.0
    assert offset.doubt == "the exchange's clock moved by +5.0 s against ours"
    offset.offer(5_130.0)
    assert (offset.ms, offset.doubt) == (5_130.0, None)


def test_a_clock_that_stands_still_is_never_believed() -> None:
    offset = ClockOffset()
    offset.offer(100.0)
    for second in range(2, 60, 2):
        offset.offer(100.0 - 1000 * second)
        assert offset.ms == 100.0
        assert offset.doubt is not None
    offset.offer(90.0)
    assert (offset.ms, offset.doubt) == (90.0, None)


def test_a_measurement_that_travelled_for_long_says_nothing() -> None:
    offset = ClockOffset()
    offset.offer(100.0, 20.0)
    offset.offer(1_600.0, 3_000.0)
    assert (offset.ms, offset.doubt) == (100.0, None)


def test_a_garbled_topic_is_not_mute() -> None:
    market = Market()
    market.ticker(1, lastPrice="10")
    market.hear("publicTrade", 1)
    market.hear("kline", 1)
    market.feeds["publicTrade"].take(b'{"topic":"publicTrade.BTCUSDT","da', 20 * S)
    market.ticker(20.1, lastPrice="11")
    market.check(20.5)
    assert market.check(30) == []

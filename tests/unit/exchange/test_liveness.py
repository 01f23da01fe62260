"""A topic is mute when another proves that it should have spoken, and never because the market is quiet."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.sinks import Silent

from virtuoso.exchange.bybit.feeds import Feed, feeds_for
from virtuoso.exchange.bybit.liveness import Liveness
from virtuoso.exchange.offset import ClockOffset
from virtuoso.model.market import TickerUpdate

S = 1_000_000_000


class Refusing:
    """A sink that takes nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: "ts: behind"


class Market:
    """The topics of one symbol, acknowledged at second 0, with the snapshots that are due then."""

    def __init__(self, snapshots: Iterable[str] = ("orderbook", "tickers")) -> None:
        feeds = feeds_for("BTCUSDT", Silent(), "linear", 50, lambda feed: None)
        self.feeds: dict[str, Feed] = {feed.topic.partition(".")[0]: feed for feed in feeds}
        self.liveness = Liveness(feeds)
        self.found: list[tuple[str, int]] = []
        for feed in feeds:
            feed.acked, feed.acked_ns = True, 0
        for kind in snapshots:
            self.hear(kind, 0)

    def ticker(self, at_s: float, told_ms: int = 1, **fields: str) -> None:
        data = {"symbol": "BTCUSDT", **fields}
        body = {"topic": "tickers.BTCUSDT", "type": "delta", "ts": told_ms, "data": data}
        self.feeds["tickers"].take(msgspec.json.encode(body), int(at_s * S))

    def hear(self, kind: str, at_s: float) -> None:
        self.feeds[kind].received_ns, self.feeds[kind].refused_in_row = int(at_s * S), 0

    def garble(self, kind: str, at_s: float) -> None:
        self.feeds[kind].take(f'{{"topic":"{self.feeds[kind].topic}","da'.encode(), int(at_s * S))

    def vouched(self) -> set[str]:
        return {kind for kind, feed in self.feeds.items() if self.liveness.vouches(feed)}

    def check(self, at_s: float) -> list[tuple[str, int]]:
        return [(feed.topic.partition(".")[0], steps) for feed, steps in self.liveness.check(int(at_s * S))]

    def mute(self) -> set[str]:
        return {kind for kind, feed in self.feeds.items() if feed.mute}


def test_a_garbled_price_in_a_quiet_market_is_asked_for_and_makes_nothing_mute() -> None:
    market, asked = Market(), list[float]()
    ticker = market.feeds["tickers"]
    ticker._resync = lambda feed: asked.append((feed.refused_ns or 0) / S)  # type: ignore[attr-defined]
    market.ticker(1, lastPrice="10")
    for kind in ("publicTrade", "kline"):
        market.hear(kind, 60)
    market.garble("tickers", 60)
    market.ticker(60.1, markPrice="10")
    assert asked == [60.0]
    ticker.asked_ns = int(60.2 * S)
    body = {"topic": "tickers.BTCUSDT", "type": "snapshot", "ts": 60_300, "data": {"lastPrice": "11"}}
    ticker.take(msgspec.json.encode(body), int(60.3 * S))
    assert ticker.refused_in_row == 0
    assert [market.check(60.3 + k / 2) for k in range(60)] == [[]] * 60


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


@pytest.mark.parametrize(("told_ms", "mute"), [(1_000, set()), (2_900, set()), (3_100, {"publicTrade"})])
def test_of_two_frames_about_one_trade_one_was_held_up(told_ms: int, mute: set[str]) -> None:
    """The trade of second 1 came at once, the ticker that tells of it three seconds late; nothing follows."""
    market = Market()
    market.ticker(0.5, lastPrice="10")
    market.hear("publicTrade", 1)
    market.feeds["publicTrade"].event_ms = 1_000
    market.ticker(4.2, told_ms, lastPrice="11")
    for at_s in range(5, 12):
        market.hear("orderbook", at_s)
        market.hear("kline", at_s)
        market.check(at_s)
    assert market.mute() == mute


def test_a_topic_that_speaks_just_before_it_is_moved_is_mute_no_more() -> None:
    """It is found mute, speaks, and is only then subscribed anew: a quiet one may say nothing for long after that."""
    market = Market()
    market.ticker(1, lastPrice="10")
    market.hear("publicTrade", 1)
    market.ticker(5, lastPrice="11")
    for at_s in range(5, 13):
        market.check(at_s)
    assert "publicTrade" in market.mute()
    market.hear("publicTrade", 13)
    market.feeds["publicTrade"].acked = False
    market.check(14)
    market.feeds["publicTrade"].acked, market.feeds["publicTrade"].acked_ns = True, 15 * S
    market.check(16)
    assert "publicTrade" not in market.mute()


def test_a_touch_that_only_the_ticker_knows() -> None:
    market = Market()
    market.ticker(1, lastPrice="10", bid1Price="10", ask1Price="11")
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


def test_what_was_left_unsaid_before_an_outage_that_nobody_saw_is_history() -> None:
    """Subscribed anew between two looks, and quiet since: what began before is not counted on."""
    market = Market()
    market.hear("kline", 1)
    market.hear("publicTrade", 9)
    market.hear("tickers", 9)
    assert market.check(10) == []
    market.feeds["kline"].acked_ns = int(10.5 * S)
    assert [market.check(at_s) for at_s in range(11, 40)] == [[]] * 29


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


def test_one_garbled_frame_is_an_accident() -> None:
    market = Market()
    market.hear("publicTrade", 1)
    market.garble("publicTrade", 2)
    assert market.check(3) == []
    assert market.check(60) == []
    assert "publicTrade" in market.vouched()


def test_a_topic_of_garbled_frames_is_mute_and_not_vouched_for() -> None:
    """A refused frame is not speech: several in a row prove that there is something to say which is not understood."""
    market = Market()
    market.hear("publicTrade", 1)
    market.hear("kline", 1)
    market.check(1.5)
    for at_s in range(20, 30):
        market.garble("publicTrade", at_s)
    assert "publicTrade" not in market.vouched()
    assert market.check(30) == []
    assert market.check(36) == [("publicTrade", 1)]
    market.hear("publicTrade", 37)
    market.check(37.5)
    assert market.mute() == set()
    assert "publicTrade" in market.vouched()


def test_all_topics_acknowledged_and_silent() -> None:
    """Nothing is vouched for but what may be silent by its nature; ticker and book are mute 10 s after the ack."""
    market = Market(snapshots=())
    assert market.vouched() == {"allLiquidation"}
    assert market.check(9.9) == []
    assert market.check(10.1) == [("orderbook", 1), ("tickers", 1)]
    assert market.check(16.2) == [("orderbook", 2), ("tickers", 2)]
    market.hear("tickers", 17)
    market.check(17.5)
    assert market.mute() == {"orderbook"}
    assert market.vouched() == {"tickers", "publicTrade", "kline", "allLiquidation"}


@pytest.mark.parametrize("came_s", [0.1, 3.9, 4.1, 9.8])
def test_a_snapshot_in_time(came_s: float) -> None:
    market = Market(snapshots=())
    for tenth in range(300):
        at_s = tenth / 10
        if at_s == came_s:
            market.hear("orderbook", at_s)
            market.hear("tickers", at_s)
        assert market.check(at_s) == []


def test_a_topic_that_is_asked_for_again_owes_its_snapshot_from_then_on() -> None:
    """Its old acknowledgement, which still stands until the new one comes, says nothing about that."""
    market = Market()
    market.hear("orderbook", 99)
    market.feeds["orderbook"].asked_ns = 100 * S
    assert market.check(100.2) == market.check(100.4) == []
    market.hear("orderbook", 101)
    assert market.check(120) == []


def test_a_mute_topic_that_speaks_on_another_connection_is_mute_no_more() -> None:
    """It is not acknowledged while it moves; what it owed before is not forgotten meanwhile."""
    market = Market()
    for second in range(1, 18):
        market.ticker(second, lastPrice=str(second))
        market.check(second)
    assert "publicTrade" in market.mute()
    trades = market.feeds["publicTrade"]
    trades.acked = False
    assert market.check(18) == []
    trades.acked, trades.acked_ns = True, int(18.2 * S)
    assert market.check(19) == []
    assert "publicTrade" in market.mute(), "it has not spoken yet"
    market.hear("publicTrade", 19.5)
    market.check(20)
    assert "publicTrade" not in market.mute()


def test_a_snapshot_of_before_is_none_of_this_subscription() -> None:
    market = Market()
    market.hear("orderbook", 5)
    for feed in market.feeds.values():
        feed.asked_ns, feed.acked_ns = 60 * S, 61 * S
    market.hear("tickers", 60.5)  # it came before the acknowledgement
    assert "orderbook" not in market.vouched()
    assert market.check(70.9) == []
    assert market.check(71.1) == [("orderbook", 1)]


def listed(last: float, turnover: float, bid: float = 9.0) -> TickerUpdate:
    return TickerUpdate(last=last, turnover_24h=turnover, bid=bid, ask=11.0)


@pytest.mark.parametrize(
    ("second", "mute"),
    [
        (listed(10.0, 100.0), set()),
        (listed(10.0, 90.0), set()),  # what was traded a day ago falls out of it
        (listed(10.0, 101.0), {"publicTrade", "tickers", "kline"}),
        (listed(10.5, 90.0), {"publicTrade", "tickers", "kline"}),
        (listed(10.0, 100.0, bid=9.5), {"orderbook"}),
        (TickerUpdate(), set()),
    ],
)
def test_two_lists_of_tickers_prove_what_happened_between(second: TickerUpdate, mute: set[str]) -> None:
    market = Market()
    market.liveness.listed(listed(10.0, 100.0), 100 * S)
    market.check(101)
    market.liveness.listed(second, 160 * S)
    market.check(161)
    market.check(167)
    assert market.mute() == mute


def test_a_list_that_overtakes_the_frame_of_its_trade_proves_nothing_yet() -> None:
    """The trade fell just before the second list was asked for: the list is here before the tape and the bar."""
    market = Market()
    market.liveness.listed(listed(10.0, 100.0), 100 * S)
    market.check(101)
    market.liveness.listed(listed(10.5, 110.0), 110 * S)
    assert market.check(110.3) == []
    for kind in ("publicTrade", "tickers", "kline"):
        market.hear(kind, 111)
    assert market.check(111.3) == market.check(120) == []


def test_what_a_ticker_missed_proves_nothing_against_topics_subscribed_to_before_it() -> None:
    """The trade fell while nothing was connected; the tape is back for seconds when the ticker's snapshot comes."""
    market = Market()
    market.ticker(1, lastPrice="10", bid1Price="9", ask1Price="11")
    for feed in market.feeds.values():
        feed.asked_ns, feed.acked_ns = 60 * S, 60 * S
    market.hear("orderbook", 60.1)
    market.feeds["tickers"].asked_ns = market.feeds["tickers"].acked_ns = 64 * S
    market.ticker(64.5, 2, lastPrice="12", bid1Price="11", ask1Price="13")
    assert market.check(65) == market.check(80) == []
    market.ticker(81, 3, lastPrice="13")
    market.check(82)
    assert ("publicTrade", 1) in market.check(90)


def test_lists_prove_nothing_against_topics_that_spoke_meanwhile() -> None:
    market = Market()
    market.liveness.listed(listed(10.0, 100.0), 100 * S)
    for kind in market.feeds:
        market.hear(kind, 130)
    market.liveness.listed(listed(11.0, 200.0, bid=10.0), 160 * S)
    assert market.check(161) == []
    assert market.check(200) == []


def test_what_a_refused_ticker_says_proves_nothing() -> None:
    market = Market()
    market.ticker(1, lastPrice="10")
    market.hear("publicTrade", 1)
    market.hear("kline", 1)
    market.feeds["tickers"].sink = Refusing()
    market.ticker(20, lastPrice="11")
    market.check(20.5)
    assert market.check(30) == []
    assert market.feeds["tickers"].received_ns == 1 * S

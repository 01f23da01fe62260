"""Handlers: what is malformed is counted and goes no further; `""` is unknown, never 0."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.capture import frames

from virtuoso.exchange.bybit.feeds import Feed, feeds_for, topic_of
from virtuoso.model.market import Side, TickerUpdate

NS = 1_786_310_820_000_000_000


class Sink:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.refusal: str | None = None
        self.judged: list[int] = []
        self.last_ms = 1 << 53

    def time(self, event_ms: int, received_ns: int) -> str | None:
        self.judged.append(event_ms)
        return None if event_ms <= self.last_ms else "ts: ahead"

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> str | None:
            self.calls.append((name, arguments))
            return self.refusal

        return call


def feeds(sink: Sink, resyncs: list[str] | None = None) -> dict[str, Feed]:
    asked = [] if resyncs is None else resyncs
    return {
        f.topic.split(".")[0]: f
        for f in feeds_for("BTCUSDT", sink, "linear", 50, lambda feed: asked.append(feed.topic))
    }


def book(kind: str, update_id: int, bids: Any = (), asks: Any = ()) -> bytes:
    data = {"s": "BTCUSDT", "b": list(bids), "a": list(asks), "u": update_id, "seq": 1}
    return msgspec.json.encode({"topic": "orderbook.50.BTCUSDT", "type": kind, "ts": 5, "data": data, "cts": 4})


def test_snapshot_delta_and_restart() -> None:
    """Rule of the wire: a snapshot replaces; `u` = 1 is a restart of the service and replaces as well."""
    sink = Sink()
    feed = feeds(sink)["orderbook"]
    feed.take(book("snapshot", 7, [["10.0", "1"]], [["11", "2"]]), NS)
    feed.take(book("delta", 8, [["10.0", "0"]]), NS)
    feed.take(book("delta", 1, [["9", "1"]], [["12", "2"]]), NS)
    assert [name for name, _ in sink.calls] == ["book_snapshot", "book_delta", "book_snapshot"]
    assert sink.calls[0][1] == (7, 5, NS, [(10.0, 1.0)], [(11.0, 2.0)])
    assert sink.calls[1][1] == (8, 5, NS, [(10.0, 0.0)], [])


def test_a_broken_sequence_asks_for_one_snapshot_until_one_comes() -> None:
    sink, resyncs = Sink(), list[str]()
    feed = feeds(sink, resyncs)["orderbook"]
    sink.refusal = "u: no snapshot yet"
    feed.take(book("delta", 3), NS)
    assert resyncs == []  # one is due: it was just subscribed to
    for said in ("u: does not follow", "b, a: crossed", "ts: 1 h ahead"):
        sink.refusal = None
        feed.take(book("snapshot", 7, [["10.0", "1"]], [["11", "2"]]), NS)
        sink.refusal, before = said, len(resyncs)
        for _ in range(3):
            feed.take(book("delta", 9), NS)
        assert len(resyncs) - before == 1
    for _ in range(2):  # one that is refused is no answer
        feed.take(book("snapshot", 7), NS)
    assert feed.resyncs == len(resyncs) == 5


def test_a_ticker_that_was_refused_asks_for_its_snapshot_once_until_it_is_asked_for() -> None:
    sink, resyncs = Sink(), list[str]()
    feed = feeds(sink, resyncs)["tickers"]
    feed.asked_ns = NS

    def take(data: dict[str, str], after_s: int, kind: str = "delta") -> None:
        body = {"topic": "tickers.BTCUSDT", "type": kind, "ts": 5, "data": data}
        feed.take(msgspec.json.encode(body), NS + after_s * 1_000_000_000)

    take({"lastPrice": "10", "markPrice": "10"}, 1, "snapshot")
    for after_s in range(2, 6):
        feed.take(b'{"topic":"tickers.BTCUSDT","da', NS + after_s * 1_000_000_000)
    assert resyncs == ["tickers.BTCUSDT"]
    feed.asked_ns = NS + 6_000_000_000
    take({"markPrice": "11"}, 7)
    assert (feed.refused_in_row, feed.received_ns) == (4, NS + 1_000_000_000), "the price is still owed"
    take({"lastPrice": "12", "markPrice": "11"}, 8, "snapshot")
    assert (feed.refused_in_row, feed.received_ns, len(resyncs)) == (0, NS + 8_000_000_000, 1)
    sink.refusal = "last: far from all other prices"
    for after_s in (9, 10):
        take({"lastPrice": "99"}, after_s)
        feed.asked_ns = NS + after_s * 1_000_000_000 + 1
        take({"lastPrice": "99"}, after_s + 1, "snapshot")  # one that is refused is no answer
    assert feed.resyncs == len(resyncs) == 4


def test_only_what_is_accepted_was_received() -> None:
    """A frame that is refused proves nothing; what was wrong with it is counted."""
    sink = Sink()
    feed = feeds(sink)["tickers"]
    frame = msgspec.json.encode({"topic": "tickers.BTCUSDT", "ts": 5, "data": {"lastPrice": "10"}})
    sink.refusal = "ts: an hour or more ahead"
    feed.take(frame, NS)
    feed.take(b'{"topic":"tickers.BTCUSDT","da', NS + 1)
    feed.take(frame.replace(b'"ts"', b'"time"'), NS + 2)
    feed.take(frame.replace(b'"10"', b'"ten"'), NS + 3)
    status = feed.status(True, NS, 0.0)
    assert (status.messages, status.received_ns, status.event_ms, status.lag_ms) == (0, None, None, None)
    assert (status.rejected, status.refused_ns, status.refusal, status.unreadable) == (
        4, NS + 3, "lastPrice: not as documented", True,
    )  # fmt: skip
    assert status.refusals == {
        "ts: an hour or more ahead": 1, "frame: not JSON": 1, "ts: missing": 1, "lastPrice: not as documented": 1,
    }  # fmt: skip
    sink.refusal = None
    feed.take(frame, NS + 4)
    status = feed.status(True, NS, 0.0)
    assert (status.messages, status.received_ns, status.unreadable) == (1, NS + 4, False)


def test_reasons_are_few_whatever_comes() -> None:
    sink = Sink()
    feed = feeds(sink)["publicTrade"]
    row = {"T": 5, "s": "BTCUSDT", "S": "Sell", "v": "0.004", "p": "65114.20", "i": "1"}
    for number in range(100):
        sink.refusal = f"p: {number}"
        feed.take(msgspec.json.encode({"topic": "publicTrade.BTCUSDT", "ts": 5, "data": [row]}), NS)
    assert (len(feed.rejected), feed.rejected["other"], feed.rejected.total()) == (41, 60, 100)


ROWS = {
    "publicTrade": {"T": 5, "s": "BTCUSDT", "S": "Sell", "v": "0.004", "p": "65114.20", "i": "1"},
    "kline": {
        "start": 60_000, "end": 119_999, "interval": "1", "open": "1", "close": "2", "high": "3", "low": "0.5",
        "volume": "4", "turnover": "5", "confirm": False, "timestamp": 5,
    },
    "allLiquidation": {"T": 4, "s": "BTCUSDT", "S": "Buy", "v": "0.5", "p": "64000"},
}  # fmt: skip


@pytest.mark.parametrize("kind", ROWS)
def test_the_time_of_the_frame_is_judged_beside_those_of_its_rows(kind: str) -> None:
    """The year 2100 would be a lag of minus decades."""
    sink = Sink()
    sink.last_ms = 3_600_000
    feed = feeds(sink)[kind]

    def take(at_ms: int, received_ns: int) -> None:
        feed.take(msgspec.json.encode({"topic": feed.topic, "ts": at_ms, "data": [ROWS[kind]]}), received_ns)

    take(4_102_444_800_000, NS)
    status = feed.status(True, NS, 0.0)
    assert (sink.calls, status.lag_ms, status.refusals) == ([], None, {"ts: ahead": 1})
    sink.judged.clear()
    for k in range(20):
        take(120_000 + 100 * k, NS + 100_000_000 * k)
    assert (feed.messages, sink.judged) == (20, [120_000, 121_000]), "once a second is enough"
    take(4_102_444_800_000, NS + 1_950_000_000)
    take(10, NS + 1_960_000_000)
    take(10, NS + 4_000_000_000)
    assert (feed.rejected.total(), sink.judged[2:]) == (2, [4_102_444_800_000, 10, 10])


def test_a_bar_of_another_interval_is_refused() -> None:
    sink = Sink()
    feed = feeds(sink)["kline"]
    for rows in ([ROWS["kline"] | {"interval": "5"}], [ROWS["kline"], ROWS["kline"] | {"interval": "60"}]):
        feed.take(msgspec.json.encode({"topic": feed.topic, "ts": 120_000, "data": rows}), NS)
    assert (sink.calls, dict(feed.rejected)) == ([], {"interval: not that of the topic": 2})


@pytest.mark.parametrize(
    ("frames", "live"),
    [
        ([("delta", {})], False),
        ([("delta", {"markPrice": "9"})], False),
        ([("snapshot", {"markPrice": "9"})], False),
        ([("snapshot", {"lastPrice": "", "markPrice": "9"}), ("delta", {"markPrice": "10"})], False),
        ([("snapshot", {"lastPrice": ""}), ("delta", {"lastPrice": "10"})], True),
        ([("snapshot", {"lastPrice": "10"}), ("delta", {"markPrice": "9"})], True),
        ([("delta", {"lastPrice": "10"})], True),
    ],
)
def test_a_ticker_begins_with_a_price(frames: list[tuple[str, dict[str, str]]], live: bool) -> None:
    feed = feeds(Sink())["tickers"]
    for kind, data in frames:
        feed.take(msgspec.json.encode({"topic": feed.topic, "type": kind, "ts": 5, "data": data}), NS)
    assert (feed.received_ns is not None) is live


@pytest.mark.parametrize("kind", ["publicTrade", "kline"])
def test_a_frame_without_a_row_is_no_speech(kind: str) -> None:
    sink = Sink()
    feed = feeds(sink)[kind]
    feed.take(msgspec.json.encode({"topic": feed.topic, "ts": 5, "data": []}), NS)
    assert (feed.received_ns, dict(feed.rejected), sink.calls) == (None, {"data: nothing in it": 1}, [])


def test_level_one_is_a_snapshot_that_may_lack_a_side() -> None:
    from virtuoso.exchange.bybit.feeds import TouchFeed

    sink = Sink()
    feed = TouchFeed("orderbook.1.BTCUSDT", "BTCUSDT", sink)
    feed.take(book("snapshot", 7, [["10", "1"]], [["11", "2"]]), NS)
    feed.take(book("snapshot", 8, [["10", "1"]], []), NS)
    assert sink.calls == [("touch", (5, NS, (10.0, 1.0), (11.0, 2.0)))]
    assert feed.messages == 2  # both proved the connection alive


def test_liquidation_side_is_the_positions() -> None:
    """Rule of the wire: `S` = Buy says that a long was liquidated; data is a list."""
    sink = Sink()
    row = {"T": 4, "s": "BTCUSDT", "S": "Buy", "v": "0.5", "p": "64000"}
    feeds(sink)["allLiquidation"].take(
        msgspec.json.encode({"topic": "allLiquidation.BTCUSDT", "ts": 5, "data": [row]}), NS
    )
    ((name, (_, liquidations)),) = sink.calls
    assert name == "liquidations"
    assert (liquidations[0].side, liquidations[0].size, liquidations[0].price) == (Side.BUY, 0.5, 64000.0)


def test_an_empty_number_is_unknown_and_an_absent_one_unchanged() -> None:
    """Rule of the wire: `""` for numbers; deltas leave out what did not change."""
    sink = Sink()
    feed = feeds(sink)["tickers"]
    data = {"symbol": "BTCUSDT", "fundingRate": "", "lastPrice": "65000.1", "openInterest": "0"}
    feed.take(msgspec.json.encode({"topic": "tickers.BTCUSDT", "type": "delta", "data": data, "cs": 1, "ts": 5}), NS)
    update: TickerUpdate = sink.calls[0][1][2]
    assert (update.funding_rate, update.last, update.open_interest) == (None, 65000.1, 0.0)
    assert update.mark is msgspec.UNSET
    assert feed.missing == {"fundingRate": 1}


def test_confirm_marks_the_closed_bar() -> None:
    """Rule of the wire: unclosed bars are pushed; `confirm` marks the closed one."""
    sink = Sink()
    bar = {
        "start": 60_000, "end": 119_999, "interval": "1", "open": "1", "close": "2", "high": "3", "low": "0.5",
        "volume": "4", "turnover": "5", "confirm": False, "timestamp": 5,
    }  # fmt: skip
    body = {"topic": "kline.1.BTCUSDT", "data": [bar, bar | {"confirm": True}], "ts": 120_000, "type": "snapshot"}
    feeds(sink)["kline"].take(msgspec.json.encode(body), NS)
    assert [b.confirmed for b in sink.calls[0][1][1]] == [False, True]


def test_a_bar_that_is_confirmed_before_its_minute_is_over_is_refused() -> None:
    sink = Sink()
    bar = {
        "start": 60_000, "end": 119_999, "interval": "1", "open": "1", "close": "2", "high": "3", "low": "0.5",
        "volume": "4", "turnover": "5", "confirm": True, "timestamp": 5,
    }  # fmt: skip
    feed = feeds(sink)["kline"]
    feed.take(msgspec.json.encode({"topic": "kline.1.BTCUSDT", "data": [bar], "ts": 117_000, "type": "snapshot"}), NS)
    assert (sink.calls, feed.refusal) == ([], "confirm: before its minute was over")
    feed.take(msgspec.json.encode({"topic": "kline.1.BTCUSDT", "data": [bar], "ts": 120_000, "type": "snapshot"}), NS)
    assert len(sink.calls) == 1


@pytest.mark.parametrize(
    ("frame", "topic"),
    [
        (b'{"topic":"orderbook.50.BTCUSDT","ts":1}', b"orderbook.50.BTCUSDT"),
        (b'{"type":"snapshot","topic":"kline.1.BTCUSDT","data":[]}', b"kline.1.BTCUSDT"),
        (b'{"success":true,"op":"ping"}', None),
        (b"<html>maintenance</html>", None),
        (b"", None),
    ],
)
def test_topic_of_a_frame(frame: bytes, topic: bytes | None) -> None:
    """Rule of the wire: the order of keys is not promised (spot klines begin with `type`)."""
    assert topic_of(frame) == topic


REAL = [frame for category, frame, _ in frames() if category == "linear" and b'"topic"' in frame[:12]][:400]


@given(st.data())
def test_no_mutation_gets_past_a_handler(data: st.DataObject) -> None:
    """Real frames cut, spliced and overwritten: never an exception, and received = accepted + rejected."""
    frame = data.draw(st.sampled_from(REAL))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, max(0, len(frame) - 1)))
        junk = data.draw(st.binary(max_size=6))
        frame = frame[:at] + junk + frame[at + data.draw(st.integers(0, 12)) :]
    sink = Sink()
    for feed in feeds(sink).values():
        feed.take(frame, NS)
        assert feed.messages + feed.rejected.total() == 1


def test_a_price_that_is_left_empty_proves_no_trade_and_no_move() -> None:
    """Else the tape, which told of the trade before, would be mute."""
    feed = feeds(Sink())["tickers"]

    def tell(after_ns: int, **data: str) -> tuple[Any, Any]:
        feed.take(
            msgspec.json.encode({"topic": "tickers.BTCUSDT", "type": "delta", "ts": 5, "data": data}), NS + after_ns
        )
        return feed.traded_ns, feed.touched_ns

    assert tell(1, lastPrice="10", bid1Price="9", ask1Price="11") == (None, None)
    assert tell(2, lastPrice="", bid1Price="", ask1Price="11") == (None, None)
    assert tell(3, lastPrice="10.5", bid1Price="9.5") == (None, None)
    assert tell(4, lastPrice="10.6", bid1Price="9.6") == (NS + 4, NS + 4)

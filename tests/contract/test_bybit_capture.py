"""44 s of the real Bybit through the real handlers: six books, their trades and bars, values asserted."""

from collections import Counter
from dataclasses import dataclass, field

import msgspec
import pytest
from tests.support.capture import frames

from virtuoso.exchange.bybit.feeds import BookFeed, Feed, feeds_for, topic_of
from virtuoso.exchange.bybit.wire import Reply
from virtuoso.market.symbol import SymbolState
from virtuoso.model.market import Bar, Side
from virtuoso.model.timeframe import Timeframe

LINEAR = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT")
SPOT = ("BTCUSDT", "ETHUSDT")
# Read off the capture itself: last update id, best bid and ask with their sizes.
ENDS = {
    ("linear", "BTCUSDT"): (15077365, 65114.2, 65114.3),
    ("linear", "ETHUSDT"): (14768880, 1922.54, 1922.55),
    ("linear", "SOLUSDT"): (13783705, 77.26, 77.27),
    ("linear", "DOGEUSDT"): (13178638, 0.07055, 0.07056),
    ("spot", "BTCUSDT"): (62505723, 65140.4, 65140.5),
    ("spot", "ETHUSDT"): (56726742, 1923.28, 1923.29),
}
TRADES = {
    ("linear", "BTCUSDT"): 56, ("linear", "ETHUSDT"): 23, ("linear", "SOLUSDT"): 165, ("linear", "DOGEUSDT"): 83,
    ("spot", "BTCUSDT"): 11, ("spot", "ETHUSDT"): 9,
}  # fmt: skip


BEFORE_MS = 1_786_310_700_000
"""The minute 21:25, before the capture."""


@dataclass
class Run:
    states: dict[tuple[str, str], SymbolState] = field(default_factory=dict)
    feeds: dict[tuple[str, bytes], Feed] = field(default_factory=dict)
    resyncs: list[str] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    deltas: Counter[str] = field(default_factory=Counter)
    crossed: int = 0


@pytest.fixture(scope="module")
def run() -> Run:
    run = Run()
    for category, symbols in (("linear", LINEAR), ("spot", SPOT)):
        for symbol in symbols:
            state = run.states[category, symbol] = SymbolState(symbol, (Timeframe.M1,), 100, 200, lambda: 0.0)
            price = ENDS[category, symbol][1]
            before = Bar(BEFORE_MS, price, price, price, price, 0.0, 0.0)
            state.history.load(Timeframe.M1, [before])  # the stream's minutes follow what history holds
            for feed in feeds_for(symbol, state, category, 200, lambda feed: run.resyncs.append(feed.topic)):
                run.feeds[category, feed.topic.encode()] = feed
    for category, frame, received_ns in frames():
        topic = topic_of(frame)
        if topic is None:
            run.replies.append(msgspec.json.decode(frame, type=Reply))
            continue
        feed = run.feeds[category, topic]
        feed.take(frame, received_ns)
        if isinstance(feed, BookFeed):
            book = run.states[category, feed.symbol].book
            run.deltas[f"{category} {feed.symbol}"] += 1
            run.crossed += book.valid and book.bid_price >= book.ask_price
    return run


@pytest.mark.parametrize("key", list(ENDS))
def test_every_book_ends_right(run: Run, key: tuple[str, str]) -> None:
    book = run.states[key].book
    update_id, bid, ask = ENDS[key]
    assert (book.valid, book.update_id) == (True, update_id)
    assert (len(book.bids), len(book.asks)) == (200, 200)
    assert (book.bid_price, book.ask_price) == (bid, ask)
    assert (book.gaps, book.crossed, book.dropped) == (0, 0, 0)
    assert (max(book.bids), min(book.asks)) == (bid, ask)
    assert (book.bid_size, book.ask_size) == (book.bids[bid], book.asks[ask])


def test_no_frame_was_refused_and_no_book_crossed(run: Run) -> None:
    assert run.resyncs == []
    assert run.crossed == 0
    assert sum(run.deltas.values()) == 2_148
    assert [feed.topic for feed in run.feeds.values() if feed.rejected] == []
    assert len(run.replies) == 24
    assert all(reply.success and reply.op == "subscribe" and reply.virtuoso_source is None for reply in run.replies)


@pytest.mark.parametrize("key", list(TRADES))
def test_every_trade_arrived_with_its_taker_side(run: Run, key: tuple[str, str]) -> None:
    tape = run.states[key].tape
    assert len(tape.recent) == TRADES[key]
    assert len({trade.id for trade in tape.recent}) == TRADES[key]
    assert {trade.side for trade in tape.recent} <= {Side.BUY, Side.SELL}
    times = [trade.event_ms for trade in tape.recent]
    assert times == sorted(times)


def forming(key: tuple[str, str]) -> list[tuple[int, dict[str, object]]]:
    """(receive ns, bar) of every kline push of one symbol."""
    category, symbol = key
    found = []
    for of, frame, received_ns in frames():
        if of == category and topic_of(frame) == f"kline.1.{symbol}".encode():
            found += [(received_ns, bar) for bar in msgspec.json.decode(frame)["data"]]
    return found


@pytest.mark.parametrize("symbol", LINEAR)
def test_volume_and_turnover_of_trades_equal_the_bar(run: Run, symbol: str) -> None:
    """The capture holds the end of minute 21:26 and the beginning of 21:27: from its first push on, the growth of the
    new minute's bar is what its trades add up to."""
    key = ("linear", symbol)
    pushes = forming(key)
    minute = max(int(str(bar["start"])) for _, bar in pushes)
    last_bar = [bar for _, bar in pushes if bar["start"] == minute][-1]
    upto = int(str(last_bar["timestamp"]))
    trades = [t for t in run.states[key].tape.recent if minute <= t.event_ms <= upto]
    assert trades
    assert sum(t.size for t in trades) == pytest.approx(float(str(last_bar["volume"])), rel=1e-9)
    assert sum(t.size * t.price for t in trades) == pytest.approx(float(str(last_bar["turnover"])), rel=1e-9)


@pytest.mark.parametrize("symbol", LINEAR)
def test_a_bar_opens_at_the_previous_close_and_confirm_marks_the_closed_one(run: Run, symbol: str) -> None:
    pushes = [bar for _, bar in forming(("linear", symbol))]
    closed = [bar for bar in pushes if bar["confirm"]]
    assert len(closed) == 1
    following = [bar for bar in pushes if bar["start"] == int(str(closed[0]["start"])) + 60_000]
    assert following
    assert {bar["open"] for bar in following} == {closed[0]["close"]}
    series = run.states["linear", symbol].history.base
    assert [bar.open_ms for bar in series.last(5)] == [BEFORE_MS, closed[0]["start"]]
    assert series.last(1)[0].volume == float(str(closed[0]["volume"]))

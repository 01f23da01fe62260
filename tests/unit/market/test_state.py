"""The market state as a monitor drives it: rows, warm-up, cuts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.market import LIVE, MINUTE, START_MS, ladder, minute_bar, trade

from virtuoso.market.panel import BarBlock
from virtuoso.market.state import MarketState, Qualities
from virtuoso.market.symbol import SymbolState
from virtuoso.model.market import AccountRatio, Liquidation, Side
from virtuoso.model.quality import DataQuality
from virtuoso.model.timeframe import Timeframe

M1, M5 = Timeframe.M1, Timeframe.M5
NAN = pytest.approx(np.nan, nan_ok=True)


def close(k: int) -> int:
    """When minute `k` closes."""
    return START_MS + (k + 1) * MINUTE


def watching(*symbols: str, minutes: int = 10) -> MarketState:
    """Symbols with history, all of it handed out."""
    market = MarketState([M5])
    for symbol in symbols:
        market.add(symbol)
        market[symbol].history.load(M1, [minute_bar(k) for k in range(minutes)])
    market.warm_up(symbols, START_MS + minutes * MINUTE)
    return market


def shape(blocks: tuple[BarBlock, ...] | list[BarBlock]) -> list[tuple[str, list[int], list[int]]]:
    """Timeframe, rows and minutes of blocks."""
    return [(str(b.timeframe), b.rows.tolist(), ((b.open_ms - START_MS) // MINUTE).tolist()) for b in blocks]


def test_rows_are_reused_lowest_first_and_start_empty() -> None:
    market = watching("A", "B", "C")
    assert [market.add(s) for s in ("A", "B", "C")] == [0, 1, 2]
    assert [market.remove("A"), market.remove("B")] == [0, 1]
    assert "A" not in market
    assert set(market.sinks()) == {"C"}
    assert [market.add(s) for s in ("D", "A", "E")] == [0, 1, 3]
    assert (len(market["A"].history.base), market["A"].book.valid) == (0, False)
    assert dict(market.rows) == {"C": 2, "D": 0, "A": 1, "E": 3}
    with pytest.raises(KeyError):
        market.remove("B")


def test_warm_up_hands_out_all_history_in_shared_blocks() -> None:
    market = MarketState([M5])
    for symbol, count in (("A", 12), ("B", 12), ("C", 7)):
        market.add(symbol)
        market[symbol].history.load(M1, [minute_bar(k) for k in range(count)])
    blocks = market.warm_up(["A", "B", "C"], close(11))
    assert shape(blocks) == [
        ("1m", [2], list(range(7))),
        ("1m", [0, 1], list(range(12))),
        ("5m", [2], [0]),
        ("5m", [0, 1], [0, 5]),
    ]
    assert blocks[1].close[:, 0].tolist() == [minute_bar(k).close for k in range(12)]
    assert market.warm_up(["A", "B", "C"], close(11)) == []


def test_a_cut_holds_what_closed_and_nothing_twice() -> None:
    market = watching("A", "B", minutes=10)
    for k in range(10, 15):
        for symbol in ("A", "B"):
            market[symbol].bars(0, [minute_bar(k)])
    assert market.confirmed(close(14)) == {"A", "B"}
    assert market.confirmed(close(15)) == set()
    early = market.cut(close(12), {"A": LIVE, "B": LIVE})
    assert shape(early.bars[M1]) == [("1m", [0, 1], [10, 11, 12])]
    assert M5 not in early.bars
    cut = market.cut(close(14), {"A": LIVE, "B": LIVE})
    assert (cut.close_ms, cut.symbols, cut.rows.tolist()) == (close(14), ("A", "B"), [0, 1])
    assert shape(cut.bars[M1]) == [("1m", [0, 1], [13, 14])]
    assert shape(cut.bars[M5]) == [("5m", [0, 1], [10])]
    assert market.cut(close(14), {"A": LIVE}).bars == {}


def test_a_late_symbol_comes_alone_and_in_order() -> None:
    market = watching("A", "B", minutes=10)
    market["A"].bars(0, [minute_bar(10)])
    market["B"].bars(0, [minute_bar(11)])  # its minute 10 was lost
    assert market.confirmed(close(10)) == {"A"}
    assert shape(market.cut(close(10), {"A": LIVE, "B": LIVE}).bars[M1]) == [("1m", [0], [10])]
    market["A"].bars(0, [minute_bar(11)])
    assert market["B"].history.missing() == [(START_MS + 10 * MINUTE, START_MS + 10 * MINUTE)]
    market["B"].history.load(M1, [minute_bar(10)])
    assert market.confirmed(close(11)) == {"A", "B"}
    assert shape(market.cut(close(11), {"A": LIVE, "B": LIVE}).bars[M1]) == [
        ("1m", [1], [10, 11]),
        ("1m", [0], [11]),
    ]


def test_history_that_failed_at_first_is_handed_out_when_it_is_there() -> None:
    market = MarketState([M5])
    market.add("A")
    assert market.warm_up(["A"], close(9)) == []
    market["A"].bars(0, [minute_bar(10)])
    market["A"].history.load(M1, [minute_bar(k) for k in range(10)])
    cut = market.cut(close(10), {"A": LIVE})
    assert shape(cut.bars[M1]) == [("1m", [0], list(range(11)))]
    assert shape(cut.bars[M5]) == [("5m", [0], [0, 5])]


@given(st.lists(st.permutations(range(3)), min_size=12, max_size=12), st.data())
def test_whatever_is_late_every_bar_is_handed_out_once_in_order(orders: list[list[int]], data: st.DataObject) -> None:
    names = ["A", "B", "C"]
    market = watching(*names, minutes=10)
    late: dict[str, list[int]] = {name: [] for name in names}
    handed: dict[tuple[Timeframe, int], list[int]] = {}
    for k, order in enumerate(orders, 10):
        for i in order:
            name = names[i]
            if data.draw(st.booleans()):
                late[name].append(k)
            else:
                market[name].bars(0, [minute_bar(k)])
            if late[name] and data.draw(st.booleans()):
                market[name].history.load(M1, [minute_bar(m) for m in late[name]])
                late[name] = []
        collect(handed, market, close(k))
    for name in names:
        market[name].history.load(M1, [minute_bar(k) for k in late[name]])
    collect(handed, market, close(21))
    for row in range(3):
        assert handed[M1, row] == list(range(10, 22))
        assert handed[M5, row] == [10, 15]


def collect(handed: dict[tuple[Timeframe, int], list[int]], market: MarketState, close_ms: int) -> None:
    cut = market.cut(close_ms, dict.fromkeys(market.rows, LIVE))
    for timeframe, blocks in cut.bars.items():
        for block in blocks:
            for row in block.rows.tolist():
                handed.setdefault((timeframe, row), []).extend(((block.open_ms - START_MS) // MINUTE).tolist())


def test_an_event_exactly_at_the_close_belongs_to_the_next_minute() -> None:
    market = watching("A", minutes=10)
    state = market["A"]
    state.book_snapshot(1, close(9), 0, ladder(99, -1), ladder(100, 1))
    state.book_delta(2, close(10) - 1, 0, [(99.0, 3.0)], [])
    state.book_delta(3, close(10), 0, [(99.0, 10.0)], [])
    first = market.cut(close(10), {"A": LIVE}).book
    assert first is not None
    assert (first.order_flow.tolist(), first.bid_size[0, 0]) == ([2.0], 3.0)
    second = market.cut(close(11), {"A": LIVE}).book
    assert second is not None
    assert (second.order_flow.tolist(), second.bid_size[0, 0]) == ([7.0], 10.0)


def test_a_trade_at_the_close_cuts_as_well() -> None:
    market = watching("A", minutes=10)
    state = market["A"]
    state.book_snapshot(1, close(9), 0, ladder(99, -1), ladder(100, 1))
    state.trades(0, [trade(close(10))])
    assert state.minute is not None
    assert state.minute.close_ms == close(10)
    state.book_delta(2, close(10) - 1, 0, [(99.0, 3.0)], [])  # late: too late for the minute that is cut
    assert market.cut(close(10), {"A": LIVE}).book.bid_size[0, 0] == 1.0


def test_quiet_minutes_are_cut_as_the_book_stood() -> None:
    market = watching("A", minutes=10)
    market["A"].book_snapshot(1, close(9), 0, ladder(99, -1), ladder(100, 1, [3.0] * 10))
    for k in (10, 11, 13):  # a close may be skipped
        book = market.cut(close(k), {"A": LIVE}).book
        assert book is not None
        assert book.imbalance.tolist() == pytest.approx([-0.5])
        assert (book.order_flow.tolist(), book.touch_size.tolist()) == ([0.0], [2.0])


def test_after_a_long_silence_the_minute_begins_afresh() -> None:
    market = watching("A", minutes=10)
    state = market["A"]
    state.book_snapshot(1, close(9), 0, ladder(99, -1), ladder(100, 1))
    state.book_delta(2, close(9) + 1_000, 0, [(99.0, 5.0)], [])
    state.book_invalid()
    state.book_snapshot(7, close(20) + 30_000, 0, ladder(99, -1), ladder(100, 1))
    assert state.minute is None  # no minute is made of seconds that no one watched
    state.book_delta(8, close(20) + 31_000, 0, [(99.0, 2.0)], [])
    book = market.cut(close(21), {"A": LIVE}).book
    assert book is not None
    assert book.order_flow.tolist() == [1.0]


def test_a_close_long_past_is_not_answered_with_another_minute() -> None:
    market = watching("A", "B", minutes=10)
    market["A"].book_snapshot(1, close(9), 0, ladder(99, -1), ladder(100, 1))
    market.cut(close(11), {"A": LIVE})
    book = market.cut(close(10), {"A": LIVE, "B": LIVE}).book
    assert book is not None
    assert book.touch_size.tolist() == [NAN, NAN]
    assert np.isnan(book.bid_price).all()


def test_a_cut_shares_nothing_with_the_state() -> None:
    market = watching("A", minutes=10)
    state = market["A"]
    state.book_snapshot(1, close(9), 0, ladder(99, -1), ladder(100, 1))
    state.bars(0, [minute_bar(10)])
    cut = market.cut(close(10), {"A": LIVE})
    before = cut.bars[M1][0].close.tolist(), cut.book.bid_size.tolist()
    state.history.base.since(START_MS)[1][:] = -1.0
    state.book_delta(2, close(10), 0, [(99.0, 77.0)], [])
    assert (cut.bars[M1][0].close.tolist(), cut.book.bid_size.tolist()) == before


def test_taker_volume_of_minutes_and_of_what_is_made_of_them() -> None:
    market = watching("A", minutes=10)
    state = market["A"]
    bought = []
    for k in range(10, 15):
        at = close(k) - 30_000
        state.trades(0, [trade(at, 0.25, Side.BUY, name=f"b{k}"), trade(at, 0.75, Side.SELL, name=f"s{k}")])
        state.bars(close(k) * 1_000_000, [minute_bar(k, volume=1.0)])
        cut = market.cut(close(k), {"A": LIVE})
        bought.append(cut.bars[M1][0].buy_volume[0, 0])
    assert bought == [0.25] * 5
    assert cut.bars[M5][0].buy_volume.tolist() == [[1.25]]
    for k in range(15, 20):
        state.bars(close(k) * 1_000_000, [minute_bar(k, volume=0.0 if k < 19 else 1.0)])
    cut = market.cut(close(19), {"A": LIVE})
    assert cut.bars[M1][0].buy_volume[:, 0].tolist() == [0.0] * 4 + [NAN]
    assert cut.bars[M5][0].buy_volume.tolist() == [[NAN]]


def test_qualities_go_with_their_symbols() -> None:
    market = watching("A", "B", minutes=10)
    worse = Qualities(DataQuality.STALE, DataQuality.PARTIAL, DataQuality.UNAVAILABLE, DataQuality.LIVE)
    cut = market.cut(close(9), {"B": worse, "gone": LIVE, "A": LIVE})
    assert (cut.symbols, cut.rows.tolist()) == (("B", "A"), [1, 0])
    assert cut.bar_quality == (DataQuality.STALE, DataQuality.LIVE)
    assert cut.book_quality == (DataQuality.PARTIAL, DataQuality.LIVE)
    assert cut.tape_quality == (DataQuality.UNAVAILABLE, DataQuality.LIVE)


def test_nothing_asked_for_nothing_cut() -> None:
    cut = watching("A").cut(close(9), {})
    assert (cut.symbols, cut.bars, cut.book) == ((), {}, None)


def test_a_thin_book_is_padded_with_unknown_levels() -> None:
    market = watching("A", minutes=10)
    market["A"].book_snapshot(1, close(9), 0, [(99.0, 1.0), (98.0, 2.0)], [(100.0, 3.0)])
    book = market.cut(close(10), {"A": LIVE}).book
    assert book.bid_price.tolist() == [[99.0, 98.0, *[NAN] * 8]]
    assert book.bid_size.tolist() == [[1.0, 2.0, *[NAN] * 8]]
    assert book.ask_price.tolist() == [[100.0, *[NAN] * 9]]


def test_a_book_stays_within_twice_its_depth() -> None:
    market = MarketState([M5], depth=4)
    market.add("A")
    state = market["A"]
    state.book_snapshot(1, close(9), 0, ladder(99, -1), ladder(100, 1))
    for k in range(2, 100):
        state.book_delta(k, close(9) + k * 100, 0, [(99.0 - 0.001 * k, 1.0)], [(100.0 + 0.001 * k, 1.0)])
    assert max(len(state.book.bids), len(state.book.asks)) <= 2 * 4 + 10
    assert state.book.bid_price == 99.0


def test_a_book_whose_time_stands_still_stays_bounded_too() -> None:
    state = SymbolState("A", [M1], 100, 4, lambda: 0.0)
    state.book_snapshot(1, close(9), close(9) * 1_000_000, ladder(99, -1), ladder(100, 1))
    for k in range(2, 3_000):
        received_ns = (close(9) + 10 * k) * 1_000_000
        assert state.book_delta(k, close(9), received_ns, [(99.0 - 0.001 * k, 1.0)], [(100.0 + 0.001 * k, 1.0)]) is None
    assert max(len(state.book.bids), len(state.book.asks)) <= 2 * 4 + 100
    assert state.book.bid_price == 99.0


def test_ratios_and_liquidations_are_kept_once_and_bounded() -> None:
    state = watching("A")["A"]
    ratios = [AccountRatio(START_MS + k, 0.6, 0.4) for k in range(5)]
    state.take_ratios(ratios[:3])
    state.take_ratios(ratios[1:])
    assert list(state.ratios) == ratios
    state.liquidations(0, [Liquidation(k, 1.0, 1.0, Side.BUY) for k in range(1_200)])
    assert (len(state.forced), state.forced[-1].event_ms) == (1_000, 1_199)

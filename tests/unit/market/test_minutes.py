"""What is noted of each minute: as last known at its close, nothing invented, nothing from later."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.market import LIVE, MINUTE, START_MS, minute_bar, trade

from virtuoso.market.minutes import Minutes
from virtuoso.market.panel import MINUTE_FIELDS, BarBlock, MinuteBlock
from virtuoso.market.ring import MinuteRing, known
from virtuoso.market.state import MarketState
from virtuoso.market.ticker import Ticker
from virtuoso.model.market import (
    AccountRatio,
    Bar,
    FundingRate,
    Liquidation,
    OpenInterest,
    Side,
    TickerUpdate,
)
from virtuoso.model.timeframe import Timeframe

M1, M5 = Timeframe.M1, Timeframe.M5
HOUR = 60 * MINUTE
LEVELS = ([(9.0, 1.0)], [(11.0, 1.0)])


def market(*symbols: str, minutes: int = 3) -> MarketState:
    """Symbols with `minutes` bars of history, handed out."""
    state = MarketState([M5])
    for symbol in symbols:
        state.add(symbol)
        state[symbol].history.load(M1, [minute_bar(k) for k in range(minutes)])
    state.warm_up(symbols, START_MS + minutes * MINUTE)
    return state


def at(k: float) -> int:
    """Time `k` minutes after the start."""
    return START_MS + int(k * MINUTE)


def notes_of(block: BarBlock, i: int = 0) -> dict[str, list[float]]:
    """The block's notes of column `i`, by field."""
    assert block.minutes is not None
    return {name: getattr(block.minutes, name)[:, i].tolist() for name in MINUTE_FIELDS}


def cut(state: MarketState, k: int, *symbols: str) -> dict[str, list[float]]:
    """The notes of the only block of the close `k` minutes after the start."""
    (block,) = state.cut(at(k), dict.fromkeys(symbols or ("A",), LIVE)).bars[M1]
    return notes_of(block)


def test_a_minute_holds_what_was_last_known_at_its_close() -> None:
    state = market("A")
    a = state["A"]
    a.ticker(at(3.1), 0, TickerUpdate(open_interest=100.0, mark=10.1, index=10.0, funding_rate=1e-4))
    a.ticker(at(4.0), 0, TickerUpdate(open_interest=110.0))  # at the close: known then
    a.ticker(at(4.0) + 1, 0, TickerUpdate(open_interest=120.0, funding_rate=2e-4))  # after it
    a.bars(0, [minute_bar(3)])
    notes = cut(state, 4)
    assert (notes["open_interest"], notes["funding"]) == ([110.0], [1e-4])
    assert notes["basis"] == [pytest.approx(0.01)]
    assert all(math.isnan(notes[name][0]) for name in ("funding_mean", "long_ratio", "long_liquidated", "buy_orders"))
    a.bars(0, [minute_bar(4)])
    assert cut(state, 5)["open_interest"] == [120.0]  # no event since: what was heard still stands


def test_an_unsaid_field_is_unknown_and_one_that_was_withdrawn_too() -> None:
    state = market("A")
    state["A"].ticker(at(3.1), 0, TickerUpdate(mark=10.0, index=0.0, funding_rate=1e-4))
    state["A"].ticker(at(3.2), 0, TickerUpdate(funding_rate=None))
    state["A"].bars(0, [minute_bar(3)])
    notes = cut(state, 4)
    assert all(math.isnan(notes[name][0]) for name in ("basis", "funding", "open_interest"))


@pytest.mark.parametrize("asked_at_every_close", [True, False])
def test_a_silent_ticker_stands_for_five_minutes(asked_at_every_close: bool) -> None:
    state = market("A")
    a = state["A"]
    a.ticker(at(3.5), 0, TickerUpdate(open_interest=100.0))
    found = []
    for k in range(3, 12):
        a.bars(0, [minute_bar(k)])
        if asked_at_every_close:
            found += cut(state, k + 1)["open_interest"]
    a.ticker(at(12.5), 0, TickerUpdate(open_interest=130.0))
    if not asked_at_every_close:
        found = cut(state, 12)["open_interest"]
    assert found == [100.0] * 5 + [pytest.approx(math.nan, nan_ok=True)] * 4


def test_late_rows_have_the_notes_of_their_own_minutes() -> None:
    state = market("A", "B")
    for k in range(3, 6):
        for symbol in ("A", "B"):
            state[symbol].ticker(at(k + 0.5), 0, TickerUpdate(open_interest=100.0 + k))
            if symbol == "A" or k != 3:  # B's fourth minute is lost
                state[symbol].bars(0, [minute_bar(k)])
        assert notes_of(state.cut(at(k + 1), {"A": LIVE, "B": LIVE}).bars[M1][0])["open_interest"] == [100.0 + k]
    state["B"].history.load(M1, [minute_bar(3)])
    (late,) = state.cut(at(6), {"A": LIVE, "B": LIVE}).bars[M1]
    assert (late.rows.tolist(), notes_of(late)["open_interest"]) == ([1], [103.0, 104.0, 105.0])


def test_columns_are_the_symbols_own() -> None:
    state = market("A", "B", "C")
    for i, symbol in enumerate("ABC"):
        state[symbol].ticker(at(3.5), 0, TickerUpdate(open_interest=float(i), funding_rate=i * 1e-4))
        state[symbol].trades(0, [trade(at(3.2) + j, 0.25, Side.BUY, name=f"{j}") for j in range(4 - i)])
        state[symbol].bars(0, [minute_bar(3, volume=0.25 * (4 - i))])
    (block,) = state.cut(at(4), dict.fromkeys("CAB", LIVE)).bars[M1]
    assert block.rows.tolist() == [2, 0, 1]
    assert block.minutes is not None
    assert block.minutes.open_interest.tolist() == [[2.0, 0.0, 1.0]]
    assert block.minutes.buy_orders.tolist() == [[2.0, 4.0, 3.0]]
    assert block.buy_volume.tolist() == [[0.5, 1.0, 0.75]]
    assert all(getattr(block.minutes, name).shape == (1, 3) for name in MINUTE_FIELDS)


def test_takers_are_known_where_their_trades_add_up() -> None:
    state = market("A")
    sides = [Side.BUY, Side.SELL, Side.SELL]
    state["A"].trades(0, [trade(at(3) + j, 1.0, side) for j, side in enumerate(sides)])
    state["A"].trades(0, [trade(at(4) + j, 1.0, side) for j, side in enumerate(sides)])
    state["A"].bars(0, [minute_bar(3, volume=3.0), minute_bar(4, volume=3.5), minute_bar(5, volume=0.0)])
    notes = cut(state, 6)
    assert notes["buy_orders"][0::2] == [1.0, 0.0]
    assert notes["sell_orders"][0::2] == [2.0, 0.0]
    assert math.isnan(notes["buy_orders"][1])
    assert math.isnan(notes["sell_orders"][1])


def settled(count: int, hours: int, rate: float, first_ms: int = START_MS) -> list[FundingRate]:
    """Rates settled every `hours` that alternate about `rate`."""
    return [FundingRate(first_ms + k * hours * HOUR, rate * (1.2 if k % 2 else 0.8)) for k in range(count)]


def test_funding_is_compared_with_what_the_symbol_settled_per_its_own_interval() -> None:
    state = market("A")
    a = state["A"]
    rates = settled(31, 8, 1e-4, START_MS - 40 * 8 * HOUR)
    a.take_rates(rates[:20])
    a.take_rates(rates[10:])  # what is held already is left out
    a.ticker(at(3.5), 0, TickerUpdate(funding_rate=3e-4, funding_interval_h=8))
    a.bars(0, [minute_bar(3)])
    notes = cut(state, 4)
    counted = [rate.rate for rate in rates[1:]]
    assert notes["funding_mean"] == [pytest.approx(np.mean(counted), rel=1e-12)]
    assert notes["funding_deviation"] == [pytest.approx(np.std(counted, ddof=1), rel=1e-12)]


def test_a_changed_funding_interval_changes_the_unit_and_not_the_standing() -> None:
    """The same cost of an hour, settled every eight hours and then every one."""
    long, short = settled(21, 8, 8e-4), settled(20, 1, 1e-4, START_MS + 20 * 8 * HOUR + HOUR)
    found = []
    for interval_h, rates in ((8, long), (1, long + short)):
        ticker = Ticker()
        minutes = Minutes(ticker)
        minutes.take_rates(rates)
        ticker.update(at(0.5), 0, TickerUpdate(funding_rate=1e-4 * interval_h, funding_interval_h=interval_h))
        minutes.close_ms = at(1)
        minutes.settle(at(1))
        row = minutes.noted(START_MS // MINUTE, 1)[0, 1:]
        found.append((row[2] / interval_h, row[3] / interval_h))
    assert found[0] == pytest.approx(found[1], rel=3e-2)  # of 20 and of 40 rates: all but the degrees of freedom
    assert found[0][0] == pytest.approx(1e-4, rel=1e-9)


@pytest.mark.parametrize("rates", [settled(10, 8, 1e-4), []])
def test_a_few_rates_say_nothing(rates: list[FundingRate]) -> None:
    state = market("A")
    state["A"].take_rates(rates)
    state["A"].ticker(at(3.5), 0, TickerUpdate(funding_rate=3e-4, funding_interval_h=8))
    state["A"].bars(0, [minute_bar(3)])
    assert math.isnan(cut(state, 4)["funding_mean"][0])


def test_rates_that_never_changed_have_no_deviation() -> None:
    state = market("A")
    state["A"].take_rates([FundingRate(START_MS + k * 8 * HOUR, 1e-4 + 1e-19 * (k % 2)) for k in range(30)])
    state["A"].ticker(at(3.5), 0, TickerUpdate(funding_rate=1e-4, funding_interval_h=8))
    state["A"].bars(0, [minute_bar(3)])
    assert cut(state, 4)["funding_deviation"] == [0.0]


def test_account_ratios_are_logarithms_and_none_from_later_counts() -> None:
    state = market("A")
    a = state["A"]
    a.ticker(at(3.5), 0, TickerUpdate(mark=10.0))
    shares = [0.5 + 0.01 * k for k in range(12)]
    a.take_ratios([AccountRatio(at(3 - 5 * (11 - k)), share, 1 - share) for k, share in enumerate(shares)])
    a.take_ratios([AccountRatio(at(8), 0.9, 0.1)])
    a.bars(0, [minute_bar(3)])
    notes = cut(state, 4)
    assert notes["long_ratio"] == [pytest.approx(math.log(shares[-1] / (1 - shares[-1])))]
    logs = [math.log(share / (1 - share)) for share in (*shares, 0.9)]
    assert notes["long_ratio_mean"] == [pytest.approx(np.mean(logs))]
    assert notes["long_ratio_deviation"] == [pytest.approx(np.std(logs, ddof=1))]


def test_an_old_account_ratio_is_unknown() -> None:
    state = market("A")
    state["A"].ticker(at(3.5), 0, TickerUpdate(mark=10.0))
    state["A"].take_ratios([AccountRatio(at(4 - 16), 0.6, 0.4)])
    state["A"].bars(0, [minute_bar(3)])
    assert math.isnan(cut(state, 4)["long_ratio"][0])


def test_open_interest_of_the_past_stands_for_five_minutes_and_replaces_nothing() -> None:
    state = MarketState([M5])
    state.add("A")
    a = state["A"]
    a.ticker(at(18.5), 0, TickerUpdate(open_interest=777.0))
    a.ticker(at(19.5), 0, TickerUpdate(open_interest=888.0))
    a.take_interest([OpenInterest(at(5), 500.0), OpenInterest(at(10), 510.0), OpenInterest(at(18), 520.0)])
    a.history.load(M1, [minute_bar(k) for k in range(20)])
    block = state.warm_up(["A"], at(20))[0]
    held = notes_of(block)["open_interest"]  # by minute of open; it closes one later
    nan = pytest.approx(math.nan, nan_ok=True)
    assert held == [*[nan] * 4, *[500.0] * 5, *[510.0] * 5, *[nan] * 3, 520.0, 777.0, 888.0]
    assert math.isnan(notes_of(block)["funding"][5])


def watched(state: MarketState, from_minute: float) -> None:
    """A's book and ticker are streamed from then on."""
    state["A"].book_snapshot(1, at(from_minute), 0, *LEVELS)
    state["A"].ticker(at(from_minute), 0, TickerUpdate(open_interest=100.0))


def forced(k: float, side: Side, price: float = 10.0, size: float = 2.0) -> Liquidation:
    return Liquidation(at(k), price, size, side)


def test_a_buy_is_a_long_that_was_liquidated() -> None:
    state = market("A")
    watched(state, 2.9)
    state["A"].liquidations(0, [forced(3.2, Side.BUY), forced(3.3, Side.SELL, 11.0, 3.0), forced(3.4, Side.BUY, 9.0)])
    state["A"].ticker(at(4.1), 0, TickerUpdate(mark=10.0))
    state["A"].bars(0, [minute_bar(3)])
    notes = cut(state, 4)
    assert (notes["long_liquidated"], notes["short_liquidated"]) == ([38.0], [33.0])


def test_a_watched_minute_without_a_liquidation_is_zero_and_an_unwatched_one_unknown() -> None:
    state = market("A")
    watched(state, 3.5)  # the fourth minute was not watched from its beginning
    found = []
    for k in range(3, 9):
        if k == 5:
            state["A"].liquidations(0, [forced(5.5, Side.BUY)])
        if k == 6:
            state["A"].book_invalid()  # the connection was lost …
            state["A"].book_snapshot(1, at(6.7), 0, *LEVELS)  # … and is back
        state["A"].ticker(at(k + 0.9), 0, TickerUpdate(mark=10.0))
        state["A"].bars(0, [minute_bar(k)])
        found += cut(state, k + 1)["long_liquidated"]
    nan = pytest.approx(math.nan, nan_ok=True)
    assert found == [nan, 0.0, 20.0, nan, 0.0, 0.0]


def test_a_polled_book_does_not_prove_that_liquidations_are_watched() -> None:
    state = market("A")
    watched(state, 2.9)
    state["A"].book_fetched(2, at(2.95), 0, *LEVELS)
    state["A"].bars(0, [minute_bar(3)])
    assert math.isnan(cut(state, 4)["long_liquidated"][0])


def test_spot_has_nobody_to_liquidate() -> None:
    state = market("A")
    state["A"].book_snapshot(1, at(2.9), 0, *LEVELS)
    state["A"].ticker(at(3.5), 0, TickerUpdate(last=10.0))
    state["A"].bars(0, [minute_bar(3)])
    assert math.isnan(cut(state, 4)["long_liquidated"][0])


def test_a_liquidation_told_late_counts_in_the_minute_in_which_it_is_told() -> None:
    state = market("A")
    watched(state, 2.9)
    state["A"].bars(0, [minute_bar(3)])
    assert cut(state, 4)["short_liquidated"] == [0.0]
    state["A"].liquidations(0, [forced(3.99, Side.SELL)])
    state["A"].bars(0, [minute_bar(4)])
    assert cut(state, 5)["short_liquidated"] == [20.0]


def test_an_event_from_far_ahead_does_not_stop_the_notes() -> None:
    state = market("A")
    state["A"].ticker(at(1e6), 0, TickerUpdate(open_interest=1.0))
    state["A"].bars(0, [minute_bar(3)])
    cut(state, 4)
    state["A"].ticker(at(4.5), 0, TickerUpdate(open_interest=2.0))
    state["A"].bars(0, [minute_bar(4)])
    assert cut(state, 5)["open_interest"] == [2.0]


@given(st.lists(st.tuples(st.integers(0, 20 * MINUTE), st.integers(1, 9)), min_size=1, max_size=60), st.data())
def test_notes_equal_a_search_through_all_events(events: list[tuple[int, int]], data: st.DataObject) -> None:
    """Whenever closes are asked for: the last event by each close, if it is not older than five minutes."""
    events = sorted(events, key=lambda event: event[0])
    asked = data.draw(st.sets(st.integers(1, 20)), "closes asked for in time")
    ticker = Ticker()
    minutes = Minutes(ticker)
    done = 0
    for event_ms, value in events:
        for k in sorted(asked):
            if done < k and START_MS + event_ms > at(k):
                minutes.settle(at(k))
                done = k
        if START_MS + event_ms > minutes.close_ms:
            minutes.turn(START_MS + event_ms)
        ticker.update(START_MS + event_ms, 0, TickerUpdate(open_interest=float(value)))
    minutes.settle(at(20))
    rows = minutes.noted(START_MS // MINUTE, 20)
    there = known(rows, START_MS // MINUTE + np.arange(20))
    for k in range(20):
        before = [(ms, value) for ms, value in events if ms <= (k + 1) * MINUTE]
        stands = bool(before) and (k + 1) * MINUTE - before[-1][0] <= 5 * MINUTE
        assert bool(there[k]) is stands
        if stands:
            assert rows[k, 1] == before[-1][1]


def test_a_ring_forgets_the_oldest_and_takes_no_minute_back() -> None:
    ring = MinuteRing(5, 1)
    for number in range(8):
        ring.put(number, (float(number),))
    ring.put(2, (99.0,))  # minute 7 has its place
    assert [ring.get(number) for number in range(8)] == [None, None, None, [3.0], [4.0], [5.0], [6.0], [7.0]]
    rows = ring.rows(1, 8)
    assert known(rows, 1 + np.arange(8)).tolist() == [False, False, True, True, True, True, True, False]
    assert rows[2:7, 1].tolist() == [3.0, 4.0, 5.0, 6.0, 7.0]


def test_a_long_history_and_single_closes_hand_out_the_same() -> None:
    """Warm-up blocks are long, cuts one bar: the same events give the same notes either way."""
    found = []
    for step in (1, 12):
        state = market("A", "B")
        columns: list[MinuteBlock] = []
        for k in range(3, 15):
            for symbol in ("A", "B"):
                state[symbol].ticker(at(k + 0.3), 0, TickerUpdate(open_interest=100.0 + k, funding_rate=k * 1e-5))
                state[symbol].trades(0, [trade(at(k + 0.4), 2.0), trade(at(k + 0.5), 1.0, Side.SELL)])
                state[symbol].ticker(at(k + 1) + 5, 0, TickerUpdate(mark=10.0 + k, index=10.0))
                state[symbol].bars(0, [Bar(at(k), 10, 11, 9, 10, 3.0 + (k == 9), 30.0 + 10 * (k == 9))])
            if (k - 2) % step == 0:
                blocks = state.cut(at(k + 1), {"A": LIVE, "B": LIVE}).bars[M1]
                assert len(blocks) == 1
                assert blocks[0].minutes is not None
                columns.append(blocks[0].minutes)
        found.append({name: np.concatenate([getattr(c, name) for c in columns]) for name in MINUTE_FIELDS})
    for name in MINUTE_FIELDS:
        np.testing.assert_array_equal(found[0][name], found[1][name])
    assert np.isnan(found[0]["buy_orders"][6]).all()
    assert np.isfinite(np.delete(found[0]["buy_orders"], 6, axis=0)).all()


def test_a_part_of_a_block_keeps_its_notes() -> None:
    state = market("A", "B")
    for k in range(3, 6):
        for i, symbol in enumerate("AB"):
            state[symbol].ticker(at(k + 0.3), 0, TickerUpdate(open_interest=10.0 * k + i))
            state[symbol].bars(0, [minute_bar(k)])
    (block,) = state.cut(at(6), {"A": LIVE, "B": LIVE}).bars[M1]
    part = block.part(slice(1, 3), np.array([False, True]))
    assert part.minutes is not None
    assert part.minutes.open_interest.tolist() == [[41.0], [51.0]]
    assert replace(block, minutes=None).part(slice(0, 1)).minutes is None

"""The tape: no trade twice, none silently missing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.market import MINUTE, START_MS, trade

from virtuoso.market.tape import Tape
from virtuoso.model.market import Side, Trade

BUY, SELL = Side.BUY, Side.SELL


def day(count: int) -> list[Trade]:
    """A trade every 7 s, three buys of ten, sizes that floats cannot hold exactly."""
    return [trade(START_MS + 7_000 * k, 0.1 * (k % 9 + 1), BUY if k % 10 < 3 else SELL) for k in range(count)]


def bought(trades: list[Trade], open_ms: int) -> tuple[float, float]:
    """Taker-buy volume and volume of a minute."""
    within = [t for t in trades if open_ms <= t.event_ms < open_ms + MINUTE]
    return math.fsum(t.size for t in within if t.side is BUY), math.fsum(t.size for t in within)


@given(st.data())
def test_streamed_and_fetched_trades_count_once_each(data: st.DataObject) -> None:
    trades = day(60)
    lost_from = data.draw(st.integers(0, 60), "lost from")
    lost_to = data.draw(st.integers(lost_from, 60), "lost to")
    fetched_from = data.draw(st.integers(0, lost_from), "fetched from")
    fetched_to = data.draw(st.integers(lost_to, 60), "fetched to")
    merged_at = data.draw(st.integers(lost_to, fetched_to), "merged at")  # the fetch may be ahead of the stream
    tape = Tape()
    for t in trades[:lost_from] + trades[lost_to:merged_at]:
        tape.add([t])
    assert len(tape.merge(trades[fetched_from:fetched_to])) == lost_to - lost_from + fetched_to - merged_at
    for i in range(merged_at, 60, 4):
        tape.add(trades[i : i + 4])
    assert sorted(t.event_ms for t in tape.recent) == [t.event_ms for t in trades]
    for k in range(6):
        open_ms = START_MS + k * MINUTE
        buy, volume = bought(trades, open_ms)
        assert tape.buy_volume(open_ms, volume) == pytest.approx(buy, rel=1e-12)


@given(st.integers(0, 59))
def test_a_missing_trade_makes_its_minute_unknown(lost: int) -> None:
    trades = day(60)
    tape = Tape()
    tape.add([t for i, t in enumerate(trades) if i != lost])
    for k in range(6):
        open_ms = START_MS + k * MINUTE
        known = not math.isnan(tape.buy_volume(open_ms, bought(trades, open_ms)[1]))
        assert known is not (open_ms <= trades[lost].event_ms < open_ms + MINUTE)


def test_a_fetch_may_lack_a_trade_that_the_stream_has() -> None:
    tape = Tape()
    one, two, three = day(3)
    assert len(tape.merge([one, three])) == 2
    for t in (one, two, three):
        tape.add([t])
    assert sorted(t.id for t in tape.recent) == sorted(t.id for t in (one, two, three))


def test_a_minute_without_volume_needs_no_trade() -> None:
    tape = Tape()
    assert tape.buy_volume(START_MS, 0.0) == 0.0
    assert math.isnan(tape.buy_volume(START_MS, 0.5))


def test_the_ring_is_bounded_and_what_fell_out_is_not_counted_again() -> None:
    tape = Tape(capacity=10)
    trades = day(30)
    tape.add(trades)
    assert list(tape.recent) == trades[20:]
    assert tape.merge(trades) == []
    buy, volume = bought(trades, START_MS)
    assert tape.buy_volume(START_MS, volume) == pytest.approx(buy)


def test_minutes_kept_are_bounded() -> None:
    tape = Tape(capacity=10)
    tape.add([trade(START_MS + k * MINUTE) for k in range(1_600)])
    assert math.isnan(tape.buy_volume(START_MS + 99 * MINUTE, 1.0))
    assert tape.buy_volume(START_MS + 100 * MINUTE, 1.0) == 1.0


def test_merged_trades_stand_in_order_of_time() -> None:
    tape = Tape()
    tape.add([trade(START_MS + 5, name="e"), trade(START_MS + 9, name="i")])
    tape.merge([trade(START_MS + 7, name="g"), trade(START_MS + 9, name="i"), trade(START_MS + 1, name="a")])
    assert [t.id for t in tape.recent] == ["a", "e", "g", "i"]

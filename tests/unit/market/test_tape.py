"""The tape: no trade twice, none silently missing."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.market import MINUTE, START_MS, takers, trade

from virtuoso.market.sizes import SizeDistribution
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
        assert takers(tape, open_ms, volume)[0] == pytest.approx(buy, rel=1e-12)


@given(st.integers(0, 59))
def test_a_missing_trade_makes_its_minute_unknown(lost: int) -> None:
    trades = day(60)
    tape = Tape()
    tape.add([t for i, t in enumerate(trades) if i != lost])
    for k in range(6):
        open_ms = START_MS + k * MINUTE
        known = not math.isnan(takers(tape, open_ms, bought(trades, open_ms)[1])[0])
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
    assert takers(tape, START_MS, 0.0)[0] == 0.0
    assert math.isnan(takers(tape, START_MS, 0.5)[0])


def test_the_ring_is_bounded_and_what_fell_out_is_not_counted_again() -> None:
    tape = Tape(capacity=10)
    trades = day(30)
    tape.add(trades)
    assert list(tape.recent) == trades[20:]
    assert tape.merge(trades) == []
    buy, volume = bought(trades, START_MS)
    assert takers(tape, START_MS, volume)[0] == pytest.approx(buy)


def test_minutes_kept_are_bounded() -> None:
    tape = Tape(capacity=10)
    tape.add([trade(START_MS + k * MINUTE) for k in range(1_600)])
    assert math.isnan(takers(tape, START_MS + 99 * MINUTE, 1.0)[0])
    assert takers(tape, START_MS + 100 * MINUTE, 1.0)[0] == 1.0


def test_merged_trades_stand_in_order_of_time() -> None:
    tape = Tape()
    tape.add([trade(START_MS + 5, name="e"), trade(START_MS + 9, name="i")])
    tape.merge([trade(START_MS + 7, name="g"), trade(START_MS + 9, name="i"), trade(START_MS + 1, name="a")])
    assert [t.id for t in tape.recent] == ["a", "e", "g", "i"]


def test_a_repeated_message_counts_once() -> None:
    trades, tape = day(20), Tape()
    for i in range(0, 20, 4):
        tape.add(trades[i : i + 4])
        assert tape.add(trades[i : i + 4]) == []
        assert tape.add(trades[max(0, i - 4) : i + 2]) == []
    assert tape.add([trades[-1], trade(trades[-1].event_ms, name="another")])[0].id == "another"
    assert [t.id for t in tape.recent] == [*(t.id for t in trades), "another"]
    buy, volume = bought(trades, START_MS)
    assert takers(tape, START_MS, volume)[0] == pytest.approx(buy, rel=1e-12)


def minute_of(k: int, sizes: list[float], side: Side = BUY) -> list[Trade]:
    """Trades of minute `k`, a tenth of a second apart."""
    return [trade(START_MS + k * MINUTE + 100 * i, size, side, name=f"{k}-{i}-{side}") for i, size in enumerate(sizes)]


def test_orders_are_counted_by_side() -> None:
    tape = Tape()
    tape.add(minute_of(0, [1.0, 2.0, 3.0]))
    tape.add(minute_of(1, [1.0]))
    tape.merge(minute_of(0, [1.0] * 5, SELL)[3:])  # late ones of the first minute
    assert takers(tape, START_MS, 8.0)[:3] == [6.0, 3.0, 2.0]
    assert takers(tape, START_MS + MINUTE, 1.0)[:3] == [1.0, 1.0, 0.0]
    assert np.isnan(takers(tape, START_MS, 8.1)).all()


SIZES = [1.0] * 300 + [100.0] * 5
"""By count nearly all are small, by volume most is in the large ones."""


def test_a_trade_is_judged_by_what_was_counted_before_its_minute() -> None:
    tape = Tape()
    tape.add(minute_of(0, SIZES))  # too few before it: unknown
    tape.add(minute_of(1, [1.0, 99.0, 100.0]))
    tape.add(minute_of(1, [50.0, 98.0, 98.75], SELL))
    tape.add(minute_of(2, [1.0]))
    large = [takers(tape, START_MS + k * MINUTE, v)[3:] for k, v in ((0, sum(SIZES)), (1, 446.75), (2, 1.0))]
    assert all(map(math.isnan, large[0]))
    assert large[1:] == [[199.0, 98.75], [0.0, 0.0]]  # large from 2^(53/8) = 98.7 on


def test_large_trades_are_unknown_until_enough_were_seen() -> None:
    tape = Tape()
    for k in range(5):
        tape.add(minute_of(k, [1.0] * 60))
    found = [takers(tape, START_MS + k * MINUTE, 60.0)[3] for k in range(5)]
    assert [math.isnan(value) for value in found] == [True, True, True, True, False]  # 240 before the fifth
    assert found[4] == 60.0


def test_a_minute_taken_up_again_stays_as_it_was_judged() -> None:
    tape = Tape()
    tape.add(minute_of(0, SIZES))
    tape.add(minute_of(1, [100.0]))
    tape.add(minute_of(2, [100.0]))
    tape.merge([*minute_of(0, SIZES), trade(START_MS + 50_000, 100.0), trade(START_MS + MINUTE + 5, 100.0, SELL)])
    assert math.isnan(takers(tape, START_MS, sum(SIZES) + 100.0)[3])
    assert takers(tape, START_MS + MINUTE, 200.0)[3:] == [100.0, 100.0]


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 3.0), st.integers(-20, 20))
def test_half_of_the_volume_is_in_large_trades(seed: int, spread: float, octaves: int) -> None:
    """Against a sort of all trades, and whatever the unit."""
    sizes = np.random.default_rng(seed).lognormal(0.0, spread, 300).tolist()
    distribution = SizeDistribution()
    distribution.add(sizes[:150])
    distribution.add(sizes[150:])
    large = distribution.large()
    descending = sorted(sizes, reverse=True)
    at = int(np.searchsorted(np.cumsum(descending), 0.5 * math.fsum(sizes) * (1 - 1e-12)))
    assert large is not None
    assert large * (1 - 1e-12) <= descending[at] <= large * 2 ** (1 / 8) * (1 + 1e-12)
    scaled = SizeDistribution()
    scaled.add([size * 2.0**octaves for size in sizes])
    assert scaled.large() == pytest.approx(large * 2.0**octaves, rel=1e-12)


def test_a_day_halves_what_was_traded_before_it() -> None:
    """Trades of 64 weigh 3 to 1 against later ones of 1; after two days they weigh less."""
    distribution = SizeDistribution()
    distribution.add([64.0] * 300)
    assert distribution.large() == 64.0
    distribution.forget(1_440)
    distribution.add([1.0] * 64 * 149)
    assert distribution.large() == 64.0
    distribution.add([1.0] * 64 * 2)
    assert distribution.large() == 1.0
    distribution.forget(10 * 1_440)
    assert distribution.large() is None  # what is left weighs too little


def test_one_enormous_trade_does_not_make_all_others_small() -> None:
    distribution = SizeDistribution()
    distribution.add([1.0] * 1_000)
    distribution.add([900.0])
    assert distribution.large() == 1.0


def test_what_is_no_size_is_not_counted() -> None:
    distribution = SizeDistribution()
    distribution.add([0.0, math.nan, math.inf] * 100)
    assert distribution.large() is None
    distribution.add([1e-30, 1e30] * 100)
    assert distribution.large() == 2.0 ** (64 - 1 / 8)  # the last bin


BOTH = st.lists(
    st.tuples(st.sampled_from(["stream", "poll", "fill"]), st.integers(0, 19), st.integers(1, 6)), max_size=12
)


@settings(max_examples=200)
@given(BOTH, st.booleans())
def test_nobody_is_told_of_a_trade_twice(steps: list[tuple[str, int, int]], named: bool) -> None:
    """Whichever way trades come, in whatever order: each is counted once, told at most once, and once by the stream."""
    trades = [trade(START_MS + 250 * (k // 3), 1.0 + k, BUY, name=f"t{k}") for k in range(25)]
    if not named:  # known by time, side, price and size
        trades = [msgspec.structs.replace(t, id="") for t in trades]
    tape, told, by_stream = Tape(), list[Trade](), list[Trade]()
    for way, first, count in steps:
        some = trades[first : first + count]
        if way == "stream":
            told += tape.add(some)
            by_stream += some
        elif way == "poll":
            told += tape.merge(some)
        else:
            tape.merge(some, told=False)
    assert len(told) == len(set(told))
    assert set(by_stream) <= set(told)
    assert len(tape.recent) == len(set(tape.recent))
    assert [t.event_ms for t in tape.recent] == sorted(t.event_ms for t in tape.recent)


def test_a_message_that_names_a_trade_twice_tells_it_once() -> None:
    tape = Tape()
    one, two = trade(START_MS, name="one"), trade(START_MS, 2.0, name="two")
    assert tape.add([one, one, two]) == [one, two]
    assert list(tape.recent) == [one, two]
    equal = msgspec.structs.replace(one, id="")
    assert list(tape.add([msgspec.structs.replace(equal, event_ms=START_MS + 1)] * 2)), "without an id they may be two"
    assert len(tape.recent) == 4


def test_what_filled_a_gap_is_remembered_no_longer_than_it_is_held() -> None:
    tape = Tape(capacity=10)
    for k in range(50):
        tape.merge(minute_of(k, [1.0] * 8), told=False)
        assert len(tape._untold) <= 10

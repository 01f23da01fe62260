"""Bars: aggregated like the exchange's own, in order, none invented, none twice."""

import random
from collections.abc import Iterator
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.market import MINUTE, START_MS, exact_bar, minute_bar, recorded_minutes

from virtuoso.market.bars import SymbolBars
from virtuoso.market.series import CLOSE, BarSeries
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe
from virtuoso.simulator.history import dataset

HIGHER = (Timeframe.M5, Timeframe.M30, Timeframe.H4)
FRAMES = (Timeframe.M1, *HIGHER)
TWO_DAYS = 2 * 1_440


@pytest.fixture(scope="module")
def bundled() -> dataset.History:
    return dataset.load()


def history(count: int, capacity: int = 1_500) -> SymbolBars:
    bars = SymbolBars(FRAMES, capacity)
    bars.load(Timeframe.M1, [minute_bar(k) for k in range(count)])
    return bars


def opens(series: BarSeries) -> list[int]:
    return [(bar.open_ms - START_MS) // MINUTE for bar in series.last(10_000)]


@pytest.mark.parametrize("symbol", ["BTCUSDT", "XLMUSDT", "LAYERUSDT"])
def test_real_minutes_add_up_to_the_exchanges_own_bars(bundled: dataset.History, symbol: str) -> None:
    minutes = recorded_minutes(bundled.symbols[symbol])[:TWO_DAYS]
    start = Timeframe.H4.floor(bundled.minutes_from + 4 * 3_600_000 - 1)
    minutes = minutes[(start - bundled.minutes_from) // MINUTE :]
    bars = SymbolBars(FRAMES, 1_500)
    bars.load(Timeframe.M1, [exact_bar(start, minutes[:1])])
    bars.update(exact_bar(start + k * MINUTE, minutes[k : k + 1]) for k in range(1, len(minutes)))
    for timeframe in HIGHER:
        n = timeframe.minutes
        own = [exact_bar(start + i * MINUTE, minutes[i : i + n]) for i in range(0, len(minutes) - n + 1, n)]
        ours = bars.series[timeframe].last(10_000)
        assert len(ours) == len(own) > 10
        for bar, exact in zip(ours, own, strict=True):
            assert (bar.open_ms, bar.open, bar.high, bar.low, bar.close) == (
                exact.open_ms, exact.open, exact.high, exact.low, exact.close,
            )  # fmt: skip
            assert (bar.volume, bar.turnover) == pytest.approx((exact.volume, exact.turnover), rel=1e-12, abs=0)


@given(
    st.lists(st.integers(1, 70), min_size=1, max_size=120),
    st.integers(0, 2**32),
)
def test_order_and_repeats_of_the_stream_change_nothing(extra: list[int], seed: int) -> None:
    bars = history(1)
    arriving = [*range(1, 71), *extra]
    random.Random(seed).shuffle(arriving)
    bars.update(minute_bar(k) for k in arriving)
    whole = history(71)
    for timeframe in FRAMES:
        assert bars.series[timeframe].last(100) == whole.series[timeframe].last(100)
    assert (bars.missing(), bars.changed) == ([], 0)


@given(st.sets(st.integers(1, 49), min_size=1))
def test_missing_minutes_are_named_and_repaired(lost: set[int]) -> None:
    bars = history(1)
    bars.update(minute_bar(k) for k in range(1, 51) if k not in lost)
    holes = bars.missing()
    assert {
        k for first, last in holes for k in range((first - START_MS) // MINUTE, (last - START_MS) // MINUTE + 1)
    } == lost
    assert all(a[1] + MINUTE < b[0] for a, b in pairwise(holes))
    assert opens(bars.base) == list(range(min(lost)))  # nothing past the first hole is visible
    for first, last in holes:
        bars.load(Timeframe.M1, [minute_bar((at - START_MS) // MINUTE) for at in range(first, last + 1, MINUTE)])
    assert bars.missing() == []
    assert opens(bars.base) == list(range(51))
    assert opens(bars.series[Timeframe.M5]) == list(range(0, 50, 5))


def test_the_stream_waits_for_a_history_that_failed_to_load() -> None:
    bars = SymbolBars(FRAMES, 100)
    bars.update([minute_bar(10), minute_bar(11)])
    assert (bars.base.next_ms, len(bars.base)) == (None, 0)
    bars.load(Timeframe.M1, [minute_bar(k) for k in range(10)])
    assert opens(bars.base) == list(range(12))


def test_the_forming_bar_is_kept_apart_until_it_closes() -> None:
    bars = history(3)
    forming = minute_bar(3, volume=0.5)
    forming = msgspec.structs.replace(forming, confirmed=False)
    bars.update([forming])
    assert (bars.forming, len(bars.base)) == (forming, 3)
    bars.load(Timeframe.M1, [forming])
    assert len(bars.base) == 3
    bars.update([minute_bar(3)])
    assert (bars.forming, len(bars.base)) == (None, 4)


def test_a_differing_repeat_is_counted_and_not_taken() -> None:
    bars = history(3)
    bars.update([minute_bar(1, volume=7.0), minute_bar(1)])
    assert bars.changed == 1
    assert bars.base.last(2)[0] == minute_bar(1)


def test_a_bar_that_begins_between_minutes_is_ignored() -> None:
    bars = history(3)
    odd = Bar(START_MS + 3 * MINUTE + 1, 1, 1, 1, 1, 1, 1)
    bars.update([odd])
    bars.load(Timeframe.M1, [odd])
    bars.load(Timeframe.M5, [odd])
    assert (opens(bars.base), bars.missing()) == ([0, 1, 2], [])


def test_a_higher_bar_whose_first_minutes_are_unknown_is_fetched_whole() -> None:
    bars = SymbolBars(FRAMES, 1_500)
    m5 = Timeframe.M5
    bars.load(m5, [Bar(START_MS, 10, 20, 5, 10, 5, 5)])
    bars.load(Timeframe.M1, [minute_bar(k) for k in range(7, 15)])
    assert bars.lacking(m5, START_MS + 15 * MINUTE) == (START_MS + 5 * MINUTE, START_MS + 10 * MINUTE)
    bars.load(m5, [Bar(START_MS + k * MINUTE, 10, 20, 5, 10, 5, 5) for k in (5, 10)])
    assert opens(bars.series[m5]) == [0, 5, 10]
    assert bars.lacking(m5, START_MS + 19 * MINUTE) is None
    bars.update(minute_bar(k) for k in range(15, 20))
    assert opens(bars.series[m5]) == [0, 5, 10, 15]


def test_older_higher_bars_go_before_those_aggregated() -> None:
    bars = history(10)
    assert opens(bars.series[Timeframe.M5]) == [0, 5]
    bars.load(Timeframe.M5, [minute_bar(k, price=100.0) for k in (-10, -5, 0, 5)])
    series = bars.series[Timeframe.M5]
    assert opens(series) == [-10, -5, 0, 5]


def minutes(series: BarSeries, first: int, count: int) -> list[float] | None:
    window = series.window(START_MS + first * MINUTE, count)
    return None if window is None else window[:, CLOSE].tolist()


@given(st.integers(1, 9), st.integers(1, 60), st.integers(-3, 62), st.integers(1, 12))
def test_the_ring_keeps_the_latest_and_every_window_of_them(capacity: int, count: int, first: int, width: int) -> None:
    series = BarSeries(Timeframe.M1, capacity)
    for k in range(count):
        series.append(minute_bar(k))
    kept = range(max(0, count - capacity), count)
    assert opens(series) == list(kept)
    assert (series.first_ms, series.next_ms) == (START_MS + kept[0] * MINUTE, START_MS + count * MINUTE)
    wanted = range(first, first + width)
    expected = [11.0 + k for k in wanted] if wanted[0] in kept and wanted[-1] in kept else None
    assert minutes(series, first, width) == expected
    begin, rows = series.since(START_MS + first * MINUTE)
    assert rows[:, CLOSE].tolist() == [11.0 + k for k in kept if k >= first]
    assert begin == START_MS + max(first, kept[0]) * MINUTE


@given(st.integers(1, 9), st.lists(st.lists(st.integers(0, 40), max_size=14), max_size=6))
def test_bars_that_are_taken_at_once_are_those_that_follow(capacity: int, parts: list[list[int]]) -> None:
    series, single = BarSeries(Timeframe.M1, capacity), BarSeries(Timeframe.M1, capacity)
    for part in parts:
        bars = [minute_bar(k) for k in sorted(part)]
        series.extend(bars)
        for bar in bars:
            if single.next_ms in (None, bar.open_ms):
                single.append(bar)
        assert series.last(capacity) == single.last(capacity)
        assert (series.first_ms, series.next_ms) == (single.first_ms, single.next_ms)
        assert series.last_close == (single.last(1)[0].close if len(single) else None)


def test_a_bar_that_does_not_follow_is_an_error() -> None:
    series = BarSeries(Timeframe.M5, 10)
    with pytest.raises(ValueError, match="does not follow"):
        series.append(minute_bar(1))
    with pytest.raises(ValueError, match="cannot begin"):
        series.extend([minute_bar(1)])
    series.append(minute_bar(0))
    with pytest.raises(ValueError, match="does not follow"):
        series.append(minute_bar(10))


def blocks(bars: SymbolBars, upto: list[int]) -> Iterator[list[int]]:
    for k in upto:
        begin, rows = bars.take_new(Timeframe.M1, START_MS + k * MINUTE)
        yield [(begin - START_MS) // MINUTE + i for i in range(len(rows))]


@given(st.permutations(range(1, 20)), st.lists(st.integers(0, 19), max_size=10))
def test_each_bar_is_handed_out_once_and_in_order(arriving: list[int], looks: list[int]) -> None:
    bars = history(1)
    handed = []
    for at, k in enumerate(arriving):
        bars.update([minute_bar(k)])
        handed += [k for _ in range(looks.count(at)) for block in blocks(bars, [at]) for k in block]
    handed += [k for block in blocks(bars, [20]) for k in block]
    assert handed == list(range(20))


def test_taker_volume_of_a_higher_bar_needs_every_minute() -> None:
    bars = history(10)
    assert np.isnan(bars.buy_volume(Timeframe.M5, START_MS))
    _, rows = bars.base.since(START_MS)
    rows[:5, 6] = [0.1, 0.2, 0.3, 0.4, 0.5]
    assert bars.buy_volume(Timeframe.M5, START_MS) == 1.5
    assert np.isnan(bars.buy_volume(Timeframe.M5, START_MS + 5 * MINUTE))
    assert np.isnan(bars.buy_volume(Timeframe.M5, START_MS - 5 * MINUTE))


wrong = st.dictionaries(
    st.integers(0, 299), st.tuples(st.floats(0.5, 2.0), st.floats(0.1, 5.0)), min_size=1, max_size=12
)


def mistaken(k: int, factor: float, volume: float) -> Bar:
    bar = minute_bar(k, price=100.0)
    close = bar.close * factor
    return Bar(bar.open_ms, bar.open, max(bar.high, close), min(bar.low, close), close, volume, volume * close)


@given(wrong, st.lists(st.integers(1, 299), max_size=4), st.booleans())
def test_bars_that_were_corrected_are_as_if_they_had_been_right(
    mistakes: dict[int, tuple[float, float]], cuts: list[int], streamed: bool
) -> None:
    right = [minute_bar(k, price=100.0) for k in range(300)]
    said = [mistaken(k, *mistakes[k]) if k in mistakes else bar for k, bar in enumerate(right)]
    bars, sound = SymbolBars(FRAMES, 1_500), SymbolBars(FRAMES, 1_500)
    sound.load(Timeframe.M1, right)
    bars.load(Timeframe.M1, said[:1])
    edges = [0, *sorted(cuts), 300]
    for first, last in pairwise(edges):
        if streamed:
            bars.update(said[first:last])
        else:
            bars.load(Timeframe.M1, said[first:last])
        bars.correct(right[first : max(first, last - 1)])  # the newest is corrected with the next
    bars.correct(right)
    for timeframe in FRAMES:
        assert bars.series[timeframe].last(1_000) == sound.series[timeframe].last(1_000)
    assert bars.differing(right) == []


def test_what_was_corrected_is_named_with_the_higher_bars_to_ask_for() -> None:
    bars = SymbolBars(FRAMES, 1_500)
    bars.load(Timeframe.M5, [minute_bar(k, price=100.0) for k in (-5, 0)])
    bars.load(Timeframe.M1, [minute_bar(k, price=100.0) for k in range(2, 12)])
    true = [mistaken(3, 1.01, 2.0), mistaken(7, 1.01, 2.0), minute_bar(8, price=100.0)]
    assert bars.to_ask(true) == [(Timeframe.M5, START_MS)]
    changed = bars.correct(true)
    assert changed == {
        Timeframe.M1: [START_MS + 3 * MINUTE, START_MS + 7 * MINUTE],
        Timeframe.M5: [START_MS, START_MS + 5 * MINUTE],
    }
    assert bars.series[Timeframe.M5].last(1)[0].close == minute_bar(9, price=100.0).close
    asked = Bar(START_MS, 1.0, 9.0, 0.5, 2.0, 7.0, 7.0)
    bars.replace(Timeframe.M5, [asked])
    assert bars.series[Timeframe.M5].last(2)[0] == asked


def test_a_bar_that_cannot_be_is_refused_and_fetched() -> None:
    bars = history(3)
    bad = msgspec.structs.replace(minute_bar(3), high=0.1)
    assert bars.update([bad]) == "high: below open or close"
    assert (len(bars.base), bars.refused) == (3, {"high: below open or close": 1})
    bars.load(Timeframe.M1, [bad])
    assert len(bars.base) == 3
    bars.load(Timeframe.M1, [minute_bar(3)])
    assert len(bars.base) == 4


def test_history_begins_after_the_last_bar_that_cannot_be() -> None:
    bars = SymbolBars(FRAMES, 1_500)
    said = [minute_bar(k) for k in range(20)]
    said[4] = msgspec.structs.replace(said[4], low=1e9)
    bars.load(Timeframe.M1, said)
    assert opens(bars.base) == list(range(5, 20))


def test_a_confirmed_bar_is_at_least_what_it_was_while_it_formed() -> None:
    bars = history(3)
    forming = msgspec.structs.replace(minute_bar(3, volume=2.0), confirmed=False)
    bars.update([forming])
    assert bars.update([minute_bar(3, volume=1.0)]) == "confirm: less than it was while it formed"
    assert len(bars.base) == 3
    assert bars.update([minute_bar(3, volume=2.0)]) is None
    assert len(bars.base) == 4


def test_a_second_confirmation_with_other_values_is_doubted_not_taken() -> None:
    bars = history(3)
    bars.update([minute_bar(1, volume=7.0)])
    assert (bars.changed, list(bars.doubted)) == (1, [START_MS + MINUTE])
    assert bars.base.last(2)[0] == minute_bar(1)


def test_a_price_in_another_unit_is_not_appended_and_who_says_so_is_noted() -> None:
    bars = SymbolBars(FRAMES, 1_500)
    bars.load(Timeframe.M1, [minute_bar(k, price=1000.0) for k in range(10)])
    forming = msgspec.structs.replace(minute_bar(10, price=1e6), confirmed=False)
    assert bars.update([forming]) == "close: in another unit than the last minute"
    bars.update([minute_bar(10, price=1e6)])
    assert (len(bars.base), bars.forming) == (10, None)
    assert bars.jump is not None
    assert (bars.jump.n, len(bars.jump.streamed), len(bars.jump.asked)) == (3, 1, 0)
    bars.load(Timeframe.M1, [minute_bar(k, price=1e6) for k in (10, 11)])
    assert (len(bars.base), len(bars.jump.asked)) == (10, 2)


def test_what_one_source_alone_says_is_over_with_the_others_answer() -> None:
    bars = SymbolBars(FRAMES, 1_500)
    bars.load(Timeframe.M1, [minute_bar(k, price=1000.0) for k in range(10)])
    bars.update([minute_bar(10, price=1e6)])
    bars.load(Timeframe.M1, [minute_bar(10, price=1000.0)])
    assert (bars.jump, len(bars.base)) == (None, 11)


def test_the_newest_bar_alone_does_not_begin_a_history() -> None:
    bars = SymbolBars(FRAMES, 1_500)
    bars.load(Timeframe.M1, [minute_bar(k, price=1e3 if k < 9 else 1e6) for k in range(10)])
    assert (opens(bars.base), bars.seam) == (list(range(9)), None)


def test_a_loaded_history_begins_with_its_last_unit_on_every_timeframe() -> None:
    bars = SymbolBars(FRAMES, 1_500)
    bars.load(Timeframe.M1, [minute_bar(k, price=1000.0 if k < 7 else 1e6) for k in range(20)])
    m5 = [minute_bar(k, price=1000.0 if k < 5 else 1e6) for k in range(-50, 20, 5)]
    bars.load(Timeframe.M5, m5)
    assert opens(bars.base) == list(range(7, 20))
    assert opens(bars.series[Timeframe.M5]) == [10, 15]
    assert bars.seam == "history begins at 2025-05-29T00:07:00.000Z: the contract was multiplied by 1,000"

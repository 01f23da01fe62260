"""Bars: aggregated like the exchange's own, in order, none invented, none twice."""

import random
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.market import MINUTE, START_MS, exact_bar, minute_bar, recorded_minutes

from virtuoso.market.bars import SymbolBars
from virtuoso.market.series import CLOSE, BarSeries
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe
from virtuoso.simulator.recording import dataset

HIGHER = (Timeframe.M5, Timeframe.M30, Timeframe.H4)
FRAMES = (Timeframe.M1, *HIGHER)
TWO_DAYS = 2 * 1_440


@pytest.fixture(scope="module")
def recording() -> dataset.Recording:
    return dataset.load()


def history(count: int, capacity: int = 1_500) -> SymbolBars:
    bars = SymbolBars(FRAMES, capacity)
    bars.load(Timeframe.M1, [minute_bar(k) for k in range(count)])
    return bars


def opens(series: BarSeries) -> list[int]:
    return [(bar.open_ms - START_MS) // MINUTE for bar in series.last(10_000)]


@pytest.mark.parametrize("symbol", ["BTCUSDT", "XLMUSDT", "LAYERUSDT"])
def test_real_minutes_add_up_to_the_exchanges_own_bars(recording: dataset.Recording, symbol: str) -> None:
    minutes = recorded_minutes(recording.symbols[symbol])[:TWO_DAYS]
    start = Timeframe.H4.floor(recording.minutes_from + 4 * 3_600_000 - 1)
    minutes = minutes[(start - recording.minutes_from) // MINUTE :]
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
    forming = Bar(START_MS + 3 * MINUTE, 1, 2, 0, 1, 5, 5, confirmed=False)
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
    bars.load(m5, [Bar(START_MS, 1, 2, 0, 1, 5, 5)])
    bars.load(Timeframe.M1, [minute_bar(k) for k in range(7, 15)])
    assert bars.lacking(m5, START_MS + 15 * MINUTE) == (START_MS + 5 * MINUTE, START_MS + 10 * MINUTE)
    bars.load(m5, [Bar(START_MS + k * MINUTE, 1, 2, 0, 1, 5, 5) for k in (5, 10)])
    assert opens(bars.series[m5]) == [0, 5, 10]
    assert bars.lacking(m5, START_MS + 19 * MINUTE) is None
    bars.update(minute_bar(k) for k in range(15, 20))
    assert opens(bars.series[m5]) == [0, 5, 10, 15]


def test_older_higher_bars_go_before_those_aggregated() -> None:
    bars = history(10)
    assert opens(bars.series[Timeframe.M5]) == [0, 5]
    bars.load(Timeframe.M5, [minute_bar(k) for k in (-10, -5, 0, 5)])
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


def test_a_bar_that_does_not_follow_is_an_error() -> None:
    series = BarSeries(Timeframe.M5, 10)
    with pytest.raises(ValueError, match="does not follow"):
        series.append(minute_bar(1))
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

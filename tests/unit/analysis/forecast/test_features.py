"""Features against slow readings of their definitions, and what a live start finds after a week of bars of 5m."""

import math

import numpy as np
import pytest
from tests.support.forecasts import FIRST_MS, bars

from virtuoso.analysis.block import Memory
from virtuoso.analysis.forecast.features import WEEK_BARS, Features, FeatureState
from virtuoso.analysis.forecast.quantiles import WeekOfMoves
from virtuoso.market.panel import BarBlock, Floats
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.backtest import aggregated

M1, M5 = Timeframe.M1, Timeframe.M5


def stepped(block: BarBlock) -> Features:
    memory, week = Memory(), Memory()
    state = FeatureState(memory, week, block.timeframe)
    memory.reserve(block.rows.size)
    week.reserve(block.rows.size)
    return state.step(int(block.open_ms[0]) // block.timeframe.ms, slice(0, block.rows.size), block)


@pytest.fixture(scope="module")
def minutes() -> BarBlock:
    return bars(3 * 1_440, 2, holes=2, seed=8)


@pytest.fixture(scope="module")
def found(minutes: BarBlock) -> Features:
    return stepped(minutes)


def test_short_spans_are_the_mean_range_of_their_bars(minutes: BarBlock, found: Features) -> None:
    for i, span in enumerate((5, 15, 60, 240)):
        for k in (1_000, 2_003, 4_319):
            for column in range(2):
                window = slice(k - span + 1, k + 1)
                high, low = minutes.high[window, column], minutes.low[window, column]
                tick = 0.01 / minutes.close[window, column]
                variance = np.maximum(np.log(high / low) ** 2 / (4 * math.log(2)), (0.5 * tick) ** 2).mean()
                assert found.volatility[i, k, column] == pytest.approx(0.5 * math.log(variance), abs=1e-5, nan_ok=True)


def test_day_and_week_are_of_bars_of_five_minutes_by_the_clock(minutes: BarBlock, found: Features) -> None:
    five = aggregated(minutes, M5)
    ranges = np.log(five.high / five.low) ** 2 / (4 * math.log(2))
    for k in (2_004, 4_319):
        last = (k + 1) // 5 - 1
        hour = (last // 12) * 12
        for i, span in ((4, 24), (5, 168)):
            window = ranges[max(0, hour - (span - 1) * 12) : last + 1]
            expected = 0.5 * np.log(np.nanmean(window, axis=0) / 5)
            assert found.volatility[i, k] == pytest.approx(expected, abs=1e-4)


def test_realised_volatility_is_the_root_of_summed_squares(minutes: BarBlock, found: Features) -> None:
    returns = np.diff(np.log(minutes.close), axis=0)
    for i, span in enumerate((15, 60, 240)):
        for k in (700, 4_319):
            floor = (0.005 / minutes.close[k - span + 1 : k + 1]) ** 2
            total = np.maximum(returns[k - span : k] ** 2, floor).sum(axis=0)
            assert found.realised[i, k] == pytest.approx(0.5 * np.log(total), abs=1e-5, nan_ok=True)


def moves_of(block: BarBlock, found: Features, i: int, column: int) -> Floats:
    """Absolute returns over 15 (`i` = 0) or 60 minutes by the clock of 5m, of a block of less than a week."""
    bars = (15, 60)[i] // block.timeframe.minutes
    per = 5 // block.timeframe.minutes
    ends = np.arange(per - 1, block.open_ms.size, per)
    ends = ends[(ends >= bars - 1) & np.isfinite(found.outcomes.close[i, ends, column])]
    return np.abs(np.log(block.close[ends, column] / block.open[ends - bars + 1, column]))


def test_the_threshold_is_the_own_quantile_of_the_week(minutes: BarBlock, found: Features) -> None:
    for i in range(2):
        for column in range(2):
            moves, level = moves_of(minutes, found, i, column), found.threshold[i, -1, column]
            exact = np.quantile(moves, 0.8, method="inverted_cdf")
            assert exact * (1 - 1e-6) <= level <= exact * 1.044  # outcomes of 1m are of single precision
            assert found.beyond[i, -1, column] == (moves > level).mean()


def test_the_rate_of_large_moves_is_counted_where_ticks_are_coarse() -> None:
    block = bars(1_500, 1, timeframe=M5, seed=3)
    first, pace = block.close[0, 0], 0.03 / np.abs(np.diff(block.close[:, 0])).mean()
    for name in ("open", "high", "low", "close"):
        values = getattr(block, name)
        values[:] = np.round(100.0 + (values - first) * pace, 1)
    said = stepped(block)
    for i in range(2):
        moves = moves_of(block, said, i, 0)
        assert said.beyond[i, -1, 0] == (moves > said.threshold[i, -1, 0]).mean()
        assert said.beyond[i, -1, 0] < 0.15  # the others of the largest fifth are as large as many below it


def test_a_price_that_never_moved_has_no_large_moves() -> None:
    block = bars(1_500, 1, timeframe=M5)
    for name in ("open", "high", "low", "close"):
        getattr(block, name)[:] = 100.0
    said = stepped(block)
    assert said.beyond[:, -1, 0].tolist() == [0.0, 0.0]
    assert said.threshold[:, -1, 0].tolist() == pytest.approx([1e-5, 1e-5])


def test_a_missing_bar_is_unknown_until_it_has_left_the_windows() -> None:
    block = bars(1_440, 1)
    for name in ("open", "high", "low", "close"):
        getattr(block, name)[1_000] = np.nan
    said = stepped(block).volatility[:, :, 0]
    for i, span in enumerate((5, 15, 60, 240)):
        unknown = np.flatnonzero(np.isnan(said[i, 300:])) + 300
        assert unknown.tolist() == list(range(1_000, 1_000 + span))
    assert np.isfinite(said[4, 800:]).all()


def test_a_price_that_stands_still_has_the_volatility_of_half_a_tick() -> None:
    block = bars(600, 1)
    for name in ("open", "high", "low", "close"):
        getattr(block, name)[400:] = block.close[399]
    said = stepped(block)
    assert said.volatility[1, 500, 0] == pytest.approx(math.log(0.005 / block.close[399, 0]), abs=1e-4)
    assert np.isfinite(said.realised[0, 500, 0])


def test_a_live_start_with_a_week_of_5m_bars_finds_the_same_bits_as_a_long_past() -> None:
    block = bars(9 * 1_440, 1, seed=12)
    whole = stepped(block)
    start = 8 * 1_440 + 637
    five = aggregated(block, M5)
    until = start // 5
    memory, week = Memory(), Memory()
    state = FeatureState(memory, week, M1)
    memory.reserve(1)
    week.reserve(1)
    state.warm_up_long(five.part(slice(until - 2_028, until)))
    before = block.part(slice(start - 500, start))
    state.step(int(before.open_ms[0]) // M1.ms, slice(0, 1), before)
    now = block.part(slice(start, None))
    found = state.step(int(now.open_ms[0]) // M1.ms, slice(0, 1), now)
    for name in ("volatility", "realised", "threshold", "beyond"):
        assert np.array_equal(getattr(found, name), getattr(whole, name)[:, start:]), name
    for name in ("close", "high", "low"):
        assert np.array_equal(getattr(found.outcomes, name), getattr(whole.outcomes, name)[:, start:])


def test_bars_of_5m_serve_as_base_too() -> None:
    said = stepped(bars(600, 2, timeframe=M5, first_ms=FIRST_MS))
    assert np.isfinite(said.volatility[:, -1]).all()
    assert np.isfinite(said.threshold[:, -1]).all()


def test_counted_quantiles_follow_a_sliding_window() -> None:
    rng = np.random.default_rng(6)
    moves = np.abs(rng.standard_t(4, (700, 3))) * 1e-3
    moves[rng.uniform(size=moves.shape) < 0.05] = np.nan
    memory = Memory()
    week = WeekOfMoves(memory, 300, 50)
    memory.reserve(3)
    parts = [week.step(at, slice(0, 3), part, 0.8) for at, part in ((0, moves[:123]), (123, moves[123:]))]
    levels, rates = (np.concatenate(of) for of in zip(*parts, strict=True))
    for k in (100, 400, 699):
        window = moves[max(0, k - 299) : k + 1]
        exact = np.nanquantile(window, 0.8, axis=0, method="inverted_cdf")
        assert (exact <= levels[k]).all()
        assert (levels[k] <= 1.044 * exact).all()
        assert rates[k].tolist() == [
            (window[:, i] > levels[k, i]).sum() / np.isfinite(window[:, i]).sum() for i in range(3)
        ]
    assert np.isnan(levels[:40]).all()
    tried = window[[7, 70, -1]]
    for move in tried:
        shares, exact = week.as_large(slice(0, 3), move), (window >= move).sum(axis=0) / np.isfinite(window).sum(axis=0)
        nearly = (window >= move / 1.044).sum(axis=0) / np.isfinite(window).sum(axis=0)
        assert np.isnan(shares[~np.isfinite(move)]).all()
        known = np.isfinite(move)
        assert (shares >= exact)[known].all()
        assert (shares <= nearly)[known].all()
    assert week.as_large(np.array([2, 0]), np.array([0.0, 9.0])).tolist() == [1.0, 0.0]
    assert np.isnan(rates[:40]).all()


@pytest.mark.parametrize(
    ("move", "level", "rate"), [(0.0, 1e-5, 0.0), (1e-5, 1e-5, 0.0), (0.5, 0.5, 0.0), (0.7, 0.5, 1.0)]
)
def test_moves_that_are_all_alike_are_not_beyond_themselves(move: float, level: float, rate: float) -> None:
    """Only beyond the last edge, 50 %, moves are not told apart."""
    memory = Memory()
    week = WeekOfMoves(memory, 300, 50)
    memory.reserve(1)
    levels, rates = week.step(0, slice(0, 1), np.full((60, 1), move), 0.8)
    assert (levels[-1, 0], rates[-1, 0]) == (pytest.approx(level), rate)


def test_a_week_that_comes_later_is_as_if_it_had_been_there_and_tells_nothing_of_later() -> None:
    block = bars(9 * 1_440, 1, seed=12)
    start = 8 * 1_440 + 637
    five, until = aggregated(block, M5), start // 5

    def warm(first: int) -> FeatureState:
        memory, week = Memory(), Memory()
        state = FeatureState(memory, week, M1)
        memory.reserve(1)
        week.reserve(1)
        state.warm_up_long(five.part(slice(first, until)))
        before = block.part(slice(start - 500, start))
        state.step(int(before.open_ms[0]) // M1.ms, slice(0, 1), before)
        return state

    whole, short = warm(until - WEEK_BARS), warm(until - 960)
    known = short.week_known(0)
    short.take_week(five.part(slice(until - WEEK_BARS, until + 20)))
    assert known < 960 < whole.week_known(0) == short.week_known(0)
    after = block.part(slice(start, start + 200))
    first, second = (state.step(int(after.open_ms[0]) // M1.ms, slice(0, 1), after) for state in (whole, short))
    for name in ("volatility", "threshold", "beyond"):
        np.testing.assert_array_equal(getattr(second, name), getattr(first, name))

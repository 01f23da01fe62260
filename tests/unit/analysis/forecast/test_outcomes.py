"""Outcomes against a slow reading of their definition; split anywhere they are the same bits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.forecasts import bars, pieces

from virtuoso.analysis.block import Memory
from virtuoso.analysis.forecast.horizons import bars_ahead
from virtuoso.analysis.forecast.outcomes import OutcomeTracker, following
from virtuoso.market.panel import BarBlock
from virtuoso.model.timeframe import Timeframe

HORIZONS = (3, 6, 24)


def slow(block: BarBlock, close: int, ahead: int, column: int) -> tuple[float, float, float]:
    """Enter at the open after `close`; look at each bar until the horizon."""
    way = range(close + 1, close + 1 + ahead)
    prices = [[getattr(block, name)[k, column] for name in ("open", "high", "low", "close")] for k in way]
    if any(math.isnan(price) for bar in prices for price in bar):
        return math.nan, math.nan, math.nan
    entry = prices[0][0]
    return (
        math.log(prices[-1][3] / entry), math.log(max(bar[1] for bar in prices) / entry),
        math.log(min(bar[2] for bar in prices) / entry),
    )  # fmt: skip


@pytest.mark.parametrize("holes", [0, 4])
def test_outcomes_are_what_a_buyer_at_the_next_open_would_have_seen(holes: int) -> None:
    block = bars(90, 3, seed=holes, holes=holes)
    found = following(block, HORIZONS)
    for k, ahead in enumerate(HORIZONS):
        for close in range(90 - ahead):
            for column in range(3):
                said = [x[k, close, column] for x in (found.close, found.high, found.low)]
                assert said == pytest.approx(slow(block, close, ahead, column), abs=1e-15, nan_ok=True)
        assert np.isnan(found.close[k, 90 - ahead :]).all()


def test_every_missing_price_makes_the_outcomes_around_it_unknown() -> None:
    for name in ("open", "high", "low", "close"):
        block = bars(60, 2)
        getattr(block, name)[30, 1] = np.nan
        found = following(block, (3,))
        assert np.flatnonzero(np.isnan(found.high[0, :57, 1])).tolist() == [27, 28, 29]
        assert np.flatnonzero(np.isnan(found.close[0, :57, 1])).tolist() == [27, 28, 29]
        assert np.isfinite(found.low[0, :57, 0]).all()


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.integers(0, 10_000))
def test_a_history_split_anywhere_gives_the_same_bits(lengths: list[int], number: int) -> None:
    block = bars(sum(lengths), 2, holes=sum(lengths) // 20)
    memory, whole_memory = Memory(), Memory()
    tracker, whole = OutcomeTracker(memory, HORIZONS), OutcomeTracker(whole_memory, HORIZONS)
    memory.reserve(2)
    whole_memory.reserve(2)
    expected = whole.step(number, slice(0, 2), block)
    at = 0
    for piece in pieces(block, lengths):
        found = tracker.step(number + at, slice(0, 2), piece)
        end = at + piece.open_ms.size
        for name in ("close", "high", "low"):
            assert np.array_equal(getattr(found, name), getattr(expected, name)[:, at:end], equal_nan=True)
        at = end


def test_rows_that_step_late_and_alone_find_their_own_past() -> None:
    block = bars(50, 3)
    memory = Memory()
    tracker = OutcomeTracker(memory, (3,))
    memory.reserve(3)
    expected = following(block, (3,))
    said = np.full((50, 3), np.nan)
    for k in range(50):
        on_time = np.array([0, 2] if k % 4 else [0, 1, 2])
        said[k, on_time] = tracker.step(k, on_time, block.part(slice(k, k + 1), on_time)).close[0, 0]
        if k % 4:
            said[k, 1] = tracker.step(k, slice(1, 2), block.part(slice(k, k + 1), slice(1, 2))).close[0, 0, 0]
    assert np.array_equal(said[3:], expected.close[0, :47], equal_nan=True)


def test_horizons_that_do_not_divide_each_other_or_the_bars_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of the one before"):
        OutcomeTracker(Memory(), (3, 7))
    with pytest.raises(ValueError, match="no whole number of bars of 1h"):
        bars_ahead(15, Timeframe.H1)
    assert bars_ahead(60, Timeframe.M5) == 12

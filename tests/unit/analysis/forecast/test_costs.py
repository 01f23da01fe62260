"""Costs against slow readings of their definitions."""

import math

import numpy as np
import pytest
from tests.support.forecasts import bars, pieces

from virtuoso.analysis.block import Memory
from virtuoso.analysis.forecast.costs import BarCosts, TickFinder, book_cost_bp, funding_bp
from virtuoso.analysis.forecast.hours import HourlyMeans
from virtuoso.analysis.readings.entry import walked
from virtuoso.market.panel import BOOK_LEVELS, BookBlock
from virtuoso.model.timeframe import Timeframe

M1 = Timeframe.M1


def book(bid: list[float], bid_size: list[float], ask: list[float], ask_size: list[float]) -> BookBlock:
    def padded(levels: list[float]) -> np.ndarray:
        return np.array([levels + [math.nan] * (BOOK_LEVELS - len(levels))])

    one = np.ones(1)
    return BookBlock(
        rows=np.arange(1), bid_price=padded(bid), bid_size=padded(bid_size), ask_price=padded(ask),
        ask_size=padded(ask_size), order_flow=one, touch_size=one, imbalance=one, micro_deviation=one, spread_bp=one,
        absorbed_bid=one, absorbed_ask=one, resilience=one, vanished=one,
    )  # fmt: skip


def test_a_small_order_pays_the_spread_and_a_large_one_the_levels_behind() -> None:
    resting = book([99.0, 98.0], [10.0, 100.0], [101.0, 102.0], [10.0, 100.0])
    assert book_cost_bp(resting, 500.0) == pytest.approx([200.0])
    bought = walked([101.0, 102.0], [10.0, 100.0], 5_000.0)
    sold = walked([99.0, 98.0], [10.0, 100.0], 5_000.0)
    assert bought is not None
    assert sold is not None
    assert book_cost_bp(resting, 5_000.0) == pytest.approx([1e4 * (bought - sold) / 100.0])
    assert np.isnan(book_cost_bp(resting, 50_000.0)).all()
    assert np.isnan(book_cost_bp(book([], [], [101.0], [10.0]), 500.0)).all()


def test_funding_is_paid_only_where_a_settlement_lies_inside() -> None:
    entry = 1_000 * M1.ms
    settlements = entry + M1.ms * np.array([0, 1, 15, 16])
    eight = np.full(4, 8.0)
    assert funding_bp(np.full(4, 3e-4), settlements, eight, entry, 15) == pytest.approx([0.0, 3.0, 3.0, 0.0])
    assert funding_bp(np.full(1, -3e-4), settlements[1:2], eight[:1], entry, 15) == pytest.approx([-3.0])


def test_each_settlement_inside_is_paid() -> None:
    entry = 1_000 * M1.ms
    settles = entry + M1.ms * np.array([60.0, 1.0, 60.0, 61.0, 60.0, np.nan])
    every = np.array([1.0, 1.0, 2.0, 1.0, np.nan, 1.0])
    rate = np.full(6, 1e-4)
    assert funding_bp(rate, settles, every, entry, 240) == pytest.approx([4.0, 4.0, 2.0, 3.0, 1.0, 0.0])
    assert funding_bp(rate, settles, every, entry, 60) == pytest.approx([1.0, 1.0, 1.0, 0.0, 1.0, 0.0])


def test_the_spread_of_bars_is_found_where_one_was_planted() -> None:
    """Closes at random on bid or ask of 20 bp around a price that wanders by 10 bp a minute."""
    rng = np.random.default_rng(5)
    mid = np.cumsum(rng.standard_normal(2_880 * 40) * 1e-3 / 40**0.5).reshape(2_880, 40)
    trades = 100.0 * np.exp(mid + 10e-4 * rng.choice([-1.0, 1.0], mid.shape))
    block = bars(2_880, 1)
    block.open[:, 0], block.close[:, 0] = trades[:, 0], trades[:, -1]
    block.high[:, 0], block.low[:, 0] = trades.max(axis=1), trades.min(axis=1)
    memory = Memory()
    costs = BarCosts(memory, M1)
    memory.reserve(1)
    found = costs.step(0, slice(0, 1), block)
    assert found[-1, 0] - 11.0 == pytest.approx(20.0, abs=2.0)


def test_the_cost_is_at_least_two_fees_and_a_tick() -> None:
    block = bars(600, 1)
    memory = Memory()
    costs = BarCosts(memory, M1, fee_bp=5.0)
    memory.reserve(1)
    found = costs.step(0, slice(0, 1), block)[10:, 0]
    assert (found >= 10.0 + 1e4 * 0.01 / block.close[10:, 0] - 1e-6).all()


def test_the_tick_is_the_least_step_of_the_last_hours() -> None:
    block = bars(600, 1)
    for name in ("open", "high", "low", "close"):
        getattr(block, name)[300:] = np.round(getattr(block, name)[300:] * 2, 1) / 2
    memory = Memory()
    ticks = TickFinder(memory, M1)
    memory.reserve(1)
    found = ticks.step(0, slice(0, 1), block)
    assert found[299, 0] == pytest.approx(0.01)
    assert found[-1, 0] == pytest.approx(0.05)


def test_hourly_means_are_those_of_the_hours_they_span() -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((500, 2))
    x[rng.uniform(size=x.shape) < 0.1] = np.nan
    memory = Memory()
    means = HourlyMeans(memory, 12, (3, 24), (1, 20))
    memory.reserve(2)
    first = 100 * 12
    found = np.concatenate(
        [
            means.step(first + at, slice(0, 2), part)
            for at, part in zip((0, 7, 300), np.split(x, [7, 300]), strict=True)
        ],
        axis=1,
    )
    for i, (span, least) in enumerate(((3, 12), (24, 240))):
        for k in range(500):
            begin = max(0, (k // 12 - span + 1) * 12)
            for column in range(2):
                values = [v for v in x[begin : k + 1, column] if math.isfinite(v)]
                expected = sum(values) / len(values) if len(values) >= least else math.nan
                assert found[i, k, column] == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_costs_split_anywhere_are_the_same_bits() -> None:
    block = bars(400, 2, holes=3)
    whole, split = Memory(), Memory()
    together, apart = BarCosts(whole, M1), BarCosts(split, M1)
    whole.reserve(2)
    split.reserve(2)
    expected = together.step(50, slice(0, 2), block)
    at, found = 50, []
    for piece in pieces(block, [1, 1, 13, 200, 185]):
        found.append(apart.step(at, slice(0, 2), piece))
        at += piece.open_ms.size
    assert np.array_equal(np.concatenate(found), expected, equal_nan=True)

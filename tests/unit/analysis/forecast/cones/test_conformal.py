"""Adaptive conformal quantiles against weighted quantiles of all multiples, and against what Gibbs & Candès promise."""

import numpy as np
import pytest

from virtuoso.analysis.block import Memory
from virtuoso.analysis.forecast.cones.conformal import (
    BINS,
    HALF_LIFE_MIN,
    HOURS_RATE,
    LEAST_OUTCOMES,
    SYMBOL_RATE,
    ConformalQuantiles,
)
from virtuoso.analysis.forecast.horizons import TAILS

ALL = slice(0, 3)
TAU = np.array(TAILS)


def fresh(symbols: int = 3, series: int = 1, stride_min: int = 15) -> tuple[Memory, ConformalQuantiles]:
    memory = Memory()
    quantiles = ConformalQuantiles(memory, horizon_min=15, stride_min=stride_min, series=series)
    memory.reserve(symbols)
    return memory, quantiles


def test_nothing_is_said_before_the_outermost_quantile_can_be_known() -> None:
    _, quantiles = fresh()
    rng = np.random.default_rng(1)
    for close in range(LEAST_OUTCOMES):
        assert np.isnan(quantiles.quantiles(0, ALL)).all()
        quantiles.learn(close, 0, ALL, rng.standard_normal((1, 3)))
    assert np.isfinite(quantiles.quantiles(0, ALL)).all()


def test_overlapping_outcomes_count_by_their_share_of_a_horizon() -> None:
    _, quantiles = fresh(stride_min=3)
    for close in range(5 * LEAST_OUTCOMES):
        assert np.isnan(quantiles.quantiles(0, ALL)).all()
        quantiles.learn(close, 0, ALL, np.array([[-1.0, 0.5, 1.0]]))
    assert np.isfinite(quantiles.quantiles(0, ALL)).all()


def test_quantiles_are_those_of_all_multiples_weighted_by_age() -> None:
    """Levels have barely moved after 200 closes, so that numpy's weighted quantile is the oracle."""
    _, quantiles = fresh(series=2)
    rng = np.random.default_rng(2)
    multiples = rng.standard_t(4, (200, 2, 3)) * np.array([1.0, 3.0])[:, None]
    for close, multiple in enumerate(multiples):
        quantiles.learn(close, close % 12, ALL, multiple)
    weights = np.repeat(0.5 ** (np.arange(199, -1, -1) * 15 / HALF_LIFE_MIN), 3)
    found = quantiles.quantiles(0, ALL).mean(axis=2)
    for series in range(2):
        sample = multiples[:, series].ravel()
        moved = 200 * (SYMBOL_RATE + HOURS_RATE / 6 + HOURS_RATE / 2) * 0.06
        low, high = (
            np.quantile(sample, np.clip(TAU + sign * moved, 0.004, 0.996), weights=weights, method="inverted_cdf")
            for sign in (-1, 1)
        )
        assert (found[series] >= low - 0.05 * (1 + abs(low))).all()
        assert (found[series] <= high + 0.05 * (1 + abs(high))).all()


def test_levels_move_by_what_share_was_below() -> None:
    """The rule of Gibbs & Candès, summed up by hand over the closes after the first quantiles were known."""
    memory, quantiles = fresh()
    rng = np.random.default_rng(3)
    below = np.zeros((len(TAILS), 3))
    judged = 0
    for close in range(200):
        said = quantiles.quantiles(0, ALL)[0]
        multiple = rng.standard_normal(3)
        if np.isfinite(said).all():
            below += multiple <= said
            judged += 1
        quantiles.learn(close, 0, ALL, multiple[None])
    moved = SYMBOL_RATE * (TAU[:, None] * judged - below)
    assert memory.state()["0"][:, :3] == pytest.approx(moved, abs=1e-12)
    for of_time in ("hours", "quarters"):
        offsets = quantiles.state()[of_time]
        assert offsets[0, 0] == pytest.approx(HOURS_RATE / SYMBOL_RATE * moved.mean(axis=1), abs=1e-12)
        assert not offsets[1:].any()


def test_each_symbol_and_tail_is_covered_where_forecasts_are_biased() -> None:
    """One symbol's multiples are half again as wide, another's lean upwards: each comes to its own quantiles."""
    _, quantiles = fresh()
    rng = np.random.default_rng(4)
    below = np.zeros((len(TAILS), 3))
    for close in range(4500):
        multiples = rng.standard_t(5, 3) * np.array([1.0, 1.4, 1.0]) + np.array([0.0, 0.0, 0.2])
        if close >= 2000:
            below += multiples <= quantiles.quantiles(close % 12, ALL)[0]
        quantiles.learn(close, close % 12, ALL, multiples[None])
    assert below / 2500 == pytest.approx(np.broadcast_to(TAU[:, None], (6, 3)), abs=0.015)


def test_an_atom_at_zero_is_split_by_the_level() -> None:
    """A tenth of the multiples is exactly 0, as of highs that never leave the entry; the lowest tail is met."""
    _, quantiles = fresh()
    rng = np.random.default_rng(5)
    below = []
    for close in range(3500):
        multiples = np.where(rng.uniform(size=3) < 0.1, 0.0, np.abs(rng.standard_normal(3)))
        if close >= 1500:
            below.append((multiples <= quantiles.quantiles(0, ALL)[0, 0]).mean())
        quantiles.learn(close, 0, ALL, multiples[None])
    assert np.mean(below) == pytest.approx(TAILS[0], abs=0.01)


def test_rows_that_step_late_move_their_own_level_alone() -> None:
    _, quantiles = fresh()
    rng = np.random.default_rng(6)
    for close in range(100):
        quantiles.learn(close, 0, ALL, rng.standard_normal((1, 3)))
    hours, learnt = quantiles.state()["hours"], quantiles.state()["learnt"]
    before = quantiles.quantiles(0, ALL)
    quantiles.learn(99, 0, np.array([2]), np.array([[9.0]]))
    assert (quantiles.state()["hours"] == hours).all()
    assert quantiles.state()["learnt"] == learnt
    after = quantiles.quantiles(0, ALL)
    assert (after[..., :2] == before[..., :2]).all()
    assert (after[0, :, 2] > before[0, :, 2]).all()


def test_a_distribution_that_is_handed_on_is_the_same_there_and_worth_a_week() -> None:
    _, quantiles = fresh(series=2)
    rng = np.random.default_rng(9)
    for close in range(2000):
        quantiles.learn(close, close % 12, ALL, rng.standard_t(5, (2, 3)) * np.array([[1.0], [2.0]]))
    other = fresh(series=2)[1]
    assert np.isnan(other.multiples()).all()
    other.begin(quantiles.multiples())
    assert other.multiples() == pytest.approx(quantiles.multiples(), rel=0.02, abs=0.03)
    assert other.state()["pool"].sum(axis=1) == pytest.approx([7 * 96] * 2)
    pool = quantiles.state()["pool"]
    quantiles.begin(other.multiples() * 2)
    assert (quantiles.state()["pool"] == pool).all()


def test_a_row_without_outcome_is_left_alone() -> None:
    memory, quantiles = fresh(series=2)
    rng = np.random.default_rng(7)
    for close in range(100):
        multiples = rng.standard_normal((2, 3))
        multiples[1, 1] = np.nan
        quantiles.learn(close, 0, ALL, multiples)
    assert not memory.state()["0"][:, 1].any()
    assert quantiles.state()["pool"].sum() == pytest.approx(100 * 2, rel=0.1)


def test_it_goes_on_from_a_state_and_from_multiples_counted_elsewhere() -> None:
    rng = np.random.default_rng(8)
    multiples = rng.standard_normal((120, 1, 3))
    memory, whole = fresh()
    for close in range(60):
        whole.learn(close, 0, ALL, multiples[close])
    other_memory, other = fresh()
    other.load(whole.state())
    other_memory.load(memory.state())
    begun = fresh()[1]
    begun.begin(whole.multiples())
    assert np.isfinite(begun.quantiles(3, ALL)).all()
    for close in range(60, 120):
        for quantiles in (whole, other, begun):
            quantiles.learn(close, 0, ALL, multiples[close])
    assert (whole.quantiles(0, ALL) == other.quantiles(0, ALL)).all()
    assert begun.quantiles(0, ALL) == pytest.approx(whole.quantiles(0, ALL), abs=0.2)
    with pytest.raises(ValueError, match="another make"):
        other.load({**whole.state(), "pool": np.zeros((2, BINS))})

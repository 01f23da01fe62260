"""The cone: the same bits however a history is split, nothing from after a close, mirrored markets mirrored."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtuoso.analysis.block import Memory
from virtuoso.analysis.forecast.cones.cone import Cone
from virtuoso.analysis.forecast.horizons import TAILS
from virtuoso.market.panel import Floats
from virtuoso.model.timeframe import Timeframe

T, N = 1500, 2
HORIZONS = (15, 60)
NUMBER = 29_000_000


def history(seed: int = 1) -> tuple[Floats, Floats]:
    """Volatilities [k, t, n] and outcomes [k, series, t, n] that fit them, some of them missing."""
    rng = np.random.default_rng(seed)
    volatility = 1e-3 * np.exp(0.3 * rng.standard_normal((2, T, N)))
    path = rng.standard_normal((2, 3, T, N)) * 1e-3
    outcomes = np.stack([path[:, 0], np.abs(path[:, 1]), -np.abs(path[:, 2])], axis=1)
    outcomes[:, :, rng.choice(T, 40), 1] = np.nan
    return volatility, outcomes


def stepped(volatility: Floats, outcomes: Floats, lengths: list[int], cone: Cone | None = None) -> Floats:
    cone = fresh() if cone is None else cone
    found, at = [], 0
    for length in lengths:
        part = slice(at, at + length)
        found.append(cone.step(NUMBER + at, slice(0, N), volatility[:, part], outcomes[:, :, part]))
        at += length
    return np.concatenate(found, axis=3)


def fresh() -> Cone:
    memory = Memory()
    cone = Cone(memory, Timeframe.M1, HORIZONS)
    memory.reserve(N)
    return cone


VOLATILITY, OUTCOMES = history()


@cache
def whole() -> Floats:
    """The quantiles of the history in one block."""
    return stepped(VOLATILITY, OUTCOMES, [T])


def test_the_day_ends_with_quantiles_that_ascend() -> None:
    assert whole().shape == (2, 3, 6, T, N)
    last = whole()[0, :, :, -1]
    assert np.isfinite(last).all()
    assert (np.diff(last, axis=1) >= 0).all()
    assert np.isnan(whole()[1]).all()  # an hour's quantiles need 39 of its outcomes, and here is one day


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(1, 200), min_size=3, max_size=8))
def test_where_a_history_is_split_changes_nothing(lengths: list[int]) -> None:
    used = sum(lengths)
    assert np.array_equal(
        stepped(VOLATILITY, OUTCOMES, [*lengths, T - used] if used < T else [T]), whole(), equal_nan=True
    )


def test_live_minute_by_minute_is_the_same_as_long_blocks() -> None:
    assert np.array_equal(stepped(VOLATILITY, OUTCOMES, [1] * T), whole(), equal_nan=True)


def test_what_comes_after_a_close_changes_nothing_before_it() -> None:
    cut = 1100
    other_volatility, other_outcomes = history(seed=2)
    volatility = np.concatenate([VOLATILITY[:, :cut], other_volatility[:, cut:]], axis=1)
    outcomes = np.concatenate([OUTCOMES[:, :, :cut], other_outcomes[:, :, cut:]], axis=2)
    found = stepped(volatility, outcomes, [T])
    assert np.array_equal(found[..., :cut, :], whole()[..., :cut, :], equal_nan=True)
    assert not np.array_equal(found[..., cut:, :], whole()[..., cut:, :], equal_nan=True)


def test_a_multiple_pairs_an_outcome_with_the_volatility_forecast_a_horizon_before() -> None:
    """Outcomes are ten times the volatility of their own forecast: so are the quantiles, whatever the volatility is."""
    volatility, _ = history()
    outcomes = np.full((2, 3, T, N), np.nan)
    outcomes[0, :, 15:] = 10.0 * volatility[0, :-15]
    outcomes[1, :, 60:] = 10.0 * volatility[1, :-60]
    found = stepped(volatility, outcomes, [T])[0, :, :, -1] / volatility[0, -1]
    assert found == pytest.approx(np.full(found.shape, 10.0), rel=0.03)


def test_a_mirrored_market_has_a_mirrored_cone() -> None:
    mirrored = -OUTCOMES[:, [0, 2, 1]]
    found = stepped(VOLATILITY, mirrored, [T])
    assert -found[:, [0, 2, 1], ::-1] == pytest.approx(whole(), abs=1e-12, nan_ok=True)


def test_it_goes_on_from_a_state() -> None:
    memory = Memory()
    first = Cone(memory, Timeframe.M1, HORIZONS)
    memory.reserve(N)
    stepped(VOLATILITY[:, :1000], OUTCOMES[:, :, :1000], [1000], first)
    other_memory = Memory()
    second = Cone(other_memory, Timeframe.M1, HORIZONS)
    second.load(first.state())
    other_memory.load(memory.state())
    rest = second.step(NUMBER + 1000, slice(0, N), VOLATILITY[:, 1000:], OUTCOMES[:, :, 1000:])
    assert np.array_equal(rest, whole()[..., 1000:, :], equal_nan=True)


def test_a_symbol_that_joins_has_a_cone_at_once() -> None:
    cone = fresh()
    stepped(VOLATILITY, OUTCOMES, [T], cone)
    found = cone.step(NUMBER + T, np.array([0, 1]), np.full((2, 1, 2), 1e-3), np.full((2, 3, 1, 2), np.nan))
    assert np.isfinite(found[0]).all()


@pytest.mark.parametrize("timeframe", [Timeframe.M1, Timeframe.M3, Timeframe.M5, Timeframe.M15])
def test_every_base_that_fits_a_horizon_learns(timeframe: Timeframe) -> None:
    memory = Memory()
    cone = Cone(memory, timeframe, (15,), series=1)
    memory.reserve(1)
    bars = 1000 // timeframe.minutes
    rng = np.random.default_rng(3)
    found = cone.step(0, slice(0, 1), np.ones((1, bars, 1)), rng.standard_normal((1, 1, bars, 1)))
    assert found.shape == (1, 1, len(TAILS), bars, 1)
    assert np.isfinite(found[..., -1, :]).all()

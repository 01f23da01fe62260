"""The market's cone, betas and counts: the same bits however split, and what a slow reading of the definitions says."""

from functools import cache

import numpy as np
import pytest

from virtuoso.analysis.block import Memory
from virtuoso.analysis.forecast.cones.market import Market, MarketForecasts
from virtuoso.market.panel import Floats
from virtuoso.model.timeframe import Timeframe

T, N, NUMBER = 2600, 4, 29_000_000
BETAS = np.array([0.5, 0.8, 1.2, 1.5])


def history(seed: int = 1) -> tuple[Floats, Floats, Floats]:
    """Volatilities [1, t, n], cones [1, tail, t, n] and outcomes [1, t, n] of 15 minutes, one factor and betas."""
    rng = np.random.default_rng(seed)
    volatility = 1e-3 * np.exp(0.2 * rng.standard_normal((1, T, N)))
    cone = np.array([-2.0, -1.3, -0.7, 0.7, 1.3, 2.0])[:, None, None] * volatility[:, None]
    outcomes = 1e-3 * (BETAS * rng.standard_normal((1, T, 1)) + 0.2 * rng.standard_normal((1, T, N)))
    outcomes[0, rng.choice(T, 50), 1] = np.nan
    return volatility, cone, outcomes


VOLATILITY, CONE, OUTCOMES = history()


def fresh() -> tuple[Memory, Market]:
    memory = Memory()
    market = Market(memory, Timeframe.M1, (15,))
    memory.reserve(N)
    return memory, market


def stepped(market: Market, lengths: list[int], first: int = 0) -> list[MarketForecasts]:
    found, at = [], first
    for length in lengths:
        bars = slice(at, at + length)
        said = market.step(NUMBER + at, slice(0, N), VOLATILITY[:, bars], CONE[:, :, bars], OUTCOMES[:, bars])
        assert said is not None
        found.append(said)
        at += length
    return found


@cache
def whole() -> MarketForecasts:
    """The forecasts of the history in one block."""
    return stepped(fresh()[1], [T])[0]


@pytest.mark.parametrize("lengths", [[1, 2, 700, 3, T - 706], [5] * (T // 5)])
def test_where_a_history_is_split_changes_nothing(lengths: list[int]) -> None:
    parts = stepped(fresh()[1], lengths)
    assert np.array_equal(np.concatenate([part.cone[15] for part in parts], axis=1), whole().cone[15], equal_nan=True)
    assert np.array_equal(np.concatenate([part.beta for part in parts]), whole().beta, equal_nan=True)
    at_least = np.concatenate(
        [np.pad(p.at_least[15], ((0, 0), (0, 0), (0, N + 1 - p.at_least[15].shape[2]))) for p in parts], axis=1
    )
    assert np.array_equal(at_least[:, -1000:], whole().at_least[15][:, -1000:])


def test_betas_are_those_of_a_regression() -> None:
    """Weighted least squares through the origin over the closes that are learnt: every third minute."""
    learnt = np.flatnonzero((NUMBER + 1 + np.arange(T)) % 3 == 0)
    market = np.nanmean(OUTCOMES[0], axis=1)[learnt]
    weights = 0.5 ** (3 * np.arange(learnt.size)[::-1] / (3 * 1440))
    for column in (0, 2, 3):
        expected = (weights * OUTCOMES[0, learnt, column] * market).sum() / (weights * market**2).sum()
        assert whole().beta[-1, column] == pytest.approx(expected, rel=1e-6)
    assert whole().beta[-1] == pytest.approx(BETAS, abs=0.05)
    assert np.isnan(whole().beta[:1000]).all()


def test_the_market_is_the_mean_of_its_symbols() -> None:
    """The mean return of N symbols that share a factor of 1e-3, over the mean of their volatilities."""
    width = whole().cone[15][:, -1] / VOLATILITY[0, -1].mean()
    assert width[1:-1] == pytest.approx([-1.28, -0.67, 0.67, 1.28], abs=0.25)
    assert width[[0, -1]] == pytest.approx([-1.96, 1.96], abs=0.6)  # 2 % of 860 outcomes


def test_rows_that_step_late_change_nothing_of_the_market() -> None:
    _, market = fresh()
    stepped(market, [T - 100])
    before = {name: array.copy() for name, array in market.state().items()}
    late = np.array([2])
    at = slice(T - 101, T - 100)
    said = market.step(NUMBER + at.start, late, VOLATILITY[:, at, 2:3], CONE[:, :, at, 2:3], OUTCOMES[:, at, 2:3])
    assert said is None
    assert all(np.array_equal(array, before[name], equal_nan=True) for name, array in market.state().items())


def test_a_block_that_was_seen_in_part_goes_on_from_what_was_not() -> None:
    _, market = fresh()
    stepped(market, [2000])
    found = stepped(market, [T - 1900], first=1900)[0]
    assert np.isnan(found.cone[15][:, :100]).all()
    assert np.array_equal(found.cone[15][:, 100:], whole().cone[15][:, 2000:], equal_nan=True)
    assert np.array_equal(found.beta[100:], whole().beta[2000:], equal_nan=True)


def test_a_gap_forgets_the_forecasts_whose_outcomes_it_hides() -> None:
    _, market = fresh()
    stepped(market, [2000])
    learnt = market.state()["cone.15.learnt"].copy()
    first = 2000 + 30
    stepped(market, [10], first=first)
    assert market.state()["cone.15.learnt"] == learnt


def test_it_goes_on_from_a_state() -> None:
    memory, market = fresh()
    stepped(market, [1500])
    other_memory, other = fresh()
    other.load(market.state())
    other_memory.load(memory.state())
    rest = stepped(other, [T - 1500], first=1500)[0]
    assert np.array_equal(rest.cone[15], whole().cone[15][:, 1500:], equal_nan=True)
    assert np.array_equal(rest.beta, whole().beta[1500:], equal_nan=True)
    with pytest.raises(ValueError, match="another make"):
        other.load({})

"""How far a symbol's moves go but once in days: against quantiles of moves of a known shape."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.detectors import MINUTE, START_MS

from virtuoso.alerts.fast.tails import MoveTails

DAY = 1_440


def learnt(shape: float, days: int, *, scale: float = 1e-3, seed: int = 1) -> MoveTails:
    """Minutes whose move is `scale` times a Pareto variable of this tail index, up and down by turns."""
    tails, rng = MoveTails(5, 48.0), np.random.default_rng(seed)
    moves = scale * (rng.pareto(shape, days * DAY) + 1.0)
    for i, move in enumerate(moves.tolist()):
        high, low = (100.0 * np.exp(move), 100.0) if i % 2 else (100.0, 100.0 * np.exp(-move))
        tails.learn(START_MS + i * MINUTE, high, low, 100.0, scale)
    return tails


@pytest.mark.parametrize("shape", [3.0, 4.0])
def test_the_level_is_what_the_tail_reaches_once_in_that_time(shape: float) -> None:
    """Oracle: the quantile of a Pareto variable, x = (minutes)^(1/shape)."""
    levels = [learnt(shape, 14, seed=seed).minute for seed in range(4)]
    assert np.median([level for level in levels if level]) == pytest.approx((2 * DAY) ** (1 / shape), rel=0.3)


def test_a_fatter_tail_has_a_higher_level_and_volatility_has_none() -> None:
    thin, fat, lively = learnt(4.0, 3), learnt(2.5, 3), learnt(4.0, 3, scale=4e-3)
    assert thin.minute is not None
    assert fat.minute is not None
    assert fat.minute > 1.5 * thin.minute
    assert lively.minute == pytest.approx(thin.minute)
    assert lively.window == pytest.approx(thin.window)


def test_nothing_is_said_before_enough_is_known() -> None:
    """A tail is continued 36 times as far as was seen at most: 48 hours need 80 minutes. None without a σ."""
    tails, blind = MoveTails(5, 48.0), MoveTails(5, 48.0)
    for i in range(60):
        tails.learn(START_MS + i * MINUTE, 101.0, 100.0, 100.0, 1e-3)
    assert tails.minute is None
    for i in range(60, 200):
        tails.learn(START_MS + i * MINUTE, 101.0, 100.0, 100.0, 1e-3)
        blind.learn(START_MS + i * MINUTE, 101.0, 100.0, 100.0, None)
    assert tails.minute is not None
    assert blind.minute is None


def test_a_move_over_a_gap_is_none() -> None:
    tails, steady = MoveTails(5, 48.0), MoveTails(5, 48.0)
    for i in range(DAY):
        price = 100.0 if i < DAY // 2 else 150.0
        if i == DAY // 2:
            tails.gap()
        tails.learn(START_MS + i * MINUTE, price * 1.001, price, price, 1e-3)
        steady.learn(START_MS + i * MINUTE, 100.1, 100.0, 100.0, 1e-3)
    assert tails.minute == pytest.approx(steady.minute, rel=1e-3)


NUMBERS = st.sampled_from([0.0, float("nan"), float("inf"), -1.0, 1e-9, 1.0, 1e18])


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS | st.none()), max_size=100))
def test_no_number_raises(rows: list[tuple[float, float, float, float | None]]) -> None:
    tails = MoveTails(5, 48.0)
    for i, (high, low, close, sigma) in enumerate(rows):
        tails.learn(START_MS + i * MINUTE, high, low, close, sigma)
    assert tails.minute is None

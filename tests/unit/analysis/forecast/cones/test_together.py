"""Counts outside at once: hypergeometric when symbols leave, calibrated where they move together."""

import math

import numpy as np
import pytest

from virtuoso.analysis.block import Memory
from virtuoso.analysis.forecast.cones.conformal import LEAST_OUTCOMES
from virtuoso.analysis.forecast.cones.together import CountOutside, resized
from virtuoso.analysis.forecast.horizons import TAILS
from virtuoso.market.panel import Floats

CONE: Floats = np.array([-1.96, -1.28, -0.67, 0.67, 1.28, 1.96])[:, None]


def fresh(symbols: int) -> CountOutside:
    memory = Memory()
    outside = CountOutside(memory, horizon_min=15, stride_min=15)
    memory.reserve(symbols)
    return outside


def test_fewer_symbols_are_drawn_at_random() -> None:
    """k of 9 outside leave a hypergeometric number among 5 of them."""
    for k in range(10):
        counts = np.zeros((2, 10))
        counts[:, k] = 3.0
        drawn = [math.comb(k, j) * math.comb(9 - k, 5 - j) / math.comb(9, 5) for j in range(6)]
        assert resized(counts, 5) == pytest.approx(np.tile(drawn, (2, 1)) * 3.0)


def test_more_symbols_follow_those_there_are() -> None:
    """Pólya's urn with k and 4 − k balls and one more that is divided as outcomes are: a beta-binomial number."""
    for k in range(5):
        counts = np.zeros((2, 5))
        counts[:, k] = 1.0
        for grown, m in zip(resized(counts, 12), (0.05, 0.2), strict=True):
            expected = [math.comb(8, j) * beta(k + m + j, 5 - k - m + 8 - j) / beta(k + m, 5 - k - m) for j in range(9)]
            assert grown == pytest.approx([0.0] * k + expected + [0.0] * (4 - k))


def beta(a: float, b: float) -> float:
    return math.exp(math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b))


def test_symbols_that_move_together_leave_their_bands_together() -> None:
    n, closes = 8, 3000
    rng = np.random.default_rng(1)
    outside = fresh(n)
    said, came = [], []
    for close in range(closes):
        outcomes = math.sqrt(0.7) * rng.standard_normal() + math.sqrt(0.3) * rng.standard_normal(n)
        if close > closes // 2:
            said.append(outside.at_least())
            came.append([(np.abs(outcomes) > edge).sum() >= np.arange(n + 1) for edge in (1.96, 1.28)])
        outside.learn(close, slice(0, n), outcomes, np.repeat(CONE, n, axis=1), new=True)
    assert np.mean(said, axis=0) == pytest.approx(np.mean(came, axis=0), abs=0.03)
    half_apart = sum(math.comb(n, k) * 0.05**k * 0.95 ** (n - k) for k in range(n // 2, n + 1))
    assert np.mean(said, axis=0)[0, n // 2] > 50 * half_apart


def test_outcomes_are_judged_by_the_band_of_a_horizon_before() -> None:
    outside = fresh(2)
    wide, narrow = np.repeat(CONE * 10, 2, axis=1), np.repeat(CONE / 10, 2, axis=1)
    for close in range(60):
        outside.learn(close, slice(0, 2), np.ones(2), wide if close % 2 else narrow, new=True)
    assert outside.at_least()[0, 2] == pytest.approx(0.5, abs=0.01)


def test_nothing_is_said_before_a_tail_can_be_known_and_late_rows_are_not_counted() -> None:
    outside = fresh(2)
    cone = np.repeat(CONE, 2, axis=1)
    for close in range(LEAST_OUTCOMES + 1):
        assert np.isnan(outside.at_least()).all()
        outside.learn(close, slice(0, 2), np.zeros(2), cone, new=True)
    said = outside.at_least()
    assert said == pytest.approx(np.array([[1.0, 0.0, 0.0]] * 2))
    outside.learn(close, np.array([1]), np.array([9.0]), cone[:, :1], new=False)
    assert (outside.at_least() == said).all()


def test_a_symbol_that_is_late_for_once_leaves_the_counts_alone() -> None:
    outside = CountOutside(memory := Memory(), horizon_min=15, stride_min=3)
    memory.reserve(3)
    for close in range(5 * LEAST_OUTCOMES + 5):
        outside.learn(close, slice(0, 3), np.zeros(3), np.repeat(CONE, 3, axis=1), new=True)
    outside.learn(close + 1, slice(0, 2), np.zeros(2), np.repeat(CONE, 2, axis=1), new=True)
    assert outside.at_least().shape == (2, 4)


def test_it_goes_on_from_a_state() -> None:
    outside, other = fresh(2), fresh(2)
    cone = np.repeat(CONE, 2, axis=1)
    for close in range(50):
        outside.learn(close, slice(0, 2), np.full(2, close % 3), cone, new=True)
    other.load(outside.state())
    assert (other.at_least() == outside.at_least()).all()
    with pytest.raises(ValueError, match="another make"):
        other.load({"learnt": np.zeros(1)})
    assert len(TAILS) == len(CONE)

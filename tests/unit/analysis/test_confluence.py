"""Weights, gains, contributions and concord."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from virtuoso.analysis.confluence import combine_factor, concord_of, normalised, stretched
from virtuoso.analysis.factors import technical, volume
from virtuoso.analysis.gains import CONFLUENCE, Gain

FRAMES = np.array([0.4, 0.3, 0.2, 0.1])
C = len(technical.FACTOR.components)
VALUES = arrays(np.float64, (4, C, 3), elements=st.floats(-1, 1) | st.just(np.nan))


@settings(max_examples=150, deadline=None)
@given(values=VALUES)
def test_contributions_sum_to_the_score(values: np.ndarray) -> None:
    combined = combine_factor(values, FRAMES, technical.FACTOR)
    result, available = combined.whole, combined.available
    known = np.isfinite(values).any(axis=(0, 1))
    assert (np.isfinite(result.x) == known).all()
    total = result.contributions(values).sum(axis=(0, 1))
    np.testing.assert_allclose(total[known], 50 * result.x[known], rtol=0, atol=1e-12)
    np.testing.assert_allclose(result.weights.sum(axis=(0, 1)), known.astype(float), rtol=0, atol=1e-12)
    assert (result.weights[~np.isfinite(values)] == 0).all()
    assert ((available >= 0) & (available <= 1 + 1e-12)).all()


@settings(max_examples=60, deadline=None)
@given(values=VALUES)
def test_negated_components_negate_the_factor(values: np.ndarray) -> None:
    there = combine_factor(values, FRAMES, technical.FACTOR).whole
    back = combine_factor(-values, FRAMES, technical.FACTOR).whole
    np.testing.assert_array_equal(there.x, -back.x)


@settings(max_examples=60, deadline=None)
@given(values=arrays(np.float64, (4, C, 1), elements=st.floats(-1, 1)), t=st.integers(0, 3), c=st.integers(0, C - 1))
def test_a_rising_component_never_lowers_the_factor(values: np.ndarray, t: int, c: int) -> None:
    higher = values.copy()
    higher[t, c] = min(1.0, values[t, c, 0] + 0.1)
    before = combine_factor(values, FRAMES, technical.FACTOR).whole
    after = combine_factor(higher, FRAMES, technical.FACTOR).whole
    assert after.x[0] >= before.x[0] - 1e-15


def test_missing_weights_are_redistributed_level_by_level() -> None:
    nominal = np.array([component.weight for component in technical.FACTOR.components])
    nominal /= nominal.sum()
    values = np.full((4, C, 1), 0.5)
    values[0, :3] = np.nan  # inside the base timeframe the other four share its 0.4
    values[3] = np.nan  # the high timeframe drops out: 0.4, 0.3, 0.2 over 0.9
    combined = combine_factor(values, FRAMES, technical.FACTOR)
    result, available = combined.whole, combined.available
    assert result.weights[0, :3, 0].tolist() == [0, 0, 0]
    np.testing.assert_allclose(result.weights[0, 3:, 0], 0.4 / 0.9 * nominal[3:] / nominal[3:].sum())
    np.testing.assert_allclose(result.weights[1, :, 0], 0.3 / 0.9 * nominal)
    assert result.weights[3].sum() == 0
    assert available[0] == pytest.approx(0.4 * nominal[3:].sum() + 0.3 + 0.2)


def test_one_outlier_weight_is_kept_inside_its_timeframe() -> None:
    weights = [3.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    components = tuple(replace(c, weight=w) for c, w in zip(volume.FACTOR.components, weights, strict=True))
    factor = replace(volume.FACTOR, components=components)
    result = combine_factor(np.full((1, 6, 1), 0.2), np.ones(1), factor).whole
    np.testing.assert_allclose(result.weights[0, :, 0], np.array(weights) / 8)


def test_views_of_the_same_thing_count_once() -> None:
    technical_weights = {c.name: c.weight for c in technical.FACTOR.components}
    assert sum(technical_weights[name] for name in ("cci", "williams_r", "momentum")) == pytest.approx(1.0)
    volume_weights = {c.name: c.weight for c in volume.FACTOR.components}
    assert volume_weights["adl"] + volume_weights["cmf"] == pytest.approx(1.0)


def test_the_gain_gives_every_set_of_inputs_the_same_spread() -> None:
    rng = np.random.default_rng(5)
    rho, sigma, samples = 0.3, 0.4, 60_000
    gain = Gain(sigma=sigma, rho=rho, stretch=0.2)
    common = rng.normal(0, 1, samples)
    spreads = []
    for k in (1, 3, 12):
        values = sigma * (np.sqrt(rho) * common + np.sqrt(1 - rho) * rng.normal(0, 1, (k, samples)))
        x = stretched(values, np.full((k, samples), 1 / k), gain).x
        spreads.append(np.arctanh(x).std())
    np.testing.assert_allclose(spreads, 0.2, rtol=0.02)


def test_inputs_of_two_sorts_have_the_same_spread_too() -> None:
    rng = np.random.default_rng(6)
    sigma, rho, strange, samples = 0.4, 0.8, 0.3, 80_000
    gain = Gain(sigma=sigma, rho=rho, stretch=0.2, strange=strange)
    correlation = np.full((4, 4), strange)
    correlation[:2, :2] = rho
    np.fill_diagonal(correlation, 1.0)
    values = sigma * np.linalg.cholesky(correlation) @ rng.normal(size=(4, samples))
    kin = np.array([True, True, False, False])
    for chosen in ([0, 1, 2, 3], [0, 1], [1, 2], [2, 3], [0, 2, 3]):
        weights = np.full((len(chosen), samples), 1 / len(chosen))
        x = stretched(values[chosen], weights, gain, kin[chosen]).x
        assert np.arctanh(x).std() == pytest.approx(0.2, rel=0.02)


def test_concord_of_one_mind_and_of_two() -> None:
    weights = np.array([[0.5, 0.5, 0.5, 0.0], [0.5, 0.5, 0.5, 0.0]])
    x = np.array([[0.4, 0.4, 0.0, np.nan], [0.4, -0.4, 0.0, np.nan]])
    concord = concord_of(x, weights)
    np.testing.assert_allclose(concord.consensus, [1.0, 0.0, np.nan, np.nan])
    np.testing.assert_allclose(concord.disagreement, [0.0, 0.4, 0.0, np.nan])
    np.testing.assert_allclose(concord.both[:2], [1.0, 0.0])


@settings(max_examples=60, deadline=None)
@given(x=arrays(np.float64, (3, 2), elements=st.floats(-1, 1) | st.just(np.nan)))
def test_confluence_contributions_sum_and_concord_is_bounded(x: np.ndarray) -> None:
    weights = normalised(np.where(np.isfinite(x), np.array([[0.2], [0.18], [0.1]]), 0.0), axis=0)
    result = stretched(x, weights, CONFLUENCE)
    known = np.isfinite(result.x)
    np.testing.assert_allclose(result.contributions(x).sum(axis=0)[known], 50 * result.x[known], rtol=0, atol=1e-12)
    concord = concord_of(x, weights)
    for measure in (concord.consensus, concord.disagreement):
        finite = measure[np.isfinite(measure)]
        assert ((finite >= 0) & (finite <= 1)).all()

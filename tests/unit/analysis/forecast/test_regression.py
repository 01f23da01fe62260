"""Ridge and logistic regression against scikit-learn; the table of exceedances against counting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.lazily import Lazily

from virtuoso.analysis.forecast.fits.exceedance import GRID, exceedance, logit_above
from virtuoso.analysis.forecast.fits.regression import linear, logistic, probability, ridge

linear_model = Lazily("sklearn.linear_model")


def samples(seed: int, m: int = 400, k: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((m, k)) * rng.uniform(0.2, 3.0, k)
    signal = x @ rng.standard_normal(k)
    return x, signal + rng.standard_normal(m), (signal + rng.logistic(size=m) > 0).astype(float)


@given(st.integers(0, 10_000), st.floats(1e-4, 10.0))
def test_ridge_is_scikit_learns(seed: int, penalty: float) -> None:
    x, y, _ = samples(seed)
    expected = linear_model.Ridge(alpha=penalty * len(x), fit_intercept=False, solver="cholesky").fit(x, y).coef_
    assert ridge(x, y, np.full(5, penalty), np.zeros(5)) == pytest.approx(expected, abs=1e-8)


@given(st.integers(0, 10_000), st.floats(1e-3, 1.0))
def test_logistic_regression_is_scikit_learns(seed: int, penalty: float) -> None:
    x, _, y = samples(seed)
    oracle = linear_model.LogisticRegression(
        C=1.0 / (penalty * len(x)), fit_intercept=False, solver="newton-cholesky", tol=1e-12, max_iter=200
    )
    expected = oracle.fit(x, y).coef_[0]
    assert logistic(x, y, np.full(5, penalty), np.zeros(5)) == pytest.approx(expected, abs=1e-8)


def test_each_weight_is_shrunk_to_its_own_prior_by_its_own_penalty() -> None:
    x, y, came = samples(3)
    strong = np.array([1e9, 1e-6, 1e-6, 1e-6, 1e9])
    prior = np.array([0.7, 0.0, 0.0, 0.0, -0.3])
    found = logistic(x, came, strong, prior)
    assert found[[0, 4]] == pytest.approx([0.7, -0.3], abs=1e-6)
    assert np.abs(found[1:4]).min() > 1e-3
    assert ridge(x, y, strong, prior)[[0, 4]] == pytest.approx([0.7, -0.3], abs=1e-6)


def test_a_perfect_separation_ends_with_finite_weights() -> None:
    x = np.linspace(-1.0, 1.0, 50)[:, None]
    found = logistic(x, (x[:, 0] > 0).astype(float), np.array([1e-3]), np.zeros(1))
    expected = linear_model.LogisticRegression(
        C=20.0, fit_intercept=False, solver="newton-cholesky", tol=1e-12, max_iter=500
    )
    assert found == pytest.approx(expected.fit(x, x[:, 0] > 0).coef_[0], rel=1e-6)


def test_the_table_gives_back_the_shares_it_was_counted_from() -> None:
    rng = np.random.default_rng(2)
    volatility = rng.uniform(0.5, 2.0, 20_000) * 1e-3
    moves = volatility * rng.standard_t(5, 20_000)
    table = exceedance(moves, volatility)
    for multiple in (0.3, 1.0, 2.5):
        level = volatility * multiple
        said = probability(logit_above(table, level, volatility))
        assert said.mean() == pytest.approx((np.abs(moves) > level).mean(), abs=5e-3)
    assert (np.diff(table) <= 0).all()
    assert np.isnan(logit_above(table, np.array([np.nan]), np.ones(1))).all()
    assert logit_above(table, np.array([1e9]), np.ones(1)) == table[-1]
    assert GRID.size == table.size


def test_a_sum_has_the_same_bits_alone_and_beside_others() -> None:
    rng = np.random.default_rng(4)
    weights, columns = rng.standard_normal(15), rng.standard_normal((15, 7, 600))
    together = linear(weights, columns)
    assert np.array_equal(linear(weights, np.ascontiguousarray(columns[:, 3:4, 5:6])), together[3:4, 5:6])

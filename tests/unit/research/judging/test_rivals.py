"""Rivals of volatility: EWMA by hand, GARCH by arch's own forecast and on a planted process."""

import numpy as np
import pytest

from virtuoso.research.judging.rivals import Garch, _filtered, _fitted, ewma, garch

STEP_MS = 15 * 60_000


@pytest.fixture(scope="module")
def returns() -> np.ndarray:
    """Five days of a GARCH(1,1) with ω .05, α .08, β .9, in units of 10 bp."""
    rng = np.random.default_rng(1)
    variance, found = 2.5, []
    for shock in rng.standard_t(6, 5 * 96) / np.sqrt(6 / 4):
        r = np.sqrt(variance) * shock
        found.append(r)
        variance = 0.05 + 0.08 * r * r + 0.9 * variance
    return np.array(found)[:, None] * 1e-3


def test_ewma_is_the_recursion_on_returns_of_the_horizon(returns: np.ndarray) -> None:
    found = ewma(returns, 4)[:, 0]
    whole = returns[:, 0].reshape(-1, 4).sum(axis=1)
    variance = whole[0] ** 2
    for r in whole[1:]:
        variance = 0.94 * variance + 0.06 * r * r
    assert found[-1] == pytest.approx(np.sqrt(variance))
    assert np.isnan(found[: 20 * 4 - 1]).all()
    holed = returns.copy()
    holed[100] = np.nan
    assert np.isfinite(ewma(holed, 4)[90:]).all(), "a missing return is no news"


def test_garch_goes_on_as_arch_foresees(returns: np.ndarray) -> None:
    from arch import arch_model

    past = returns[:, 0] * 1e4
    fit = _fitted(past)
    assert fit is not None
    theirs = arch_model(past, mean="Zero", vol="GARCH", dist="t", rescale=False).fit(disp="off")
    ahead = theirs.forecast(horizon=16).variance.to_numpy()[-1]
    ours = _filtered(fit, past, float(np.mean(past**2)))[-1]
    assert ours == pytest.approx(ahead[0], rel=1e-3)
    assert fit.ahead(ours, 16) == pytest.approx(ahead.sum(), rel=1e-3)


def test_garch_sees_nothing_of_its_own_day_before_it_is_there(returns: np.ndarray) -> None:
    step_ms = 86_400_000 * 20_000 + STEP_MS * np.arange(returns.size)
    whole = garch(step_ms, returns, (1, 4))
    changed = returns.copy()
    changed[400:] *= 3
    other = garch(step_ms, changed, (1, 4))
    for steps in (1, 4):
        assert np.isnan(whole[steps][: 3 * 96]).all()
        assert np.isfinite(whole[steps][3 * 96 :]).all()
        np.testing.assert_array_equal(whole[steps][:400], other[steps][:400])
        assert (whole[steps][400:] != other[steps][400:]).all()


def test_variances_that_persist_for_ever_grow_by_omega() -> None:
    assert Garch(0.1, 0.2, 0.8).ahead(2.0, 3) == pytest.approx(2.0 + 2.1 + 2.2)

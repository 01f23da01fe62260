"""Touch probabilities: exact for a Brownian path, right at each quantile, monotone for any quantiles."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.analysis.forecast.cones.touch import touched_above, touched_below
from virtuoso.analysis.forecast.horizons import TAILS

NORMAL = NormalDist()
SIGMA = 0.02
BROWNIAN = np.array([SIGMA * NORMAL.inv_cdf((1 + tail) / 2) for tail in TAILS])


@pytest.mark.parametrize("level", [1e-4, 0.003, 0.01, 0.02, 0.03, 0.044])
def test_a_brownian_path_touches_as_the_reflection_principle_says(level: float) -> None:
    expected = 2 * (1 - NORMAL.cdf(level / SIGMA))
    assert touched_above(BROWNIAN, np.array(level)) == pytest.approx(expected, abs=1e-12)
    assert touched_below(-BROWNIAN[::-1], np.array(-level)) == pytest.approx(expected, abs=1e-12)


ascending = st.lists(st.integers(1, 10_000), min_size=6, max_size=6, unique=True).map(lambda x: np.sort(x) * 1e-4)


@given(ascending)
def test_each_quantile_is_touched_with_what_its_tail_leaves(high: np.ndarray) -> None:
    assert touched_above(high, high) == pytest.approx(1 - np.array(TAILS), abs=1e-9)


@given(ascending, st.lists(st.floats(-0.5, 3.0), min_size=2, max_size=20))
def test_farther_levels_are_touched_less(high: np.ndarray, levels: list[float]) -> None:
    found = touched_above(high, np.sort(levels))
    assert (np.diff(found) <= 1e-12).all()
    assert ((found >= 0) & (found <= 1)).all()


def test_beyond_the_outermost_quantile_the_tail_is_a_power() -> None:
    assert touched_above(BROWNIAN, 2 * BROWNIAN[-1]) == pytest.approx((1 - TAILS[-1]) / 16)


def test_the_entry_is_touched_for_sure_and_the_unknown_is_unknown() -> None:
    assert touched_above(BROWNIAN, np.array(0.0)) == 1.0
    assert touched_above(np.zeros(6), np.array(0.01)) == 0.0
    assert np.isnan(touched_above(np.full(6, np.nan), np.array(0.01)))
    assert np.isnan(touched_above(BROWNIAN, np.array(np.nan)))

"""Which closes are learnt from, and what of their time counts."""

import numpy as np
import pytest

from virtuoso.analysis.forecast.cones.closes import moment, stride


@pytest.mark.parametrize(
    ("base", "horizon", "expected"),
    [
        (1, 15, 3),
        (1, 60, 12),
        (1, 240, 48),
        (3, 15, 3),
        (5, 15, 5),
        (5, 60, 10),
        (5, 240, 40),
        (15, 15, 15),
        (60, 240, 60),
    ],
)
def test_at_least_five_closes_a_horizon_are_learnt_where_bars_allow(base: int, horizon: int, expected: int) -> None:
    assert stride(base, horizon) == expected
    assert horizon % expected == 0 == expected % base


def test_moments_are_hours_of_the_day_and_the_first_minutes_of_a_quarter() -> None:
    day = 20_000 * 1440
    minutes = day + np.array([0, 2, 3, 14, 15, 239, 240, 24 * 60 - 1])
    assert moment(minutes, 15).tolist() == [1, 1, 0, 0, 1, 0, 3, 10]
    assert moment(minutes, 60).tolist() == moment(minutes, 15).tolist()
    assert moment(minutes, 240).tolist() == [0, 0, 0, 0, 0, 0, 2, 10]

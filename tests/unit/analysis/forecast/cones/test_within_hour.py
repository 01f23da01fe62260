"""The factors of parts of an hour: a ratio of means, shrunk to 1."""

import numpy as np
import pytest

from virtuoso.analysis.forecast.cones.within_hour import WithinHour

HOURS = 500


def learnt(stride_min: int = 3) -> WithinHour:
    """The first part of each hour is half again as lively; a little noise."""
    within = WithinHour(stride_min)
    rng = np.random.default_rng(1)
    for minute in range(0, HOURS * 60, stride_min):
        within.learn(minute, (1.5 if minute % 60 == 0 else 1.0) * float(rng.uniform(0.9, 1.1)))
    return within


def test_a_livelier_part_has_the_larger_factor_shrunk_by_what_is_known() -> None:
    """Counts that forget by half in two weeks of 500 hours; 80 closes' worth of the mean beside them."""
    known = (0.5 ** (np.arange(HOURS) * 60 / (14 * 1440))).sum()
    mean = (1.5 + 19 * 1.0) / 20
    expected = [(known * size / mean + 80) / (known + 80) for size in (1.5, 1.0)]
    within = learnt()
    assert within.factor(np.array([0, 6, 30])) == pytest.approx([expected[0], expected[1], expected[1]], abs=0.01)


def test_parts_are_centred_on_the_closes_that_are_learnt() -> None:
    factor = learnt().factor(np.arange(60))
    assert factor[[59, 0, 1]] == pytest.approx(factor[0])
    assert factor[2:5] == pytest.approx(factor[3])
    assert factor[58] < factor[0]


def test_nothing_is_told_apart_before_anything_is_learnt_or_where_parts_do_not_fit_an_hour() -> None:
    assert (WithinHour(3).factor(np.arange(60)) == 1.0).all()
    assert learnt(48).factor(np.arange(60)) == pytest.approx(1.0)
    still = WithinHour(3)
    still.learn(0, 0.0)
    still.learn(3, float("nan"))
    assert (still.factor(np.arange(60)) == 1.0).all()


def test_it_goes_on_from_a_state() -> None:
    within, other = learnt(), WithinHour(3)
    other.load(within.state())
    assert (other.factor(np.arange(60)) == within.factor(np.arange(60))).all()
    with pytest.raises(ValueError, match="another make"):
        WithinHour(12).load(within.state())

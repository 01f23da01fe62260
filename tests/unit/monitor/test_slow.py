"""Smart intervals: the restless are looked at more often, and a spent budget slows all down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.exchange.polling import largest_universe
from virtuoso.monitor.watching.slow_data import restlessness, smart_interval_s

SHARE = st.floats(0, 1)


def test_the_ends_of_the_scale() -> None:
    assert smart_interval_s(30, 60, 1.0, 1.0) == 30
    assert smart_interval_s(30, 60, 0.0, 1.0) == 60
    assert smart_interval_s(30, 60, 1.0, 0.0) == 60
    assert restlessness([3.0, 1.0, None, 2.0]) == [1.0, 0.0, 0.5, 0.5]


@given(SHARE, SHARE, SHARE, SHARE)
def test_it_stays_between_and_is_monotone(calmer: float, wilder: float, less: float, more: float) -> None:
    calmer, wilder = sorted((calmer, wilder))
    less, more = sorted((less, more))
    assert 30 <= smart_interval_s(30, 60, wilder, more) <= smart_interval_s(30, 60, calmer, less) <= 60


@pytest.mark.parametrize(("interval_s", "symbols"), [(1, 30), (10, 287), (60, 1151)])
def test_the_largest_universe_fits_the_budget(interval_s: float, symbols: int) -> None:
    """480 requests in 5 s: three a symbol and round, two a symbol and minute, two a round."""
    assert largest_universe(480, 5.0, interval_s) == symbols
    spent = 2 + symbols * (3 + 2 * interval_s / 60)
    assert spent <= 96 * interval_s < spent + 3 + 2 * interval_s / 60

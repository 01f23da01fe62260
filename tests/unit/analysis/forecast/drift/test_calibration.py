"""A drift that is planted is found within a stated number of outcomes and withdrawn; without one nothing is."""

from itertools import pairwise

import numpy as np
import pytest
from tests.support.drift import market

from virtuoso.analysis.forecast.drift.calibration import Calibration, Withdrawal
from virtuoso.analysis.forecast.forecasts import Forecasts

DAY = 96
SYMBOLS = 16
Steps = list[tuple[Forecasts, tuple[Withdrawal, ...]]]


def watching() -> Calibration:
    calibration = Calibration()
    for memory in calibration.memories().values():
        memory.reserve(SYMBOLS)
    return calibration


def played(calibration: Calibration, forecasts: list[Forecasts]) -> Steps:
    return [(calibration.step(slice(0, SYMBOLS), each), calibration.withdrawn) for each in forecasts]


def found_at(steps: Steps, what: str, horizon_min: int) -> int | None:
    wanted = (what, horizon_min)
    return next((k for k, (_, gone) in enumerate(steps) if wanted in [(w.what, w.horizon_min) for w in gone]), None)


@pytest.mark.parametrize("seed", range(3))
def test_while_all_is_as_was_said_nothing_is_withdrawn(seed: int) -> None:
    for _, gone in played(watching(), list(market(seed, 10 * DAY))):
        assert gone == ()


@pytest.mark.parametrize("seed", range(3))
def test_doubled_volatility_is_found_within_a_day_and_the_cone_is_widened_until_it_holds(seed: int) -> None:
    said = list(market(seed, 6 * DAY, wild_from=2 * DAY))
    steps = played(watching(), said)
    found = found_at(steps, "cone", 15)
    assert found is not None
    assert 2 * DAY < found <= 3 * DAY, "96 outcomes of each symbol"
    wider = [float(steps[k][0].cone[15][5, 0, 0] / said[k].cone[15][5, 0, 0]) for k in range(len(said))]
    assert wider[:found] == pytest.approx(np.ones(found))
    assert all(b >= a - 1e-12 for a, b in pairwise(wider)), "it only ever widens"
    assert 1.6 < wider[-1] < 3.0
    came = np.stack([each.outcomes.close[0, 0] for each in said[1:]])[4 * DAY :]
    held = np.stack([each.cone[15][:, 0] for each, _ in steps[:-1]])[4 * DAY :]
    assert ((came < held[:, 1]) | (came > held[:, 4])).mean() < 0.28
    assert steps[-1][1][0].reason.startswith("cone at 15 min: returns lie outside its 80 % band")


@pytest.mark.parametrize("seed", range(3))
def test_signs_that_turn_are_found_within_a_day(seed: int) -> None:
    steps = played(watching(), list(market(seed, 4 * DAY, turned_from=2 * DAY)))
    found = min(at for what in ("likely side", "favoured side") if (at := found_at(steps, what, 15)) is not None)
    assert 2 * DAY < found <= 3 * DAY, "96 outcomes of each symbol"
    assert found_at(steps, "cone", 15) is None, "the cone is not to blame"


def test_what_was_withdrawn_is_back_when_it_is_earned_again() -> None:
    wild, calm = list(market(1, 2 * DAY, wild_from=0)), list(market(2, 12 * DAY))
    for k, each in enumerate(calm):
        each.close_ms[:] = wild[-1].close_ms + (k + 1) * 900_000
    steps = played(watching(), wild + calm)
    assert found_at(steps, "cone", 15) is not None
    assert found_at(steps[-1:], "cone", 15) is None
    np.testing.assert_array_equal(steps[-1][0].cone[15], calm[-1].cone[15])


def test_a_restart_goes_on_where_it_was() -> None:
    forecasts = list(market(3, 3 * DAY, wild_from=DAY))
    whole, first, second = watching(), watching(), watching()
    gone = played(whole, forecasts[: 2 * DAY])[-1][1]
    assert gone
    played(first, forecasts[: 2 * DAY])
    second.load(first.state())
    assert played(second, forecasts[2 * DAY :][:1])[-1][1] == gone
    with pytest.raises(ValueError, match="another make"):
        second.load({name: values[:-1] for name, values in first.state().items()})

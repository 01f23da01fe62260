"""The chances of entries: mirrored markets, and what is missing is said."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from virtuoso.analysis.forecast.cones.touch import touched_above, touched_below
from virtuoso.analysis.forecast.outlook import Said
from virtuoso.analysis.readings.chances import Chances, chances_of
from virtuoso.analysis.readings.entry import Context
from virtuoso.model.timeframe import Timeframe

HIGH = np.array([0.0001, 0.0005, 0.0015, 0.006, 0.010, 0.016])
LOW = np.array([-0.020, -0.011, -0.007, -0.0015, -0.0005, -0.0001])
COST = 12.0


def said(high: np.ndarray, low: np.ndarray, cost: float = COST, funding: float = 0.0) -> Said:
    forecasts = SimpleNamespace(
        high={60: high[:, None, None]}, low={60: low[:, None, None]}, cost_bp=np.array([[cost]])
    )
    found: Any = SimpleNamespace(forecasts=forecasts, horizon_min=60, funding_bp={60: np.array([funding])})
    return cast("Said", found)


def chances(of: Said | None, *, long: bool, swings: tuple[float, float] = (np.nan, np.nan), **changes: Any) -> Chances:
    context = Context(
        timeframe=Timeframe.M30, close=np.array([100.0]), atr=np.array([0.4]), prices=np.array(swings)[:, None],
        book=None, book_seen=np.array([False]), size=100.0,
    )  # fmt: skip
    return chances_of(replace(context, **changes).entries(np.array([long])), of, np.array([0]))


def test_both_levels_keep_the_touch_that_is_forecast() -> None:
    found = chances(said(HIGH, LOW), long=True).of(0)
    stop = float(touched_below(LOW, np.log(99.4 / 100.0)))
    target = float(touched_above(HIGH, np.log(101.2 / 100.0)))
    assert found.stop_first is not None
    assert found.target_first is not None
    # each is touched, first or after the other
    assert stop - target < found.stop_first < stop
    assert target * (1.0 - stop) < found.target_first < target
    assert (found.horizon_min, found.reason) == (60, None)
    assert found.levels_bp == pytest.approx(120.0 * found.target_first - 60.0 * found.stop_first)


def test_a_short_is_the_long_of_the_mirrored_market() -> None:
    long = chances(said(HIGH, LOW), long=True).of(0)
    short = chances(said(-LOW[::-1], -HIGH[::-1]), long=False).of(0)
    assert short.stop_first == pytest.approx(long.stop_first, rel=0.02)  # log returns of ±0.6 % differ a little
    assert short.target_first == pytest.approx(long.target_first, rel=0.05)
    assert short.levels_bp == pytest.approx(long.levels_bp, abs=0.5)


def test_no_stop_and_no_target_earns_what_a_round_trip_costs() -> None:
    for swings in ((np.nan, np.nan), (99.7, 100.3)):
        assert chances(said(HIGH, LOW), long=True, swings=swings).of(0).net_bp == -COST


def test_a_long_pays_funding_and_a_short_receives_it() -> None:
    assert chances(said(HIGH, LOW, funding=1.5), long=True).of(0).net_bp == -COST - 1.5
    assert chances(said(HIGH, LOW, funding=1.5), long=False).of(0).net_bp == -COST + 1.5


def test_what_is_missing_is_said() -> None:
    nothing = chances(None, long=True).of(0)
    assert (nothing.horizon_min, nothing.stop_first, nothing.net_bp) == (None, None, None)
    assert nothing.reason == "how far the price goes is not forecast yet"
    assert chances(said(HIGH * np.nan, LOW), long=True).of(0).reason == nothing.reason
    no_levels = chances(said(HIGH, LOW), long=True, atr=np.array([np.nan])).of(0)
    assert (no_levels.target_first, no_levels.reason) == (None, "there is no stop or target to touch")
    no_cost = chances(said(HIGH, LOW, np.nan), long=True).of(0)
    assert no_cost.stop_first is not None
    assert (no_cost.net_bp, no_cost.reason) == (None, "the cost of a round trip is not known")

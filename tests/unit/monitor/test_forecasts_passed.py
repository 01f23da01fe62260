"""What came of forecasts of the market: each close is held against what was said of it exactly one horizon before."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from virtuoso.analysis.forecast.cones.market import MarketForecasts
from virtuoso.analysis.forecast.horizons import HORIZONS_MIN
from virtuoso.analysis.readings.passed import ForecastsPassed

FIRST_MS = 1_800_000_000_000
CONE = np.array([-0.02, -0.01, -0.005, 0.005, 0.01, 0.03])


def said(
    minute: int, *, forecast: Any = 0.01, realised: Any = 0.01, change: Any = 0.0, symbols: str = "ABCD",
    late: bool = False, cone: Any = CONE,
) -> Any:  # fmt: skip
    """An evaluation so many minutes after the first; of each symbol the volatility forecast, that which was, and the
    return."""
    n = len(symbols)

    def of_each(x: Any) -> Any:
        return np.broadcast_to(np.array(x, float), (len(HORIZONS_MIN), 1, n))

    market = MarketForecasts(
        cone=dict.fromkeys(HORIZONS_MIN, np.array(cone)[:, None]), beta=np.full((1, n), np.nan), at_least={}
    )
    forecasts = SimpleNamespace(
        volatility=dict(zip(HORIZONS_MIN, of_each(forecast), strict=True)),
        realised=np.log(of_each(realised)),
        outcomes=SimpleNamespace(close=of_each(change)),
        market=None if late else market,
    )
    return SimpleNamespace(
        said=SimpleNamespace(forecasts=forecasts, close_ms=FIRST_MS + 60_000 * minute),
        symbols=tuple(symbols), places=np.arange(n),
    )  # fmt: skip


def test_a_close_is_held_against_what_was_said_one_horizon_before() -> None:
    passed = ForecastsPassed()
    for minute in range(60):
        passed.step(said(minute, forecast=0.01 * (1 + minute)))
        assert [each.horizon_min for each in passed.latest] == ([] if minute < 15 else [15])
    assert passed.unknown() == "1h, 4h: what was forecast one horizon ago is not known to this run"
    passed.step(said(60, realised=[0.02, 0.02, 0.005, 0.005], change=-0.008))
    quarter, hour = passed.latest
    assert (quarter.horizon_min, quarter.made_at) == (15, "2027-01-15T08:45:00.000Z")
    assert quarter.volatility_forecast == pytest.approx(46.0)
    assert (hour.horizon_min, hour.made_at, hour.symbols) == (60, "2027-01-15T08:00:00.000Z", 4)
    assert (hour.volatility, hour.volatility_forecast) == (pytest.approx(1.0), pytest.approx(1.0))
    assert (hour.above, hour.change, hour.within) == (0.5, pytest.approx(-0.8), 80)
    assert hour.cone == pytest.approx((-2.0, -1.0, -0.5, 0.5, 1.0, 3.0))


def test_symbols_are_known_by_name_and_fewer_than_half_are_none() -> None:
    passed = ForecastsPassed()
    passed.step(said(0, forecast=[0.01, 0.02, 0.04, 0.08]))
    passed.step(said(15, symbols="DCXY", forecast=1.0, realised=0.04))
    (quarter,) = passed.latest
    assert quarter.symbols == 2
    assert quarter.volatility_forecast == pytest.approx(100 * (0.04 * 0.08) ** 0.5)
    assert quarter.above == 0.0 or quarter.above == 0.5
    passed = ForecastsPassed()
    passed.step(said(0))
    passed.step(said(15, symbols="DXYZ"))
    assert passed.latest == ()


def test_a_minute_that_was_missed_and_rows_that_came_late_tell_nothing() -> None:
    passed = ForecastsPassed()
    passed.step(said(0))
    passed.step(said(15, late=True))
    assert passed.latest == ()
    passed.step(said(16))
    assert passed.latest == ()
    passed.step(said(15 + 16, cone=np.full(6, np.nan)))
    first = passed.latest
    assert [each.made_at for each in first] == ["2027-01-15T08:16:00.000Z"]
    passed.step(said(15 + 16, forecast=9.0))
    assert passed.latest == first, "the same close again, of rows that came late"
    passed.step(said(46))
    assert [(each.cone, each.within) for each in passed.latest] == [(None, None)]


def test_a_return_beyond_all_bands_is_within_none() -> None:
    passed = ForecastsPassed()
    passed.step(said(0))
    passed.step(said(15, change=[0.04, 0.04, 0.04, np.nan]))
    assert [(each.change, each.within) for each in passed.latest] == [(pytest.approx(4.0), 100)]
    passed.step(said(30, change=[0.04, np.nan, np.nan, np.nan]))
    assert [(each.change, each.within) for each in passed.latest] == [(None, None)]

"""The shipped fit has not seen the history that the demo plays, and a young fit does not take its place."""

from dataclasses import replace

import numpy as np
from tests.support.forecasts import bars

from virtuoso.analysis.forecast.fits.fit import Fit
from virtuoso.analysis.forecast.fits.shipped import SHIPPED
from virtuoso.analysis.forecast.forecaster import OWN_DAYS, Forecaster
from virtuoso.model.timeframe import Timeframe
from virtuoso.simulator.history.dataset import load

M5 = Timeframe.M5


def test_the_shipped_fit_is_whole_and_has_seen_nothing_of_the_bundled_history() -> None:
    assert all(np.isfinite(array).all() for array in SHIPPED.arrays().values())
    assert SHIPPED.last_ms < load().coarse_from


def version(fit: Fit | None) -> str | None:
    made = Forecaster(M5)
    made.add("AUSDT", 0)
    made.adopt(SHIPPED)
    if fit is not None:
        made.adopt(fit)
    block = bars(1, 1, timeframe=M5)
    return made.step(block, np.full((1, 1), 12.0)).version


def test_a_fit_of_few_days_does_not_take_the_place_of_one_of_many() -> None:
    young = replace(SHIPPED, days=OWN_DAYS - 1, last_ms=SHIPPED.last_ms + 1)
    old = replace(young, days=OWN_DAYS)
    assert version(None) == SHIPPED.version
    assert version(young) == SHIPPED.version
    assert version(old) == old.version != SHIPPED.version


def test_a_fresh_install_has_cones_as_soon_as_it_has_volatility() -> None:
    made = Forecaster(M5)
    for row in range(3):
        made.add(f"S{row}USDT", row)
    made.adopt(SHIPPED)
    block = bars(400, 3, timeframe=M5)
    said = made.step(block, np.full(block.close.shape, 12.0))
    assert said.market is not None
    for minutes, volatility in said.volatility.items():
        known = np.isfinite(volatility)
        assert known[-1].all()
        for quantiles in (said.cone, said.high, said.low):
            assert (np.isfinite(quantiles[minutes]).all(axis=0) == known).all()
        assert np.isfinite(said.market.cone[minutes][:, -1]).all()

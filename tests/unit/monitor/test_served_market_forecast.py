"""The forecast of the market as it is served: of the latest close that has one, young, and of symbols mostly fresh."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from virtuoso.analysis.forecast.cones.market import MarketForecasts
from virtuoso.analysis.forecast.horizons import HORIZONS_MIN
from virtuoso.model.forecast import ManyOutside
from virtuoso.model.quality import DataQuality
from virtuoso.monitor.documents.outlook import served_market_forecast

CLOSE_MS = 1_800_000_000_000
LIVE, STALE = DataQuality.LIVE, DataQuality.STALE
CONE = np.array([-0.02, -0.01, -0.005, 0.005, 0.01, 0.03])


def forecasts(symbols: int = 10, *, cone: Any = CONE, room: int = 0) -> MarketForecasts:
    """P(at least k) is 1/(k + 1) of the 95 % band, of so many symbols; `room` columns beyond them are unknown."""
    at_least = np.full((2, 1, symbols + 1 + room), np.nan)
    at_least[0, 0, : symbols + 1] = 1.0 / (1.0 + np.arange(symbols + 1))
    return MarketForecasts(
        cone={minutes: np.array(cone)[:, None] for minutes in HORIZONS_MIN},
        beta=np.full((1, symbols), np.nan),
        at_least=dict.fromkeys(HORIZONS_MIN, at_least),
    )


def said(market: MarketForecasts | None, close_ms: int = CLOSE_MS) -> Any:
    """An evaluation, as far as the market is read from it."""
    return SimpleNamespace(said=SimpleNamespace(close_ms=close_ms, forecasts=SimpleNamespace(market=market)))


def told(*evaluations: Any, now: tuple[DataQuality, ...] = (LIVE, LIVE), age_s: float = 5.0) -> Any:
    return served_market_forecast(evaluations, now, CLOSE_MS + round(1000 * age_s), 60_000)


@pytest.mark.parametrize(
    ("symbols", "counts"), [(10, (1, 2, 3, 5)), (16, (1, 2, 4, 8)), (2, (1,)), (1, (1,)), (200, (1, 25, 50, 100))]
)
@pytest.mark.parametrize("room", [0, 3])
def test_the_cone_is_in_percent_and_counts_are_parts_of_the_symbols(
    symbols: int, counts: tuple[int, ...], room: int
) -> None:
    forecast, unknown = told(said(forecasts(symbols, room=room)))
    assert unknown is None
    assert forecast.close == "2027-01-15T08:00:00.000Z"
    assert [each.horizon_min for each in forecast.horizons] == list(HORIZONS_MIN)
    for each in forecast.horizons:
        assert each.cone == pytest.approx((-2.0, -1.0, -0.5, 0.5, 1.0, 3.0))
        assert each.symbols == symbols
        assert each.outside == tuple(ManyOutside(at_least=k, probability=1.0 / (k + 1)) for k in counts)


def test_what_is_unknown_says_why() -> None:
    nothing = forecasts(cone=np.full(6, np.nan))
    nothing = MarketForecasts(
        cone=nothing.cone, beta=nothing.beta, at_least={m: np.full((2, 1, 1), np.nan) for m in HORIZONS_MIN}
    )
    forecast, unknown = told(said(nothing))
    assert {(each.cone, each.outside, each.symbols) for each in forecast.horizons} == {(None, None, None)}
    assert unknown == "15m, 1h, 4h: needs forecasts of half the symbols, and 39 of their outcomes one after another"
    assert told() == (None, "nothing has been forecast of a closed bar yet")
    assert told(SimpleNamespace(said=None)) == (None, "nothing has been forecast of a closed bar yet")


def test_the_latest_close_counts_and_rows_that_were_late_change_nothing() -> None:
    forecast, _ = told(said(forecasts(3), CLOSE_MS - 60_000), said(forecasts(4)), said(None))
    assert forecast.horizons[0].symbols == 4


@pytest.mark.parametrize(
    ("now", "age_s", "reason"),
    [
        ((LIVE, LIVE), 120.0, None),
        ((LIVE, LIVE), 121.0, "the last reading is 121 s old"),
        ((LIVE, STALE), 5.0, None),
        ((LIVE, STALE, STALE), 5.0, "bars of more than half of the symbols are stale or unavailable by now"),
    ],
)
def test_it_is_told_only_from_what_is_fresh(now: tuple[DataQuality, ...], age_s: float, reason: str | None) -> None:
    forecast, unknown = told(said(forecasts()), now=now, age_s=age_s)
    assert unknown == reason
    assert (forecast is None) == (reason is not None)

"""What the outlook says of the market as a whole, in numbers that are served."""

import numpy as np

from virtuoso.analysis.forecast.cones.conformal import LEAST_OUTCOMES
from virtuoso.analysis.forecast.cones.market import MarketForecasts
from virtuoso.analysis.forecast.horizons import HORIZONS_MIN
from virtuoso.analysis.readings.outlooks import quantiles
from virtuoso.market.panel import Floats
from virtuoso.model.clock import iso
from virtuoso.model.forecast import ManyOutside, MarketForecast, MarketHorizonForecast, horizon_text

_OF_95, _LATEST = 0, 0
_PARTS = (8, 4, 2)
"""An eighth, a quarter and half of the symbols; one of them comes before these."""


def market_forecast(forecasts: MarketForecasts, close_ms: int) -> MarketForecast:
    """The forecast of the market at one close, of `MarketForecasts` of that close alone."""
    return MarketForecast(
        close=iso(close_ms) or "", horizons=tuple(_horizon(forecasts, minutes) for minutes in HORIZONS_MIN)
    )


def unknown_of_market(forecast: MarketForecast) -> str | None:
    """Why something of it is `null`; `None` where nothing is."""
    lacking = [each for each in forecast.horizons if each.cone is None or each.outside is None]
    if not lacking:
        return None
    listed = ", ".join(horizon_text(each.horizon_min) for each in lacking)
    return f"{listed}: needs forecasts of half the symbols, and {LEAST_OUTCOMES} of their outcomes one after another"


def _horizon(forecasts: MarketForecasts, minutes: int) -> MarketHorizonForecast:
    at_least = forecasts.at_least[minutes][_OF_95, _LATEST]
    symbols = int(np.isfinite(at_least).sum()) - 1
    return MarketHorizonForecast(
        horizon_min=minutes,
        cone=quantiles(forecasts.cone[minutes][:, _LATEST]),
        outside=_outside(at_least, symbols) if symbols > 0 else None,
        symbols=symbols if symbols > 0 else None,
    )


def _outside(at_least: Floats, symbols: int) -> tuple[ManyOutside, ...]:
    """P(at least so many) for one, and each part of the symbols rounded up, each count once."""
    counts = sorted({1, *(-(-symbols // part) for part in _PARTS)})
    return tuple(ManyOutside(at_least=count, probability=float(at_least[count])) for count in counts)

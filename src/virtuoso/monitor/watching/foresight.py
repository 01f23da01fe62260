"""Forecasts of each close, as the detectors of each symbol and the outcomes of alerts need them."""

import numpy as np

from virtuoso.alerts.fast.cones.bands import bands_of
from virtuoso.alerts.outcomes.edges import ForecastEdges
from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.market.series import CLOSE
from virtuoso.market.state import MarketState
from virtuoso.model.clock import Clock
from virtuoso.monitor.watching.detection import Detection


class Foresight:
    """Hands the forecasts of each close to the detectors, and to what alerts are measured by."""

    def __init__(self, market: MarketState, detection: Detection, edges: ForecastEdges, clock: Clock) -> None:
        self._market = market
        self._detection = detection
        self._edges = edges
        self._clock = clock

    def take(self, forecasts: Forecasts) -> None:
        """The forecasts of the latest close, of all symbols or of those whose bars came late."""
        watched = {row: symbol for symbol, row in self._market.rows.items()}
        symbols = [watched.get(row, "") for row in forecasts.rows.tolist()]
        close_ms = int(forecasts.close_ms[-1])
        prices = np.array([self._price(symbol, close_ms) for symbol in symbols])
        self._edges.take(forecasts, symbols)
        self._detection.forecast(bands_of(forecasts, symbols, prices), self._clock.now_ns())

    def _price(self, symbol: str, close_ms: int) -> float:
        """The price at that close; `nan` where the bar is not held."""
        if symbol not in self._market:
            return np.nan
        base = self._market[symbol].history.base
        bar = base.window(close_ms - base.timeframe.ms, 1)
        return np.nan if bar is None else float(bar[0, CLOSE])

"""Forecasts of each close, as the detectors of each symbol and the outcomes of alerts need them."""

from collections.abc import Mapping, Sequence

import numpy as np

from virtuoso.alerts.fast.cones.bands import LARGE_MIN, TOUCH_MIN, Bands
from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.market.panel import Floats
from virtuoso.market.series import CLOSE
from virtuoso.market.state import MarketState
from virtuoso.model.clock import Clock
from virtuoso.monitor.alerting.edges import ForecastEdges
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


def bands_of(forecasts: Forecasts, symbols: Sequence[str], prices: Floats) -> dict[str, Bands]:
    """By symbol, what the latest close (the last of `forecasts`) said.

    `symbols` and `prices` (of that close, quote units) are its columns [n]. Symbols without a price are left out.
    """
    close_ms = int(forecasts.close_ms[-1])
    low, high = _column(forecasts.low, TOUCH_MIN, 0), _column(forecasts.high, TOUCH_MIN, -1)
    chance, base, threshold = (
        _latest(of, LARGE_MIN)
        for of in (forecasts.large_move, forecasts.large_move_base, forecasts.large_move_threshold)
    )
    return {
        symbol: Bands(
            close_ms=close_ms, price=float(price), low=_known(low, i), high=_known(high, i),
            large_move=_known(chance, i), large_move_base=_known(base, i), large_move_threshold=_known(threshold, i),
        )
        for i, (symbol, price) in enumerate(zip(symbols, prices.tolist(), strict=True))
        if np.isfinite(price) and price > 0.0
    }  # fmt: skip


def _column(of: Mapping[int, Floats], horizon: int, tail: int) -> Floats | None:
    quantiles = of.get(horizon)
    return None if quantiles is None else quantiles[tail, -1]


def _latest(of: Mapping[int, Floats], horizon: int) -> Floats | None:
    values = of.get(horizon)
    return None if values is None else values[-1]


def _known(of: Floats | None, i: int) -> float | None:
    return None if of is None or not np.isfinite(of[i]) else float(of[i])

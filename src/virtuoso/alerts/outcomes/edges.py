"""Keeps the bands that alerts are measured by, of the last closes, and counts how often such bands are left."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from virtuoso.alerts.foreseen import Floats, Foreseen
from virtuoso.alerts.outcomes.equal import EqualMinutes
from virtuoso.model.alerts.outcome import HORIZONS_MIN, Edge
from virtuoso.model.clock import iso

_MINUTE_MS = 60_000
_FRESH_MS = 180_000
_KEPT = max(HORIZONS_MIN) + 1
NONE_YET = "no forecast was made at the time"


@dataclass(frozen=True, slots=True)
class _Close:
    """What was forecast at one base close: columns of symbols, and by horizon low, high and volatility [3, n]."""

    close_ms: int
    version: str | None
    columns: Mapping[str, int]
    bands: Mapping[int, Floats]


class ForecastEdges:
    """Holds the bands of the last hour of closes, and counts what followed each minute, with an alert or without."""

    def __init__(self, equal: EqualMinutes) -> None:
        self._equal = equal
        self._closes: deque[_Close] = deque(maxlen=_KEPT)

    def take(self, forecasts: Foreseen, symbols: Sequence[str], at: int = -1) -> None:
        """Take the forecasts of the latest close, which is the one `at` of these; `symbols` are its columns [n]."""
        close_ms = int(forecasts.close_ms[at])
        bands = {
            horizon: np.stack([cone[0, at], cone[-1, at], forecasts.volatility[horizon][at]])
            for horizon in HORIZONS_MIN
            if (cone := forecasts.cone.get(horizon)) is not None
        }
        now = _Close(close_ms, forecasts.version, {symbol: i for i, symbol in enumerate(symbols)}, bands)
        for before in self._closes:
            horizon = (close_ms - before.close_ms) // _MINUTE_MS
            if horizon in before.bands:
                followed = forecasts.outcomes.close[HORIZONS_MIN.index(horizon), at]
                self._count(horizon, before, now.columns, followed)
        self._closes.append(now)

    def edge(self, symbol: str, horizon_min: int, at_ms: int) -> Edge | str:
        """Return the band that the last close before `at_ms` (epoch ms) gave, or why there is none."""
        before = [each for each in reversed(self._closes) if each.close_ms <= at_ms]
        if not before:
            return NONE_YET
        if at_ms - before[0].close_ms > _FRESH_MS:
            return f"the last forecast before it is of {iso(before[0].close_ms)}"
        for of in before:  # symbols whose bars come late are forecast after the others of their close
            column, band = of.columns.get(symbol), of.bands.get(horizon_min)
            if column is not None and at_ms - of.close_ms <= _FRESH_MS:
                if band is None or of.version is None or not np.isfinite(band[:, column]).all():
                    break
                low, high, volatility = map(float, band[:, column])
                return Edge(close_ms=of.close_ms, version=of.version, low=low, high=high, volatility=volatility)
        return f"nothing was forecast of {symbol}"

    def base(self, horizon_min: int, at_ms: int, edge: Edge) -> float | None:
        """Return how often minutes of the same hour and forecast volatility left their band."""
        return self._equal.rate(horizon_min, at_ms, edge.volatility)

    def _count(self, horizon: int, before: _Close, columns: Mapping[str, int], followed: Floats) -> None:
        shared = [symbol for symbol in before.columns if symbol in columns]
        then, since = [before.columns[symbol] for symbol in shared], [columns[symbol] for symbol in shared]
        low, high, volatility = before.bands[horizon][:, then]
        moved = followed[since]
        known = np.isfinite(low + high + moved)
        beyond = (moved < low) | (moved > high)
        self._equal.learn(horizon, before.close_ms, volatility[known], beyond[known])

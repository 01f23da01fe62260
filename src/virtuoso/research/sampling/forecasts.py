"""Samples the forecasts of a walk at the closes that are judged."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from virtuoso.analysis.forecast.cones.together import BANDS
from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.market.panel import Floats, Ints
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.sampling.readings import STEP_MIN, Sampled

_BY_HORIZON = (
    "volatility", "variance", "cone", "high", "low", "large_move", "large_move_threshold", "beyond_up", "beyond_down",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledForecasts:
    """Forecasts at sampled closes, by horizon in minutes: arrays [t, n], of quantiles [6, t, n], `nan` for unknown.

    The meaning of each is that of `Forecasts`.
    """

    close_ms: Ints
    volatility: Mapping[int, Sampled]
    variance: Mapping[int, Sampled]
    cone: Mapping[int, Sampled]
    high: Mapping[int, Sampled]
    low: Mapping[int, Sampled]
    large_move: Mapping[int, Sampled]
    large_move_threshold: Mapping[int, Sampled]
    beyond_up: Mapping[int, Sampled]
    beyond_down: Mapping[int, Sampled]
    at_least: Mapping[int, Sampled]
    """P(at least k symbols outside) [band, t, k = 0 … n], of `together.BANDS`."""


class ForecastSampler:
    """Takes forecasts piece by piece; keeps the closes that lie on the grid of `step_min`."""

    def __init__(self, step_min: int = STEP_MIN) -> None:
        self._step_ms = step_min * Timeframe.M1.ms
        self._closes: list[Ints] = []
        self._parts: dict[tuple[str, int], list[Sampled]] = {}

    def add(self, forecasts: Forecasts) -> None:
        """Sample the piece of forecasts that follows the last one."""
        at = np.flatnonzero(forecasts.close_ms % self._step_ms == 0)
        self._closes.append(forecasts.close_ms[at])
        for name in _BY_HORIZON:
            of: Mapping[int, Floats] = getattr(forecasts, name)
            for horizon, values in of.items():
                self._parts.setdefault((name, horizon), []).append(values[..., at, :].astype(np.float32))
        if forecasts.market is not None:
            for horizon, values in forecasts.market.at_least.items():
                whole = np.full((len(BANDS), at.size, forecasts.rows.size + 1), np.nan, np.float32)
                whole[..., : values.shape[2]] = values[:, at]
                self._parts.setdefault(("at_least", horizon), []).append(whole)

    def at(self, close_ms: Ints) -> SampledForecasts:
        """Return what was forecast at the closes `close_ms`, each of which was given.

        Raises:
            ValueError: one was not.
        """
        given = np.concatenate(self._closes)
        first = int(np.searchsorted(given, close_ms[0]))
        if not np.array_equal(given[first : first + close_ms.size], close_ms):
            raise ValueError("forecasts are of other closes")
        kept = slice(first, first + close_ms.size)
        whole: dict[str, dict[int, Sampled]] = {name: {} for name in (*_BY_HORIZON, "at_least")}
        for name, horizon in list(self._parts):
            joined = np.concatenate(self._parts.pop((name, horizon)), axis=-2)
            whole[name][horizon] = joined[..., kept, :]
        return SampledForecasts(close_ms=close_ms, **whole)

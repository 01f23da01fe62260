"""Counts how often any minute's return leaves its 95 % band, which is what alerts are compared with."""

from collections.abc import Sequence
from math import isfinite, log2

import msgspec
import numpy as np
from numpy.typing import NDArray

from virtuoso.model.alerts.outcome import HORIZONS_MIN
from virtuoso.model.timeframe import DAY_MS

_HOURS, _BINS, _LOWEST = 24, 40, -40
_HOUR_MS = 3_600_000
_FEWEST = 200.0
_KEPT = 0.5 ** (1 / 30)
"""What is left of a count after a day: half after a month."""
Counts = NDArray[np.float64]


class EqualState(msgspec.Struct, frozen=True, kw_only=True):
    """What a restart goes on from: of each cell that was ever seen, its place, minutes and those beyond."""

    day: int
    cells: tuple[tuple[int, float, float], ...]


class EqualMinutes:
    """Counts by horizon, hour of the day (UTC) and forecast volatility (half an octave a bin), all symbols together.

    Counts fade by half in thirty days. A cell of fewer than 200 minutes gives way to all hours of that volatility, and
    that to everything.
    """

    def __init__(self) -> None:
        self._counts: Counts = np.zeros((len(HORIZONS_MIN), _HOURS, _BINS, 2))
        self._day: int | None = None

    def learn(self, horizon_min: int, at_ms: int, volatility: Counts, beyond: NDArray[np.bool_]) -> None:
        """Count minutes of many symbols [n], forecast at `at_ms` (epoch ms); what has no volatility is left out."""
        self._fade(at_ms // DAY_MS)
        known = np.isfinite(volatility) & (volatility > 0.0)
        bins = np.clip(np.floor(2.0 * np.log2(volatility[known])).astype(np.int64) - _LOWEST, 0, _BINS - 1)
        cell = self._counts[HORIZONS_MIN.index(horizon_min), at_ms // _HOUR_MS % _HOURS]
        cell[:, 0] += np.bincount(bins, minlength=_BINS)
        cell[:, 1] += np.bincount(bins, weights=beyond[known], minlength=_BINS)

    def rate(self, horizon_min: int, at_ms: int, volatility: float) -> float | None:
        """Return the share of equal minutes whose return left the band; `None` while fewer than 200 are known."""
        if not isfinite(volatility) or volatility <= 0.0:
            return None
        of = self._counts[HORIZONS_MIN.index(horizon_min)]
        at = min(max(int(np.floor(2.0 * log2(volatility))) - _LOWEST, 0), _BINS - 1)
        for minutes, beyond in (of[at_ms // _HOUR_MS % _HOURS, at], of[:, at].sum(axis=0), of.sum(axis=(0, 1))):
            if minutes >= _FEWEST:
                return float(beyond / minutes)
        return None

    @property
    def state(self) -> EqualState | None:
        """What a restart goes on from; `None` before anything was learnt."""
        if self._day is None:
            return None
        flat = self._counts.reshape(-1, 2)
        cells: Sequence[int] = np.flatnonzero(flat[:, 0]).tolist()
        return EqualState(day=self._day, cells=tuple((at, float(flat[at, 0]), float(flat[at, 1])) for at in cells))

    def resume(self, kept: EqualState) -> None:
        """Go on from an earlier run; cells that cannot be are left out."""
        self._day = kept.day
        flat = self._counts.reshape(-1, 2)
        for at, minutes, beyond in kept.cells:
            if 0 <= at < len(flat) and 0.0 <= beyond <= minutes:
                flat[at] = minutes, beyond

    def _fade(self, day: int) -> None:
        if self._day is not None and day > self._day:
            self._counts *= _KEPT ** (day - self._day)
        self._day = day if self._day is None else max(self._day, day)

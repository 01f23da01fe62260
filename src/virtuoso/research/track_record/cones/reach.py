"""Judges the cones of a set under every aspect."""

from collections.abc import Mapping

import numpy as np

from virtuoso.analysis.forecast.horizons import HORIZONS_MIN
from virtuoso.research.judging.cones import known
from virtuoso.research.sampling.readings import Sampled
from virtuoso.research.track_record.cones.breaks import STEPS, AfterBreaks, market_breaks
from virtuoso.research.track_record.cones.coverage import Coverage
from virtuoso.research.track_record.cones.rivals import AgainstRivals
from virtuoso.research.track_record.cones.together import Together
from virtuoso.research.track_record.measured import Measured
from virtuoso.research.track_record.sections import Gate, Section


class Reach:
    """Gathers how good the quantiles were, set by set."""

    def __init__(self) -> None:
        self._coverage, self._rivals = Coverage(), AgainstRivals()
        self._breaks, self._together = AfterBreaks(), Together()

    def add(self, measured: Measured, rivals: Mapping[str, Mapping[int, Sampled]]) -> None:
        """Judge the quantiles of one set beside the rivals' of the closing return, by name and horizon [6, t, n]."""
        forecast = measured.forecasts
        if forecast is None:
            return
        breaks = market_breaks(measured)
        for horizon in (h for h in HORIZONS_MIN if h in forecast.cone):
            quantiles = forecast.cone[horizon].astype(np.float64)
            outcome = measured.followed.close[horizon].astype(np.float64)
            if not known(quantiles, outcome).any():
                continue
            self._coverage.add(measured, horizon, quantiles, outcome)
            if horizon in forecast.high:
                self._coverage.add_touch(measured, forecast, horizon)
            if horizon in forecast.at_least:
                claims = forecast.at_least[horizon].astype(np.float64)
                self._together.add(measured, horizon, quantiles, outcome, claims)
            if horizon in STEPS:
                self._breaks.add(measured, horizon, quantiles, outcome, breaks)
            self._rivals.add(measured, horizon, quantiles, rivals)

    def gates(self) -> list[Gate]:
        """Whether bands, tails and touch were as claimed, and the loss not above any rival's."""
        return [*self._coverage.gates, *self._together.gates, *self._breaks.gates, *self._rivals.gates()]

    def sections(self) -> list[Section]:
        """Show coverage, touch, rivals, breaks and parts as tables and a plot, `[]` where nothing was forecast."""
        if not self._coverage.known:
            return []
        return [
            self._coverage.section(), self._rivals.section(), self._breaks.section(), self._together.section(),
            self._coverage.section_of_parts(),
        ]  # fmt: skip

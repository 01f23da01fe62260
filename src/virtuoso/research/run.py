"""Runs a whole backtest: windows of bars through the engine, into whatever gathers the results."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.bands import BandRule
from virtuoso.analysis.component import Feed
from virtuoso.analysis.engine import FACTORS
from virtuoso.analysis.forecast.horizons import OUTCOME_HORIZONS_MIN
from virtuoso.analysis.history import History
from virtuoso.market.panel import BarBlock
from virtuoso.model.clock import iso
from virtuoso.model.errors import UsageError
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.backtest import Backtest, fed_by_bars
from virtuoso.research.bar_files.bars import BLOCK_BARS, Bars
from virtuoso.research.detecting.played import AlertPlan, PlayedAlerts
from virtuoso.research.followed import Followed, columns, horizons
from virtuoso.research.forecasting.shared import SharedForecasts
from virtuoso.research.forecasting.walk import WalkForward
from virtuoso.research.output.results import Results
from virtuoso.research.scored import ScoredBlock
from virtuoso.research.seams import Seam
from virtuoso.research.summary import Summary
from virtuoso.research.timeline import Timeline, fed
from virtuoso.research.withheld import Withheld


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How bars are scored: weights of all timeframes and factors that are enabled, and the rule of bands."""

    timeframes: Mapping[Timeframe, float]
    factors: Mapping[str, float]
    rule: BandRule


class Run:
    """Scores the bars of `data` once, after those of `past`.

    `forecasts` walk forward over them from an empty fit, for whoever asks at each piece that is scored.

    Args:
        data: the bars to score.
        past: bars of any length that came before.
        plan: how they are scored.
        alerts: how incidents are found and told; `None`: they are not.

    Raises:
        UsageError: none of the timeframes can be made of the bars, or detectors cannot judge them.
    """

    def __init__(self, data: Bars, past: Sequence[Bars], plan: Plan, alerts: AlertPlan | None = None) -> None:
        self._data, self._past, self._plan = data, past, plan
        timeframes = fed(plan.timeframes, data.interval)
        if not timeframes:
            wanted = ", ".join(plan.timeframes)
            raise UsageError(f"bars of {data.interval} make none of the timeframes {wanted} (analysis.timeframes)")
        factors = fed_by_bars(plan.factors, taker_sides=data.taker_sides)
        self._timeline = Timeline(data, past)
        self._backtest = Backtest(
            data.symbols,
            timeframes,
            factors,
            plan.rule,
            taker_sides=data.taker_sides,
            since_ms=data.begins_ms,
        )
        self.symbols, self.since_ms = data.symbols, data.first_ms
        self.base = self._backtest.base
        self.readings = self._backtest.readings
        self._summary = Summary(
            data.symbols, self.readings.factors, up=plan.rule.up, down=plan.rule.down, bar_ms=self.base.ms
        )
        self._withheld = Withheld(len(data.symbols), self.base.ms)
        self._followed = Followed(len(data.symbols), self.base, BLOCK_BARS)
        self.outcomes = columns(self.base)
        if alerts is not None and self.base is not Timeframe.M1:
            raise UsageError(f"--alerts: detectors judge minutes; DATA has bars of {data.interval}, give those of 1m")
        self._alerts = None if alerts is None else PlayedAlerts(data.symbols, alerts)
        self.forecasts = SharedForecasts(lambda: WalkForward(data.symbols, self.base))
        self._seams: list[Seam] = []

    def score(
        self,
        results: Results | None,
        told: Callable[[Seam], None],
        watch: Callable[[History, Sequence[Seam]], None] = lambda _history, _seams: None,
    ) -> Iterator[float]:
        """Score everything; yields the share that is done.

        What is scored goes to `results`, each seam to `told`, and all that is behind the scores to `watch`, with what
        came before the data, and the seams of its window.
        """
        for done, window in enumerate(self._timeline.windows(), start=1):
            for seam in window.seams:
                told(seam)
            self._seams += window.seams
            for history in self._backtest.histories(window.bars, window.seams, window.past):
                watch(history, window.seams)
                scored = ScoredBlock.of(history, self.readings)
                self._summary.add(scored)
                self._withheld.add(scored, window.seams)
                incidents = self._played(history.bars, scored.present, window.seams)
                if results is not None:
                    results.write(scored)
                    results.write_followed(self._followed.add(history.bars, scored.present, window.seams))
                    results.write_incidents(incidents)
            yield done / len(self._timeline)
        left = [] if self._alerts is None else list(self._alerts.rest())
        if results is not None:
            results.write_followed(self._followed.rest())
            results.write_incidents(left)

    def _played(self, bars: BarBlock, own: NDArray[np.bool_], seams: Sequence[Seam]) -> list[dict[str, Any]]:
        """Yield table rows of the incidents that are settled after these bars."""
        if self._alerts is None:
            return []
        return list(self._alerts.play(bars, own, seams, self.forecasts(bars, seams)))

    def document(self, *, seconds: float, config_digest: str) -> dict[str, Any]:
        """Summarise what was scored, with plain keys; `None` where nothing is known."""
        data, plan = self._data, self._plan
        document = self._summary.document(
            bars_read=data.read,
            bars_missing=data.missing,
            bad_rows_skipped=data.skipped,
            seams=self._seams,
            seconds=seconds,
            config_digest=config_digest,
        )
        document |= {"interval": data.interval.value, "base": self.base.value}
        document["withheld"] = self._withheld.document()
        document["warm_up"] = [_told_of(past) for past in self._past]
        document["absent_factors"] = {
            name: _WHY_ABSENT[FACTORS[name].feed] for name in plan.factors if name not in self.readings.factors
        }
        document["absent_timeframes"] = {
            frame.value: f"DATA has bars of {data.interval}"
            for frame in plan.timeframes
            if frame.value not in self.readings.timeframes
        }
        document["absent_horizons"] = {
            f"{minutes}m": f"no whole number of bars of {self.base}"
            for minutes in OUTCOME_HORIZONS_MIN
            if minutes not in horizons(self.base)
        }
        if self._alerts is not None:
            document["alerts"] = self._alerts.document()
        return document


_WHY_ABSENT = {
    Feed.TAPE: "DATA has no taker_buy_volume",
    Feed.BOOK: "DATA has no order books",
    Feed.TICKER: "DATA has no funding, account ratios or liquidations",
}


def _told_of(past: Bars) -> dict[str, Any]:
    """Describe the bars that came before: their length, their number and their period."""
    return {
        "interval": past.interval.value,
        "bars": past.read,
        "from": iso(past.first_ms),
        "until": iso(past.last_ms + past.interval.ms),
    }

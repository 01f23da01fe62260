"""Plays a run's minutes through detectors and stages: finds incidents, and how often people are interrupted."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from virtuoso.alerts.fast.cones.bands import bands_of
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.policy import Policy
from virtuoso.alerts.stages.pipeline import Pipeline, PipelineSettings
from virtuoso.alerts.stages.stage_state import Route
from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.market.panel import BarBlock, Floats
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.alerts.notice import Role
from virtuoso.model.catalogue.detectors import FastParameters
from virtuoso.model.timeframe import DAY_MS
from virtuoso.research.detecting.fates import Fates
from virtuoso.research.detecting.followed import FollowedIncidents
from virtuoso.research.detecting.minutes import ASSUMED, AT_MS, DRIVEN, FORESEEN, LEARNT, MINUTE_MS, MinuteDetectors
from virtuoso.research.seams import Seam

_KEPT = 10_000
_INTERRUPTING = (Role.ALERT, Role.GROUP, Role.UPDATE)
_CHANNEL = Route(channel="backtest", least=Severity.INFO, system=False)
"""One channel that takes everything of the market: what is told there is what passes the stages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPlan:
    """The settings by which incidents are found and people notified: detectors, stages and policies by kind."""

    detectors: FastParameters
    stages: PipelineSettings
    usual: Policy
    policies: Mapping[str, Policy]


class PlayedAlerts:
    """Plays blocks of minutes that follow one another; memory is bounded by the symbols and by what is open.

    With forecasts the kinds that need them are found too, each incident is measured by what followed, and as a day
    begins the stages choose by what kinds were worth until then.
    """

    def __init__(self, symbols: Sequence[str], plan: AlertPlan) -> None:
        def policies(kind: str) -> Policy:
            return plan.policies.get(kind, plan.usual)

        self._log = IncidentLog(_KEPT, policies=policies)
        self._pipeline = Pipeline(plan.stages, (_CHANNEL,), policies=policies)
        self._symbols = tuple(symbols)
        self._detectors = MinuteDetectors(symbols, plan.detectors, self._log)
        self._followed = FollowedIncidents(symbols)
        self._fates = Fates()
        self._notices: Counter[tuple[int, Role]] = Counter()
        self._days: set[int] = set()
        self._judged = self._end_ms = 0
        self._day: int | None = None
        self._foreseen = False

    def play(
        self,
        bars: BarBlock,
        own: NDArray[np.bool_],
        seams: Sequence[Seam] = (),
        forecasts: Sequence[Forecasts] = (),
    ) -> Iterator[dict[str, Any]]:
        """Take minutes [t, n], of which `own` [t, n] are judged and the others learnt; yields settled incidents.

        `forecasts` are those at the closes of the minutes, in order; none where nothing is forecast.
        """
        values = np.stack((bars.open, bars.high, bars.low, bars.close, bars.volume), axis=-1)
        rows = values.tolist()
        allowed = own.tolist()
        said = [(each, at) for each in forecasts for at in range(each.close_ms.size)]
        anew: dict[int, list[int]] = defaultdict(list)
        for seam in seams:
            anew[seam.open_ms].append(seam.column)
        for k, open_ms in enumerate(bars.open_ms.tolist()):
            for column in anew.get(open_ms, ()):
                self._detectors.begin_anew(column, open_ms)
                self._followed.begin_anew(column)
            self._begin_day(open_ms // DAY_MS)
            judged = self._minute(open_ms, rows[k], allowed[k])
            self._followed.close(open_ms, values[k])
            if said:
                self._foresee(*said[k], values[k], judged)
        yield from self._fates.settled(self._end_ms)

    def rest(self) -> Iterator[dict[str, Any]]:
        """Return the incidents that are left when no minutes follow; some of them still hold."""
        self._decide(self._end_ms + MINUTE_MS)
        yield from self._fates.settled(None)

    def document(self) -> dict[str, Any]:
        """Return the counts with plain keys: by kind, of incidents and of interruptions."""
        days = self._judged * MINUTE_MS / DAY_MS
        a_day = [sum(self._notices[day, role] for role in _INTERRUPTING) for day in sorted(self._days)]
        kinds = {
            kind: {**{name: counts[name] for name in _COUNTED}, "per_symbol_and_day": counts["found"] / days}
            for kind, counts in sorted(self._fates.counts.items())
        }
        return {
            "assumed": ASSUMED,
            "kinds_judged": list(DRIVEN if not self._foreseen else DRIVEN + FORESEEN),
            "minutes_learnt_first": LEARNT,
            "symbol_days": days,
            "kinds": kinds,
            "worth": self._followed.document(),
            "interruptions_a_day": {
                "median": float(np.median(a_day)) if a_day else None,
                "of_95_pct_of_days_at_most": float(np.quantile(a_day, 0.95, method="inverted_cdf")) if a_day else None,
                "most": max(a_day, default=None),
                "days": len(a_day),
            },
        }

    def _minute(self, open_ms: int, minutes: list[list[float]], own: list[bool]) -> list[int]:
        """Judge what of a minute is to be judged, and return the columns of that."""
        judged = self._detectors.judged(minutes, own)
        if judged:
            for step, at_ms in enumerate(AT_MS):
                self._detectors.price(open_ms, step, minutes, judged)
                self._decide(open_ms + at_ms)
            self._judged += len(judged)
            self._days.add(open_ms // DAY_MS)
        self._end_ms = open_ms + MINUTE_MS
        self._detectors.close(open_ms, minutes, judged)
        if judged:
            self._decide(self._end_ms)
        return judged

    def _begin_day(self, day: int) -> None:
        """Tell the stages what kinds were worth until now, if a day begins."""
        if self._day is not None and day > self._day and self._pipeline.budget is not None:
            self._pipeline.budget.worths = self._followed.worths()
        self._day = day

    def _foresee(self, forecasts: Forecasts, at: int, minutes: Floats, judged: Sequence[int]) -> None:
        """Hand on what was forecast at the close of a minute to detectors and outcomes."""
        self._foreseen = True
        self._followed.foresee(forecasts, at)
        self._detectors.foresee(self._end_ms, bands_of(forecasts, self._symbols, minutes[:, 3], at), judged)
        if judged:
            self._decide(self._end_ms)

    def _decide(self, now_ms: int) -> None:
        """Let the stages decide, if anything changed or is due."""
        due_ms = self._pipeline.next_ms
        if not self._log.unsettled() and (due_ms is None or now_ms < due_ms):
            return
        for delivery in self._pipeline.step(self._log, now_ms, ()):
            if not delivery.notice.quiet:  # an edit interrupts nobody
                self._notices[now_ms // DAY_MS, delivery.notice.role] += 1
        self._followed.begin(self._pipeline.take_delivered(), now_ms)
        for incident in self._log.take_changed():
            self._fates.take(incident, now_ms - MINUTE_MS)


_COUNTED = ("found", "after_cooldown", "at_once", "in_group", "in_digest", "untold")

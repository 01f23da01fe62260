"""Measures what followed the alerts of a monitor: begun at delivery, settled from its bars, judged by kind."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from msgspec.structs import replace

from virtuoso.alerts.outcomes.edges import ForecastEdges
from virtuoso.alerts.outcomes.equal import EqualMinutes, EqualState
from virtuoso.alerts.outcomes.pending import Bars, PendingOutcomes
from virtuoso.alerts.outcomes.performance import performance, worths
from virtuoso.market.panel import Floats
from virtuoso.market.series import CLOSE
from virtuoso.market.state import MarketState
from virtuoso.model.alerts.documents.performance import KindPerformance
from virtuoso.model.alerts.incident import Incident
from virtuoso.model.alerts.outcome import Outcome
from virtuoso.model.alerts.worth import Worth
from virtuoso.model.timeframe import DAY_MS

MOST_SETTLED = 2_000
"""Outcomes of a kind that figures are made of, two of an incident; of more, the latest: they take 20 ms."""
YEAR_MS = 365 * DAY_MS
_ANEW_MS = 60_000
_STATE_MS = 3_600_000


class AlertOutcomes:
    """Used on the event loop. Times are epoch milliseconds, of outcomes by the exchange's clock, as bars and forecasts.

    Attributes:
        edges: takes the forecasts of each close; until there are any, outcomes are recorded without a band.
        bars: where closed minutes are; nothing settles before it is there.
        offset_ms: the exchange's time less this machine's; `None` = not measured, and taken for none.
    """

    def __init__(self) -> None:
        self._equal = EqualMinutes()
        self.edges = ForecastEdges(self._equal)
        self.bars: Bars | None = None
        self.offset_ms: Callable[[], float | None] = lambda: None
        self._pending = PendingOutcomes()
        self._settled: dict[str, deque[Outcome]] = {}
        self._changed: dict[str, Outcome] = {}
        self._kinds: dict[str, KindPerformance] = {}
        self._judged_ms: dict[str, int] = {}
        self._stale: set[str] = set()
        self._state: EqualState | None = None
        self._state_ms = 0

    @property
    def pending(self) -> int:
        """How many outcomes of alerts have not been settled yet."""
        return len(self._pending)

    def look(self, delivered: Iterable[tuple[Incident, bool]], now_ms: int) -> None:
        """Begin what was delivered just now (and whether it interrupted), and settle what is due."""
        shift_ms = round(self.offset_ms() or 0.0)
        there_ms = now_ms + shift_ms
        for incident, interrupted in delivered:
            begun = self._pending.begin(
                replace(incident, fired_ms=incident.fired_ms + shift_ms), there_ms, interrupted=interrupted,
                edges=self.edges.edge, bases=self.edges.base,
            )  # fmt: skip
            self._changed.update((outcome.id, outcome) for outcome in begun)
        if self.bars is not None:
            for outcome in self._pending.settle(there_ms, self.bars):
                self._changed[outcome.id] = outcome
                self._put(outcome)

    def take_changed(self) -> tuple[Outcome, ...]:
        """Take out the outcomes begun or settled since the last call."""
        changed = tuple(self._changed.values())
        self._changed.clear()
        return changed

    def resume(self, outcomes: Sequence[Outcome], equal: EqualState | None) -> None:
        """Go on from earlier runs; the outcomes come oldest first."""
        self._pending.resume(outcomes)
        for outcome in outcomes:
            if outcome.settled_ms is not None:
                self._put(outcome)
        if equal is not None:
            self._equal.resume(equal)
            self._state = equal

    def state(self, now_ms: int) -> EqualState | None:
        """How often minutes left their bands, to go on from after a restart; made anew once an hour."""
        if now_ms >= self._state_ms + _STATE_MS:
            self._state, self._state_ms = self._equal.state, now_ms
        return self._state

    def kinds(self, now_ms: int) -> tuple[KindPerformance, ...]:
        """What kinds were worth in the last year, by name; a minute and some seconds old at most.

        One of those that changed is judged anew at a time: all at once would hold up the loop.
        """
        due = (kind for kind in self._stale if now_ms >= self._judged_ms.get(kind, 0) + _ANEW_MS)
        if (kind := min(due, default=None)) is not None:
            recent = [each for each in self._settled[kind] if each.delivered_ms >= now_ms - YEAR_MS]
            self._kinds.update((each.kind, each) for each in performance(recent))
            self._judged_ms[kind] = now_ms
            self._stale.discard(kind)
        return tuple(self._kinds[kind] for kind in sorted(self._kinds))

    def _put(self, outcome: Outcome) -> None:
        """It is settled; of rules that come and go the kinds are as many as their names."""
        self._settled.setdefault(outcome.kind, deque(maxlen=MOST_SETTLED)).append(outcome)
        self._stale.add(outcome.kind)

    def worths(self, now_ms: int) -> dict[str, Worth]:
        """By kind of alert, how often a large move followed it."""
        return worths(self.kinds(now_ms))


def bars_of(market: MarketState) -> Bars:
    """Read the closed minutes that a market holds.

    None of them at all where some are missing for good: the symbol's bars go on beyond them.
    """

    def bars(symbol: str, open_ms: int, count: int) -> Floats | None:
        if symbol not in market:
            return None
        base = market[symbol].history.base
        found = base.window(open_ms, count)
        if found is not None:
            return found[:, : CLOSE + 1].copy()
        end_ms = open_ms + count * base.timeframe.ms
        gone = base.next_ms is not None and base.next_ms >= end_ms
        return np.empty((0, CLOSE + 1)) if gone else None

    return bars

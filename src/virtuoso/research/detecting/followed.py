"""Measures what followed the incidents of a run, as a monitor measures what followed those that it found."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from virtuoso.alerts.outcomes.edges import ForecastEdges
from virtuoso.alerts.outcomes.equal import EqualMinutes
from virtuoso.alerts.outcomes.pending import PendingOutcomes
from virtuoso.alerts.outcomes.performance import performance, worths
from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.market.panel import Floats
from virtuoso.model.alerts.incident import Incident
from virtuoso.model.alerts.outcome import HORIZONS_MIN, Outcome
from virtuoso.model.alerts.worth import Worth
from virtuoso.model.timeframe import Timeframe

MOST_KEPT = 50_000
"""Outcomes of a kind that figures are made of, two of an incident; of more, the latest."""
_MINUTE_MS = Timeframe.M1.ms
_PRICES = 4


class FollowedIncidents:
    """Begins outcomes when the stages decide, and settles them from the minutes that follow. Times are epoch ms."""

    def __init__(self, symbols: Sequence[str]) -> None:
        self._symbols = tuple(symbols)
        self._columns = {symbol: column for column, symbol in enumerate(symbols)}
        self._edges = ForecastEdges(EqualMinutes())
        self._pending = PendingOutcomes()
        self._minutes: deque[Floats] = deque(maxlen=max(HORIZONS_MIN))
        self._end_ms = 0
        self._settled: dict[str, deque[Outcome]] = {}

    def begin(self, delivered: Iterable[tuple[Incident, bool]], now_ms: int) -> None:
        """Take the incidents that the stages decided about now, and whether each interrupts people."""
        for incident, interrupted in delivered:
            self._pending.begin(
                incident, now_ms, interrupted=interrupted, edges=self._edges.edge, bases=self._edges.base
            )

    def close(self, open_ms: int, minutes: Floats) -> None:
        """Take the minute that follows [n, at least 4], open, high, low and close first, and settle what is due."""
        self._minutes.append(minutes[:, :_PRICES])
        self._end_ms = open_ms + _MINUTE_MS
        for outcome in self._pending.settle(self._end_ms, self._bars):
            self._settled.setdefault(outcome.kind, deque(maxlen=MOST_KEPT)).append(outcome)

    def foresee(self, forecasts: Forecasts, at: int) -> None:
        """Take what was forecast at one of these closes, which is that of the last minute."""
        self._edges.take(forecasts, self._symbols, at)

    def begin_anew(self, column: int) -> None:
        """Forget the prices of a symbol whose contract became another one: no way leads across."""
        for minutes in self._minutes:
            minutes[column] = np.nan

    def worths(self) -> dict[str, Worth]:
        """Return by kind what it was worth so far."""
        return worths(performance(self._all()))

    def document(self) -> Mapping[str, Any]:
        """Return by kind what followed, with plain keys."""
        return {each.kind: msgspec.to_builtins(each) for each in performance(self._all())}

    def _all(self) -> list[Outcome]:
        return [outcome for kind in self._settled.values() for outcome in kind]

    def _bars(self, symbol: str, open_ms: int, count: int) -> Floats | None:
        first = len(self._minutes) - (self._end_ms - open_ms) // _MINUTE_MS
        if symbol not in self._columns or first < 0:
            return np.empty((0, _PRICES))
        column = self._columns[symbol]
        return np.array([self._minutes[k][column] for k in range(first, first + count)])

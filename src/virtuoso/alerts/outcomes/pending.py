"""Begins outcomes when an incident is delivered, and settles them from the bars that follow."""

from collections.abc import Callable, Iterable
from math import log

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from virtuoso.alerts.timers import Timers
from virtuoso.model.alerts.incident import Incident
from virtuoso.model.alerts.outcome import HORIZONS_MIN, Edge, Outcome
from virtuoso.model.timeframe import DAY_MS

MINUTE_MS = 60_000
GRACE_MS = DAY_MS
"""Bars of a symbol that is not watched, or not loaded yet, may come so late; later they are missing."""
MOST = 20_000
"""Outcomes that wait; beyond, the first are given up."""
Floats = NDArray[np.float64]
Edges = Callable[[str, int, int], Edge | str]
"""The band of a symbol over a horizon in minutes that the last close before a time (epoch ms) gave, or why there is
none."""
Bases = Callable[[int, int, Edge], float | None]
"""By horizon, time and band: how often equal minutes left theirs."""
Bars = Callable[[str, int, int], Floats | None]
"""Of a symbol, so many closed minutes from an open time on: open, high, low, close [count, 4].

None of them [0, 4] where some are missing for good, `None` where they may still come.
"""


class PendingOutcomes:
    """Holds the outcomes to come, one for each incident and horizon. All times are epoch milliseconds."""

    def __init__(self) -> None:
        self._pending: dict[str, Outcome] = {}
        self._due = Timers()

    def __len__(self) -> int:
        return len(self._pending)

    def begin(self, incident: Incident, now_ms: int, *, interrupted: bool, edges: Edges, bases: Bases) -> list[Outcome]:
        """Begin the outcomes of an incident that the stages decided about just now; there are none without a symbol.

        Of a move of the market the symbol that led counts.
        """
        symbol = incident.symbol or incident.details.get("leader")
        if not isinstance(symbol, str):
            return []
        begun = []
        for horizon_min in HORIZONS_MIN:
            band = edges(symbol, horizon_min, incident.fired_ms)
            edge = band if isinstance(band, Edge) else None
            outcome = Outcome(
                incident=incident.id, horizon_min=horizon_min, kind=incident.kind, symbol=symbol,
                severity=incident.severity, side=_side(incident), delivered_ms=now_ms, interrupted=interrupted,
                before=_before(incident), edge=edge, edge_reason=None if isinstance(band, Edge) else band,
                base=None if edge is None else bases(horizon_min, now_ms, edge),
                due_ms=_entry_ms(now_ms) + horizon_min * MINUTE_MS,
            )  # fmt: skip
            if outcome.id not in self._pending:
                self._put(outcome)
                begun.append(outcome)
        return begun

    def resume(self, outcomes: Iterable[Outcome]) -> None:
        """Go on with the outcomes of an earlier run that are not settled."""
        for outcome in outcomes:
            if outcome.settled_ms is None:
                self._put(outcome)

    def settle(self, now_ms: int, bars: Bars) -> list[Outcome]:
        """Settle the outcomes whose bars are there, and those whose bars will not come any more."""
        settled = []
        for key in self._due.pop(now_ms):
            outcome = self._pending[key]
            found = bars(outcome.symbol, _entry_ms(outcome.delivered_ms), outcome.horizon_min)
            if found is None and now_ms < outcome.due_ms + GRACE_MS:
                self._due.set(key, min(now_ms + MINUTE_MS, outcome.due_ms + GRACE_MS))
                continue
            del self._pending[key]
            settled.append(_settled(outcome, found, now_ms))
        return settled

    def _put(self, outcome: Outcome) -> None:
        self._pending[outcome.id] = outcome
        self._due.set(outcome.id, outcome.due_ms)
        if len(self._pending) > MOST:
            first = next(iter(self._pending))
            del self._pending[first]
            self._due.drop(first)


def _settled(outcome: Outcome, bars: Floats | None, now_ms: int) -> Outcome:
    """Settle an outcome by the bars that followed."""
    if bars is None or not len(bars) or not np.isfinite(bars).all() or (bars <= 0.0).any():
        return replace(outcome, settled_ms=now_ms, reason="bars of these minutes are missing")
    entry = float(bars[0, 0])
    highs, lows = np.log(bars[:, 1] / entry), np.log(bars[:, 2] / entry)
    touched = None
    if outcome.edge is not None:
        beyond = np.flatnonzero((highs > outcome.edge.high) | (lows < outcome.edge.low))
        touched = int(beyond[0]) + 1 if beyond.size else None
    return replace(
        outcome, settled_ms=now_ms, entry=entry, closed=log(float(bars[-1, 3]) / entry), highest=float(highs.max()),
        lowest=float(lows.min()), touched_min=touched,
    )  # fmt: skip


def _entry_ms(delivered_ms: int) -> int:
    """Return the open time of the first minute that is not before the delivery."""
    return -(-delivered_ms // MINUTE_MS) * MINUTE_MS


def _side(incident: Incident) -> str | None:
    """Return `up` or `down` where the incident says a direction."""
    direction = incident.details.get("direction")
    return direction if direction in {"up", "down"} else None


def _before(incident: Incident) -> float | None:
    """Return the price that its move is measured from."""
    before = incident.details.get("from")
    return float(before) if isinstance(before, int | float) and before > 0 else None

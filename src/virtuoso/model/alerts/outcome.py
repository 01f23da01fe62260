"""What followed an alert: the way of the price from its delivery on, by the cone that was issued just before."""

from typing import Final

import msgspec

from virtuoso.model.alerts.incident import Severity

HORIZONS_MIN: Final = (15, 60)
"""Minutes from the delivery on over which the way is looked at."""
COMPARED_MIN: Final = 60
"""By which of them kinds are compared."""


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """The 95 % band of the closing return over a horizon, as the last close before an incident gave it.

    Attributes:
        close_ms: the base close at which it was issued (epoch ms).
        version: the fit it comes from.
        low, high: log returns.
        volatility: the forecast one of the log return over the horizon.
    """

    close_ms: int
    version: str
    low: float
    high: float
    volatility: float


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One incident over one horizon: begun when the stages decided about it, settled when its last bar has closed.

    The entry is the open of the first minute after the decision, so nothing of what raised the incident counts.
    Returns are log returns from the entry.

    Attributes:
        delivered_ms: when the stages decided about it (epoch ms).
        interrupted: whether a message of its own went out; else it was put into a digest or an edited message.
        before: the price that the move is measured from, where the incident is a move; `None` otherwise.
        edge, edge_reason: the band, or why there is none.
        base: how often minutes of equal forecast volatility and hour left their band; `None` = not known.
        due_ms: when its last bar closes.
        settled_ms: when that was looked at; `None` = it is still to come.
        closed, highest, lowest: returns at the horizon, and to the extremes on the way; `None` = not known.
        touched_min: the minute, counted from 1, in which the price first left the band; `None` = it did not.
        reason: why nothing is known of the way.
    """

    incident: str
    horizon_min: int
    kind: str
    symbol: str
    severity: Severity
    side: str | None
    delivered_ms: int
    interrupted: bool
    before: float | None
    edge: Edge | None
    edge_reason: str | None
    base: float | None
    due_ms: int
    settled_ms: int | None = None
    entry: float | None = None
    closed: float | None = None
    highest: float | None = None
    lowest: float | None = None
    touched_min: int | None = None
    reason: str | None = None

    @property
    def id(self) -> str:
        """Name an outcome by its incident and horizon."""
        return outcome_id(self.incident, self.horizon_min)

    @property
    def hit(self) -> bool | None:
        """Whether the price left the band at the horizon; `None` = not known."""
        if self.closed is None or self.edge is None:
            return None
        return not self.edge.low <= self.closed <= self.edge.high


def outcome_id(incident: str, horizon_min: int) -> str:
    """The identity of what followed an incident over a horizon."""
    return f"{incident} {horizon_min}"

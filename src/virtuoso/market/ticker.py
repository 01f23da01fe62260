"""A symbol's merged ticker: deltas leave out what did not change."""

from collections import deque
from dataclasses import dataclass, field

from msgspec import UNSET
from msgspec.structs import astuple

from virtuoso.model.market import TickerUpdate

_FIELDS = TickerUpdate.__struct_fields__
_KEPT = 1_440


@dataclass(slots=True)
class Ticker:
    """The latest known values (`None` = unknown), named as in `TickerUpdate`, and rings of the slow ones.

    `open_interest_history` and `funding_history` hold (event ms, value), one entry for each minute in which the
    value changed.
    """

    event_ms: int | None = None
    received_ns: int | None = None
    values: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(_FIELDS))
    open_interest_history: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    funding_history: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def update(self, event_ms: int, received_ns: int, update: TickerUpdate) -> None:
        """Merge a snapshot or delta: `UNSET` keeps the last value, `None` clears it."""
        self.event_ms, self.received_ns = event_ms, received_ns
        values = self.values
        for name, value in zip(_FIELDS, astuple(update), strict=True):
            if value is not UNSET:
                values[name] = value
        if update.open_interest is not UNSET and update.open_interest is not None:
            _note(self.open_interest_history, event_ms, update.open_interest)
        if update.funding_rate is not UNSET and update.funding_rate is not None:
            _note(self.funding_history, event_ms, update.funding_rate)

    def fill(self, asked: TickerUpdate) -> None:
        """Take what is unknown from a ticker that was asked for: a stream says again only what changes."""
        for name, value in zip(_FIELDS, astuple(asked), strict=True):
            if self.values[name] is None and value is not UNSET:
                self.values[name] = value


def _note(ring: deque[tuple[int, float]], event_ms: int, value: float) -> None:
    if ring and ring[-1][0] // 60_000 == event_ms // 60_000:
        ring[-1] = (event_ms, value)
    elif not ring or ring[-1][1] != value:
        ring.append((event_ms, value))

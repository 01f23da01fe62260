"""A symbol's merged ticker: deltas leave out what did not change."""

from collections import Counter, deque
from dataclasses import dataclass, field
from math import inf

from msgspec import UNSET
from msgspec.structs import astuple, replace

from virtuoso.market.bounds import ranges
from virtuoso.model.market import TickerUpdate

Limits = tuple[tuple[float, float], ...]
"""Least and greatest value of each field of a `TickerUpdate`, in order: what is beyond is not known."""

_FIELDS = TickerUpdate.__struct_fields__
_ORDERED = (("bid", "ask"), ("low_24h", "high_24h"))
"""Of these the first is not above the second; where it is, nobody can tell which of the two is wrong."""
_KEPT = 1_440
_AHEAD_MS = 7 * ranges.DAY_MS
UNBOUNDED: Limits = ((-inf, inf),) * len(_FIELDS)


def limits(low: float, high: float, now_ms: int | None) -> Limits:
    """What a ticker may say while prices are between `low` and `high`, at the exchange's time `now_ms` (epoch ms)."""
    price, near = (ranges.LEAST_PRICE, ranges.MOST_PRICE), (low, high)
    amount, value = (0.0, min(ranges.MOST_AMOUNT, ranges.MOST_VALUE / low)), (0.0, ranges.MOST_VALUE)
    settles = (1.0, inf) if now_ms is None else (now_ms - ranges.HOUR_MS, now_ms + _AHEAD_MS)
    known = {
        "last": near, "mark": near, "index": near, "bid": near, "ask": near, "bid_size": amount, "ask_size": amount,
        "previous_24h": price, "change_24h": (-1.0, 1e6), "high_24h": price, "low_24h": price, "volume_24h": amount,
        "turnover_24h": value, "open_interest": amount, "open_interest_value": value, "funding_rate": (-1.0, 1.0),
        "next_funding_ms": settles, "funding_interval_h": (0.1, 168.0),
    }  # fmt: skip
    return tuple(known[name] for name in _FIELDS)


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
    doubted: Counter[str] = field(default_factory=Counter)
    """How often a field had a value that cannot be, by its name; it is unknown then."""

    def update(self, event_ms: int, received_ns: int, update: TickerUpdate, limits: Limits = UNBOUNDED) -> TickerUpdate:
        """Merge a snapshot or delta: `UNSET` keeps the last value, `None` clears it.

        So does what is beyond `limits`, and what contradicts another field.

        Returns the update without what is not believed.
        """
        self.event_ms, self.received_ns = event_ms, received_ns
        values = self.values
        wrong: dict[str, None] | None = None
        for name, value, (least, most) in zip(_FIELDS, astuple(update), limits, strict=False):
            if value is not UNSET:
                if value is not None and not least <= value <= most:
                    wrong = {name: None} if wrong is None else {**wrong, name: None}
                    value = None
                values[name] = value
        for low, high in self._contradictions():
            wrong = {**(wrong or {}), low: None, high: None}
            values[low] = values[high] = None
        if wrong is not None:
            self.doubted.update(wrong.keys())
            update = replace(update, **wrong)
        if update.open_interest is not UNSET and update.open_interest is not None:
            _note(self.open_interest_history, event_ms, update.open_interest)
        if update.funding_rate is not UNSET and update.funding_rate is not None:
            _note(self.funding_history, event_ms, update.funding_rate)
        return update

    def fill(self, asked: TickerUpdate, limits: Limits = UNBOUNDED) -> None:
        """Take what is unknown from a ticker that was asked for: a stream says again only what changes."""
        for name, value, (least, most) in zip(_FIELDS, astuple(asked), limits, strict=False):
            if self.values[name] is None and value is not UNSET and value is not None and least <= value <= most:
                self.values[name] = value
        for low, high in self._contradictions():
            self.values[low] = self.values[high] = None

    def _contradictions(self) -> tuple[tuple[str, str], ...]:
        """Pairs of fields of which the lower is above the higher; none, as a rule."""
        values = self.values
        found: tuple[tuple[str, str], ...] = ()
        for pair in _ORDERED:
            low, high = values[pair[0]], values[pair[1]]
            if low is not None and high is not None and low > high:
                found = (*found, pair)
        return found


def _note(ring: deque[tuple[int, float]], event_ms: int, value: float) -> None:
    if ring and ring[-1][0] // 60_000 == event_ms // 60_000:
        ring[-1] = (event_ms, value)
    elif not ring or ring[-1][1] != value:
        ring.append((event_ms, value))

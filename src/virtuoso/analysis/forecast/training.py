"""What a refit learns from: a bounded pool of samples, whose outcomes come in as they become known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.forecast.features import SPANS
from virtuoso.analysis.forecast.horizons import CHANCE_HORIZONS_MIN, HORIZONS_MIN
from virtuoso.market.panel import Floats, Ints

CAPACITY = 49_152
"""Samples in the pool; a month of sixteen symbols."""
_SAMPLED_MIN = 15
"""Each symbol is sampled so often on average, scattered: some minutes of an hour are livelier than others."""
_SYMBOLS = 20
"""Of more symbols each is sampled more seldom, so that the pool reaches back as far."""
_MINUTE_MS = 60_000
_OPEN_MS = (HORIZONS_MIN[-1] + 60) * _MINUTE_MS
"""Samples wait so long for what comes of them: rows may step late."""
_WIDTHS = {
    "volatility": SPANS, "market": 1, "trend": len(HORIZONS_MIN), "threshold": len(CHANCE_HORIZONS_MIN), "cost_bp": 1,
    "realised": len(HORIZONS_MIN), "returns": len(CHANCE_HORIZONS_MIN),
}  # fmt: skip
_ENDS = np.cumsum(list(_WIDTHS.values())).tolist()
_PLACES = {name: slice(end - width, end) for (name, width), end in zip(_WIDTHS.items(), _ENDS, strict=True)}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """Samples in the order of time [.., m], read-only, as known at `until_ms`; `nan` for what is not known.

    Features: `volatility` [6, m] and `market` [m] as in `features`, `trend` [3, m] log returns over the last horizons,
    `threshold` [2, m], `cost_bp` [m]. Outcomes: `realised` [3, m] log volatility, `returns` [2, m] log returns.
    """

    until_ms: int
    close_ms: Ints
    volatility: Floats
    market: Floats
    trend: Floats
    threshold: Floats
    cost_bp: Floats
    realised: Floats
    returns: Floats


class TrainingPool:
    """Holds the last `CAPACITY` samples, in single precision."""

    def __init__(self, base_ms: int) -> None:
        self._base_ms = base_ms
        self._values: NDArray[np.float32] = np.full((sum(_WIDTHS.values()), 0), np.nan, np.float32)
        self._close_min: NDArray[np.int32] = np.zeros(0, np.int32)
        self._taken = 0
        self._open: dict[int, _Slot] = {}
        """Samples whose outcomes are to come, by their closes; those of one close may come apart."""

    def wanted(self, close_ms: Ints, keys: Ints, watched: int) -> NDArray[np.bool_]:
        """Which symbols with these `keys` [n] are sampled at which closes [t, n]; `watched` are all symbols."""
        every = _SAMPLED_MIN * _MINUTE_MS // self._base_ms * max(1, -(-watched // _SYMBOLS))
        chosen: NDArray[np.bool_] = _scattered(close_ms[:, None] // self._base_ms, keys) % np.uint64(every) == 0
        return chosen

    def add(self, close_ms: int, rows: Ints, features: Mapping[str, Floats]) -> None:
        """Take samples of `rows` [m] at a close: all features of a `TrainingSet`, [k, m] or [m]."""
        places = (self._taken + np.arange(rows.size)) % CAPACITY
        self._taken += rows.size
        self._reserve(min(self._taken, CAPACITY))
        self._values[:, places] = np.nan
        self._close_min[places] = close_ms // _MINUTE_MS
        for name, values in features.items():
            self._values[_PLACES[name]][:, places] = values
        earlier = self._open.get(close_ms)
        self._open[close_ms] = _Slot(rows, places) if earlier is None else earlier.with_more(rows, places)

    def learn(self, close_ms: int, rows: Ints, realised: Floats, returns: Floats) -> None:
        """Take what came [3, n], [2, n] by a close, of samples of `rows` [n] that were taken a horizon before."""
        for i, minutes in enumerate(HORIZONS_MIN):
            slot = self._open.get(close_ms - minutes * _MINUTE_MS)
            if slot is None:
                continue
            ours, theirs = slot.among(rows)
            places = slot.places[ours]
            self._values[_PLACES["realised"].start + i, places] = realised[i, theirs]
            if i < len(CHANCE_HORIZONS_MIN):
                self._values[_PLACES["returns"].start + i, places] = returns[i, theirs]
        while self._open and (oldest := next(iter(self._open))) < close_ms - _OPEN_MS:
            del self._open[oldest]

    def forget(self, row: int) -> None:
        """The symbol of `row` leaves: what comes of its open samples will not be known."""
        self._open = {close_ms: slot.without(row) for close_ms, slot in self._open.items()}

    def known(self, until_ms: int) -> TrainingSet:
        """Everything known by a bar before `until_ms`: outcomes that ended later are left out."""
        m = min(self._taken, CAPACITY)
        order = (np.arange(m) + (self._taken if self._taken > CAPACITY else 0)) % CAPACITY
        order = order[self._close_min[order] <= until_ms // _MINUTE_MS]
        close_ms = self._close_min[order].astype(np.int64) * _MINUTE_MS
        values = self._values[:, order].astype(np.float64)
        for i, minutes in enumerate(HORIZONS_MIN):
            late = close_ms + minutes * _MINUTE_MS + self._base_ms > until_ms
            values[_PLACES["realised"].start + i, late] = np.nan
            if i < len(CHANCE_HORIZONS_MIN):
                values[_PLACES["returns"].start + i, late] = np.nan
        values.flags.writeable = close_ms.flags.writeable = False
        return TrainingSet(
            until_ms=until_ms,
            close_ms=close_ms,
            **{name: values[place.start] if _WIDTHS[name] == 1 else values[place] for name, place in _PLACES.items()},
        )

    @property
    def settled(self) -> int:
        """How many samples, from the first on, nothing will come to any more."""
        oldest = next(iter(self._open.values()), None)
        return self._taken if oldest is None else self._taken - 1 - int((self._taken - 1 - oldest.places[0]) % CAPACITY)

    def state(self, since: int = 0) -> dict[str, NDArray[Any]]:
        """Copies of the samples that were taken after the first `since`, for a restart."""
        since = max(since, self._taken - CAPACITY)
        places = np.arange(since, self._taken) % CAPACITY
        return {
            "values": self._values[:, places], "close_min": self._close_min[places],
            "taken": np.array(float(self._taken)),
        }  # fmt: skip

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Put the samples of `state` behind, or in the place of, those that are there.

        Raises:
            ValueError: they are of another make, or do not follow on those that are there.
        """
        values, close_min, taken = (state.get(name) for name in ("values", "close_min", "taken"))
        if values is None or close_min is None or taken is None:
            raise ValueError("samples are missing in what was saved")
        if values.shape[0] != self._values.shape[0] or not values.shape[1] == close_min.size <= CAPACITY:
            raise ValueError("the saved samples belong to another version")
        first = int(taken) - close_min.size
        if first > max(self._taken, int(taken) - CAPACITY):
            raise ValueError("samples are missing before those that were saved")
        self._taken = int(taken)
        self._reserve(min(self._taken, CAPACITY))
        places = np.arange(first, self._taken) % CAPACITY
        self._values[:, places], self._close_min[places] = values, close_min
        self._open.clear()

    def waiting(self, keys: Ints) -> Ints:
        """Samples whose outcomes are to come [3, m]: their closes (minutes), the `keys` of their rows, their places."""
        return np.concatenate(
            [np.zeros((3, 0), np.int64)]
            + [
                np.stack([np.full(slot.rows.size, close_ms // _MINUTE_MS), keys[slot.rows], slot.places])
                for close_ms, slot in self._open.items()
            ],
            axis=1,
        )

    def await_again(self, waiting: Ints, rows: Ints) -> None:
        """Let outcomes of `waiting` samples come again, now that they are of `rows` [m]."""
        close_min, _, places = waiting
        for minute in np.unique(close_min).tolist():
            ours, close_ms = close_min == minute, minute * _MINUTE_MS
            earlier = self._open.get(close_ms)
            self._open[close_ms] = (
                _Slot(rows[ours], places[ours]) if earlier is None else earlier.with_more(rows[ours], places[ours])
            )
        self._open = dict(sorted(self._open.items()))

    def _reserve(self, samples: int) -> None:
        held = self._close_min.size
        if samples > held:
            more = min(CAPACITY, max(samples, held + held // 4)) - held
            self._values = np.concatenate(
                [self._values, np.full((len(self._values), more), np.nan, np.float32)], axis=1
            )
            self._close_min = np.concatenate([self._close_min, np.zeros(more, np.int32)])


@dataclass(frozen=True, slots=True)
class _Slot:
    """Rows that were sampled at one close, and where in the pool."""

    rows: Ints
    places: Ints

    def among(self, rows: Ints) -> tuple[Ints, Ints]:
        """Where in the slot, and where among `rows`, those are that are in both."""
        at = np.searchsorted(rows, self.rows)
        if (rows[np.minimum(at, rows.size - 1)] == self.rows).all() and (np.diff(rows) > 0).all():
            return np.arange(at.size), at
        _, ours, theirs = np.intersect1d(self.rows, rows, assume_unique=True, return_indices=True)
        return ours, theirs

    def with_more(self, rows: Ints, places: Ints) -> "_Slot":
        return _Slot(np.concatenate([self.rows, rows]), np.concatenate([self.places, places]))

    def without(self, row: int) -> "_Slot":
        kept = self.rows != row
        return self if kept.all() else _Slot(self.rows[kept], self.places[kept])


def _scattered(numbers: Ints, keys: Ints) -> NDArray[np.uint64]:
    """Numbers without order, always the same for a bar and a symbol (SplitMix64: Steele, Lea & Flood, 2014)."""
    x = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + keys.astype(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return x ^ (x >> np.uint64(31))


def key_of(symbol: str) -> int:
    """What decides at which closes a symbol is sampled: the same wherever and whenever it is watched."""
    return crc32(symbol.encode())

"""What a refit learns from: a bounded pool of samples, whose outcomes come in as they become known."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.forecast.features import SPANS
from virtuoso.analysis.forecast.horizons import CHANCE_HORIZONS_MIN, HORIZONS_MIN
from virtuoso.market.panel import Floats, Ints

CAPACITY = 49_152
"""Samples in the pool; a month of sixteen symbols."""
SAMPLED_MIN = 15
"""Closes are sampled so often, in minutes of the day."""
_A_SLOT = 20
"""Samples a slot: of more symbols each comes in turn, so that the pool reaches back as far."""
_MINUTE_MS = 60_000
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
        self._open: deque[_Slot] = deque(maxlen=HORIZONS_MIN[-1] // SAMPLED_MIN + 1)

    def wanted(self, close_ms: int, keys: Ints, watched: int) -> Ints:
        """Which of the symbols with these `keys` are sampled at a close, as places among them; `watched` are all."""
        slot, rest = divmod(close_ms, SAMPLED_MIN * _MINUTE_MS)
        if rest:
            return np.zeros(0, np.int64)
        return np.flatnonzero((keys + slot) % max(1, -(-watched // _A_SLOT)) == 0)

    def add(self, close_ms: int, rows: Ints, features: Mapping[str, Floats]) -> None:
        """Take samples of `rows` [m] at a close: all features of a `TrainingSet`, [k, m] or [m]."""
        places = (self._taken + np.arange(rows.size)) % CAPACITY
        self._taken += rows.size
        self._reserve(min(self._taken, CAPACITY))
        self._values[:, places] = np.nan
        self._close_min[places] = close_ms // _MINUTE_MS
        for name, values in features.items():
            self._values[_PLACES[name]][:, places] = values
        self._open.append(_Slot(close_ms, rows, places))

    def learn(self, close_ms: int, rows: Ints, realised: Floats, returns: Floats) -> None:
        """Take what came [3, n], [2, n] by a close, of samples of `rows` [n] that were taken a horizon before."""
        for slot in self._open:
            ahead = (close_ms - slot.close_ms) // _MINUTE_MS
            if ahead not in HORIZONS_MIN or not slot.rows.size:
                continue
            i = HORIZONS_MIN.index(ahead)
            _, ours, theirs = np.intersect1d(slot.rows, rows, assume_unique=True, return_indices=True)
            places = slot.places[ours]
            self._values[_PLACES["realised"].start + i, places] = realised[i, theirs]
            if i < len(CHANCE_HORIZONS_MIN):
                self._values[_PLACES["returns"].start + i, places] = returns[i, theirs]

    def forget(self, row: int) -> None:
        """The symbol of `row` leaves: what comes of its open samples will not be known."""
        self._open = deque((slot.without(row) for slot in self._open), maxlen=self._open.maxlen)

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

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Copies of all samples, for a restart; which of them are open is not in it."""
        m = min(self._taken, CAPACITY)
        return {
            "values": self._values[:, :m].astype(np.float64), "close_min": self._close_min[:m].astype(np.float64),
            "taken": np.array(float(self._taken)),
        }  # fmt: skip

    def load(self, state: Mapping[str, NDArray[np.float64]]) -> None:
        """Go on from `state`; raises `ValueError` when it is of another make."""
        values = state["values"]
        if values.shape[0] != self._values.shape[0] or values.shape[1] > CAPACITY:
            raise ValueError("the saved samples belong to another version")
        self._taken = int(state["taken"])
        self._values, self._close_min = values.astype(np.float32), state["close_min"].astype(np.int32)
        self._open.clear()

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
    """Samples that were taken together, while some of their outcomes are not known."""

    close_ms: int
    rows: Ints
    places: Ints

    def without(self, row: int) -> "_Slot":
        kept = self.rows != row
        return self if kept.all() else _Slot(self.close_ms, self.rows[kept], self.places[kept])


def key_of(symbol: str) -> int:
    """What decides at which closes a symbol is sampled: the same wherever and whenever it is watched."""
    return crc32(symbol.encode())

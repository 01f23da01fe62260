"""Adaptive conformal quantiles: what share of past outcomes lay below, in units of the volatility that was forecast.

A *multiple* is an outcome over the volatility forecast for it, the score of normalised conformal prediction
(Papadopoulos et al., 2008; Romano, Patterson & Candès, 2019). Those of all symbols are pooled in one table that forgets
by half in two weeks. Each tail is read from it at a level of its own, which moves by how often the outcomes were below
(Gibbs & Candès, 2021): one part of it is the symbol's, so that each is covered, one that of each four hours of the day,
and one that of closes on a quarter of an hour, after which prices run off one way more often than after others.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from virtuoso.analysis.block import Memory, Rows
from virtuoso.analysis.forecast.cones.closes import PARTS_OF_DAY
from virtuoso.analysis.forecast.horizons import TAILS
from virtuoso.market.panel import Floats

SYMBOL_RATE: Final = 0.003
"""How far an outcome moves the level of its symbol; overlapping outcomes move it by their share of a horizon."""
HOURS_RATE: Final = 0.006
"""How far the outcomes of a close move the level of its hours, and of closes on or off a quarter of an hour."""
HALF_LIFE_MIN: Final = 14 * 1440
LEAST_OUTCOMES: Final = round(1 / TAILS[0]) - 1
"""Outcomes one after another without which the outermost quantile is not known: the least n of ⌈(n + 1)τ⌉ ≥ 1."""
BINS: Final = 513
"""An odd number: outcomes of exactly 0 fill the middle of one bin, and a level may fall on either side of them."""
_SELDOM_MIN: Final = 10
_LOOK_MIN: Final = 60
"""Minutes after which the pooled table is read anew: it changes slowly."""
LEVELS: Final[Floats] = 1.0 / (1.0 + np.exp(-np.linspace(-8.0, 8.0, 65)))
"""Levels by which a distribution of multiples is handed on."""
_BEGUN_MIN: Final = 7 * 1440
"""Minutes whose outcomes such a distribution is worth."""
_REACH = np.arcsinh(40.0)
_EDGES: Floats = np.sinh(np.linspace(-_REACH, _REACH, BINS + 1))
_TAILS: Floats = np.array(TAILS)[:, None]
_LOWER: Floats = np.where(_TAILS < 0.5, 0.4 * _TAILS, 1.0 - 2.2 * (1.0 - _TAILS))
_UPPER: Floats = np.where(_TAILS < 0.5, 2.2 * _TAILS, 1.0 - 0.4 * (1.0 - _TAILS))
"""Levels stay between .4 and 2.2 times their tail."""
_PLACES: Final = 17
"""Places between those two at which the pooled table is read; levels between them are interpolated."""
_ABOVE_LOWER: Floats = _TAILS - _LOWER
_PER_LEVEL: Floats = (_PLACES - 1) / (_UPPER - _LOWER)
_LEVELS: Floats = _LOWER + (_UPPER - _LOWER) * np.arange(_PLACES) / (_PLACES - 1)


class ConformalQuantiles:
    """Quantiles at `TAILS` of some series (close, high, low …) over one horizon, for the rows of a memory.

    Args:
        memory: where the levels of the rows are kept.
        horizon_min: minutes of the horizon.
        stride_min: minutes between two closes whose outcomes are learnt.
        series: how many series.
    """

    def __init__(self, memory: Memory, *, horizon_min: int, stride_min: int, series: int) -> None:
        self._series, self._stride_min = series, stride_min
        self._closes_per_look = max(1, _LOOK_MIN // stride_min)
        self._share = stride_min / horizon_min
        self._kept = 0.5 ** (stride_min / HALF_LIFE_MIN)
        self.levels = memory.table(series * len(TAILS), 0.0)
        """How far the level of each row is from its tail."""
        self._hours: Floats = np.zeros((PARTS_OF_DAY, series, len(TAILS)))
        self._quarters: Floats = np.zeros((2, series, len(TAILS)))
        self._pool: Floats = np.zeros((series, BINS))
        """Counts of multiples, all of a close weighing one: symbols move together, so that time is what counts."""
        self._seen = np.ones(1)
        """Multiples of the latest close."""
        self._learnt = np.zeros(1)
        """Closes whose outcomes were learnt."""
        self._latest = np.full(1, -np.inf)
        self._read: Floats = np.full((series, *_LEVELS.shape), np.nan)
        """The pooled quantiles at each place of each tail, `nan` until enough is known."""
        self._said: tuple[tuple[int, slice, int], Floats] | None = None
        """What was said last and of what: the moment, the rows, the version of their levels; all above is as it was."""

    def learn(self, close: int, moment: int, rows: Rows, multiples: Floats) -> bool:
        """Take the multiples [series, n] of the forecasts made at a close, now that their outcomes are known.

        A close that is not later than the latest (rows that step late, alone) tells of its symbols, not of the hours.

        Args:
            close: the number of the close among those that are learnt.
            moment: of `closes.moment`, when the forecasts were made.
            rows: the symbols.
            multiples: outcome over volatility; a row with any `nan` is left out.

        Returns:
            Whether the close was new and some multiple known.
        """
        known = np.isfinite(multiples).all(axis=0)
        if not known.any():
            return False
        new = bool(close > self._latest[0])
        if self._ready():
            missed = np.where(known, _TAILS - (multiples[:, None] <= self.quantiles(moment, rows)), 0.0)
            self._move(moment if new else None, rows, missed, int(known.sum()))
            self._said = None
        if new:
            if np.isfinite(self._latest[0]):
                self._pool *= self._kept ** (close - self._latest[0])
            self._learnt += 1
            self._latest[0], self._seen[0] = close, known.sum()
        ordered = np.sort(multiples[:, known], axis=1)  # they are counted alone, and found faster so
        bins = np.clip(np.searchsorted(_EDGES, ordered, side="right") - 1, 0, BINS - 1)
        places = bins + BINS * np.arange(self._series)[:, None]
        counts = np.bincount(places.ravel(), minlength=self._pool.size)
        self._pool += counts.reshape(self._pool.shape) / self._seen[0]
        if not self._ready() or (new and self._learnt[0] % self._closes_per_look == 0):
            self._look_up()
            self._said = None
        return new

    def quantiles(self, moment: int, rows: Rows) -> Floats:
        """Quantiles [series, tail, n] of forecasts made at a moment, in units of volatility; `nan` until known.

        They change where something is learnt alone, so where that is seldom they are kept until then: read-only.
        """
        if not isinstance(rows, slice) or self._stride_min < _SELDOM_MIN:
            return self._quantiles(moment, rows)
        of = moment, rows, self.levels.version
        if self._said is None or self._said[0] != of:
            self._said = of, self._quantiles(moment, rows)
        return self._said[1]

    def _quantiles(self, moment: int, rows: Rows) -> Floats:
        moved = self.levels.read(rows).reshape(self._series, len(TAILS), -1)
        if not self._ready():
            return np.full(moved.shape, np.nan)
        of_time = self._hours[moment // 2] + self._quarters[moment % 2]
        place = moved + (of_time[..., None] + _ABOVE_LOWER)
        place *= _PER_LEVEL
        np.clip(place, 0.0, _PLACES - 1, out=place)
        at = np.minimum(place, _PLACES - 2).astype(np.int64)
        place -= at
        at += _PLACES * np.arange(self._series * len(TAILS)).reshape(self._series, -1, 1)
        found: Floats = self._read.take(at)
        at += 1
        place *= self._read.take(at) - found
        found += place
        crossed = found[:, 1:] < found[:, :-1]
        if crossed.any():
            crossing = crossed.any(axis=(0, 1))
            # each tail has a level of its own; sorted, no quantile is farther off (Chernozhukov et al., 2010)
            found[..., crossing] = np.sort(found[..., crossing], axis=1)
        return found

    def begin(self, quantiles: Floats) -> None:
        """Start from quantiles of multiples counted elsewhere [series, level of `LEVELS`], worth a week of one's own.

        What was learnt here already stays, and they are left.
        """
        if self._learnt[0]:
            return
        ends = np.stack([np.interp(_EDGES, of, LEVELS, left=0.0, right=1.0) for of in quantiles])
        closes = _BEGUN_MIN / self._stride_min
        self._pool[...] = closes * np.diff(ends, axis=1) / (ends[:, -1:] - ends[:, :1])
        self._learnt[0] = closes
        self._look_up()
        self._said = None

    def multiples(self) -> Floats:
        """The quantiles of the multiples that were counted [series, level of `LEVELS`]; `nan` before there are any."""
        below = np.concatenate([np.zeros((self._series, 1)), np.cumsum(self._pool, axis=1)], axis=1)
        if not self._learnt[0]:
            return np.full((self._series, LEVELS.size), np.nan)
        return np.stack([np.interp(LEVELS * counts[-1], counts, _EDGES) for counts in below])

    def state(self) -> dict[str, Floats]:
        """Copies of what does not belong to a row; the levels of the rows are the memory's."""
        return {name: array.copy() for name, array in self._arrays().items()}

    def load(self, state: Mapping[str, Floats]) -> None:
        """Go on from a state; raises `ValueError` when it is of another make."""
        arrays = self._arrays()
        if any(name not in state or np.shape(state[name]) != array.shape for name, array in arrays.items()):
            raise ValueError("the saved quantiles are of another make")
        for name, array in arrays.items():
            array[...] = state[name]
        self._said = None

    def _arrays(self) -> dict[str, Floats]:
        return {
            "pool": self._pool, "read": self._read, "hours": self._hours, "quarters": self._quarters,
            "learnt": self._learnt, "latest": self._latest, "seen": self._seen,
        }  # fmt: skip

    def _ready(self) -> bool:
        return bool(np.isfinite(self._read[0, 0, 0]))

    def _move(self, moment: int | None, rows: Rows, missed: Floats, known: int) -> None:
        """Move the levels up where fewer outcomes than wanted were below, and down where more."""
        moved = self.levels.read(rows).reshape(missed.shape) + SYMBOL_RATE * self._share * missed
        self.levels.write(rows, np.clip(moved, _LOWER - _TAILS, _UPPER - _TAILS).reshape(-1, missed.shape[2]))
        if moment is not None:
            of_close = HOURS_RATE * self._share * missed.sum(axis=2) / known
            for offsets, i in ((self._hours, moment // 2), (self._quarters, moment % 2)):
                offsets[i] = np.clip(offsets[i] + of_close, (_LOWER - _TAILS)[:, 0], (_UPPER - _TAILS)[:, 0])

    def _look_up(self) -> None:
        """Read the pooled table at all places."""
        if self._learnt[0] * self._share < LEAST_OUTCOMES:
            return
        below = np.concatenate([np.zeros((self._series, 1)), np.cumsum(self._pool, axis=1)], axis=1)
        for read, counts in zip(self._read, below, strict=True):
            read[...] = np.interp(_LEVELS * counts[-1], counts, _EDGES)

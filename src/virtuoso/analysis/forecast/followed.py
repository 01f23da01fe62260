"""What followed readings like this one: outcomes by decile of the score and regime, beside those of all readings.

Readings of all symbols are pooled, every quarter of an hour, over the last ninety days. A cell's difference from the
base is the mean over days of what it was each day, as the readings of one day are not apart. It is shrunk by how far
cells differ in truth against how well each is known (empirical Bayes: Efron & Morris, 1975; DerSimonian & Laird, 1986):
where they differ by no more than chance would have it, all of them are the base.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from virtuoso.analysis.block import Memory, Rows
from virtuoso.analysis.regimes.regime import REGIMES
from virtuoso.market.panel import Floats, Ints
from virtuoso.model.timeframe import DAY_MS

DECILES: Final = 10
CELLS: Final = DECILES * len(REGIMES)
MEASURES: Final = ("rose", "move", "size")
"""Share of readings after which the price rose (half of those where it stayed), mean return and mean absolute return,
both in units of the volatility that was forecast."""
LEAST_DAYS: Final = 20
DAYS: Final = 90
_EVERY_MIN: Final = 15
_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedTable:
    """What followed, by cell and horizon; `nan` where a cell has fewer than `LEAST_DAYS` days.

    `until_ms` is the last close of which an outcome is in it.
    """

    until_ms: int
    horizons_min: tuple[int, ...]
    days: Ints
    """Days with readings [cell, horizon]."""
    readings: Ints
    """Readings [cell, horizon]; those that follow each other overlap."""
    plain: Floats
    """Means over days, as they came [measure, cell, horizon]."""
    shrunk: Floats
    """The base and what is believed of each cell's difference from it [measure, cell, horizon]."""
    base: Floats
    """Means over days of all readings [measure, horizon]."""

    def arrays(self) -> dict[str, Floats]:
        """Export every field as an array of floats, by its name."""
        return {each.name: np.asarray(getattr(self, each.name), dtype=np.float64) for each in fields(self)}

    @classmethod
    def of(cls, arrays: Mapping[str, Floats]) -> "FollowedTable":
        """The table that gave these `arrays`."""
        return cls(
            until_ms=int(arrays["until_ms"]),
            horizons_min=tuple(arrays["horizons_min"].astype(np.int64).tolist()),
            days=arrays["days"].astype(np.int64),
            readings=arrays["readings"].astype(np.int64),
            plain=arrays["plain"],
            shrunk=arrays["shrunk"],
            base=arrays["base"],
        )


class Followed:
    """Counts what followed readings, by cell and day.

    Args:
        memory: where readings whose outcomes are to come are kept.
        horizons_min: minutes of each horizon, multiples of a quarter of an hour, ascending.
    """

    def __init__(self, memory: Memory, horizons_min: Sequence[int]) -> None:
        self._horizons_min = tuple(horizons_min)
        self._slots = horizons_min[-1] // _EVERY_MIN
        self._cell = memory.table(self._slots)
        self._minute = memory.table(self._slots)
        self._volatility = [memory.table(self._slots) for _ in horizons_min]
        shape = (DAYS, 1 + len(MEASURES), CELLS, len(horizons_min))
        self._sums: Floats = np.zeros(shape)
        """Counts, then sums of each measure, by day."""
        self._day: Floats = np.full(DAYS, -1.0)
        self._until_ms = np.zeros(1)

    def step(
        self, close_ms: Ints, rows: Rows, percentile: Floats, regime: Floats, volatility: Floats, outcomes: Floats
    ) -> None:
        """Take readings and outcomes at some closes; only those of quarters of an hour count.

        Args:
            close_ms: the closes [t], epoch ms.
            rows: the symbols.
            percentile: of the score in the symbol's own past [t, n], 0–100.
            regime: its place in `REGIMES` [t, n].
            volatility: standard deviation of the return over each horizon as forecast then [k, t, n].
            outcomes: closing returns known at each close of the close a horizon before [k, t, n], log returns.
        """
        for k in np.flatnonzero(close_ms % (_EVERY_MIN * _MINUTE_MS) == 0).tolist():
            minute = int(close_ms[k]) // _MINUTE_MS
            for i, ahead in enumerate(self._horizons_min):
                self._judge(i, minute - ahead, rows, outcomes[i, k])
            slot = minute // _EVERY_MIN % self._slots
            self._cell.data[slot, rows] = cells_of(percentile[k], regime[k])
            self._minute.data[slot, rows] = minute
            for kept, values in zip(self._volatility, volatility[:, k], strict=True):
                kept.data[slot, rows] = values

    def table(self) -> FollowedTable:
        """Build the table of what followed, from all days known now."""
        return tabled(self.daily(), self._horizons_min, int(self._until_ms[0]))

    def daily(self) -> Floats:
        """Counts, then sums of each measure, of the days there are [day, 1 + measure, cell, horizon]."""
        recent: Floats = self._sums[(self._day >= 0) & (self._day > self._day.max() - DAYS)]
        return recent

    def state(self) -> dict[str, Floats]:
        """Copies of what does not belong to a row."""
        return {"sums": self._sums.copy(), "day": self._day.copy(), "until_ms": self._until_ms.copy()}

    def load(self, state: Mapping[str, Floats]) -> None:
        """Go on from a state; raises `ValueError` when it is of another make."""
        if "sums" not in state or state["sums"].shape != self._sums.shape:
            raise ValueError("the saved outcomes are of another make")
        self._sums, self._day, self._until_ms = (np.array(state[name]) for name in ("sums", "day", "until_ms"))

    def _judge(self, i: int, minute: int, rows: Rows, outcome: Floats) -> None:
        """Count what followed the readings of a minute over the i-th horizon."""
        slot = minute // _EVERY_MIN % self._slots
        with np.errstate(all="ignore"):
            moved = outcome / self._volatility[i].data[slot, rows]
        cell = self._cell.data[slot, rows]
        counted = np.isfinite(moved) & np.isfinite(cell) & (self._minute.data[slot, rows] == minute)
        if not counted.any():
            return
        day = minute * _MINUTE_MS // DAY_MS
        place = day % DAYS
        if self._day[place] != day:
            self._sums[place] = 0.0
            self._day[place] = day
        cells, moved = cell[counted].astype(np.int64), moved[counted]
        for row, values in enumerate((np.ones(moved.size), 0.5 + 0.5 * np.sign(moved), moved, np.abs(moved))):
            self._sums[place, row, :, i] += np.bincount(cells, weights=values, minlength=CELLS)
        self._until_ms[0] = max(self._until_ms[0], (minute + self._horizons_min[i]) * _MINUTE_MS)


def tabled(daily: Floats, horizons_min: Sequence[int], until_ms: int) -> FollowedTable:
    """The table of `daily` counts and sums (see `Followed.daily`)."""
    count, sums = daily[:, 0], daily[:, 1:]
    with np.errstate(all="ignore"):
        means = sums / count[:, None]
        of_all = sums.sum(axis=2) / count.sum(axis=1)[:, None]
    days = (count > 0).sum(axis=0)
    base = _mean(of_all)
    apart = means - of_all[:, :, None]
    known = np.where(days >= LEAST_DAYS, 1.0, np.nan)
    return FollowedTable(
        until_ms=until_ms,
        horizons_min=tuple(horizons_min),
        days=days,
        readings=count.sum(axis=0).astype(np.int64),
        plain=_mean(means) * known,
        shrunk=base[:, None] + _shrunk(_mean(apart), _error(apart), known),
        base=base,
    )


def cells_of(percentile: Floats, regime: Floats) -> Floats:
    """The cells of readings: by their scores' percentiles (0–100) and their regimes' places in `REGIMES`."""
    decile = np.floor(np.minimum(percentile * (DECILES / 100.0), DECILES - 1))
    cells: Floats = decile * len(REGIMES) + regime
    return cells


def _mean(daily: Floats) -> Floats:
    """Mean over the days there are [day, ...]."""
    there = np.isfinite(daily)
    out: Floats = np.full(daily.shape[1:], np.nan)
    np.divide(np.where(there, daily, 0.0).sum(axis=0), there.sum(axis=0), out=out, where=there.any(axis=0))
    return out


def _error(daily: Floats) -> Floats:
    """Squared standard error of that mean; `nan` of fewer than two days."""
    there = np.isfinite(daily)
    days = there.sum(axis=0)
    squares = np.where(there, (daily - _mean(daily)) ** 2, 0.0).sum(axis=0)
    out: Floats = np.full(days.shape, np.nan)
    np.divide(squares, days * (days - 1.0), out=out, where=days > 1)
    return out


def _shrunk(apart: Floats, error: Floats, known: Floats) -> Floats:
    """What is believed of differences [measure, cell, horizon], known with squared errors: τ²/(τ² + error) of each.

    τ² is how far cells differ in truth (DerSimonian & Laird, 1986), from the cells that have days enough.
    """
    error = error * known
    used = np.isfinite(error) & (error > 0)
    weight = np.divide(1.0, error, out=np.zeros(error.shape), where=used)
    total = weight.sum(axis=1)
    with np.errstate(all="ignore"):
        centre = (weight * np.where(used, apart, 0.0)).sum(axis=1) / total
        spread = (weight * np.where(used, apart - centre[:, None], 0.0) ** 2).sum(axis=1) - (used.sum(axis=1) - 1)
        between = np.maximum(0.0, spread / (total - (weight**2).sum(axis=1) / total))[:, None]
        believed: Floats = np.where(used, apart * between / (between + error), np.nan)
    return believed

"""Claims as they go: entered where a rule holds, at the next bar's open, and settled at their horizon.

An entry that a missing bar interrupts counts for nothing. Per symbol and cell the next entry is not before the last
one ended, so none overlap. A day is judged when its last entry has ended, so that all that is said during a day rests
on days before it.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.block import Memory, Rows
from virtuoso.analysis.forecast.claims.cells import CELLS, UP, ClaimCell, Odds
from virtuoso.analysis.forecast.claims.tally import MEASURES, Standing, Tally, day_sums
from virtuoso.market.panel import Floats, Ints
from virtuoso.model.timeframe import DAY_MS

_MINUTE_MS = 60_000
_SETTLING_MS = 300_000
"""How long late bars of a day's last entries are waited for."""


class Claims:
    """All open entries of all cells, and the tally of those that ended.

    Args:
        bar_ms: length of the base bar.
        cells: all that were ever tried.
    """

    def __init__(self, bar_ms: int = _MINUTE_MS, cells: tuple[ClaimCell, ...] = CELLS) -> None:
        self.cells = cells
        self.memory = Memory()
        self.tally = Tally(cells)
        self._bar_ms = bar_ms
        self._sides = np.array([1.0 if cell.side == UP else -1.0 for cell in cells])[:, None]
        self._spans = np.array([cell.horizon_min * _MINUTE_MS for cell in cells], dtype=np.float64)[:, None]
        self._last_ms = self.memory.vector(fill=0.0)
        self._began_ms, self._price, self._cost, self._claimed = (self.memory.table(len(cells)) for _ in range(4))
        self._pending: dict[int, Floats] = {}

    def standings(self) -> tuple[Standing, ...]:
        """How each cell stands by the days that are over."""
        return self.tally.standings()

    def step(
        self, rows: Rows, close_ms: int, open_: Floats, close: Floats, cost_bp: Floats, odds: Odds,
        funding_bp: Mapping[int, Floats] | None = None,
    ) -> None:  # fmt: skip
        """Take the base bars [n] that closed at `close_ms`, and what was forecast at that close.

        `cost_bp` [n] is what a round trip would cost, `nan` where unknown: nothing is claimed there. `funding_bp` is
        by horizon what a long pays and a short receives besides [n]. A close that was seen of a row already changes
        nothing.
        """
        self._settle_days(close_ms)
        last_ms = self._last_ms.get(rows)
        fresh = close_ms > last_ms
        followed = fresh & (close_ms - last_ms == self._bar_ms)
        began = np.where(followed | ~fresh, self._began_ms.read(rows), np.nan)
        entered = fresh & (began == close_ms - self._bar_ms)
        price = np.where(entered, open_, self._price.read(rows))
        due = fresh & (began + self._spans == close_ms)
        self._count(due, began, price, close, rows)
        began = np.where(due, np.nan, began)
        claimed, wanted = odds.of(self.cells), odds.holds(self.cells)
        if funding_bp is not None:
            cost_bp = cost_bp + self._sides * np.stack([funding_bp[cell.horizon_min] for cell in self.cells])
        opened = fresh & wanted & np.isnan(began) & np.isfinite(cost_bp)
        self._began_ms.write(rows, np.where(opened, float(close_ms), began))
        self._price.write(rows, np.where(opened, np.nan, price))
        self._cost.write(rows, np.where(opened, cost_bp, self._cost.read(rows)))
        self._claimed.write(rows, np.where(opened, claimed, self._claimed.read(rows)))
        self._last_ms.put(rows, np.where(fresh, float(close_ms), last_ms))

    def _count(self, due: NDArray[np.bool_], began: Floats, price: Floats, close: Floats, rows: Rows) -> None:
        """Add the entries that are `due` [cells, n] to the days on which they began."""
        if not due.any():
            return
        cells, columns = np.nonzero(due)
        with np.errstate(invalid="ignore", divide="ignore"):
            gross = self._sides[cells, 0] * 1e4 * np.log(close[columns] / price[cells, columns])
        ended = np.isfinite(gross)
        if not ended.all():
            cells, columns, gross = cells[ended], columns[ended], gross[ended]
        days = began[cells, columns] // DAY_MS
        cost, claimed = self._cost.read(rows)[cells, columns], self._claimed.read(rows)[cells, columns]
        for day in np.unique(days).astype(int).tolist():
            if day > self.tally.through_day:
                of = days == day
                sums = day_sums(due.shape, (cells[of], columns[of]), gross[of], cost[of], claimed[of])
                self._pending[day] = self._pending.get(day, np.zeros((len(self.cells), MEASURES))) + sums

    def _settle_days(self, close_ms: int) -> None:
        """Judge the days all of whose entries have ended."""
        over_by = close_ms - _SETTLING_MS - int(self._spans.max())
        for day in sorted(self._pending):
            if (day + 1) * DAY_MS <= over_by:
                self.tally.add(day, self._pending.pop(day))

    def state(self) -> dict[str, Floats]:
        """What a restart goes on from, as plain arrays: days over and begun, without the entries that are open."""
        days: Ints = np.array(sorted(self._pending), dtype=np.int64)
        pending = [self._pending[day] for day in days.tolist()]
        return self.tally.state() | {
            "pending_days": days.astype(np.float64),
            "pending": np.stack(pending) if pending else np.zeros((0, len(self.cells), MEASURES)),
        }

    def load(self, state: Mapping[str, Floats]) -> None:
        """Go on from `state`; raises `ValueError` when it counts more cells than there are."""
        self.tally.load(state)
        self._pending.clear()
        for day, sums in zip(state["pending_days"].tolist(), state["pending"], strict=True):
            whole = np.zeros((len(self.cells), MEASURES))
            whole[: sums.shape[0]] = sums
            self._pending[int(day)] = whole

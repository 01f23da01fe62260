"""Labels with hysteresis: entered at a threshold, left only past a margin and after a while."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.block import Memory, Rows
from virtuoso.market.panel import Floats

LabelCodes = NDArray[np.int8]
SELL, HOLD, BUY = -1, 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRule:
    """When a score becomes a label.

    BUY at `buy` or more, SELL at `sell` or less, in score points; either is left only past `exit_margin` points
    and after `hold_bars` base bars. Below `min_coverage`, or on stale or unavailable data, it is HOLD at once.
    """

    buy: float = 70.0
    sell: float = 30.0
    exit_margin: float = 5.0
    hold_bars: int = 3
    min_coverage: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.sell + self.exit_margin < self.buy - self.exit_margin <= 100:
            raise ValueError(f"label thresholds overlap: buy {self.buy}, sell {self.sell}, margin {self.exit_margin}")
        if self.hold_bars < 0 or not 0 <= self.min_coverage <= 1:
            raise ValueError("hold_bars must be ≥ 0 and min_coverage in [0, 1]")

    def decide(self, before: Floats, held: Floats, score: Floats, allowed: NDArray[np.bool_]) -> LabelCodes:
        """Labels [n] for `score` [n], of symbols with the label `before` [n] for `held` [n] base bars with this one."""
        entered = np.where(score >= self.buy, BUY, np.where(score <= self.sell, SELL, HOLD))
        inside = ((before == BUY) & (score >= self.buy - self.exit_margin)) | (
            (before == SELL) & (score <= self.sell + self.exit_margin)
        )
        kept = (before != HOLD) & (inside | (held < self.hold_bars))
        return np.where(allowed & np.isfinite(score), np.where(kept, before, entered), HOLD).astype(np.int8)

    def edges(self, before: Floats, held: Floats, label: LabelCodes) -> tuple[Floats, Floats]:
        """Scores [n] just below and just above which the label would be another; `nan` where none would do."""
        low = np.where(label == BUY, self.buy, np.where(label == HOLD, self.sell, np.nan))
        high = np.where(label == SELL, self.sell, np.where(label == HOLD, self.buy, np.nan))
        low = np.where((label == BUY) & (before == BUY), self.buy - self.exit_margin, low)
        high = np.where((label == SELL) & (before == SELL), self.sell + self.exit_margin, high)
        low = np.where((label == HOLD) & (before == SELL), self.sell + self.exit_margin, low)
        high = np.where((label == HOLD) & (before == BUY), self.buy - self.exit_margin, high)
        fixed = (before != HOLD) & (held < self.hold_bars)
        return np.where(fixed, np.nan, low), np.where(fixed, np.nan, high)


@dataclass(frozen=True, slots=True)
class Labelled:
    """Labels of one close [n], and what they followed from: the label before, base bars held, whether any may be."""

    label: LabelCodes
    before: Floats
    held: Floats
    allowed: NDArray[np.bool_]


class Labels:
    """The label of each row and the base bars since it was entered."""

    def __init__(self, rule: LabelRule) -> None:
        self.rule = rule
        self.memory = Memory()
        self._label = self.memory.vector(fill=HOLD)
        self._held = self.memory.vector(fill=0.0)
        self._decided_ms = self.memory.vector(fill=0.0)

    def step(self, rows: Rows, score: Floats, allowed: NDArray[np.bool_], close_ms: int) -> Labelled:
        """Labels [n] after the base bar that closed at `close_ms`, with `score` [n]; those not `allowed` fall to HOLD.

        A close decides once: where it was decided already, or taken over by `resume`, the label stays as it is.
        """
        before = self._label.get(rows).copy()
        due = self._decided_ms.get(rows) < close_ms
        held = self._held.get(rows) + due
        new = np.where(due, self.rule.decide(before, held, score, allowed), before).astype(np.int8)
        self._held.put(rows, np.where(new == before, held, 0.0))
        self._label.put(rows, new.astype(np.float64))
        self._decided_ms.put(rows, np.where(due, float(close_ms), self._decided_ms.get(rows)))
        return Labelled(new, before, held, allowed)

    def standing(self, rows: Rows) -> Floats:
        """Labels of `rows` and the base bars for which they are held [2, n]."""
        return np.stack([self._label.get(rows), self._held.get(rows)])

    def resume(self, row: int, label: float, held: float, close_ms: int) -> None:
        """Take over what `standing` said, as of the close `close_ms`."""
        at = slice(row, row + 1)
        self._label.put(at, np.array([label]))
        self._held.put(at, np.array([held]))
        self._decided_ms.put(at, np.array([float(close_ms)]))

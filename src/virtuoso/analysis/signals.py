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


class Labels:
    """The label of each row and the base bars since it was entered."""

    def __init__(self, rule: LabelRule) -> None:
        self.rule = rule
        self.memory = Memory()
        self._label = self.memory.vector(fill=HOLD)
        self._held = self.memory.vector(fill=0.0)

    def step(self, rows: Rows, score: Floats, allowed: NDArray[np.bool_]) -> LabelCodes:
        """Labels [n] after one more base bar with `score` [n]; those not `allowed` fall to HOLD."""
        rule = self.rule
        label = self._label.get(rows)
        held = self._held.get(rows) + 1.0
        entered = np.where(score >= rule.buy, BUY, np.where(score <= rule.sell, SELL, HOLD))
        inside = ((label == BUY) & (score >= rule.buy - rule.exit_margin)) | (
            (label == SELL) & (score <= rule.sell + rule.exit_margin)
        )
        kept = (label != HOLD) & (inside | (held < rule.hold_bars))
        new = np.where(allowed & np.isfinite(score), np.where(kept, label, entered), HOLD)
        self._held.put(rows, np.where(new == label, held, 0.0))
        self._label.put(rows, new)
        return new.astype(np.int8)

"""Labels with hysteresis: entered at a threshold, left only past a margin and after a while, unknown without evidence.

A label is *unknown* where there is no score, too little of the evidence that the symbol can have, or where a feed of
it is stale. What the label was is kept through an unknown gap of `bridge_bars` closes: until then nothing has begun or
ended, and the next label that is known goes on from there with its margin. After that the label has ended, and another
begins as any first one does. So the *bridged* label, of which signals are the changes, knows no flicker of a feed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.block import Memory, Rows
from virtuoso.market.panel import Floats
from virtuoso.model.signal import Label

LabelCodes = NDArray[np.int8]
SELL, HOLD, BUY, UNKNOWN = -1, 0, 1, 2
BRIDGE_BARS = 5
"""Base closes without a label through which the one before still stands."""
_BASE_MS = 60_000
_ROUNDING = 1e-9
_LABELS = {SELL: Label.SELL, HOLD: Label.HOLD, BUY: Label.BUY}


def label_of(code: int) -> Label | None:
    """Name the label of a code; `None` for unknown."""
    return _LABELS.get(code)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRule:
    """When a score becomes a label.

    BUY at `buy` or more, SELL at `sell` or less, in score points; either is left only past `exit_margin` points
    and after `hold_bars` base bars. Below the share `min_coverage` of the evidence that the symbol can have, or on
    stale or unavailable data, it is unknown at once.
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

    def covered(self, coverage: Floats, attainable: Floats) -> NDArray[np.bool_]:
        """Whether `coverage` [n] is enough for a symbol whose coverage can be `attainable` [n] at most."""
        enough: NDArray[np.bool_] = coverage >= self.min_coverage * attainable - _ROUNDING
        return enough

    def decide(self, before: Floats, held: Floats, score: Floats, allowed: NDArray[np.bool_]) -> LabelCodes:
        """Labels [n] for `score` [n], of symbols with the label `before` [n] for `held` [n] base bars with this one."""
        entered = np.where(score >= self.buy, BUY, np.where(score <= self.sell, SELL, HOLD))
        inside = ((before == BUY) & (score >= self.buy - self.exit_margin)) | (
            (before == SELL) & (score <= self.sell + self.exit_margin)
        )
        kept = sided(before) & (inside | (held < self.hold_bars))
        return np.where(allowed & np.isfinite(score), np.where(kept, before, entered), UNKNOWN).astype(np.int8)

    def edges(self, before: Floats, held: Floats, label: LabelCodes) -> tuple[Floats, Floats]:
        """Scores [n] just below and just above which the label would be another; `nan` where none would do."""
        low = np.where(label == BUY, self.buy, np.where(label == HOLD, self.sell, np.nan))
        high = np.where(label == SELL, self.sell, np.where(label == HOLD, self.buy, np.nan))
        low = np.where((label == BUY) & (before == BUY), self.buy - self.exit_margin, low)
        high = np.where((label == SELL) & (before == SELL), self.sell + self.exit_margin, high)
        low = np.where((label == HOLD) & (before == SELL), self.sell + self.exit_margin, low)
        high = np.where((label == HOLD) & (before == BUY), self.buy - self.exit_margin, high)
        fixed = sided(before) & (held < self.hold_bars)
        return np.where(fixed, np.nan, low), np.where(fixed, np.nan, high)


def sided(label: Floats | LabelCodes) -> NDArray[np.bool_]:
    """Where a label [n] takes a side: BUY or SELL."""
    taken: NDArray[np.bool_] = (label == BUY) | (label == SELL)
    return taken


@dataclass(frozen=True, slots=True)
class Labelled:
    """Labels of one close [n], and what they followed from: the label before, base bars held, whether any may be.

    `bridged` is the label with its short unknown gaps bridged: what a signal is a change of.
    """

    label: LabelCodes
    before: Floats
    held: Floats
    allowed: NDArray[np.bool_]
    bridged: LabelCodes


class Labels:
    """The bridged label of each row, the base bars since it was entered, and the close at which it was known last.

    Args:
        rule: when a score becomes a label.
        bar_ms: length of the base bar.
    """

    def __init__(self, rule: LabelRule, bar_ms: int = _BASE_MS) -> None:
        self.rule = rule
        self.memory = Memory()
        self._bridge_ms = BRIDGE_BARS * bar_ms
        self._label = self.memory.vector(fill=UNKNOWN)
        self._held = self.memory.vector(fill=0.0)
        self._decided_ms = self.memory.vector(fill=0.0)
        self._known_ms = self.memory.vector(fill=0.0)

    def step(self, rows: Rows, score: Floats, allowed: NDArray[np.bool_], close_ms: int) -> Labelled:
        """Labels [n] after the base bar that closed at `close_ms`, with `score` [n]; those not `allowed` are unknown.

        A close decides once: where it was decided already, or taken over by `resume`, the label stays as it is, and is
        shown where it may be.
        """
        due = self._decided_ms.get(rows) < close_ms
        known_ms = self._known_ms.get(rows)
        lapsed = due & (close_ms - known_ms > self._bridge_ms)
        before = np.where(lapsed, UNKNOWN, self._label.get(rows)).astype(np.float64)
        held = self._held.get(rows) + due
        usable = allowed & np.isfinite(score)
        settled = np.where(usable, before, UNKNOWN)
        new = np.where(due, self.rule.decide(before, held, score, allowed), settled).astype(np.int8)
        known = new != UNKNOWN
        bridged = np.where(known, new, before)
        self._held.put(rows, np.where(bridged == before, held, 0.0))
        self._label.put(rows, bridged)
        self._known_ms.put(rows, np.where(due & known, float(close_ms), known_ms))
        self._decided_ms.put(rows, np.where(due, float(close_ms), self._decided_ms.get(rows)))
        return Labelled(new, before, held, allowed, bridged.astype(np.int8))

    def checkpoint(self, rows: Rows) -> Floats:
        """Bridged labels of `rows`, the base bars for which they are held, the closes known last [3, n]."""
        return np.stack([self._label.get(rows), self._held.get(rows), self._known_ms.get(rows)])

    def resume(self, row: int, label: float, held: float, known_ms: float, close_ms: int) -> None:
        """Take over what `checkpoint` said, as of the close `close_ms`."""
        at = slice(row, row + 1)
        for vector, value in (
            (self._label, label), (self._held, held), (self._known_ms, known_ms), (self._decided_ms, float(close_ms)),
        ):  # fmt: skip
            vector.put(at, np.array([value]))

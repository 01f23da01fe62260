"""Bands of the score: entered at a threshold, left only past a margin and after a while, unknown without evidence.

A band says how stretched the pressure is, and nothing about what follows. It is *unknown* where there is no score, too
little of the evidence that the symbol can have, or where a feed of it is stale. What it was is kept through an unknown
gap of `BRIDGE_BARS` closes: until then nothing has begun or ended, and the next band that is known goes on from there
with its margin. After that it has ended, and another begins as any first one does. So the *bridged* band, whose changes
are told, knows no flicker of a feed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.block import Memory, Rows
from virtuoso.market.panel import Floats
from virtuoso.model.signal import Band

BandCodes = NDArray[np.int8]
DOWN, BALANCED, UP, UNKNOWN = -1, 0, 1, 2
BRIDGE_BARS = 5
"""Base closes without a band through which the one before still stands."""
_BASE_MS = 60_000
_ROUNDING = 1e-9
_BANDS = {DOWN: Band.DOWN, BALANCED: Band.BALANCED, UP: Band.UP}


def band_of(code: int) -> Band | None:
    """Name the band of a code; `None` for unknown."""
    return _BANDS.get(code)


@dataclass(frozen=True, slots=True, kw_only=True)
class BandRule:
    """Thresholds at which a score enters and leaves a band.

    UP at `up` or more, DOWN at `down` or less, in score points; either is left only past `exit_margin` points
    and after `hold_bars` base bars. Below the share `min_coverage` of the evidence that the symbol can have, or on
    stale or unavailable data, it is unknown at once.
    """

    up: float = 70.0
    down: float = 30.0
    exit_margin: float = 5.0
    hold_bars: int = 3
    min_coverage: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.down + self.exit_margin < self.up - self.exit_margin <= 100:
            raise ValueError(f"band thresholds overlap: up {self.up}, down {self.down}, margin {self.exit_margin}")
        if self.hold_bars < 0 or not 0 <= self.min_coverage <= 1:
            raise ValueError("hold_bars must be ≥ 0 and min_coverage in [0, 1]")

    def covered(self, coverage: Floats, attainable: Floats) -> NDArray[np.bool_]:
        """Whether `coverage` [n] is enough for a symbol whose coverage can be `attainable` [n] at most."""
        enough: NDArray[np.bool_] = coverage >= self.min_coverage * attainable - _ROUNDING
        return enough

    def decide(self, before: Floats, held: Floats, score: Floats, allowed: NDArray[np.bool_]) -> BandCodes:
        """Bands [n] for `score` [n], of symbols with the band `before` [n] for `held` [n] base bars with this one."""
        entered = np.where(score >= self.up, UP, np.where(score <= self.down, DOWN, BALANCED))
        inside = ((before == UP) & (score >= self.up - self.exit_margin)) | (
            (before == DOWN) & (score <= self.down + self.exit_margin)
        )
        kept = is_stretched(before) & (inside | (held < self.hold_bars))
        return np.where(allowed & np.isfinite(score), np.where(kept, before, entered), UNKNOWN).astype(np.int8)

    def edges(self, before: Floats, held: Floats, band: BandCodes) -> tuple[Floats, Floats]:
        """Scores [n] just below and just above which the band would be another; `nan` where none would do."""
        low = np.where(band == UP, self.up, np.where(band == BALANCED, self.down, np.nan))
        high = np.where(band == DOWN, self.down, np.where(band == BALANCED, self.up, np.nan))
        low = np.where((band == UP) & (before == UP), self.up - self.exit_margin, low)
        high = np.where((band == DOWN) & (before == DOWN), self.down + self.exit_margin, high)
        low = np.where((band == BALANCED) & (before == DOWN), self.down + self.exit_margin, low)
        high = np.where((band == BALANCED) & (before == UP), self.up - self.exit_margin, high)
        fixed = is_stretched(before) & (held < self.hold_bars)
        return np.where(fixed, np.nan, low), np.where(fixed, np.nan, high)


def is_stretched(band: Floats | BandCodes) -> NDArray[np.bool_]:
    """Where a band [n] is stretched: UP or DOWN."""
    taken: NDArray[np.bool_] = (band == UP) | (band == DOWN)
    return taken


@dataclass(frozen=True, slots=True)
class Banded:
    """Bands of one close [n], and what they followed from: the band before, base bars held, whether any may be.

    `bridged` is the band with its short unknown gaps bridged: what an incident is a change of.
    """

    band: BandCodes
    before: Floats
    held: Floats
    allowed: NDArray[np.bool_]
    bridged: BandCodes


class Bands:
    """The bridged band of each row, the base bars since it was entered, and the close at which it was known last.

    Args:
        rule: when a score becomes a band.
        bar_ms: length of the base bar.
    """

    def __init__(self, rule: BandRule, bar_ms: int = _BASE_MS) -> None:
        self.rule = rule
        self.memory = Memory()
        self._bridge_ms = BRIDGE_BARS * bar_ms
        self._band = self.memory.vector(fill=UNKNOWN)
        self._held = self.memory.vector(fill=0.0)
        self._decided_ms = self.memory.vector(fill=0.0)
        self._known_ms = self.memory.vector(fill=0.0)

    def step(
        self, rows: Rows, score: Floats, allowed: NDArray[np.bool_], close_ms: int,
        lasting: NDArray[np.bool_] | None = None,
    ) -> Banded:  # fmt: skip
        """Bands [n] after the base bar that closed at `close_ms`, with `score` [n]; those not `allowed` are unknown.

        A close decides once: where it was decided already, or taken over by `resume`, the band stays as it is, and is
        shown where it may be. Where it is not `lasting` [n], nothing of it is remembered.
        """
        due = self._decided_ms.get(rows) < close_ms
        known_ms = self._known_ms.get(rows)
        lapsed = due & (close_ms - known_ms > self._bridge_ms)
        before = np.where(lapsed, UNKNOWN, self._band.get(rows)).astype(np.float64)
        held = self._held.get(rows) + due
        usable = allowed & np.isfinite(score)
        settled = np.where(usable, before, UNKNOWN)
        new = np.where(due, self.rule.decide(before, held, score, allowed), settled).astype(np.int8)
        known = new != UNKNOWN
        bridged = np.where(known, new, before)
        decided_ms = np.where(due, float(close_ms), self._decided_ms.get(rows))
        for cell, values in (
            (self._held, np.where(bridged == before, held, 0.0)), (self._band, bridged),
            (self._known_ms, np.where(due & known, float(close_ms), known_ms)), (self._decided_ms, decided_ms),
        ):  # fmt: skip
            cell.put(rows, values if lasting is None else np.where(lasting, values, cell.get(rows)))
        return Banded(new, before, held, allowed, bridged.astype(np.int8))

    def checkpoint(self, rows: Rows) -> Floats:
        """Bridged bands of `rows`, the base bars for which they are held, the closes known last [3, n]."""
        return np.stack([self._band.get(rows), self._held.get(rows), self._known_ms.get(rows)])

    def resume(self, row: int, band: float, held: float, known_ms: float, close_ms: int) -> None:
        """Take over what `checkpoint` said, as of the close `close_ms`."""
        at = slice(row, row + 1)
        for vector, value in (
            (self._band, band), (self._held, held), (self._known_ms, known_ms), (self._decided_ms, float(close_ms)),
        ):  # fmt: skip
            vector.put(at, np.array([value]))

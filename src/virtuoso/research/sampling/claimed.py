"""Follows the claims that would have been made over a set, and the labels that follow from what they earned."""

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.forecast.claims.cells import CELLS, DOWN, LIKELY_ABOVE, UP, ClaimRule, Odds
from virtuoso.analysis.forecast.claims.claims import Claims
from virtuoso.analysis.forecast.claims.tally import Standing
from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.market.panel import BarBlock, Floats, Ints
from virtuoso.model.timeframe import Timeframe

LABEL_HORIZON_MIN = 60
"""The horizon of labels as configured by default."""
UNKNOWN = 2
_LABELLING = [CELLS.index(next(c for c in CELLS if (c.side, c.horizon_min, c.rule) == (
    side, LABEL_HORIZON_MIN, ClaimRule.LIKELY))) for side in (UP, DOWN)]  # fmt: skip


class ClaimsFollower:
    """Enters and settles every claim cell, close by close, and keeps the labels at sampled closes.

    A label takes a side where its probability beyond costs is above one half and its cell has earned it on days before;
    else it is HOLD (0), and unknown (2) without forecasts.

    Args:
        symbols: how many columns the blocks have.
        base: the timeframe of the bars.
        step_min: minutes between samples.
    """

    def __init__(self, symbols: int, base: Timeframe, step_min: int) -> None:
        self._claims = Claims(base.ms)
        self._claims.memory.reserve(symbols)
        self._rows = slice(0, symbols)
        self._step_ms = step_min * Timeframe.M1.ms
        self._labels: list[NDArray[np.int8]] = []
        self._closes: list[int] = []

    def add(self, block: BarBlock, forecasts: Forecasts) -> None:
        """Take forecasts of some closes of a block, with the block."""
        first = int(np.searchsorted(block.open_ms + block.timeframe.ms, forecasts.close_ms[0]))
        for k, close_ms in enumerate(forecasts.close_ms.tolist()):
            odds = Odds(
                up={h: p[k] for h, p in forecasts.beyond_up.items()},
                down={h: p[k] for h, p in forecasts.beyond_down.items()},
            )
            bar = first + k
            self._claims.step(self._rows, close_ms, block.open[bar], block.close[bar], forecasts.cost_bp[k], odds)
            if close_ms % self._step_ms == 0:
                self._closes.append(close_ms)
                self._labels.append(self._label(odds.up[LABEL_HORIZON_MIN], odds.down[LABEL_HORIZON_MIN]))

    def begin_anew(self, columns: Ints) -> None:
        """Drop the open entries of symbols whose contracts became other ones: their prices settle nothing."""
        self._claims.memory.reset(columns)

    def standings(self) -> tuple[Standing, ...]:
        """Return how each cell stands at the end."""
        return self._claims.standings()

    def labels(self, close_ms: Ints) -> NDArray[np.int8]:
        """Return the labels [t, n] at the closes `close_ms`, the last of which were given."""
        first = int(np.searchsorted(np.array(self._closes), close_ms[0]))
        return np.stack(self._labels[first : first + close_ms.size])

    def _label(self, up: Floats, down: Floats) -> NDArray[np.int8]:
        buy, sell = (self.standings()[place].pays for place in _LABELLING)
        label = np.where(buy & (up > LIKELY_ABOVE), 1, np.where(sell & (down > LIKELY_ABOVE), -1, 0))
        return np.where(np.isfinite(up + down), label, UNKNOWN).astype(np.int8)

"""The claim cells: what could be said of a side and a horizon, by rules stated before anything was counted.

A cell that was tried stays in `CELLS` for good, however it did: the evidence that one of them needs grows with their
number. A new one is added at the end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from virtuoso.market.panel import Floats

UP, DOWN = 1, -1
HORIZONS_MIN = (15, 60)
"""Horizons that claims are made for, minutes."""
LIKELY_ABOVE = 0.5
"""The probability beyond costs above which a side is likelier than not to pay."""
FAVOURED_BY = 0.02
"""How much likelier than the other a side is that counts as favoured."""


class ClaimRule(StrEnum):
    """The rules by which a side is claimed."""

    LIKELY = "likely"
    """It is likelier than not that the return goes beyond costs on this side."""
    FAVOURED = "favoured"
    """This side is likelier to go beyond costs than the other, by two points of a hundred or more."""


@dataclass(frozen=True, slots=True)
class ClaimCell:
    """One side at one horizon under one rule, pooled over symbols; `side` is `UP` or `DOWN`."""

    side: int
    horizon_min: int
    rule: ClaimRule


CELLS = tuple(ClaimCell(side, h, rule) for rule in ClaimRule for h in HORIZONS_MIN for side in (UP, DOWN))
"""Every cell that was ever tried."""


@dataclass(frozen=True, slots=True)
class Odds:
    """The probabilities [n] that the return over each horizon (minutes) goes beyond costs up and down."""

    up: Mapping[int, Floats]
    down: Mapping[int, Floats]

    def of(self, cells: Sequence[ClaimCell]) -> Floats:
        """The probability of each cell's side [cells, n]."""
        return np.array([(self.up if cell.side == UP else self.down)[cell.horizon_min] for cell in cells])

    def holds(self, cells: Sequence[ClaimCell]) -> NDArray[np.bool_]:
        """Where the rule of each cell holds [cells, n]; nowhere where a probability is unknown."""
        return np.array([self._holds(cell) for cell in cells])

    def _holds(self, cell: ClaimCell) -> NDArray[np.bool_]:
        here, there = self.up[cell.horizon_min], self.down[cell.horizon_min]
        if cell.side == DOWN:
            here, there = there, here
        return here > LIKELY_ABOVE if cell.rule is ClaimRule.LIKELY else here >= there + FAVOURED_BY

"""The claim cells: what could be said of a side and a horizon, by rules stated before anything was counted.

A cell that was tried stays in `CELLS` for good, however it did: the evidence that one of them needs grows with their
number. A new one is added at the end.
"""

from collections.abc import Mapping
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

    def of(self, cell: ClaimCell) -> Floats:
        """The probability of the cell's side [n]."""
        return (self.up if cell.side == UP else self.down)[cell.horizon_min]

    def holds(self, cell: ClaimCell) -> NDArray[np.bool_]:
        """Where the rule of `cell` holds [n]; nowhere where a probability is unknown."""
        here = self.of(cell)
        if cell.rule is ClaimRule.LIKELY:
            return here > LIKELY_ABOVE
        there = (self.down if cell.side == UP else self.up)[cell.horizon_min]
        return here >= there + FAVOURED_BY

"""What came of statements over one horizon, settled by the minutes that followed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.lived.statements import Statements
from virtuoso.market.panel import Floats
from virtuoso.model.catalogue.lived import KNOWN
from virtuoso.model.units import unit_jump

NEITHER, STOP, TARGET = 0.0, -1.0, 1.0
"""What the price touched first; a minute that reaches both counts as the stop."""
FIRST_UNTIL_MIN: Final = 240
"""Up to this horizon it is looked at whether the stop or the target was touched first."""
COLUMNS: Final = ("entry", "closed", "highest", "lowest", "first", "reason")


@dataclass(frozen=True, slots=True)
class Way:
    """The way of one price: its entry (quote units), and the log returns from it; `bars` [t, 4] where all are held."""

    entry: float
    closed: float
    highest: float
    lowest: float
    bars: Floats | None


Ways = Callable[[str, int, int, Way | None], Way | int | None]
"""Of a symbol, the way from an open time (epoch ms) over so many minutes, given that of its first minutes where known.

A code of `REASONS` where it never will be known, `None` where it may still be.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What came of one part of statements over one horizon; it is never changed.

    Attributes:
        close_ms, kind, part: which statements.
        horizon_min: minutes from the entry, the open of the minute after the close.
        values: [len(COLUMNS), n]: entry price, log returns of the last close, highest high and lowest low, what was
            touched first (`NEITHER`, `STOP`, `TARGET`), and the code of the reason; `nan` for unknown.
    """

    close_ms: int
    kind: str
    part: int
    horizon_min: int
    values: Floats

    def __getitem__(self, name: str) -> Floats:
        """Look up a column by its name [n]; raises `ValueError` where there is none."""
        found: Floats = self.values[COLUMNS.index(name)]
        return found

    def way(self, i: int) -> Way | None:
        """That of symbol `i`; `None` where it is not known."""
        entry, closed, highest, lowest = self.values[:4, i].tolist()
        return Way(entry, closed, highest, lowest, None) if self["reason"][i] == KNOWN else None


def came_of(said: Statements, horizon_min: int, found: list[Way | int]) -> Came:
    """What came, from the ways [n] or the codes of why they are not known."""
    values = np.full((len(COLUMNS), len(found)), np.nan)
    stop, target = said["stop"], said["target"]
    for i, way in enumerate(found):
        if not isinstance(way, Way):
            values[5, i] = way
            continue
        values[:, i] = way.entry, way.closed, way.highest, way.lowest, np.nan, KNOWN
        if way.bars is not None and horizon_min <= FIRST_UNTIL_MIN and np.isfinite(stop[i] + target[i]):
            price = float(said["price"][i])
            if unit_jump(price, way.entry):
                continue  # the contract was multiplied at this very close: its levels are in the old unit
            # Stop and target are prices: their distance is from the close that was spoken of, not from the entry.
            shift = np.log(way.entry / price)
            values[4, i] = _first(way.bars, way.entry, stop[i] - shift, target[i] - shift)
    return Came(close_ms=said.close_ms, kind=said.kind, part=said.part, horizon_min=horizon_min, values=rounded(values))


def rounded(values: Floats) -> Floats:
    """As they are kept: the price whole, all else in single precision, so that figures come out the same after it."""
    out = values.astype(np.float32).astype(np.float64)
    out[0] = values[0]
    return out


def _first(bars: Floats, entry: float, stop: float, target: float) -> float:
    """Which of two levels (log returns from the entry) the bars [t, 4] touched first."""
    highs, lows = np.log(bars[:, 1] / entry), np.log(bars[:, 2] / entry)
    stopped = lows <= stop if stop < target else highs >= stop
    reached = highs >= target if stop < target else lows <= target
    if not (stopped | reached).any():
        return NEITHER
    at = int(np.argmax(stopped | reached))
    return STOP if stopped[at] else TARGET


def inside(returns: Floats, quantiles: Floats) -> NDArray[np.int8]:
    """How many of the three bands [n] hold each return, given quantiles [6, n]: 3 all of them, 0 none, −1 unknown."""
    held = np.stack([(returns >= quantiles[i]) & (returns <= quantiles[-1 - i]) for i in range(len(quantiles) // 2)])
    known = np.isfinite(returns) & np.isfinite(quantiles).all(axis=0)
    return np.where(known, held.sum(axis=0), -1).astype(np.int8)

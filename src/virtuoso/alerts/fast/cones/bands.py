"""Holds the forecast of one symbol at the last close, as its detectors need it."""

from dataclasses import dataclass
from math import exp

TOUCH_MIN = 15
"""Minutes within which an edge may be touched."""
LARGE_MIN = 60
"""Minutes within which a large move is likely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """What was forecast at the last close. `None` = not known.

    Attributes:
        close_ms: the base close (epoch ms).
        price: at that close, quote units.
        low, high: log returns which the lowest low and the highest high of the next 15 minutes go beyond with a
            probability of 2.5 % each.
        large_move: P(|return of an hour| > `large_move_threshold`).
        large_move_base: the symbol's own rate of that.
        large_move_threshold: as a log return.
    """

    close_ms: int
    price: float
    low: float | None
    high: float | None
    large_move: float | None = None
    large_move_base: float | None = None
    large_move_threshold: float | None = None

    def edge(self, side: str, widths: float) -> float | None:
        """Return the price so many widths from the close on a side (`up`, `down`); `None` where it is not known."""
        width = self.high if side == "up" else self.low
        if width is None or (width <= 0.0 if side == "up" else width >= 0.0):
            return None
        return self.price * exp(widths * width)

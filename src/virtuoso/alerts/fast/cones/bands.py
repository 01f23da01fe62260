"""Holds the forecast of one symbol at the last close, as its detectors need it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp

import numpy as np

from virtuoso.alerts.foreseen import Floats, Foreseen

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


def bands_of(forecasts: Foreseen, symbols: Sequence[str], prices: Floats, at: int = -1) -> dict[str, Bands]:
    """By symbol, what the close `at` of these said.

    `symbols` and `prices` (of that close, quote units) are its columns [n]. Symbols without a price are left out.
    """
    close_ms = int(forecasts.close_ms[at])
    low, high = _column(forecasts.low, 0, at), _column(forecasts.high, -1, at)
    chance, base, threshold = (
        _chance(of, at) for of in (forecasts.large_move, forecasts.large_move_base, forecasts.large_move_threshold)
    )
    return {
        symbol: Bands(
            close_ms=close_ms, price=float(price), low=_known(low, i), high=_known(high, i),
            large_move=_known(chance, i), large_move_base=_known(base, i), large_move_threshold=_known(threshold, i),
        )
        for i, (symbol, price) in enumerate(zip(symbols, prices.tolist(), strict=True))
        if np.isfinite(price) and price > 0.0
    }  # fmt: skip


def _column(of: Mapping[int, Floats], tail: int, at: int) -> Floats | None:
    quantiles = of.get(TOUCH_MIN)
    return None if quantiles is None else quantiles[tail, at]


def _chance(of: Mapping[int, Floats], at: int) -> Floats | None:
    values = of.get(LARGE_MIN)
    return None if values is None else values[at]


def _known(of: Floats | None, i: int) -> float | None:
    return None if of is None or not np.isfinite(of[i]) else float(of[i])

"""The plot of a candle chart: which pixel belongs to a time and to a price, and where round ones are."""

import math
from typing import NamedTuple

_STEPS_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 7200, 14400, 43200)
_TIMES = 8
_PRICES = 8
_MINUTE_MS = 60_000


class Plot(NamedTuple):
    """Edges in pixels, and what stands at them: times (epoch ms) from the left, prices from the bottom."""

    left: float
    right: float
    top: float
    bottom: float
    first_ms: float
    last_ms: float
    low: float
    high: float

    def x(self, at_ms: float) -> float:
        """Map a time (epoch ms) to its pixel from the left."""
        return self.left + (at_ms - self.first_ms) / (self.last_ms - self.first_ms) * (self.right - self.left)

    def y(self, price: float) -> float:
        """Map a price (quote units) to its pixel from the top."""
        return self.bottom - (price - self.low) / (self.high - self.low) * (self.bottom - self.top)

    def round_prices(self) -> list[float]:
        """Prices of 1, 2, 2.5 or 5 times a power of ten apart, eight at most."""
        rough = (self.high - self.low) / _PRICES
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * one for one in (1, 2, 2.5, 5, 10) if power * one >= rough * (1 - 1e-9))
        return [n * step for n in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]

    def round_times(self) -> tuple[list[int], int]:
        """Epoch ms, eight or a few more, and how many minutes they are apart."""
        span = self.last_ms - self.first_ms
        step = next((one for one in _STEPS_MIN if span / _MINUTE_MS / one <= _TIMES), _STEPS_MIN[-1])
        step_ms = step * _MINUTE_MS
        at = [n * step_ms for n in range(math.ceil(self.first_ms / step_ms), math.floor(self.last_ms / step_ms) + 1)]
        return at[:: max(1, math.ceil(len(at) / (2 * _TIMES)))], step

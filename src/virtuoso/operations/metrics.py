"""Durations over the latest samples, and the lag of the event loop."""

import asyncio
from collections import deque

from virtuoso.model.documents import StageTimes

_SAMPLES = 500
_PERIOD_S = 0.25


class Durations:
    """The latest durations (ms) of one thing, bounded."""

    def __init__(self, samples: int = _SAMPLES) -> None:
        self._values: deque[float] = deque(maxlen=samples)

    def add(self, ms: float) -> None:
        """Add one duration in milliseconds; the oldest is dropped when there are too many."""
        self._values.append(ms)

    def times(self) -> StageTimes | None:
        """Percentiles (nearest rank); `None` while empty."""
        if not self._values:
            return None
        ordered = sorted(self._values)
        last = len(ordered) - 1
        return StageTimes(
            p50=round(ordered[round(0.50 * last)], 3),
            p95=round(ordered[round(0.95 * last)], 3),
            max=round(ordered[-1], 3),
            last=round(self._values[-1], 3),
        )


async def measure_loop_lag(durations: Durations) -> None:
    """Note how much later than asked the loop wakes, for ever."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _PERIOD_S
        await asyncio.sleep(_PERIOD_S)
        durations.add(max(0.0, (loop.time() - due) * 1000))

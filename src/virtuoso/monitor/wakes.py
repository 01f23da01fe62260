"""Nobody watches while the process is stopped or the machine asleep: found by how long a short sleep really took."""

import asyncio
from collections.abc import Callable

from virtuoso.model.clock import Clock

_PERIOD_S = 1.0
_FROZEN_S = 20.0
"""A sleep of a second that took so long was a freeze, not a busy loop."""


class Wakes:
    """Tells of gaps between two checks that are far longer than they were meant to be.

    Args:
        clock: it goes on while the process is stopped and the machine asleep (`awake_ns`).
        on_gap: called with the beginning and the end of a gap (epoch ms).
    """

    def __init__(self, clock: Clock, on_gap: Callable[[int, int], None]) -> None:
        self._clock = clock
        self._on_gap = on_gap
        self._seen_ns, self._wall_ns = clock.awake_ns(), clock.now_ns()

    def check(self) -> None:
        """Judge the time since the last check."""
        now_ns = self._clock.awake_ns()
        away_ns = now_ns - self._seen_ns
        if away_ns >= _FROZEN_S * 1e9:
            since_ms = self._wall_ns // 1_000_000
            self._on_gap(since_ms, since_ms + away_ns // 1_000_000)
        self._seen_ns, self._wall_ns = now_ns, self._clock.now_ns()

    async def run(self) -> None:
        """Check each second whether the machine slept, until cancelled."""
        while True:
            await asyncio.sleep(_PERIOD_S)
            self.check()

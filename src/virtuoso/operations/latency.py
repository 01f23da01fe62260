"""Counts how long each stage of the way from the exchange to a channel takes, in buckets that never grow."""

import time
from bisect import bisect_left
from typing import Final

from virtuoso.model.documents import LatencyHistogram

STAGES: Final = ("wire", "state", "refresh", "factors", "forecast", "publish", "alert")
"""In the order of the way: `MonitoringStatus.latency` says what each is."""
BOUNDS_S: Final = (
    1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0, 30.0,
)  # fmt: skip
"""From a frame taken quickly to a message that a channel took after all."""


class Histogram:
    """Counts durations by `BOUNDS_S`. One thread adds; any may read."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS_S) + 1)
        self._sum_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration; one below 0 is two clocks that disagree by more than it took, and the shortest."""
        self._counts[bisect_left(BOUNDS_S, seconds)] += 1
        self._sum_s += max(0.0, seconds)

    def document(self) -> LatencyHistogram | None:
        """What was counted; `None` before the first."""
        counts = tuple(self._counts)
        if not any(counts):
            return None
        return LatencyHistogram(bounds_s=BOUNDS_S, counts=counts, sum_s=round(self._sum_s, 6))


class Latencies:
    """One histogram for each of `STAGES`."""

    def __init__(self) -> None:
        self._of = {stage: Histogram() for stage in STAGES}

    def add(self, stage: str, seconds: float) -> None:
        """Count how long a stage took."""
        self._of[stage].add(seconds)

    def documents(self) -> dict[str, LatencyHistogram]:
        """What was counted of each stage that anything was counted of."""
        return {stage: found for stage, each in self._of.items() if (found := each.document()) is not None}


class Stopwatch:
    """Adds up how long the blocks take that it is around; they follow each other."""

    def __init__(self) -> None:
        self._began_s = self._sum_s = 0.0

    def __enter__(self) -> None:
        self._began_s = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._sum_s += time.perf_counter() - self._began_s

    def take(self) -> float:
        """Seconds since this was asked last."""
        seconds, self._sum_s = self._sum_s, 0.0
        return seconds

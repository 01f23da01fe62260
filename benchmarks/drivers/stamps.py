"""When a frame was put on the wire, written into the frame itself, and read again by whoever received it.

Processes of one machine share the monotonic clock, so the difference is a latency without a skew. An additional key is
what the production decoder passes over anyway.
"""

import math
import time
from array import array

KEY = b',"sent":'


def stamped(frame: bytes) -> bytes:
    """The JSON object with the time of now."""
    return b"%b%b%d}" % (frame[:-1], KEY, time.monotonic_ns())


def age_us(frame: bytes, now_ns: int) -> float | None:
    """Microseconds since the frame was stamped; `None` if it was not."""
    at = frame.rfind(KEY)
    return None if at < 0 else (now_ns - int(frame[at + len(KEY) : -1])) / 1e3


_SMALLEST, _GREATEST, _A_STEP = 1e-3, 1e8, 0.01


class Spread:
    """How values ≥ 0 are spread, to 1 %, in a memory that does not grow: it must not show in what is measured."""

    def __init__(self) -> None:
        self._counts = array("Q", bytes(8 * (2 + int(math.log(_GREATEST / _SMALLEST) / _A_STEP))))
        self._most = 0.0

    def add(self, value: float) -> None:
        """One more; those below 0.001 count as 0."""
        step = 0 if value < _SMALLEST else 1 + int(math.log(min(value, _GREATEST) / _SMALLEST) / _A_STEP)
        self._counts[step] += 1
        if value > self._most:
            self._most = value

    def clear(self) -> None:
        """Forget all."""
        self._counts = array("Q", bytes(8 * len(self._counts)))
        self._most = 0.0

    def summary(self) -> dict[str, float]:
        """Percentiles, the greatest, and how many."""
        shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
        return {name: self._at(share) for name, share in shares.items()} | {"max": self._most, "n": sum(self._counts)}

    def _at(self, share: float) -> float:
        wanted, seen = share * sum(self._counts), 0
        for step, count in enumerate(self._counts):
            seen += count
            if seen >= wanted:
                return 0.0 if step == 0 else _SMALLEST * math.exp((step - 0.5) * _A_STEP)
        return self._most


class Ages(Spread):
    """The ages of frames when they had been dealt with, in µs."""

    def take(self, frame: bytes) -> None:
        """The frame has been dealt with."""
        age = age_us(frame, time.monotonic_ns())
        if age is not None:
            self.add(age)

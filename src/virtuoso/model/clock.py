"""Time as a thing passed in, so that the pure rooms never ask for it."""

import time
from datetime import UTC, datetime
from functools import lru_cache
from math import floor
from typing import Protocol

_LEAST_MS, _MOST_MS = -62_135_596_800_000, 253_402_300_799_999


class Clock(Protocol):
    """Wall-clock and monotonic time, both in integer nanoseconds."""

    def now_ns(self) -> int:
        """UTC wall-clock time, ns since the Unix epoch."""
        ...

    def monotonic_ns(self) -> int:
        """A time that never steps back, ns since an arbitrary origin."""
        ...

    def awake_ns(self) -> int:
        """The same, but it also goes on while the machine sleeps."""
        ...


class SystemClock:
    """The machine's wall clock, read once; from then on it goes by the monotonic clock and cannot be stepped.

    Ages stay right and no minute is lost or doubled when someone sets the machine's clock. What it is off by is
    measured against the exchange.
    """

    def __init__(self) -> None:
        self._anchor_ns = time.time_ns() - time.monotonic_ns()

    def now_ns(self) -> int:
        """UTC wall-clock time as it was at the start, plus what has passed since, ns since the Unix epoch."""
        return time.monotonic_ns() + self._anchor_ns

    def monotonic_ns(self) -> int:
        """A time that never steps back, ns since an arbitrary origin."""
        return time.monotonic_ns()

    def awake_ns(self) -> int:
        """The same, but on Linux it also goes on while the machine sleeps."""
        return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class ManualClock:
    """A clock that stands still until it is moved: replays and tests."""

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns
        self._monotonic_ns = 0

    def now_ns(self) -> int:
        """The time it was set to, ns since the Unix epoch."""
        return self._now_ns

    def monotonic_ns(self) -> int:
        """Nanoseconds that the clock was advanced so far."""
        return self._monotonic_ns

    def awake_ns(self) -> int:
        """The same as `monotonic_ns`: this clock never sleeps."""
        return self._monotonic_ns

    def advance(self, ns: int) -> None:
        """Move both times forward by `ns` nanoseconds (≥ 0)."""
        if ns < 0:
            raise ValueError(f"a clock does not go back: {ns} ns")
        self._now_ns += ns
        self._monotonic_ns += ns

    def advance_to(self, now_ns: int) -> None:
        """Move forward to `now_ns`; a time already passed leaves the clock as it is."""
        self.advance(max(0, now_ns - self._now_ns))


def iso(ms: int | float | None) -> str | None:
    """Milliseconds since the epoch as ISO 8601 in UTC with `Z`, to the millisecond; `None` stays `None`.

    What is no time of the years 1 to 9999 is none.
    """
    if ms is None or not _LEAST_MS <= ms <= _MOST_MS:
        return None
    second, rest = divmod(ms if isinstance(ms, int) else floor(round(ms, 3)), 1000)
    return f"{_second(second)}.{rest:03d}Z"


@lru_cache(1024)
def _second(second: int) -> str:
    """A second since the epoch as ISO 8601; kept, as what one document says is mostly of the same few seconds."""
    return datetime.fromtimestamp(second, UTC).isoformat(timespec="seconds").removesuffix("+00:00")

"""Time as a thing passed in, so that the pure rooms never ask for it."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall-clock and monotonic time, both in integer nanoseconds."""

    def now_ns(self) -> int:
        """UTC wall-clock time, ns since the Unix epoch."""
        ...

    def monotonic_ns(self) -> int:
        """A time that never steps back, ns since an arbitrary origin."""
        ...


class SystemClock:
    """The machine's own clock."""

    # The functions themselves: `now_ns` is read for every frame, and a method around it would double its cost.
    now_ns = staticmethod(time.time_ns)
    monotonic_ns = staticmethod(time.monotonic_ns)


class ManualClock:
    """A clock that stands still until it is moved: replays and tests."""

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns
        self._monotonic_ns = 0

    def now_ns(self) -> int:
        """The time it was set to, ns since the Unix epoch."""
        return self._now_ns

    def monotonic_ns(self) -> int:
        """Nanoseconds advanced so far."""
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
    """Milliseconds since the epoch as ISO 8601 in UTC with `Z`, to the millisecond; `None` stays `None`."""
    if ms is None:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

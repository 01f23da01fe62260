"""The exchange's clock against ours: measured again and again, and not believed when it jumps or stands still."""

_AGREE_MS = 500.0


class ClockOffset:
    """Exchange clock less local clock (ms).

    A local clock that cannot be stepped makes a jump the exchange's: a new value is taken only when a second
    measurement agrees with it. Of a clock that stands still no two measurements agree.
    """

    def __init__(self) -> None:
        self.ms: float | None = None
        self.doubt: str | None = None
        """Why the last measurement was not believed; `None` when it was."""
        self._rejected_ms: float | None = None

    def offer(self, measured_ms: float, trip_ms: float = 0.0) -> None:
        """Take a measurement, or doubt it; one that travelled long may be off by half its trip."""
        if self.ms is not None and trip_ms > _AGREE_MS:
            return
        believed = (self.ms, self._rejected_ms)
        if self.ms is None or any(b is not None and abs(measured_ms - b) <= _AGREE_MS for b in believed):
            self.ms, self.doubt, self._rejected_ms = measured_ms, None, None
            return
        self.doubt = f"the exchange's clock moved by {(measured_ms - self.ms) / 1000:+.1f} s against ours"
        self._rejected_ms = measured_ms

"""The exchange's clock against ours: measured again and again, and not believed when it jumps or stands still."""

_AGREE_MS = 500.0
_JUMP_MS = 60_000.0
"""A larger jump is believed only when the streams' own times tell it too."""
_LASTS_S, _LASTS_ALONE_S = 60.0, 300.0
"""How long a large jump must last before it is believed, and how long where no stream can confirm it."""


class ClockOffset:
    """Exchange clock less local clock (ms).

    A local clock that cannot be stepped makes a jump the exchange's: a new value is taken only when a second
    measurement agrees with it, and one of more than a minute only when the times of streamed frames do, for a minute.
    Of a clock that stands still no two measurements agree.
    """

    def __init__(self) -> None:
        self.ms: float | None = None
        self.doubt: str | None = None
        """Why the last measurement was not believed; `None` when it was."""
        self._rejected_ms: float | None = None
        self._since_s = 0.0

    def offer(
        self, measured_ms: float, trip_ms: float = 0.0, *, at_s: float = 0.0, streams_ms: float | None = None
    ) -> None:
        """Take a measurement, or doubt it; one that travelled long may be off by half its trip.

        Such a one is never believed, but contradicts by what is beyond that: then it is to be measured again soon.
        `at_s` is monotonic time; `streams_ms` is the same offset as the latest frames tell it, if any came.
        """
        if self.ms is None or abs(measured_ms - self.ms) <= _AGREE_MS:
            self.believe(measured_ms)
            return
        moved_ms = measured_ms - self.ms
        if trip_ms > _AGREE_MS:
            if abs(moved_ms) > _AGREE_MS + trip_ms / 2:
                self._contradicted(moved_ms)
            return
        if self._rejected_ms is None or abs(measured_ms - self._rejected_ms) > _AGREE_MS:
            self._since_s = at_s
        elif abs(moved_ms) <= _JUMP_MS or self._is_proved(measured_ms, at_s, streams_ms):
            self.believe(measured_ms)
            return
        self._rejected_ms = measured_ms
        self._contradicted(moved_ms)
        if abs(moved_ms) > _JUMP_MS and streams_ms is not None and abs(streams_ms - measured_ms) > _JUMP_MS:
            self.doubt = f"{self.doubt}; by its streams it is {(streams_ms - self.ms) / 1000:+.1f} s"

    def believe(self, ms: float) -> None:
        """Take a value that is known to be right."""
        self.ms, self.doubt, self._rejected_ms = ms, None, None

    def _contradicted(self, moved_ms: float) -> None:
        self.doubt = f"the exchange's clock moved by {moved_ms / 1000:+.1f} s against ours"

    def _is_proved(self, measured_ms: float, at_s: float, streams_ms: float | None) -> bool:
        lasted_s = at_s - self._since_s
        if streams_ms is None:
            return lasted_s >= _LASTS_ALONE_S
        return lasted_s >= _LASTS_S and abs(streams_ms - measured_ms) <= _JUMP_MS

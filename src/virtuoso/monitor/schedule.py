"""A fixed-rate schedule: due times lie on a grid, so lateness never adds up."""


class FixedRate:
    """Ticks every `interval_s` from `begin` on (monotonic seconds). A tick that could not begin in time is skipped."""

    def __init__(self, interval_s: float) -> None:
        self.interval_s = interval_s
        self.overruns = 0
        self._start_s = 0.0
        self._number = 0

    def begin(self, start_s: float) -> None:
        """Let the first tick be due at `start_s`."""
        self._start_s = start_s
        self._number = 0

    def change(self, interval_s: float, now_s: float) -> None:
        """Tick at another interval: the next tick is due when it was, or after one new interval at the latest."""
        next_s = min(self.due_s, now_s + interval_s)
        self.interval_s = interval_s
        self.begin(next_s)

    @property
    def due_s(self) -> float:
        """When the next tick is due, in seconds of the clock."""
        return self._start_s + self._number * self.interval_s

    def take(self, now_s: float) -> float:
        """Take the due tick at `now_s`; returns how late it is (s). Ticks wholly missed are counted, not made up."""
        late_s = now_s - self.due_s
        missed = max(0, int(late_s // self.interval_s))
        self.overruns += missed
        late_s -= missed * self.interval_s
        self._number += missed + 1
        return late_s

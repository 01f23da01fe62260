"""Health is a completed cycle, and nothing else."""

from dataclasses import dataclass, field

from virtuoso.model.clock import Clock
from virtuoso.model.documents import Health

_LATE = 3.0


@dataclass(slots=True)
class HealthBoard:
    """Written by the cycle, read by the web. `mode` is embedded (one process) or standalone."""

    clock: Clock
    interval_s: float
    mode: str
    started_ns: int = field(init=False)
    last_success_ns: int | None = None
    last_error: str | None = None

    def __post_init__(self) -> None:
        self.started_ns = self.clock.monotonic_ns()

    def succeeded(self) -> None:
        """A cycle was completed."""
        self.last_success_ns = self.clock.monotonic_ns()
        self.last_error = None

    def failed(self, error: str) -> None:
        """A cycle was not."""
        self.last_error = error

    @property
    def healthy(self) -> bool:
        """Whether a cycle succeeded within three intervals."""
        age_s = self._age_s()
        return age_s is not None and age_s <= _LATE * self.interval_s

    def document(self) -> Health:
        """The answer of `/health`."""
        age_s = self._age_s()
        reasons = []
        if age_s is None:
            waited_s = (self.clock.monotonic_ns() - self.started_ns) / 1e9
            reasons.append(f"no cycle has been completed in the {waited_s:.0f} s since the start")
        elif not self.healthy:
            reasons.append(f"the last successful cycle is {age_s:.0f} s old; one is due every {self.interval_s:g} s")
        if self.last_error is not None:
            reasons.append(f"the last cycle failed: {self.last_error}")
        status = "healthy" if self.healthy else "starting" if age_s is None else "unhealthy"
        return Health(
            status=status,
            service="web_server",
            mode=self.mode,
            reasons=tuple(reasons),
            last_cycle_age_s=None if age_s is None else round(age_s, 3),
            interval_s=self.interval_s,
        )

    def _age_s(self) -> float | None:
        return None if self.last_success_ns is None else (self.clock.monotonic_ns() - self.last_success_ns) / 1e9

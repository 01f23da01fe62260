"""Exchange time: it starts where it is told, may run faster than the wall, stand still and be set."""

from math import inf

from virtuoso.model.clock import Clock


class ExchangeClock:
    """Exchange time = start + elapsed · speed, in epoch ms."""

    def __init__(self, clock: Clock, start_ms: int, speed: float) -> None:
        self._clock = clock
        self._start_ms = start_ms
        self._speed = speed
        self._origin_ns = clock.monotonic_ns()

    def now_ms(self) -> int:
        """Return the exchange time now, in epoch milliseconds."""
        return self._start_ms + int((self._clock.monotonic_ns() - self._origin_ns) / 1e6 * self._speed)

    @property
    def speed(self) -> float:
        """Exchange seconds per second; 0 while it stands still."""
        return self._speed

    def set_to(self, now_ms: int, speed: float) -> None:
        """Be at an exchange time, and go on from it at a speed; 0 stands still."""
        self._start_ms, self._speed, self._origin_ns = now_ms, speed, self._clock.monotonic_ns()

    def seconds_until(self, exchange_ms: int) -> float:
        """Wall seconds until an exchange time; below 0 when it is past, endless while it stands still."""
        if self._speed == 0:
            return inf
        return (exchange_ms - self.now_ms()) / 1000 / self._speed

    def monotonic_s(self) -> float:
        """Wall time that passes, for limits and faults, which do not run faster."""
        return self._clock.monotonic_ns() / 1e9

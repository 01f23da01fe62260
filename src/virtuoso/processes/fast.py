"""A time that passes faster than the machine's: all processes of a program can go by it."""

import asyncio
import selectors
import sys
from collections.abc import Coroutine
from typing import Any

from virtuoso.model.clock import Clock, SystemClock
from virtuoso.processes.runtime import Runtime

OPTION = "--speed="
"""Begins the argument of a process that goes by such a time: `--speed=SPEED@WALL_NS@MONOTONIC_NS`, when it began."""


class FastClock:
    """Implements `model.clock.Clock`: since `wall_ns` (epoch) and `monotonic_ns` it passes `speed` times as fast."""

    def __init__(self, clock: Clock, speed: float, wall_ns: int, monotonic_ns: int) -> None:
        self._clock, self._speed, self._wall_ns, self._began_ns = clock, speed, wall_ns, monotonic_ns

    def now_ns(self) -> int:
        """UTC wall-clock time as it would be, ns since the Unix epoch."""
        return self._wall_ns + self._passed_ns()

    def monotonic_ns(self) -> int:
        """A time that never steps back, ns."""
        return self._began_ns + self._passed_ns()

    def awake_ns(self) -> int:
        """The same: it stands still while the machine sleeps."""
        return self.monotonic_ns()

    def _passed_ns(self) -> int:
        return int((self._clock.monotonic_ns() - self._began_ns) * self._speed)


class _FastSelector(selectors.DefaultSelector):
    """Waits for as much less as time passes faster."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout if timeout is None or timeout <= 0 else timeout / self._speed)


class _FastLoop(asyncio.SelectorEventLoop):
    """An event loop that goes by the fast time, and with it everything that waits on it."""

    def __init__(self, clock: FastClock, speed: float) -> None:
        self._fast = clock
        super().__init__(_FastSelector(speed))

    def time(self) -> float:
        return self._fast.monotonic_ns() / 1e9


def faster(speed: float) -> Runtime:
    """The runtime of a program whose time passes `speed` (> 0) times as fast as the machine's, beginning now."""
    clock = SystemClock()
    return _runtime(speed, clock.now_ns(), clock.monotonic_ns())


def told(option: str) -> Runtime:
    """The runtime that a process was told of by `OPTION`."""
    speed, wall_ns, monotonic_ns = option.removeprefix(OPTION).split("@")
    return _runtime(float(speed), int(wall_ns), int(monotonic_ns))


def _runtime(speed: float, wall_ns: int, monotonic_ns: int) -> Runtime:
    clock = FastClock(SystemClock(), speed, wall_ns, monotonic_ns)

    def run(work: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=lambda: _FastLoop(clock, speed)) as runner:
            runner.run(work)

    option = f"{OPTION}{speed!r}@{wall_ns}@{monotonic_ns}"
    return Runtime(clock=lambda: clock, run=run, python=(sys.executable, "-m", "virtuoso.processes", option))

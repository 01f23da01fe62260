"""How time passes for the processes of a test: on the wall's clock, or moved by the test."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.support.scaled import SharedLoop, SharedTime, python_of
from tests.support.stopping import stop

SPEED = 10.0
"""Of a time that a test moves, at most: a minute takes six seconds, and more on a busy machine."""
STORES_SPEED = 5.0
"""The same beside servers of stores, which go by the wall's clock: a time-out must stay long enough for them."""

_TICK_S = 0.002
_STEP_S = 0.25
_AHEAD_NS = 400_000_000
"""The time waits for a process that is this much behind: a busy machine makes a test longer, and nothing late."""
_LOST_S = 0.5
_SELDOMER, _MOST_STEP_S = 0.05, 1.0
"""What is waited for longer is looked for less often: by this share of the wait, at most so many seconds."""
_START_S = 60.0


class Pace:
    """The machine's own time."""

    python: tuple[str, ...] = (sys.executable, "-m")
    """The command line of one of its processes, up to the module."""

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        time.sleep(seconds)

    def now_s(self) -> float:
        """The time now, in seconds since the epoch."""
        return time.time()

    def begun(self, process: "subprocess.Popen[Any]") -> None:
        """Wait until a process that was started goes by this time, which does not pass meanwhile."""

    def loop(self) -> asyncio.AbstractEventLoop:
        """A loop of this process that goes by this time, which waits for it as for the processes."""
        return asyncio.new_event_loop()

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Time passes by itself within the block, as where a process is started and stopped."""
        yield

    @contextmanager
    def stopped(self, process: "subprocess.Popen[Any]") -> Iterator[None]:
        """The process stands still within the block, and the time does not wait for it."""
        stop(process.pid)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    @contextmanager
    def slowed(self, most: float = 1.0) -> Iterator[None]:
        """Within the block time passes at most so many times as fast as the wall's: for what goes by that one."""
        yield

    def until(self, what: str, holds: Callable[[], object], seconds: float) -> float:
        """Wait until `holds()` is true; returns how many seconds that took."""
        began = self._passed_s()
        while not holds():
            passed_s = self._passed_s() - began
            assert passed_s < seconds, f"not within {seconds} s: {what}"
            self.sleep(min(max(self._step_s, passed_s * _SELDOMER), _MOST_STEP_S, seconds - passed_s + self._step_s))
        return self._passed_s() - began

    _step_s = 0.1

    def _passed_s(self) -> float:
        return time.monotonic()


class ScaledPace(Pace):
    """A time of their own, up to `speed` times as fast, that passes only while the test waits for something."""

    _step_s = _STEP_S

    def __init__(self, folder: Path, speed: float) -> None:
        self._shared = SharedTime.begin(folder / "time")
        self._speed = speed
        self.python = python_of(self._shared.path)

    def now_s(self) -> float:
        return (self._shared.origin_ns + self._shared.passed_ns) / 1e9

    def sleep(self, seconds: float) -> None:
        end_ns = self._shared.passed_ns + int(seconds * 1e9)
        self._flow(lambda: self._shared.passed_ns >= end_ns, end_ns)

    def begun(self, process: "subprocess.Popen[Any]") -> None:
        give_up = time.monotonic() + _START_S
        while process.poll() is None and not self._shared.has(process.pid):
            assert time.monotonic() < give_up, "the process does not begin"
            time.sleep(_TICK_S)

    def loop(self) -> asyncio.AbstractEventLoop:
        return SharedLoop(SharedTime(self._shared.path))

    @contextmanager
    def flowing(self) -> Iterator[None]:
        over = threading.Event()
        flow = threading.Thread(target=self._flow, args=(over.is_set,), daemon=True)
        flow.start()
        try:
            yield
        finally:
            over.set()
            flow.join()

    @contextmanager
    def stopped(self, process: "subprocess.Popen[Any]") -> Iterator[None]:
        with super().stopped(process):
            self._shared.heed(process.pid, yes=False)
            try:
                yield
            finally:
                self._shared.heed(process.pid, yes=True)

    @contextmanager
    def slowed(self, most: float = 1.0) -> Iterator[None]:
        speed = self._speed
        self._speed = min(speed, most)
        try:
            yield
        finally:
            self._speed = speed

    def _passed_s(self) -> float:
        return self._shared.passed_ns / 1e9

    def _flow(self, over: Callable[[], bool], end_ns: int = 1 << 62) -> None:
        last = moved = time.monotonic()
        while not over():
            time.sleep(_TICK_S)
            now = time.monotonic()
            wanted_ns = self._shared.passed_ns + int(min(now - last, 10 * _TICK_S) * self._speed * 1e9)
            slowest_ns = self._shared.slowest_ns()
            most_ns = end_ns if slowest_ns is None else min(end_ns, slowest_ns + _AHEAD_NS)
            if wanted_ns <= most_ns or self._shared.passed_ns < most_ns:
                self._shared.passed_ns, moved = min(wanted_ns, most_ns), now
            elif now - moved > _LOST_S:
                self._shared.forget_the_dead()
                moved = now
            last = now


REAL = Pace()


@contextmanager
def paced(speed: float | None) -> Iterator[Pace]:
    """The machine's time, or one of its own that passes up to `speed` times as fast."""
    if speed is None:
        yield REAL
        return
    with TemporaryDirectory(prefix="time-") as folder:
        yield ScaledPace(Path(folder), speed)

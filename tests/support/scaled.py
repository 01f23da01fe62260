"""Runs a process of the program in the time of a test: `scaled.py TIME_FILE MODULE ARGUMENT …`.

The test moves that time (`Pace`): much faster than the wall clock's as long as the processes keep up, and not at all
while the test asks and asserts. Everything a process does goes by it: what it reads (the clock), and what it waits for
(the event loop: intervals, time-outs of answers, the lease, ages of documents). Whatever waits elsewhere stays real:
threads (the flush of a recording), SQLite, and what servers do by themselves, such as the expiry of keys in Redis. So
do durations of work (`perf_counter`). The processes it starts in turn go by the same time.
"""

import asyncio
import fcntl
import mmap
import os
import selectors
import sys
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from virtuoso.model.clock import SystemClock
from virtuoso.processes.loading import load
from virtuoso.processes.runtime import Runtime

_SLOTS = 16
_BEAT_S, _IDLE_BEAT_S = 0.005, 0.05
"""Real seconds after which a loop without work says again how far it is: while time passes, and while it does not."""
_IDLE_BEATS = 200
_WORK_S = 2.0
"""Real seconds for which the time waits for the work of a thread, without what it waits for a processor."""
_LONG_S, _LOOK_S, _NEVER = 0.5, 0.05, 1e300
"""Real seconds after which it is looked at how long that is, and how often."""


class SharedTime:
    """The time of a test, in a file that its processes map: the time, then who takes part and what time each has seen.

    A process takes part as soon as it has a loop; the time then waits for it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("r+b") as file:
            self.cells = memoryview(mmap.mmap(file.fileno(), 8 * (2 + 2 * _SLOTS))).cast("q")
        """The first is what has passed, ns: a loop reads it at every turn."""
        self._mine = 0

    @classmethod
    def begin(cls, path: Path) -> "SharedTime":
        """A new one, which begins now."""
        path.write_bytes(bytes(8 * (2 + 2 * _SLOTS)))
        shared = cls(path)
        shared.cells[1] = time.time_ns()
        return shared

    @property
    def passed_ns(self) -> int:
        """Since it began."""
        return self.cells[0]

    @passed_ns.setter
    def passed_ns(self, ns: int) -> None:
        self.cells[0] = ns

    @property
    def origin_ns(self) -> int:
        """When it began, ns since the epoch."""
        return self.cells[1]

    def join(self) -> None:
        """This process takes part."""
        with self.path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._mine = next(at for at in range(2, 2 + 2 * _SLOTS, 2) if not self.cells[at])
            self.cells[self._mine + 1] = self.cells[0]
            self.cells[self._mine] = os.getpid()

    def has(self, process: int) -> bool:
        """Whether a process takes part."""
        return any(self.cells[at] == process for at in self._taken())

    def leave(self) -> None:
        """It does not any more."""
        self.cells[self._mine] = 0

    def see(self) -> None:
        """All that was due until now is begun."""
        self.cells[self._mine + 1] = self.cells[0]

    def slowest_ns(self) -> int | None:
        """What the slowest of those who take part has seen; `None` = nobody does."""
        return min((self.cells[at + 1] for at in self._taken()), default=None)

    def heed(self, process: int, *, yes: bool) -> None:
        """Let the time wait for a process that takes part, or not while that is stopped."""
        for at in range(2, 2 + 2 * _SLOTS, 2):
            if abs(self.cells[at]) == process:
                self.cells[at + 1] = self.cells[0]
                self.cells[at] = process if yes else -process

    def forget_the_dead(self) -> None:
        """Those that were killed take part no more."""
        for at in self._taken():
            state = "Z"
            with suppress(OSError):
                state = Path(f"/proc/{self.cells[at]}/stat").read_text().rpartition(")")[2].split()[0]
            if state in "ZX":
                self.cells[at] = 0

    def _taken(self) -> list[int]:
        return [at for at in range(2, 2 + 2 * _SLOTS, 2) if self.cells[at] > 0]


class SharedClock:
    """The shared time, and whatever the machine's wall clock would be thought to be off by."""

    def __init__(self, shared: SharedTime) -> None:
        self._shared, self._system = shared, SystemClock()
        self._anchor_ns = time.time_ns() - time.monotonic_ns()

    def now_ns(self) -> int:
        off_ns = self._system.now_ns() - self._system.monotonic_ns() - self._anchor_ns
        return self._shared.origin_ns + self._shared.passed_ns + off_ns

    def monotonic_ns(self) -> int:
        return self._shared.passed_ns

    def awake_ns(self) -> int:
        return self._shared.passed_ns


class _Selector(selectors.DefaultSelector):
    """Waits for sockets in real time, and never long: meanwhile the shared time may pass.

    `works` says whether threads work for the loop: the time waits for them as for the loop itself.
    """

    def __init__(self, shared: SharedTime, works: Callable[[], bool]) -> None:
        super().__init__()
        self._shared = shared
        self._works = works
        self._passed_ns = self._same = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if not self._works():
            self._shared.see()
        passed_ns = self._shared.passed_ns
        self._same = self._same + 1 if passed_ns == self._passed_ns else 0
        self._passed_ns = passed_ns
        beat_s = _BEAT_S if self._same < _IDLE_BEATS else _IDLE_BEAT_S
        return super().select(beat_s if timeout is None else min(timeout, beat_s))


class _Threads:
    """Knows whether threads work: what they compute, or ask of a disk, may take no time.

    One that works for longer waits for something: the time goes on without it. What threads wait for a processor does
    not count, so that a busy machine makes a test longer and nothing late.
    """

    def __init__(self) -> None:
        self._begun: dict[int, float] = {}
        self._watched_s: float | None = None
        self._delayed_s = self._spared_s = 0.0

    def watch(self) -> None:
        """From now on know of what any pool of threads is given."""
        submit = ThreadPoolExecutor.submit

        def watched(pool: ThreadPoolExecutor, /, *work: Any, **options: Any) -> "Future[Any]":
            future = submit(pool, *work, **options)
            self._begun[id(future)] = time.monotonic() - self._spared_s
            future.add_done_callback(lambda done: self._begun.pop(id(done), None))
            return future

        ThreadPoolExecutor.submit = watched  # type: ignore[method-assign, assignment]

    def work(self) -> bool:
        """Say whether any thread works, and not for too long."""
        if not self._begun:
            return False
        if time.monotonic() - self._spared_s - min(self._begun.values(), default=_NEVER) > _LONG_S:
            self._spare()
        else:
            self._watched_s = None
        now = time.monotonic() - self._spared_s
        return any(now - begun < _WORK_S for begun in list(self._begun.values()))

    def _spare(self) -> None:
        """Leave out what the threads have waited for a processor since the last look."""
        now, delayed_s = time.monotonic(), self._delayed_s
        if self._watched_s is None or now - self._watched_s >= _LOOK_S:
            self._delayed_s = _waited_for_a_processor_s()
            if self._watched_s is not None:
                self._spared_s += min(max(0.0, self._delayed_s - delayed_s), now - self._watched_s)
            self._watched_s = now


def _waited_for_a_processor_s() -> float:
    """What the threads of this process but its first have waited so, in all; Linux tells it of each, in ns."""
    found = 0
    for thread in Path("/proc/self/task").iterdir():
        if thread.name == str(os.getpid()):
            continue
        with suppress(OSError):  # that thread has just ended
            found += int((thread / "schedstat").read_text().split()[1])
    return found / 1e9


_threads = _Threads()


class SharedLoop(asyncio.SelectorEventLoop):
    """An event loop that goes by the shared time, and with it everything that waits on it."""

    def __init__(self, shared: SharedTime) -> None:
        self._shared, self._passed = shared, shared.cells
        super().__init__(_Selector(shared, _threads.work))
        shared.join()

    def time(self) -> float:
        return self._passed[0] / 1e9

    def close(self) -> None:
        self._shared.leave()
        super().close()


def python_of(path: Path) -> tuple[str, ...]:
    """The command line of a process that goes by the time in a file, up to its module."""
    return (sys.executable, "-P", __file__, str(path))


def main() -> None:
    shared, module = SharedTime(Path(sys.argv[1])), sys.argv[2]
    sys.argv = sys.argv[2:]

    def run(work: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=lambda: SharedLoop(shared)) as runner:
            runner.run(work)

    runtime = Runtime(clock=lambda: SharedClock(shared), run=run, python=python_of(shared.path))
    _threads.watch()
    load(module).main(runtime)


if __name__ == "__main__":
    main()

"""An event loop whose time passes only while nobody has anything to do: minutes of waiting cost milliseconds.

Sockets are real. Whenever no callback is ready and no socket has anything to read, the loop's time jumps to the next
timer. A machine that is busy makes such a world slower, never later: nothing in it can be missed by load.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

EPOCH_MS = 1_790_000_000_000
"""When virtual time begins: 2026-09-21T13:46:40Z."""


class _Jumping:
    """A selector that moves the loop's time on instead of waiting."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop
        self._inner = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> Any:
        ready = self._inner.select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            return self._inner.select(0.05)
        if self._loop.is_hurried() and (ready := self._inner.select(0.001)):
            return ready
        self._loop.at_s += timeout
        return []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Work for executors is done at once, on the loop: its time stands still meanwhile.

    It is at most `most` times as fast as real time: what was sent over loopback a moment ago may still be on its way.
    """

    def __init__(self, most: float = 100.0) -> None:
        self.at_s = 0.0
        self._most = most
        self._began_s = time.monotonic()
        super().__init__(_Jumping(self))

    def time(self) -> float:
        return self.at_s

    def is_hurried(self) -> bool:
        """Whether virtual time is ahead of what it may be."""
        return self.at_s > self._most * (time.monotonic() - self._began_s)

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Any], *args: Any) -> Any:
        return self.create_task(_at_once(func, *args))


async def _at_once(func: Callable[..., Any], *args: Any) -> Any:
    return func(*args)


class VirtualClock:
    """Implements `model.clock.Clock` by the time of a virtual loop; `skew_ms` is what the wall clock is off by."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.skew_ms = 0

    def now_ns(self) -> int:
        return (EPOCH_MS + self.skew_ms) * 1_000_000 + int(self._loop.at_s * 1e9)

    def monotonic_ns(self) -> int:
        return 10**12 + int(self._loop.at_s * 1e9)

    def awake_ns(self) -> int:
        return self.monotonic_ns()


@contextmanager
def virtual_loop() -> Iterator[VirtualLoop]:
    """A loop that is the current one until the block ends, then closed with everything that runs on it."""
    loop = VirtualLoop()
    try:
        yield loop
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(_ended(asyncio.all_tasks(loop)))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _ended(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)

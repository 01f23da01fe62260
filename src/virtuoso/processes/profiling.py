"""Lets a monitor run for some passes, and looks where it spends its time."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from virtuoso.config import Settings
from virtuoso.model.clock import Clock
from virtuoso.model.documents import PassExplained
from virtuoso.operations.sampling import Sampler, Samples
from virtuoso.processes.monitor import monitor_for
from virtuoso.storage.cache.memory import MemoryCache

_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Profile:
    """The passes that were watched, what was seen meanwhile, and how much time and processor time that took."""

    symbols: int
    passes: tuple[PassExplained, ...]
    samples: Samples
    seconds: float
    cpu_s: float


async def profiled(
    settings: Settings, clock: Clock, passes: int, stop: asyncio.Event, tell: Callable[[float], None]
) -> Profile:
    """Watch so many passes once the first signals are there, or those until `stop`; `tell` is told how much is done.

    Nothing is kept, and nobody is notified.

    Raises:
        VirtuosoError: the monitor could not run.
    """
    monitor = monitor_for(settings, clock, MemoryCache(clock))
    running = asyncio.create_task(monitor.run(), name="monitor")

    async def until(done: Callable[[], bool]) -> None:
        while not done() and not stop.is_set():
            await asyncio.wait({running}, timeout=_LOOK_S)
            if running.done():
                running.result()

    try:
        await until(monitor.ready.is_set)
        first, began, cpu_s = monitor.cycle.count, time.perf_counter(), time.process_time()
        sampler = Sampler()

        def enough() -> bool:
            share = (monitor.cycle.count - first) / passes
            tell(min(1.0, share))
            return share >= 1.0

        try:
            await until(enough)
        finally:
            samples = sampler.end()
        watched = monitor.cycle.count - first
        return Profile(
            symbols=len(monitor.cycle.evaluations), passes=monitor.cycle.times.latest(watched), samples=samples,
            seconds=time.perf_counter() - began, cpu_s=time.process_time() - cpu_s,
        )  # fmt: skip
    finally:
        running.cancel()
        await asyncio.wait({running})

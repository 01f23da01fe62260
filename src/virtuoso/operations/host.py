"""What this machine and this process use: processors, memory, the disk of the data folder."""

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

_ANSWER_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """In percent of the whole machine, `process_cpu_pct` of one processor; `None` is unknown.

    Attributes:
        cpu_pct: how busy all processors were since the measurement before.
        process_cpu_pct: how busy this process was since then.
        memory_pct: memory that is not available to a new program.
        rss_bytes: what this process holds in memory.
        disk_pct: of the space that programs of this user may fill.
    """

    cpu_pct: float | None
    process_cpu_pct: float | None
    memory_pct: float
    rss_bytes: int
    disk_pct: float | None


class Host:
    """Measures in a thread of its own: a disk that does not answer holds up nothing else. Close it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = psutil.Process()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="host")
        self._running: Future[Usage] | None = None
        self._before: tuple[float, float] | None = None  # seconds of all processors, and of those idle
        self._process_known = False

    async def measure(self) -> Usage | None:
        """What is used now; `None` while the disk has not answered for 5 s. One measurement runs at a time."""
        if self._running is None or self._running.done():
            self._running = self._thread.submit(self._measured)
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await asyncio.shield(asyncio.wrap_future(self._running))
        except TimeoutError:
            return None

    def close(self) -> None:
        """Shut down the measuring thread without waiting for it."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _measured(self) -> Usage:
        process_pct = self._process.cpu_percent()  # since the call before; the first says 0.0 and means nothing
        usage = Usage(
            cpu_pct=self._cpu_pct(),
            process_cpu_pct=process_pct if self._process_known else None,
            memory_pct=psutil.virtual_memory().percent,
            rss_bytes=self._process.memory_info().rss,
            disk_pct=self._disk_pct(),
        )
        self._process_known = True
        return usage

    def _cpu_pct(self) -> float | None:
        """Own arithmetic: that of psutil is shared by all of the process that ask."""
        times = psutil.cpu_times()
        guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # they are in user and nice, too
        now = sum(times) - guests, times.idle + getattr(times, "iowait", 0.0)
        before, self._before = self._before, now
        if before is None or now[0] <= before[0]:
            return None
        idle = (now[1] - before[1]) / (now[0] - before[0])
        return round(100.0 * (1.0 - min(1.0, max(0.0, idle))), 1)

    def _disk_pct(self) -> float | None:
        try:
            return psutil.disk_usage(str(self._folder)).percent
        except OSError:
            return None

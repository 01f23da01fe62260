"""The embedded time series: implements `TimeSeries` with files in one folder."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import structlog

from virtuoso.model.clock import Clock, iso
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.status import StoreStatus
from virtuoso.storage.timeseries.embedded.backlog import Backlog
from virtuoso.storage.timeseries.embedded.faults import DiskFull, FolderGone
from virtuoso.storage.timeseries.embedded.partitions import DEPTHS
from virtuoso.storage.timeseries.embedded.reader import EmbeddedReader
from virtuoso.storage.timeseries.embedded.retention import Retention, archive
from virtuoso.storage.timeseries.embedded.writer import Writer
from virtuoso.storage.timeseries.protocol import Tags
from virtuoso.storage.timeseries.schema import Measurement, Row

log = structlog.get_logger(__name__)

FLUSH_S: Final = 1.0
"""The longest that a row waits before it is committed; also how often a full disk is tried again."""
_FLUSH_ROWS: Final = 20_000
_RETENTION_S: Final = 3600.0
_CLOSE_S: Final = 5.0
_T = TypeVar("_T")


class EmbeddedStore:
    """One writer, on one event loop; `EmbeddedReader` reads in any process.

    Args:
        folder: for the files; it is made.
        clock: for what is over and what has expired.
        retention: how long rows are kept.
        max_pending: rows that may wait for the disk; beyond, the oldest are dropped.
        min_free_bytes: the oldest files are removed while the disk has less than this.
    """

    def __init__(
        self, folder: Path, *, clock: Clock, retention: Retention | None = None, max_pending: int = 500_000,
        min_free_bytes: int = 256 << 20,
    ) -> None:  # fmt: skip
        self._folder, self._clock, self._min_free = folder, clock, min_free_bytes
        self._retention = Retention() if retention is None else retention
        self._backlog = Backlog(max_pending)
        self._thread = ThreadPoolExecutor(1, "timeseries")
        self._reader = EmbeddedReader(folder)
        self._writer: Writer | None = None
        self._wake = asyncio.Event()
        self._turn = asyncio.Event()
        self._closing = False
        self._tasks: list[asyncio.Task[None]] = []
        self._state = "up"
        self._since_ms: int | None = None
        self._error: str | None = None
        self._archived = 0
        self._roll_up_s = 0.0

    async def start(self) -> None:
        """Open it; what cannot be opened now is tried again."""
        await self._flush()
        self._tasks = [
            asyncio.create_task(self._write(), name="timeseries"),
            asyncio.create_task(self._expire(), name="timeseries retention"),
        ]
        for task in self._tasks:
            task.add_done_callback(self._ended)

    def write(self, measurement: Measurement, rows: Sequence[Row]) -> None:
        """Take rows; they are committed within a second."""
        self._backlog.put(measurement, rows)
        if self._backlog.waiting >= _FLUSH_ROWS:
            self._wake.set()

    async def settle(self, timeout_s: float) -> bool:
        """Wait until what was taken is committed; `False` when time ran out, or rows were dropped meanwhile."""
        wanted, dropped = self._backlog.taken, self._dropped()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._backlog.taken - self._backlog.pending < wanted:
                    self._wake.set()
                    await self._turn.wait()
        return self._backlog.taken - self._backlog.pending >= wanted and self._dropped() == dropped

    async def read(
        self, measurement: Measurement, first_ms: int, last_ms: int, *, tags: Mapping[str, Sequence[str]],
        fields: Sequence[str] | None = None, limit: int | None = None,
    ) -> dict[Tags, list[Row]]:  # fmt: skip
        """What is committed (see `TimeSeries.read`)."""
        return await self._reader.read(measurement, first_ms, last_ms, tags=tags, fields=fields, limit=limit)

    def status(self) -> StoreStatus:
        """How it is; `newest` is the open time of the newest bar, `bytes` what the files take."""
        writer = self._writer
        counts: dict[str, int | float | str | None] = {
            "written": writer.written if writer else 0,
            "dropped": self._dropped(),
            "pending": self._backlog.pending,
            "shed": writer.folder.shed if writer else 0,
            "shed_bytes": writer.folder.shed_bytes if writer else 0,
            "broken": writer.folder.broken if writer else 0,
            "vanished": writer.folder.vanished if writer else 0,
            "archived": self._archived,
            "files": writer.folder.files if writer else None,
            "bytes": writer.folder.bytes if writer else None,
            "newest": iso(writer.newest_ms) if writer else None,
        }
        return StoreStatus(
            name="timeseries", state=self._state, since_ms=self._since_ms, error=self._error, counts=counts
        )

    async def close(self) -> None:
        """Commit what is left and close the files; gives up after five seconds."""
        self._closing = True
        self._wake.set()
        if self._tasks:
            writing, expiring = self._tasks
            expiring.cancel()
            await asyncio.wait([writing], timeout=_CLOSE_S)
            writing.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._tasks = []
        await self._reader.close()  # first: the last to close a file removes its log
        if self._writer is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_S):
                    await self._in_thread(self._writer.close)
        self._thread.shutdown(wait=False)

    def _dropped(self) -> int:
        return self._backlog.dropped + (self._writer.refused if self._writer else 0)

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _write(self) -> None:
        while not self._closing:
            with suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_S):
                    await self._wake.wait()
            self._wake.clear()
            if not await self._flush() and not self._closing:
                await asyncio.sleep(FLUSH_S)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A task that ends by an error is a bug, and shown as one."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("the time series stopped", task=task.get_name(), exc_info=error)
            self._is("down", f"{task.get_name()} stopped: {error!r}")

    async def _flush(self) -> bool:
        """Commit what waits, and sum up; whether that could be done."""
        try:
            if self._writer is None:
                self._writer = await self._in_thread(
                    lambda: Writer(self._folder, self._retention, self._min_free, self._clock)
                )
            while self._backlog.waiting:
                await self._commit(self._writer)
            await self._roll_up(self._writer)
        except DiskFull as error:
            self._is("full", f"{self._folder}: no space is left: {error}; make room, and it goes on by itself")
        except FolderGone as error:
            self._is("down", f"{error}: nothing is kept any more; put it back if you can, and restart virtuoso")
        except (OSError, sqlite3.Error) as error:
            self._is("down", f"{self._folder}: {error}; tried again every second")
        else:
            self._is("up", None)
        self._turn.set()
        self._turn = asyncio.Event()
        return self._state == "up"

    async def _roll_up(self, writer: Writer) -> None:
        """Sum up what is over, as long as no row waits; looked for once a second, however often rows are committed."""
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._roll_up_s:
            while await self._in_thread(writer.roll_up) and not self._backlog.waiting and not self._closing:
                pass
            self._roll_up_s = now_s + FLUSH_S

    async def _commit(self, writer: Writer) -> None:
        batch = self._backlog.take(_FLUSH_ROWS)
        try:
            await self._in_thread(partial(writer.commit, batch))
        except BaseException:
            self._backlog.put_back(batch)
            raise
        self._backlog.done()

    def _is(self, state: str, error: str | None) -> None:
        if state != self._state or self._since_ms is None:
            if state != self._state:
                log.warning("the time series changed its state", before=self._state, now=state, error=error)
            self._state, self._since_ms = state, self._clock.now_ns() // 1_000_000
        self._error = error

    async def _expire(self) -> None:
        """Every hour, remove what is too old."""
        while True:
            try:
                await self._expire_once()
            except (OSError, sqlite3.Error, StoreUnavailable) as error:
                log.warning("old rows were not removed; tried again within the hour", error=str(error))
            await asyncio.sleep(_RETENTION_S)

    async def _expire_once(self) -> None:
        writer = self._writer
        if writer is None:
            return
        for partition in await self._in_thread(writer.expired):
            if self._retention.archive and partition.kind is not DEPTHS:
                await archive(self._folder, partition)
                self._archived += 1
            await self._in_thread(partial(writer.folder.remove, partition))

"""Batches to the server, or to the spool while it is away; and out of the spool again."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from virtuoso.model.clock import Clock
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.timeseries.influx.batch import Batch
from virtuoso.storage.timeseries.influx.client import InfluxClient
from virtuoso.storage.timeseries.influx.delivery import deliver
from virtuoso.storage.timeseries.influx.health import Health
from virtuoso.storage.timeseries.influx.spool import Record, Spool

_T = TypeVar("_T")

_FIRST_RETRY_S, _LAST_RETRY_S = 0.1, 5.0


class Outlet:
    """One batch is under way at a time, so that they arrive in their order.

    Attributes:
        counts: `written`, `rejected`, `empty`, `drained`; `dropped` by a spool that took nothing.
        health: of the server and the spool.
    """

    def __init__(self, client: InfluxClient, spool: Path, spool_bytes: int, clock: Clock) -> None:
        self._client = client
        self._spool = Spool(spool, spool_bytes)
        self._worker = ThreadPoolExecutor(1, "influx")  # one: what runs in it is used from one thread at a time
        self._trouble = asyncio.Event()
        self.counts = Counter[str]()
        self.health = Health(clock)

    async def open(self) -> None:
        """Find what waits in the spool."""
        self._trouble.set()  # the server has not been seen yet
        try:
            await self.run(self._spool.open)
        except OSError as error:
            self.health.full(f"the spool cannot be opened: {error}")

    async def keep(self, batch: Batch) -> None:
        """Have the batch in the server or in the spool; what neither takes is counted."""
        if self._spool.points or not await self._sent(batch):
            await self.put_aside(batch)
        else:
            self._count(batch)

    async def put_aside(self, batch: Batch) -> None:
        """Append the batch to the spool, or count it as dropped."""
        if batch.points:
            try:
                await self.run(partial(self._spool.append, batch.body, batch.points))
            except OSError as error:
                self.counts["dropped"] += batch.points
                self.health.full(f"the spool takes nothing: {error}")
            else:
                self.health.relieved()
                self._trouble.set()
        self._count(batch)

    async def recover(self) -> None:
        """Drain the spool, and look for a server that is away, at growing intervals of five seconds at most."""
        wait_s = _FIRST_RETRY_S
        while True:
            await self._trouble.wait()
            try:
                record = await self.run(self._spool.first)
                if record is not None:
                    await self._drain(record)
                else:
                    await self._client.create()
                    self.health.up()
                    if not self._spool.points:  # it may have been filled meanwhile
                        self._trouble.clear()
                wait_s = _FIRST_RETRY_S
            except (StoreUnavailable, OSError) as error:
                self._fail(error)
                await asyncio.sleep(wait_s)
                wait_s = min(_LAST_RETRY_S, 2 * wait_s)

    async def run(self, job: Callable[[], _T]) -> _T:
        """Run something slow in the one worker thread."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, job)

    async def close(self) -> None:
        """Let go of the spool and the thread."""
        await self.run(self._spool.close)
        await asyncio.to_thread(self._worker.shutdown)

    @property
    def dropped(self) -> int:
        """Points that are in neither: shed for newer ones, damaged, or refused by a full disk."""
        return self.counts["dropped"] + self._spool.lost

    @property
    def spooled(self) -> dict[str, int]:
        """The counts of the spool: points and bytes waiting in it, and how often something was found torn."""
        spool = self._spool
        return {"spooled": spool.points, "spool_bytes": spool.bytes, "torn": spool.torn}

    async def _sent(self, batch: Batch) -> bool:
        if batch.points:
            try:
                await self._deliver(batch.body, batch.points, batch.lines)
            except StoreUnavailable as error:
                self._fail(error)
                return False
        return True

    async def _drain(self, record: Record) -> None:
        await self._deliver(record.body, record.points, {})
        self.counts["drained"] += record.points
        await self.run(partial(self._spool.remove, record))

    async def _deliver(self, body: bytes, points: int, lines: Mapping[str, int]) -> None:
        """`lines`: how many there are of each measurement, where that is known."""
        refused = await deliver(self._client, body)
        self.health.took(lines, refused)
        self.counts["written"] += points - len(refused)
        self.counts["rejected"] += len(refused)

    def _count(self, batch: Batch) -> None:
        self.counts["empty"] += batch.empty
        self.counts["rejected"] += batch.unwritable
        if batch.unwritable:
            self.health.refused(batch.unwritable, b"", "line protocol cannot express them")

    def _fail(self, error: Exception) -> None:
        self.health.down(str(error))
        self._trouble.set()

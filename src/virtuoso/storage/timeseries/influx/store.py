"""The time-series store in an InfluxDB server."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import structlog

from virtuoso.model.clock import Clock
from virtuoso.storage.status import StoreStatus
from virtuoso.storage.timeseries.influx import reader
from virtuoso.storage.timeseries.influx.batch import Batch, Chunk, Intake, Packer
from virtuoso.storage.timeseries.influx.client import InfluxClient
from virtuoso.storage.timeseries.influx.outlet import Outlet
from virtuoso.storage.timeseries.protocol import Tags
from virtuoso.storage.timeseries.schema import Measurement, Row

log = structlog.get_logger(__name__)

_AHEAD = 2
"""Batches made while one is under way."""
_PARTING_S = 3.0
"""What is left at the end has this long to reach the server, then it goes to the spool."""


@dataclass(slots=True, eq=False)
class _Work:
    """Rows taken from the intake: not in the server and not in the spool yet."""

    chunks: list[Chunk]
    rows: int
    end: int
    batch: Batch | None = None


class InfluxStore:
    """Implements `TimeSeries`. Rows go to the server in order, or to a spool on the disk while it is away.

    While anything is in the spool, new rows queue up behind it; it drains in order when the server returns. A process
    that only reads never calls `start`. A row written again replaces field by field, as InfluxDB has it: a field that
    is not known the second time stays what it was.

    `counts`: `written`, `rejected`, `empty` (rows without a known field), `dropped` (from memory, from the spool, or by
    a full disk), `pending` (in memory), `spooled`, `spool_bytes`, `torn` (damaged places in the spool), `drained` (part
    of `written` or `rejected` that came by way of the spool).

    Args:
        url: such as `http://influxdb:8086`.
        version: 1 writes to `/write` and reads; 2 writes to `/api/v2/write` and does not read.
        database: the database (created when it is missing), or the bucket.
        market: a tag of all that is written, and the only one that is read; "" is none.
        org: of the bucket, with version 2.
        token: with version 2.
        username: with version 1; `None` for a server that asks for none.
        password: of `username`.
        spool: a folder for batches that wait for the server, used by one process at a time.
        spool_bytes: that it may hold; the oldest are shed.
        batch_points: rows in one request at most.
        flush_s: rows wait at most this long for others.
        queue_rows: rows in memory at most; the oldest are dropped.
        timeout_s: of each request.
        clock: for what is shown.
    """

    def __init__(
        self,
        *,
        url: str,
        version: Literal[1, 2],
        database: str,
        spool: Path,
        clock: Clock,
        market: str = "",
        org: str | None = None,
        token: str | None = None,
        username: str | None = None,
        password: str | None = None,
        spool_bytes: int = 256 << 20,
        batch_points: int = 5_000,
        flush_s: float = 1.0,
        queue_rows: int = 200_000,
        timeout_s: float = 10.0,
    ) -> None:
        self._client = InfluxClient(
            url=url, version=version, database=database, org=org, token=token, username=username, password=password,
            timeout_s=timeout_s,
        )  # fmt: skip
        self._outlet = Outlet(self._client, spool, spool_bytes, clock)
        self._batch_points, self._flush_s = batch_points, flush_s
        self._intake = Intake(queue_rows)
        self._market = market
        self._packer = Packer(market)
        self._works: deque[_Work] = deque()
        self._ready: asyncio.Queue[tuple[_Work, Batch]] = asyncio.Queue(_AHEAD)
        self._some, self._hurry, self._progress = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._flush_to = self._kept_to = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Open the spool and begin; the server is looked for in the background."""
        await self._outlet.open()
        jobs = {"packing": self._pack(), "sending": self._send(), "recovery": self._outlet.recover()}
        for name, job in jobs.items():
            task = asyncio.create_task(job, name=f"influx {name}")
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    def write(self, measurement: Measurement, rows: Sequence[Row]) -> None:
        """See `TimeSeries`; the rows must not be changed afterwards."""
        if not rows:
            return
        self._intake.put(measurement, rows)
        self._some.set()
        if self._intake.rows >= self._batch_points:
            self._hurry.set()

    async def settle(self, timeout_s: float) -> bool:
        """Wait until what was taken so far is in the server or the spool; `False` also when some was dropped."""
        target, dropped = self._intake.end, self._dropped
        self._flush_to = target
        self._hurry.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._kept_to < target:
                    await self._progress.wait()
        return self._kept_to >= target and self._dropped == dropped

    async def read(
        self,
        measurement: Measurement,
        first_ms: int,
        last_ms: int,
        *,
        tags: Mapping[str, Sequence[str]],
        fields: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> dict[Tags, list[Row]]:
        """See `TimeSeries`. A row in which none of the `fields` is known does not count; version 2 does not read.

        Raises:
            StoreUnavailable: the server did not answer within the time-out, or not to the point.
            ValueError: the measurement has no such tag or field, or `limit` is less than 1.
        """
        return await reader.read(
            self._client, measurement, first_ms, last_ms, tags=tags, fields=fields, limit=limit, market=self._market
        )

    def status(self) -> StoreStatus:
        """See `TimeSeries`, and the counts of the class."""
        health, counts = self._outlet.health, self._outlet.counts
        return StoreStatus(
            name="influx",
            state=health.state,
            since_ms=health.since_ms,
            error=health.error,
            counts={
                **{name: counts[name] for name in ("written", "rejected", "empty", "drained")},
                "dropped": self._dropped,
                "pending": self._intake.rows + sum(work.rows for work in self._works),
                **self._outlet.spooled,
            },
        )

    async def close(self) -> None:
        """Write what is left within three seconds; what does not reach the server by then goes to the spool."""
        if self._tasks:
            await self.settle(_PARTING_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        while self._intake.rows:
            self._take()
        while self._works:
            work = self._works[0]
            batch = work.batch
            if batch is None:
                batch = await self._outlet.run(partial(self._packer.pack, work.chunks))
            await self._outlet.put_aside(batch)
            self._works.popleft()
        await self._outlet.close()
        await self._client.close()

    async def _pack(self) -> None:
        """Rows to batches, by number and by time, a little ahead of the sending."""
        while True:
            await self._some.wait()
            if self._intake.rows < self._batch_points and self._flush_to <= self._intake.start:
                self._hurry.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._flush_s):
                        await self._hurry.wait()
            work = self._take()
            work.batch = await self._outlet.run(partial(self._packer.pack, work.chunks))
            await self._ready.put((work, work.batch))

    def _take(self) -> _Work:
        rows = min(self._intake.rows, self._batch_points)
        work = _Work(self._intake.take(rows), rows, self._intake.start)
        if not self._intake.rows:
            self._some.clear()
        self._works.append(work)
        return work

    async def _send(self) -> None:
        """Batches on their way, in order."""
        while True:
            work, batch = await self._ready.get()
            await self._outlet.keep(batch)
            self._works.remove(work)
            self._kept_to = work.end
            self._progress.set()
            self._progress = asyncio.Event()

    @property
    def _dropped(self) -> int:
        return self._intake.dropped + self._outlet.dropped

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("influx task ended by a defect", task=task.get_name(), exc_info=error)
            self._outlet.health.down(f"{task.get_name()} ended by a defect: {error!r}")

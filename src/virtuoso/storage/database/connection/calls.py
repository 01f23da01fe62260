"""Transactions run in threads of their own, each call bounded in time, and the errors of the driver as ours."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TypeVar

from sqlalchemy import Connection

from virtuoso.model.clock import Clock
from virtuoso.model.errors import StoreUnavailable, UsageError
from virtuoso.storage.database.connection.backend import WRITING, Backend
from virtuoso.storage.database.connection.errors import NoDatabase, StoreFull, StoreStarting, explained
from virtuoso.storage.database.connection.migrate import MIGRATION_S, migrate, needs_migration
from virtuoso.storage.status import StoreStatus

T = TypeVar("T")
_WAITING = 256
_STARTS, _START_AGAIN_S = 5, 1.0
"""How often a server that starts is asked, and how long after the last answer: connecting takes two seconds at most."""


class Calls:
    """Used on one event loop; the work runs in at most `threads` threads, in order when there is one. Always close it.

    A call that was given up may still be running: it may yet commit, so a write must be one that can be repeated.
    At most 256 calls wait; further ones are refused.

    Args:
        url: see `Backend`.
        clock: for the status.
        threads: at once, at most.
        timeout_s: until a call is given up, its time in the queue included.
        follows: see `Backend`.
    """

    def __init__(self, url: str, clock: Clock, *, threads: int, timeout_s: float, follows: bool = False) -> None:
        self._backend = Backend(url, threads=threads, timeout_s=timeout_s, follows=follows)
        self._clock = clock
        self._timeout_s = timeout_s
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="database")
        self._room = BoundedSemaphore(_WAITING)
        self._state, self._since_ms, self._error = "down", None, None  # type: tuple[str, int | None, str | None]
        self._counts = {"calls": 0, "failed": 0, "timed_out": 0}

    @property
    def place(self) -> str:
        """The file or the server, without a password."""
        return self._backend.place

    async def start(self) -> bool:
        """Open it and bring the schema up to date, within a minute; `True` when there was something to do.

        A server that takes no connection yet is asked again, for some seconds.

        Raises `UsageError` when the schema is newer than the program or the file is no database, `StoreUnavailable`
        when it cannot be reached.
        """
        for _ in range(_STARTS - 1):
            try:
                return await self._open()
            except StoreStarting:
                await asyncio.sleep(_START_AGAIN_S)
        return await self._open()

    async def _open(self) -> bool:
        try:
            return await self._bounded(lambda: migrate(self._backend), MIGRATION_S + self._timeout_s)
        except NoDatabase as error:
            raise UsageError(str(error)) from error

    async def look(self) -> None:
        """See whether it could be opened; changes nothing, and raises as `start` does."""
        try:
            await self._bounded(lambda: needs_migration(self._backend), self._timeout_s)
        except NoDatabase as error:
            raise UsageError(str(error)) from error

    async def run(self, work: Callable[[Connection], T], *, writing: bool, timeout_s: float | None = None) -> T:
        """The answer of `work` within a transaction, committed when this returns.

        Raises `StoreUnavailable` (`StoreFull`, `StoreLocked`) when the database is down, slow, full or locked.
        """

        def transaction() -> T:
            self._backend.check(begins=True)
            with (
                self._backend.engine.connect() as connection,
                connection.execution_options(**{WRITING: writing}).begin(),
            ):
                answer = work(connection)
            if writing:
                self._backend.check()  # committed to a file that was deleted meanwhile is not kept
            return answer

        return await self._bounded(transaction, timeout_s or self._timeout_s)

    def status(self) -> StoreStatus:
        """How the database is, judged by the last call."""
        return StoreStatus(
            name="database", state=self._state, since_ms=self._since_ms, error=self._error, counts=dict(self._counts)
        )

    async def close(self) -> None:
        """Let go of the connections and threads; what still waits is dropped, what runs is cut after its time-out."""
        loop = asyncio.get_running_loop()
        ended = loop.run_in_executor(None, lambda: self._executor.shutdown(wait=True, cancel_futures=True))
        done, _ = await asyncio.wait({ended}, timeout=self._timeout_s)
        if not done:
            self._backend.cut()
            await asyncio.wait({ended}, timeout=self._timeout_s)
        self._backend.dispose()

    async def _bounded(self, work: Callable[[], T], timeout_s: float) -> T:
        self._counts["calls"] += 1
        try:
            answer = await self._answer(work, timeout_s)
        except StoreUnavailable as error:
            self._counts["failed"] += 1
            self._turn("full" if isinstance(error, StoreFull) else "down", str(error))
            raise
        self._turn("up", None)
        return answer

    async def _answer(self, work: Callable[[], T], timeout_s: float) -> T:
        def explained_work() -> T:
            with explained(self.place):
                return work()

        if not self._room.acquire(blocking=False):
            raise StoreUnavailable(f"the database {self.place} is too slow: {_WAITING} calls wait already")
        try:
            future: Future[T] = self._executor.submit(explained_work)
        except RuntimeError as error:
            self._room.release()
            raise StoreUnavailable(f"the database {self.place} is closed") from error
        future.add_done_callback(lambda _: self._room.release())
        try:
            async with asyncio.timeout(timeout_s):  # `wait_for` of Python 3.11 may swallow a cancellation
                return await asyncio.wrap_future(future)
        except TimeoutError:
            self._counts["timed_out"] += 1
            if not future.cancel():  # it is running
                self._backend.cut()
            raise StoreUnavailable(f"the database {self.place} did not answer within {timeout_s:g} s") from None

    def _turn(self, state: str, error: str | None) -> None:
        self._error = error
        if state != self._state or self._since_ms is None:
            self._state, self._since_ms = state, self._clock.now_ns() // 1_000_000

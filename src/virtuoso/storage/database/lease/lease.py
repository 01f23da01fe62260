"""The lease of an identity: taken at the start, renewed every second, lost only to a higher epoch."""

import asyncio
from contextlib import suppress
from typing import Final

from sqlalchemy import Connection

from virtuoso.model.clock import Clock
from virtuoso.model.errors import StoreUnavailable, UsageError, VirtuosoError
from virtuoso.storage.database.connection.calls import Calls
from virtuoso.storage.database.damage import DamagedRow
from virtuoso.storage.database.lease import rows as lease_rows
from virtuoso.storage.database.lease.holder import encode, holder_name, proved_dead, this_process
from virtuoso.storage.lease import LEASE_S, Decision, LeaseRow, Superseded, Tenure, Term, Watch, next_epoch

_RENEW_S: Final = 1.0
_LOOK_S: Final = 0.2
_CALL_S: Final = 1.5
_PATIENCE: Final = 6
"""Leases after which a start gives up on a database that fails again and again."""


class Lease:
    """Lets one process at a time be the monitor of an identity.

    Attributes:
        lost: set when another holder with a higher epoch was seen; `lost_to` then says who. It never becomes unset.
        lost_to: see `lost`, or what else displaced this process.
        holder: host and process id of this process, as others see it.
        watched_ms: when the holder before was there last (epoch ms, to a second); `None` = there was none.
        was_stopped: whether it was ended on purpose.
    """

    def __init__(self, database: Calls, identity: str, clock: Clock, *, version: str, lease_s: float = LEASE_S) -> None:
        self.lost = asyncio.Event()
        self.lost_to: VirtuosoError | None = None
        self.holder = holder_name()
        self.watched_ms: int | None = None
        self.was_stopped = True
        self._database = database
        self._identity = identity
        self._clock = clock
        self._version = version
        self._lease_ns = int(lease_s * 1e9)
        self._process = encode(this_process())
        self._tenure: Tenure | None = None

    @property
    def epoch(self) -> int:
        """Of this holder; 0 before it was acquired."""
        return 0 if self._tenure is None else self._tenure.epoch

    @property
    def term(self) -> Term:
        """Identity and epoch, which the database compares at each commit."""
        return Term(self._identity, self.epoch)

    def may_publish(self) -> bool:
        """Whether anything may be put out now. Ask directly before; cheap."""
        if self._tenure is None or self.lost.is_set():
            return False
        return self._tenure.may_publish(self._clock.monotonic_ns())

    async def acquire(self) -> Term:
        """Take the lease, at once where it is free or its holder is dead, after one lease where it is silent.

        Raises `UsageError` naming the holder when it is alive after one lease (5–6 s), `StoreUnavailable` when the
        database fails again and again for 30 s.
        """
        began_ns = self._clock.monotonic_ns()
        watch = Watch(self._lease_ns, began_ns)
        while True:
            try:
                if await self._read(watch):
                    return self.term
            except DamagedRow as error:
                raise UsageError(
                    f"the database {self._database.place} is damaged: {error}; put a copy back, or delete that row"
                ) from error
            except StoreUnavailable:
                watch.missed()
                if self._clock.monotonic_ns() - began_ns > _PATIENCE * self._lease_ns:
                    raise
            rest_s = watch.rest_ns(self._clock.monotonic_ns()) / 1e9
            await asyncio.sleep(min(_LOOK_S, rest_s) if rest_s > 0 else _LOOK_S)

    async def run(self) -> None:
        """Renew until it is lost, or this is cancelled. A database that is away costs nothing but the attempt."""
        while not self.lost.is_set():
            began_ns = self._clock.monotonic_ns()
            await self._renew(began_ns)
            rest_s = _RENEW_S - (self._clock.monotonic_ns() - began_ns) / 1e9
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.1, rest_s)):
                    await self.lost.wait()

    def superseded(self, epoch: int, holder: str | None = None) -> None:
        """Told so by another store that holds a document of `epoch`; a lower or equal one means nothing."""
        if self._tenure is not None and self._tenure.superseded(epoch, holder):
            self.lost_to = self._tenure.lost
            self.lost.set()

    def displaced(self, why: str) -> None:
        """Another that this lease does not know of is in the way: this process must put nothing out any more."""
        if self._tenure is not None and not self.lost.is_set():
            self.lost_to = VirtuosoError(why)
            self.lost.set()

    async def release(self, ending: str) -> None:
        """Give it back, so that the next start takes it at once, and note how the run ended (`stopped`, or why not).

        A database that does not answer is left alone: the lease ends by itself, or by this process's end.
        """
        if self._tenure is None:
            return
        term, now_ms = self.term, self._clock.now_ns() // 1_000_000
        self._tenure = None
        with suppress(StoreUnavailable):
            await self._database.run(
                lambda c: lease_rows.give_back(c, term, ending=ending, now_ms=now_ms), writing=True, timeout_s=_CALL_S
            )

    async def _read(self, watch: Watch) -> bool:
        began_ns = self._clock.monotonic_ns()
        row = await self._database.run(lambda c: lease_rows.probe(c, self._identity), writing=True, timeout_s=_CALL_S)
        dead = row is not None and proved_dead(row.process)
        decision = watch.observe(row, began_ns, self._clock.monotonic_ns(), dead=dead)
        if decision is Decision.GIVE_UP and row is not None:
            raise UsageError(
                f"{self._identity} is already run by {row.holder} (epoch {row.epoch}):"
                " stop that one, or start this one under another identity"
            )
        return decision is Decision.TAKE and await self._take(row)

    async def _take(self, seen: LeaseRow | None) -> bool:
        began_ns, now_ms = self._clock.monotonic_ns(), self._clock.now_ns() // 1_000_000
        term = Term(self._identity, next_epoch(None if seen is None else seen.epoch, now_ms // 1000))

        def take(connection: Connection) -> tuple[bool, int | None, bool]:
            watched_ms = lease_rows.seen(connection, self._identity)
            stopped = lease_rows.stopped(connection, self._identity)
            taken = lease_rows.take(
                connection, term, seen, holder=self.holder, process=self._process, version=self._version, now_ms=now_ms
            )
            return taken, watched_ms, stopped

        taken, watched_ms, stopped = await self._database.run(take, writing=True, timeout_s=_CALL_S)
        if taken:
            self.watched_ms, self.was_stopped = watched_ms, stopped
            self._tenure = Tenure(term.epoch, self._lease_ns, began_ns)
        return taken

    async def _renew(self, began_ns: int) -> None:
        tenure, term, now_ms = self._tenure, self.term, self._clock.now_ns() // 1_000_000
        if tenure is None:
            raise RuntimeError("the lease is renewed after it was acquired")
        try:
            await self._database.run(
                lambda c: lease_rows.renew(c, term, holder=self.holder, process=self._process, now_ms=now_ms),
                writing=True,
                timeout_s=_CALL_S,
            )
        except StoreUnavailable:
            tenure.failed(began_ns, self._clock.monotonic_ns())
        except Superseded as found:
            self.superseded(found.epoch, found.holder)
        else:
            tenure.renewed(began_ns)

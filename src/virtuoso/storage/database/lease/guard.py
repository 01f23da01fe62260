"""Lets a process write only while the lease is surely its own, and tells the lease when another holder is met."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy import Connection

from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.database.connection.calls import Calls
from virtuoso.storage.database.lease.lease import Lease
from virtuoso.storage.database.lease.rows import guard
from virtuoso.storage.lease import Superseded, Term

T = TypeVar("T")


class LeaseGuard:
    """Used by everything that writes for an identity."""

    def __init__(self, database: Calls, lease: Lease) -> None:
        self._database = database
        self._lease = lease

    def may_write(self) -> bool:
        """Say whether the lease is surely ours now; cheap."""
        return self._lease.may_publish()

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in a transaction that fails where another holds the lease.

        Raises:
            StoreUnavailable: the lease is not ours for sure, or the database cannot do it now.
        """

        def guarded(connection: Connection, term: Term) -> T:
            guard(connection, term)
            return work(connection)

        return await self.during(lambda term: self._database.run(lambda c: guarded(c, term), writing=True))

    async def during(self, work: Callable[[Term], Awaitable[T]]) -> T:
        """Do `work`, which checks the lease itself, in this term of the lease.

        Raises:
            StoreUnavailable: the lease is not ours for sure, or the database cannot do it now.
        """
        if not self._lease.may_publish():
            raise StoreUnavailable("the lease is not ours for sure; nothing is written until it is")
        try:
            return await work(self._lease.term)
        except Superseded as found:
            self._lease.superseded(found.epoch, found.holder)
            raise StoreUnavailable(str(found)) from found

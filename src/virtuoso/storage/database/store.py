"""The database as the rest of the program uses it."""

from sqlalchemy import Connection

from virtuoso.model.alert import Incident, Silence
from virtuoso.model.clock import Clock
from virtuoso.storage.database import reading, writing
from virtuoso.storage.database.calls import Calls
from virtuoso.storage.database.lease_rows import guard
from virtuoso.storage.database.reading import LastLabel
from virtuoso.storage.database.records import (
    Changes,
    SignalFilter,
    SignalPage,
    StateRecord,
    TransitionRecord,
)
from virtuoso.storage.lease import Term


class Database(Calls):
    """SQLite (`sqlite:///path`) or PostgreSQL (`postgresql://…`), used on one event loop; `start` it first.

    Every method raises `StoreUnavailable` within `timeout_s` when the database is down, slow, locked or full
    (`StoreFull`). The one that writes for an identity uses one thread; readers may use several.
    """

    def __init__(self, url: str, clock: Clock, *, threads: int = 1, timeout_s: float = 3.0) -> None:
        super().__init__(url, clock, threads=threads, timeout_s=timeout_s)

    async def commit(self, term: Term, changes: Changes) -> None:
        """Keep all of `changes` or nothing; on the disk when this returns.

        Raises `Superseded` when another holder has a higher epoch. After `StoreUnavailable` it may have been kept or
        not: repeat it, nothing is kept twice.
        """
        rows = writing.Writing(term, changes)

        def write(connection: Connection) -> None:
            guard(connection, term)
            rows.write(connection)

        await self.run(write, writing=True)

    async def signals(self, wanted: SignalFilter, *, limit: int = 100, cursor: str | None = None) -> SignalPage:
        """Signals, newest first, `limit` (1–1000) at a time; a page begins where its `cursor` says.

        Raises `ValueError` for a limit or a cursor that cannot be.
        """
        query = reading.signals_query(wanted, limit, cursor)
        return await self.run(lambda c: reading.signals(c, query, limit), writing=False)

    async def last_labels(self, exchange: str) -> dict[str, LastLabel]:
        """By symbol, the label of its latest signal and since which close."""
        return await self.run(lambda c: reading.last_labels(c, exchange), writing=False)

    async def incidents(self, limit: int, *, identity: str | None = None) -> tuple[Incident, ...]:
        """The latest, newest first; at most 1000. Of all identities where none is named."""
        most = min(limit, reading.MOST)
        return await self.run(lambda c: reading.incidents(c, most, only_open=False, identity=identity), writing=False)

    async def open_incidents(self, *, identity: str | None = None) -> tuple[Incident, ...]:
        """Those that are not resolved, newest first; at most 1000. Of all identities where none is named."""
        return await self.run(
            lambda c: reading.incidents(c, reading.MOST, only_open=True, identity=identity), writing=False
        )

    async def transitions(self, exchange: str, limit: int) -> tuple[TransitionRecord, ...]:
        """The latest changes of regime, newest first; at most 1000."""
        return await self.run(lambda c: reading.transitions(c, exchange, min(limit, reading.MOST)), writing=False)

    async def state(self, identity: str, key: str) -> StateRecord | None:
        """What was kept last under this name; `None` at the very first start."""
        return await self.run(lambda c: reading.state(c, identity, key), writing=False)

    async def silences(self, after_ms: int) -> tuple[Silence, ...]:
        """Those that end after `after_ms` (epoch ms), the first to end first; at most 1000."""
        return await self.run(lambda c: reading.silences(c, after_ms, reading.MOST), writing=False)

    async def put_silence(self, silence: Silence) -> None:
        """Make it, or replace the one of this id."""
        await self.run(lambda c: writing.put_silence(c, silence), writing=True)

    async def delete_silence(self, silence_id: str) -> bool:
        """Whether there was one of this id."""
        return await self.run(lambda c: writing.delete_silence(c, silence_id), writing=True)

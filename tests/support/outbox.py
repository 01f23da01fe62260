"""Notices and deliveries of a known series, and the books of an outbox over a real database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from virtuoso.model.alerts.incident import Severity
from virtuoso.model.alerts.notice import Delivery, Line, Notice, Role, delivery_id
from virtuoso.model.clock import SystemClock
from virtuoso.storage.database.lease.lease import Lease
from virtuoso.storage.database.leased_outbox import LeasedOutbox
from virtuoso.storage.database.records import Changes
from virtuoso.storage.database.store import Database
from virtuoso.storage.lease import Term

LIMIT_S = 40.0
HOUR_MS = 3_600_000


def incident_of(number: int) -> str:
    """Its id."""
    return f"i{number:06d}"


def notice(number: int, *, at_ms: int, severity: Severity = Severity.WARNING, **other: Any) -> Notice:
    """About one incident of a symbol of its own."""
    symbol = f"N{number}USDT"
    line = Line(
        id=incident_of(number), kind="whale_trade", severity=severity, message=f"{symbol}: number {number}",
        fired_ms=at_ms, symbol=symbol,
    )  # fmt: skip
    fields: dict[str, Any] = {
        "id": f"n{number:06d}", "role": Role.ALERT, "severity": severity, "title": f"{symbol}: whale trade",
        "text": f"number {number}", "at_ms": at_ms, "lines": (line,), "incidents": (line.id,), "system": False,
        "kind": "whale_trade", "symbol": symbol, "charted": symbol,
    }  # fmt: skip
    return Notice(**(fields | other))


def resolution(
    number: int, *, at_ms: int, fired_ms: int | None = None, severity: Severity = Severity.WARNING
) -> Notice:
    """The one that amends `notice(number)`."""
    first = notice(number, at_ms=at_ms if fired_ms is None else fired_ms, severity=severity)
    return replace(
        first, at_ms=at_ms, id=f"r{number:06d}", role=Role.RESOLVED, title=f"Resolved: {first.title}", amends=first.id,
        resolved_ms=at_ms, lines=(replace(first.lines[0], resolved_ms=at_ms),),
    )  # fmt: skip


def delivery(said: Notice, channel: str, *, life_ms: int = HOUR_MS, **other: Any) -> Delivery:
    """Of a notice, from its own time on."""
    return Delivery(
        id=delivery_id(said.id, channel), channel=channel, notice=said, created_ms=said.at_ms,
        expires_ms=said.at_ms + life_ms, **other,
    )  # fmt: skip


@dataclass
class Kept:
    """An open database under a lease."""

    database: Database
    lease: Lease
    store: LeasedOutbox

    @property
    def term(self) -> Term:
        return self.lease.term

    async def put(self, *deliveries: Delivery) -> None:
        """Commit them."""
        await self.database.commit(self.term, Changes(deliveries=deliveries))

    async def rows(self, **wanted: Any) -> list[Delivery]:
        """Of the outbox, the oldest first."""
        page = await self.database.deliveries("monitor", limit=1000, **wanted)
        return sorted(page.deliveries, key=lambda row: (row.created_ms, abs(row.sequence or 0)))

    async def states(self, **wanted: Any) -> list[str]:
        return [row.state for row in await self.rows(**wanted)]


@asynccontextmanager
async def kept(url: str, *, lease_s: float = 5.0) -> AsyncIterator[Kept]:
    """The database, with the lease held and renewed."""
    clock = SystemClock()
    database = Database(url, clock)
    await database.start()
    lease = Lease(database, "monitor", clock, version="test", lease_s=lease_s)
    await lease.acquire()
    renewing = asyncio.create_task(lease.run())
    try:
        yield Kept(database, lease, LeasedOutbox(database, lease, "monitor"))
    finally:
        renewing.cancel()
        await asyncio.wait({renewing})
        await lease.release("stopped")
        await database.close()


async def until(holds: Callable[[], Any], what: str) -> None:
    """Wait for a condition; `holds` may be a coroutine function."""
    began = asyncio.get_running_loop().time()
    while True:
        found = holds()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        assert asyncio.get_running_loop().time() - began < LIMIT_S, f"not within {LIMIT_S} s: {what}"
        await asyncio.sleep(0.01)

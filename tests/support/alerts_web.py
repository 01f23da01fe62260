"""The web on a database with incidents, and no monitor: asked over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.databases import sqlite_url
from virtuoso.model import documents as docs
from virtuoso.model.alerts.incident import Incident, Notified, Severity, Step, incident_id
from virtuoso.model.alerts.notice import Delivery, Notice, Role, delivery_id
from virtuoso.model.clock import ManualClock, SystemClock
from virtuoso.model.timeframe import Timeframe
from virtuoso.operations.health import HealthState
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.database.lease.lease import Lease
from virtuoso.storage.database.records import Changes
from virtuoso.storage.database.store import Database
from virtuoso.storage.lease import Term
from virtuoso.web.access import Access
from virtuoso.web.app import create_app
from virtuoso.web.connections.listening import listen
from virtuoso.web.connections.server import WebServer
from virtuoso.wiring.rule_files import RuleFiles

NOW_MS = 1_795_000_000_000


class NoViews:
    """Nothing is watched."""

    def timeframes(self) -> tuple[Timeframe, ...]:
        return (Timeframe.M1,)

    async def bars(
        self, symbol: str, timeframe: Timeframe, limit: int, until_ms: int | None = None
    ) -> docs.Bars | None:
        return None

    async def book(self, symbol: str, depth: int) -> docs.Book | None:
        return None

    async def series(self, symbol: str, names: Sequence[str], limit: int) -> docs.SymbolSeries | None:
        return None

    async def scores(self, symbol: str, limit: int) -> docs.ScoreHistory | None:
        return None


def incident(symbol: str, fired_ms: int = NOW_MS, **changes: Any) -> Incident:
    """A sudden move, told."""
    labels = {"kind": "sudden_move", "exchange": "bybit", "symbol": symbol}
    values: dict[str, Any] = {
        "kind": "sudden_move", "severity": Severity.WARNING, "message": f"{symbol} up 3.1 %", "symbol": symbol,
        "labels": labels, "value": 3.1, "notified": Notified(at_ms=fired_ms, severity=Severity.WARNING, value=3.1),
        "path": (Step(fired_ms, "inhibit", True, "nothing inhibits it"),),
    }  # fmt: skip
    values |= changes
    return Incident(id=incident_id(labels, fired_ms), fired_ms=fired_ms, **values)


def delivery(name: str, created_ms: int = NOW_MS, **changes: Any) -> Delivery:
    """A message about one incident, waiting for Discord."""
    about = incident(name)
    notice = Notice(
        id=name, role=Role.ALERT, severity=Severity.WARNING, title=f"{name} up 3.1 %", text="", at_ms=created_ms,
        lines=(), incidents=(about.id,), system=False, kind=about.kind,
    )  # fmt: skip
    values = {"channel": "discord", "expires_ms": created_ms + 60_000} | changes
    return Delivery(id=delivery_id(name, values["channel"]), notice=notice, created_ms=created_ms, **values)


@dataclass(frozen=True)
class Web:
    """A running one. Its clock stands at `NOW_MS`."""

    url: str
    database: Database
    cache: MemoryCache
    clock: ManualClock
    term: Term
    session: aiohttp.ClientSession

    async def keep(self, *incidents: Incident) -> None:
        """As its monitor does."""
        await self.database.commit(self.term, Changes(incidents=incidents))

    async def put(self, *deliveries: Delivery) -> None:
        """Into the outbox, as its monitor does."""
        await self.database.commit(self.term, Changes(deliveries=deliveries))

    async def ask(self, path: str, method: str = "GET", **options: Any) -> tuple[int, Any]:
        """Status and JSON (or nothing)."""
        async with self.session.request(method, self.url + path, **options) as answer:
            body = await answer.read()
            return answer.status, await answer.json(content_type=None) if body else None


@asynccontextmanager
async def running_web(
    folder: Path, *, clock: ManualClock | None = None, cache: MemoryCache | None = None, views: NoViews | None = None
) -> AsyncIterator[Web]:
    """Until the block ends."""
    clock = clock or ManualClock(NOW_MS * 1_000_000)
    database = Database(sqlite_url(folder), SystemClock())
    await database.start()
    term = await Lease(database, "monitor", clock, version="test").acquire()
    cache, sock = MemoryCache(clock) if cache is None else cache, listen("127.0.0.1", 0)
    server = WebServer(
        create_app(
            cache=cache, board=HealthState(clock, 10.0, "embedded"), views=views or NoViews(), database=database,
            identity="monitor", clock=clock, access=Access(["127.0.0.1"], None),
            check_rule=RuleFiles((), channels=("console",), cooldown_ms=1),
        )
    )  # fmt: skip
    serving = asyncio.create_task(server.serve(sock))
    try:
        async with aiohttp.ClientSession() as session:
            yield Web(f"http://127.0.0.1:{sock.getsockname()[1]}", database, cache, clock, term, session)
    finally:
        server.stop()
        await serving
        await database.close()

"""The web with documents that a test makes up, as many and as often as it likes: pages under load, hostile names.

`python -m tests.support.page_feed PORT SYMBOLS TICKS_PER_S [FOLDER]`; everything behind the cache is what users run.
In FOLDER a database keeps the signals of `kept_signals`; without it there is none.
"""

import asyncio
import math
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from tests.support.databases import sqlite_url
from tests.support.kept_signals import keep_signals
from tests.support.made_depth import depth_of
from virtuoso.model import documents as docs
from virtuoso.model.catalogue import alert_examples, examples, performance_example
from virtuoso.model.clock import SystemClock, iso
from virtuoso.model.quality import DataSource
from virtuoso.model.timeframe import Timeframe
from virtuoso.operations.health import HealthState
from virtuoso.storage.cache.memory import MemoryCache, Version
from virtuoso.storage.database.store import Database
from virtuoso.web.access import Access
from virtuoso.web.app import create_app
from virtuoso.web.connections.listening import listen
from virtuoso.web.connections.server import WebServer

HOSTILE = "<img src=x onerror=alert(1)>"
"""A name that an exchange could list."""
SYMBOLS = 600
"""As many are fed to the tests of pages."""
SIGNALS_S = 0.5
DEPTH_S = 6 * 3_600
"""So much of depth is kept."""


class MadeDepth:
    """Depth of the last hours."""

    def __init__(self, clock: SystemClock) -> None:
        self._clock = clock

    async def depth(self, symbol: str, seconds: int, until_ms: int | None = None) -> docs.Depth | None:
        now = self._clock.now_ns() // 10**9
        end = now if until_ms is None else min(now, until_ms // 1_000)
        oldest = now - DEPTH_S
        return depth_of(symbol, max(oldest, end - seconds), end, oldest)


class Views:
    """Bars that go up and down; no books, no scores."""

    def timeframes(self) -> tuple[Timeframe, ...]:
        return (Timeframe.M1, Timeframe.M5, Timeframe.M30, Timeframe.H1, Timeframe.H4, Timeframe.D1)

    async def bars(
        self, symbol: str, timeframe: Timeframe, limit: int, until_ms: int | None = None
    ) -> docs.Bars | None:
        closes = [100.0 + 5.0 * math.sin(i / 5.0) for i in range(limit)]
        first_ms = 0 if until_ms is None else until_ms - limit * timeframe.ms
        rows = tuple(
            docs.BarItem(
                open_time=iso(first_ms + i * timeframe.ms) or "", open=c, high=c + 1, low=c - 1, close=c, volume=1.0,
                turnover=c,
            )
            for i, c in enumerate(closes)
        )  # fmt: skip
        return docs.Bars(symbol=symbol, timeframe=str(timeframe), bars=rows)

    async def book(self, symbol: str, depth: int) -> docs.Book | None:
        return None

    async def series(self, symbol: str, names: Sequence[str], limit: int) -> docs.SymbolSeries | None:
        points = tuple((iso(i * 60_000) or "", 50.0 + i % 7) for i in range(1, limit))
        items = tuple(docs.SeriesItem(name=n, unit=docs.SERIES[n], points=points, until=points[-1][0]) for n in names)
        return docs.SymbolSeries(symbol=symbol, series=items, data_source=DataSource.SYNTHETIC)

    async def scores(self, symbol: str, limit: int) -> docs.ScoreHistory | None:
        return None


def names(symbols: int) -> list[str]:
    """The first is BTC's, the second the hostile one."""
    return ["BTCUSDT", HOSTILE, *(f"N{i:05}USDT" for i in range(2, symbols))][:symbols]


class Feed:
    """Publishes into a cache, as a monitor's documents arrive there."""

    def __init__(self, cache: MemoryCache, clock: SystemClock, symbols: int) -> None:
        self._cache, self._clock = cache, clock
        self._names = names(symbols)
        self._sequence = count(1)

    def publish(self, name: str, document: Any) -> None:
        self._cache.put(name, msgspec.json.encode(document), Version(1, next(self._sequence)), 3_600.0, 10.0)

    def now(self) -> str:
        return iso(self._clock.now_ns() // 1_000_000) or ""

    def price(self, i: int, step: int) -> float:
        return round(100.0 * (i + 1) + 5.0 * math.sin(step / 7.0 + i), 1)

    def market(self, step: int) -> None:
        """All that a pass publishes but ticks and status."""
        now, example = self.now(), examples.SIGNALS["signals"][0]
        rows = [
            example
            | {
                "symbol": name, "price": self.price(i, step), "timestamp": now,
                "change": 6.0 * math.sin(i + step / 9.0), "score": 50.0 + 40.0 * math.sin(i * 1.7 + step / 11.0),
                "score_percentile": float(i % 101),
                "large_move": 0.5 + 0.4 * math.sin(i * 2.3),
            }
            for i, name in enumerate(self._names)
        ]  # fmt: skip
        self.publish("signals", examples.SIGNALS | {"signals": rows, "timestamp": now})
        self.publish("overview", examples.OVERVIEW | {"timestamp": now})
        self.publish("regime", examples.REGIME | {"timestamp": now})
        self.publish("dashboard", examples.DASHBOARD)
        self.publish("alerts", [examples.ALERT | {"message": f"{HOSTILE} moved", "symbol": HOSTILE}])
        self.publish("alerts:performance", alert_examples.PERFORMANCE | {"timestamp": now})
        self.publish("alerts:rules", alert_examples.RULES | {"timestamp": now})
        self.publish("alerts:pipeline", alert_examples.PIPELINE | {"timestamp": now})
        self.publish("signals:performance", performance_example.PERFORMANCE | {"timestamp": now})
        ticker = examples.SYMBOLS["symbols"][0]
        listed = [ticker | {"symbol": n, "turnover_24h": 1e9 / (i + 1)} for i, n in enumerate(self._names)]
        self.publish("symbols", examples.SYMBOLS | {"symbols": listed, "timestamp": now})
        for name in self._names[:2]:
            signal = example | {"symbol": name, "timestamp": now}
            detail = {
                "ticker": ticker | {"symbol": name},
                "signal": signal,
                "timestamp": now,
                "why": [f"{name} is calm."],
            }
            self.publish(f"symbol:{name}", examples.SYMBOL | detail)
            self.publish(f"book:{name}", examples.BOOK | {"symbol": name, "updated_at": now})
            self.publish(f"tape:{name}", examples.TAPE | {"symbol": name})

    def ticks(self, step: int) -> None:
        rows = [
            {"symbol": name, "price": self.price(i, step), "bid": None, "ask": None, "age_ms": 20}
            for i, name in enumerate(self._names)
        ]
        self.publish("ticks", {"timestamp": self.now(), "data_source": "synthetic", "ticks": rows})

    def depth(self) -> None:
        second = self._clock.now_ns() // 10**9
        for name in self._names[:2]:
            self.publish(f"depth:{name}", depth_of(name, second - second % 10 - 10, second + 1))

    def status(self) -> None:
        self.publish("status", examples.STATUS | {"timestamp": self.now(), "health": "healthy", "health_reasons": []})

    async def run(self, ticks_per_s: float) -> None:
        """Until it is cancelled."""

        async def every(seconds: float, publish: Any) -> None:
            for step in count():
                publish(step)
                await asyncio.sleep(seconds)

        async with asyncio.TaskGroup() as group:
            group.create_task(every(SIGNALS_S, self.market))
            group.create_task(every(1.0 / ticks_per_s, self.ticks))
            group.create_task(every(1.0, lambda _step: self.status()))
            group.create_task(every(1.0, lambda _step: self.depth()))


async def serve(port: int, symbols: int, ticks_per_s: float, folder: Path | None = None) -> None:
    """Until killed."""
    clock = SystemClock()
    cache = MemoryCache(clock)
    database = None if folder is None else Database(sqlite_url(folder), clock)
    if database is not None:
        await database.start()
        await keep_signals(database, clock)
    app = create_app(
        cache=cache, board=HealthState(clock, 10.0, "embedded"), views=Views(), database=database, identity="m",
        clock=clock, access=Access(["127.0.0.1"], None), depth=MadeDepth(clock),
    )  # fmt: skip
    async with asyncio.TaskGroup() as group:
        group.create_task(Feed(cache, clock, symbols).run(ticks_per_s))
        group.create_task(WebServer(app).serve(listen("127.0.0.1", port)))


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), *map(Path, sys.argv[4:])))

"""A monitor without network, stores and waiting: a made-up exchange, a clock moved by hand, the real cycle."""

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Any

import msgspec

from tests.support.long_day_market import MINUTE, MadeUpExchange, MadeUpStream
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.config import Settings
from virtuoso.market.universe.choice import UniverseRules
from virtuoso.model.clock import ManualClock
from virtuoso.model.feed import SymbolSink
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.alerting.alerting import without_notifications
from virtuoso.monitor.documents.publication import Publication
from virtuoso.monitor.kernel import Kernel, Source
from virtuoso.monitor.lived.record import LivedRecord
from virtuoso.monitor.persistence.committer import Committer
from virtuoso.operations.health import HealthState
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.database.leased_store import LeasedStore
from virtuoso.wiring.parts import kernel_parts

START_MS = 1_748_476_800_000  # 2025-05-29 00:00 UTC
_TICKER_AGE_MS = 500


class SmallMonitor:
    """`start`, then `minute` by minute; `documents` is what is published."""

    def __init__(
        self, symbols: int = 4, exchange: MadeUpExchange | None = None, *, clock: ManualClock | None = None,
        store: LeasedStore | None = None, timeframes: Mapping[Timeframe, float] | None = None,
    ) -> None:  # fmt: skip
        self.clock = clock or ManualClock((START_MS + 10_000) * 1_000_000)
        self.exchange = exchange or MadeUpExchange(self.clock, symbols)
        self.exchange._clock = self.clock
        self.stream = MadeUpStream(self.clock)
        self.incidents = IncidentLog(1_000)
        parts = kernel_parts(Settings())
        parts = replace(
            parts,
            timeframes=timeframes or parts.timeframes,
            universe=UniverseRules(size=symbols, detailed=symbols),
            slow_pass_s=inf,
        )
        self.lived = LivedRecord(store, self.exchange.name)
        self.committer = Committer(store, self.exchange.name, self.incidents, lived=self.lived)
        self.kernel = kernel = Kernel(
            parts, Source(self.exchange, self.stream), self.clock, Publication(MemoryCache(self.clock), 1, 40.0),
            alerting=without_notifications(self.incidents, self.clock), committer=self.committer,
            health=HealthState(self.clock, 60.0, "embedded"), lived=self.lived,
        )  # fmt: skip
        self.market, self.watch, self.cycle, self.cache = kernel.market, kernel.watch, kernel.cycle, kernel.cache
        self.archive, self.refresh, self.detection = kernel.archive, kernel.refresh, kernel.detection
        self.alerting, self.worker = kernel.alerting, kernel.worker

    @property
    def now_ms(self) -> int:
        return self.clock.now_ns() // 1_000_000

    async def start(self) -> None:
        """Choose, load, warm up, and analyse once."""
        await self.watch.adopt(await self.watch.choose())
        self.stream.watch(self.sinks, self.watch.detailed)
        await self.cycle.run()

    @property
    def sinks(self) -> Mapping[str, SymbolSink]:
        """As the adapter has them."""
        return self.detection.sinks(self.market, self.clock.now_ns())

    async def true_bar(self, symbol: str, open_ms: int) -> Bar:
        """The minute as the exchange's REST says it."""
        (bar,) = await self.exchange.bars(symbol, Timeframe.M1, open_ms, open_ms)
        return msgspec.structs.replace(bar, confirmed=True)

    async def bars_alone(self, minutes: int) -> None:
        """Let so many minutes end of which each symbol's bars come at once, and nothing else is done."""
        open_ms = Timeframe.M1.floor(self.now_ms)
        opens = range(open_ms, open_ms + minutes * MINUTE, MINUTE)
        self.clock.advance_to((opens.stop + 3_000) * 1_000_000)
        now_ns = self.clock.now_ns()
        for symbol, sink in self.sinks.items():
            sink.ticker(self.now_ms - _TICKER_AGE_MS, now_ns, self.exchange.listed[symbol].tickers[0])
            sink.bars(now_ns, [await self.true_bar(symbol, at_ms) for at_ms in opens])

    async def minute(self, said: Mapping[str, Bar | None] | None = None) -> None:
        """Let a minute end: a ticker and the closed bar of each symbol (or what is `said` of it), then a pass."""
        open_ms = Timeframe.M1.floor(self.now_ms)
        self.clock.advance_to((open_ms + MINUTE + 3_000) * 1_000_000)
        now_ns = self.clock.now_ns()
        for symbol, sink in self.sinks.items():
            sink.ticker(self.now_ms - _TICKER_AGE_MS, now_ns, self.exchange.listed[symbol].tickers[0])
            bar = said[symbol] if said and symbol in said else await self.true_bar(symbol, open_ms)
            if bar is not None:
                sink.bars(now_ns, [bar])
        await self.cycle.run()

    def documents(self) -> dict[str, Any]:
        """Everything published, decoded."""
        found = {}
        for name in sorted(self.cache.names()):
            if (document := self.cache.get(name)) is not None and name != "health":
                found[name] = msgspec.json.decode(document.body)
        return found

    def close(self) -> None:
        self.kernel.close()

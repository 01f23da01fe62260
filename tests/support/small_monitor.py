"""A monitor without network, stores and waiting: a made-up exchange, a clock moved by hand, the real cycle."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from tests.support.long_day_market import MINUTE, MadeUpExchange, MadeUpStream
from virtuoso.alerts.conditions import FeedOutage
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.config import Settings
from virtuoso.market.state import MarketState
from virtuoso.market.universe import UniverseRules
from virtuoso.model.clock import ManualClock
from virtuoso.model.feed import SymbolSink
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.aftermath import Aftermath
from virtuoso.monitor.alerting import untold
from virtuoso.monitor.bar_archive import BarArchive
from virtuoso.monitor.configured import engine_for
from virtuoso.monitor.cycle import Cycle
from virtuoso.monitor.detect import Detection, fast_rules
from virtuoso.monitor.keeper import Keeper
from virtuoso.monitor.refresh import Refresh
from virtuoso.monitor.watch import Watch
from virtuoso.operations.health import HealthBoard
from virtuoso.storage.cache.memory import MemoryCache

START_MS = 1_748_476_800_000  # 2025-05-29 00:00 UTC
_TICKER_AGE_MS = 500


class SmallMonitor:
    """`start`, then `minute` by minute; `documents` is what is published."""

    def __init__(self, symbols: int = 4, exchange: MadeUpExchange | None = None) -> None:
        settings = Settings()
        self.clock = ManualClock((START_MS + 10_000) * 1_000_000)
        self.exchange = exchange or MadeUpExchange(self.clock, symbols)
        self.exchange._clock = self.clock
        self.worker = ThreadPoolExecutor(1, "analysis")
        self.engine = engine_for(settings)
        self.market = MarketState(list(settings.analysis.timeframes.weights()))
        self.archive = BarArchive(None, self.market)
        self.watch = Watch(
            exchange=self.exchange, market=self.market, engine=self.engine, worker=self.worker,
            rules=UniverseRules(size=symbols, detailed=symbols), clock=self.clock, archive=self.archive,
        )  # fmt: skip
        self.incidents = IncidentLog(1_000)
        self.detection = Detection(fast_rules(settings.monitoring.alerts), self.incidents, self.watch.contained)
        self.cache = MemoryCache(self.clock)
        self.refresh = Refresh(self.exchange, self.market, self.watch)
        self.stream = MadeUpStream(self.clock)
        self.alerting = untold(self.incidents, self.clock)
        self.cycle = Cycle(
            exchange=self.exchange, stream=self.stream, market=self.market, engine=self.engine, watch=self.watch,
            refresh=self.refresh, worker=self.worker, cache=self.cache, alerting=self.alerting,
            outage=FeedOutage(self.exchange.name), slow_s=float("inf"), stale_after_s=10.0, epoch=1,
            health=HealthBoard(self.clock, 60.0, "embedded"), fresh_s=120.0,
            aftermath=Aftermath(
                self.archive, Keeper(None, self.exchange.name, self.incidents), None, self.exchange.name
            ),
        )  # fmt: skip

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
        self.worker.shutdown()

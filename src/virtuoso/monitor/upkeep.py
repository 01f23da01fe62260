"""What happens between cycles, once a second: the status is published, and the weather and the stores are judged."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING

import msgspec
import structlog

from virtuoso.alerts.conditions import StoreState, Weather, observe_stores, observe_weather
from virtuoso.alerts.refusals import RefusedFrames
from virtuoso.alerts.universe_conditions import UniverseState, observe_universe
from virtuoso.market.quality import speaks
from virtuoso.model.alert import Details
from virtuoso.model.clock import Clock
from virtuoso.model.documents import FeedRow
from virtuoso.model.feed import FeedStatus
from virtuoso.model.quality import DataQuality
from virtuoso.monitor.status import feed_rows
from virtuoso.monitor.watch import Watch
from virtuoso.operations.health import Observed
from virtuoso.storage.cache.memory import MemoryCache, Version

if TYPE_CHECKING:
    from virtuoso.monitor.app import Monitor

log = structlog.get_logger(__name__)

_PERIOD_S = 1.0
_DENIED_NS = 10_000_000_000
"""A refusal this old is told; a delisted symbol is gone from the universe by then."""
_TTL_S, _FRESH_S = 3_600.0, 10.0


class Upkeep:
    """Reads the monitor; flips must show within seconds, however long the cycle's interval is."""

    def __init__(
        self, monitor: "Monitor", cache: MemoryCache, clock: Clock, worker: Executor, stale_after_s: float
    ) -> None:
        self._monitor = monitor
        self._cache = cache
        self._clock = clock
        self._worker = worker
        self._stale_after_s = stale_after_s
        self._sequence = 0
        self._refused = RefusedFrames()

    async def run(self) -> None:
        """For ever."""
        while True:
            await self.look()
            await asyncio.sleep(_PERIOD_S)

    async def look(self) -> None:
        """Judge and publish once."""
        monitor = self._monitor
        feeds = monitor.stream.feeds()
        self._observe(feeds)
        rows = await asyncio.get_running_loop().run_in_executor(
            self._worker, feed_rows, feeds, self._clock.now_ns(), self._stale_after_s
        )
        monitor.health.observed(self._observed(rows))
        self._sequence += 1
        status = monitor.status.document(rows)
        body = msgspec.json.encode(status)
        self._cache.put("status", body, Version(monitor.epoch, self._sequence), _TTL_S, _FRESH_S)
        if monitor.desk is not None:
            monitor.desk.system(status)
        monitor.cycle.publish_health()
        monitor.aftermath.observed(self._now_ms(), rows)

    def _observe(self, feeds: Sequence[FeedStatus]) -> None:
        monitor, now_ms = self._monitor, self._now_ms()
        exchange = monitor.exchange
        weather = Weather(
            mute={feed.topic: feed.symbol for feed in feeds if feed.mute},
            denied=denied_by_symbol(feeds, self._clock.now_ns()),
            rest_down=exchange.rest_down,
            origin_change=exchange.origin_change,
            maintenance=exchange.maintenance,
            banned_until_ms=exchange.budget.banned_until_ms,
            clock_offset_ms=exchange.clock_offset_ms,
            clock_doubt=exchange.clock_doubt,
        )
        observe_weather(monitor.incidents, weather, now_ms)
        self._refused.observe(monitor.incidents, feeds, now_ms)
        observe_universe(monitor.incidents, universe_state(monitor.watch), now_ms)
        if monitor.stores is not None:
            states = [StoreState(s.name, s.state, s.since_ms, s.error) for s in monitor.stores.statuses()]
            observe_stores(monitor.incidents, states, now_ms)
        monitor.detection.sweep(self._clock.now_ns())
        monitor.outage.observe(monitor.incidents, now_ms)
        monitor.audit.observe(monitor.incidents)
        monitor.watch.contained.observe(monitor.incidents, monitor.market.rows)
        self._cache.sweep()

    def _observed(self, rows: Sequence[FeedRow]) -> Observed:
        """What health is judged by."""
        watch, analysed_ms = self._monitor.watch, self._monitor.cycle.analysed_ms
        told = [row for row in rows if speaks(row.topic)]
        live = {row.symbol for row in told if row.data_quality is DataQuality.LIVE}
        return Observed(
            watched=len(watch.universe.symbols),
            live=len(live & set(watch.universe.symbols)),
            connected=sum(row.connected for row in rows),
            close_age_s=(watch.exchange_ms() - analysed_ms) / 1000 if analysed_ms else None,
            empty=watch.empty,
            untold=self._untold(),
        )

    def _untold(self) -> str | None:
        """Without a database nothing is told, for nothing could be promised."""
        if self._monitor.stores is None:
            return None
        state = self._monitor.stores.database.status().state
        return None if state == "up" else f"the database is {state}: no incident is told to anyone"

    async def clean(self, interval_s: float) -> None:
        """Remove expired documents, for ever."""
        while True:
            await asyncio.sleep(interval_s)
            if gone := self._cache.cleanup():
                log.info("expired documents removed", count=gone)

    def _now_ms(self) -> int:
        return self._clock.now_ns() // 1_000_000


def universe_state(watch: Watch) -> UniverseState:
    """What is wrong with the universe and the lists it is chosen from."""
    doubts: dict[str, tuple[str, Details]] = {
        doubt.name: (doubt.text, {"list": doubt.name, "listed": doubt.listed, "known": doubt.known})
        for doubt in watch.listed.doubts
    }
    return UniverseState(doubts=doubts, empty=watch.empty, unknown=watch.unknown)


def denied_by_symbol(feeds: Sequence[FeedStatus], now_ns: int) -> dict[str, str]:
    """What to say of each symbol of whose topics some have been refused for a while."""
    denied: dict[str, list[FeedStatus]] = {}
    for feed in feeds:
        if feed.denied_ns is not None and now_ns - feed.denied_ns >= _DENIED_NS:
            denied.setdefault(feed.symbol, []).append(feed)
    return {
        symbol: f"the exchange refuses {', '.join(feed.topic for feed in refused)}: {refused[0].denied}; asked again"
        for symbol, refused in denied.items()
    }

"""Judges once a second what the cycle does not: feeds, exchange, universe and stores; publishes status and health."""

import asyncio
from collections.abc import Callable, Sequence

from virtuoso.alerts.conditions import ExchangeState, StoreState, observe_exchange, observe_stores
from virtuoso.alerts.limits import REFUSED_TOPIC_MS
from virtuoso.alerts.refusals import RefusedFrames
from virtuoso.alerts.universe_conditions import UniverseState, observe_universe
from virtuoso.market.quality import speaks
from virtuoso.model.alerts.incident import Details
from virtuoso.model.documents import FeedItem, MonitoringStatus
from virtuoso.model.feed import FeedStatus
from virtuoso.model.quality import DataQuality, DataSource
from virtuoso.monitor.kernel import Kernel
from virtuoso.monitor.status import StatusReport, feed_items
from virtuoso.monitor.watching.watch import Watch
from virtuoso.operations.health import Observed
from virtuoso.storage.stores import Stores

PERIOD_S = 1.0
"""Seconds between two checks."""
_PUBLISHED = 2
"""Documents of one check: status and health."""


class Supervision:
    """Looks at the kernel and its stores; changes must show within seconds, however long the cycle's interval is.

    `on_status` is given each status.
    """

    def __init__(
        self, kernel: Kernel, status: StatusReport, stores: Stores | None = None,
        on_status: Callable[[MonitoringStatus], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._kernel = kernel
        self._status = status
        self._stores = stores
        self._on_status = on_status
        self._clock = kernel.clock
        self._refused = RefusedFrames()
        self._under_way: dict[str, int] = {}
        """By topic, when the frame came whose way was counted last (epoch ns)."""
        self._replayed_ms: float | None = None
        """What the clock of a replay was ahead of ours when it was seen first."""

    async def check(self) -> None:
        """Judge feeds, exchange, universe and stores once, then publish status and health."""
        kernel = self._kernel
        feeds = kernel.stream.feeds()
        self._observe(feeds)
        if kernel.publication.unseen:
            kernel.publication.passed_over(_PUBLISHED)
            return
        items = await asyncio.get_running_loop().run_in_executor(kernel.worker, self._looked_at, feeds)
        kernel.health.observed(self._observed(items))
        status = self._status.document(items)
        kernel.publication.publish("status", status)
        self._on_status(status)
        kernel.cycle.publish_health()
        kernel.results.observed(kernel.now_ms(), items)

    def _looked_at(self, feeds: Sequence[FeedStatus]) -> tuple[FeedItem, ...]:
        """On the worker: the items of the status; how long the newest frame of each topic was under way is counted."""
        kernel, counted = self._kernel, self._under_way
        self._under_way = {feed.topic: feed.received_ns for feed in feeds if feed.received_ns is not None}
        for feed in feeds:
            if feed.lag_ms is not None and counted.get(feed.topic) != feed.received_ns:
                kernel.latency.add("wire", feed.lag_ms / 1e3)
        return feed_items(feeds, self._clock.now_ns(), kernel.parts.stale_after_s)

    def _observe(self, feeds: Sequence[FeedStatus]) -> None:
        kernel, now_ms = self._kernel, self._kernel.now_ms()
        exchange, incidents = kernel.exchange, kernel.incidents
        state = ExchangeState(
            mute={feed.topic: feed.symbol for feed in feeds if feed.mute},
            denied=denied_by_symbol(feeds, self._clock.now_ns()),
            rest_down=exchange.rest_down,
            origin_change=exchange.origin_change,
            maintenance=exchange.maintenance,
            banned_until_ms=exchange.budget.banned_until_ms,
            clock_skew_ms=self._skew_ms(),
            clock_doubt=exchange.clock_doubt,
        )
        observe_exchange(incidents, state, now_ms)
        self._refused.observe(incidents, feeds, now_ms)
        observe_universe(incidents, universe_state(kernel.watch), now_ms)
        if self._stores is not None:
            states = [StoreState(s.name, s.state, s.since_ms, s.error) for s in self._stores.statuses()]
            observe_stores(incidents, states, now_ms)
        kernel.detection.sweep(self._clock.now_ns())
        kernel.outage.observe(incidents, now_ms)
        kernel.audit.observe(incidents)
        kernel.watch.contained.observe(incidents, kernel.market.rows)
        kernel.cache.sweep()

    def _skew_ms(self) -> float | None:
        """By how much the exchange's clock is ahead of ours; a replay has a time of its own, which it must keep."""
        exchange = self._kernel.exchange
        if exchange.origin is DataSource.REPLAY and self._replayed_ms is None:
            self._replayed_ms = exchange.clock_offset_ms
        if exchange.clock_offset_ms is None or exchange.origin is not DataSource.REPLAY:
            return exchange.clock_offset_ms
        return exchange.clock_offset_ms - (self._replayed_ms or 0.0)

    def _observed(self, items: Sequence[FeedItem]) -> Observed:
        """Gather the facts by which health is judged."""
        watch, analysed_ms = self._kernel.watch, self._kernel.cycle.analysed_ms
        speaking = [item for item in items if speaks(item.kind)]
        live = {item.symbol for item in speaking if item.data_quality is DataQuality.LIVE}
        return Observed(
            watched=len(watch.universe.symbols),
            live=len(live & set(watch.universe.symbols)),
            connected=sum(item.connected for item in items),
            close_age_s=(watch.exchange_ms() - analysed_ms) / 1000 if analysed_ms else None,
            empty=watch.empty,
            untold=self._untold(),
        )

    def _untold(self) -> str | None:
        """Say why nobody is notified of incidents: without a database nothing could be promised."""
        if self._stores is None:
            return None
        state = self._stores.database.status().state
        return None if state == "up" else f"the database is {state}: nobody is notified of incidents"


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
        if feed.denied_ns is not None and now_ns - feed.denied_ns >= REFUSED_TOPIC_MS * 1_000_000:
            denied.setdefault(feed.symbol, []).append(feed)
    return {
        symbol: f"the exchange refuses {', '.join(feed.topic for feed in refused)}: {refused[0].denied}; asked again"
        for symbol, refused in denied.items()
    }

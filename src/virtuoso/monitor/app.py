"""The composition root of the monitor: everything is built here, once, and passed in."""

import asyncio
import gc
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial

import msgspec
import numpy as np
import structlog

from virtuoso.alerts.conditions import FeedOutage, Weather, observe_weather
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.config import Settings
from virtuoso.exchange.polling import Polling, largest_universe
from virtuoso.exchange.protocol import StreamEvent, Tap
from virtuoso.exchange.supervise import Backoff
from virtuoso.market.state import MarketState
from virtuoso.market.universe import UniverseRules
from virtuoso.model.alert import Severity
from virtuoso.model.clock import Clock
from virtuoso.model.errors import ExchangeError, UsageError
from virtuoso.model.feed import FeedStatus
from virtuoso.monitor.alpha import AlphaScanner
from virtuoso.monitor.configured import alpha_intervals, engine_for, exchange_for, universe_rules
from virtuoso.monitor.cycle import TTL_S, Cycle
from virtuoso.monitor.detect import Detection, fast_rules
from virtuoso.monitor.refresh import Refresh
from virtuoso.monitor.schedule import FixedRate
from virtuoso.monitor.slow import SlowData
from virtuoso.monitor.status import StatusReport, feed_rows
from virtuoso.monitor.tasks import TrackedTasks
from virtuoso.monitor.ticks import publish_ticks
from virtuoso.monitor.watch import Watch
from virtuoso.operations.health import HealthBoard
from virtuoso.operations.metrics import Durations, measure_loop_lag
from virtuoso.storage.cache.memory import MemoryCache, Version

log = structlog.get_logger(__name__)

_LOOK_S = 0.1
_LISTS_CALM_S = 5.0
_STATUS_S = 1.0
_STREAM_FIRST_S = 5.0
_MET_AT_ONCE = 8
_CLOCK_INTERVAL_S, _DOUBT_S = 10.0, 2.0
_FALLBACK_S = 5.0
_START_CAP_S = 10.0
_GC_THRESHOLDS = (20_000, 20, 50)
"""Frames and requests make many short-lived containers and next to no cycles: look for those less often."""


class Monitor:
    """Watches one exchange. `run` never returns by itself; `ready` is set at the first complete set of signals."""

    def __init__(
        self, settings: Settings, clock: Clock, cache: MemoryCache, health: HealthBoard, tap: Tap | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._cache = cache
        self._epoch = clock.now_ns() // 1_000_000_000
        rng = np.random.default_rng()
        monitoring, analysis = settings.monitoring, settings.analysis
        self.exchange = exchange_for(settings, clock, rng, tap)
        self.largest_polled: int | None = None
        self._polled = settings.market_data.mode == "poll" or settings.exchange.ccxt_id is not None
        self._backoff = Backoff(rng, first_s=0.5, cap_s=_START_CAP_S)
        frames = analysis.timeframes.weights()
        self.market = MarketState(list(frames), depth=settings.exchange.depth)
        engine = engine_for(settings)
        self._worker = ThreadPoolExecutor(1, "analysis")
        self.watch = Watch(
            exchange=self.exchange,
            market=self.market,
            engine=engine,
            worker=self._worker,
            rules=universe_rules(settings),
            clock=clock,
        )
        self.stream = self._stream_for(settings)
        self.slow = SlowData(
            self.exchange, self.market, clock,
            min_interval_s=settings.smart_intervals.min_interval, max_interval_s=settings.smart_intervals.max_interval,
        )  # fmt: skip
        self.incidents = IncidentLog(monitoring.alerts.keep)
        self.detection = Detection(fast_rules(monitoring.alerts), self.incidents)
        self._outage = FeedOutage(self.exchange.name)
        self._refresh = Refresh(self.exchange, self.market, self.watch)
        self.cycle = Cycle(
            exchange=self.exchange,
            stream=self.stream,
            market=self.market,
            engine=engine,
            watch=self.watch,
            refresh=self._refresh,
            worker=self._worker,
            cache=cache,
            incidents=self.incidents,
            outage=self._outage,
            slow_s=monitoring.alerts.slow_cycle,
            stale_after_s=settings.websocket.stale_after,
            health=health,
            epoch=self._epoch,
        )
        self.alpha = AlphaScanner(
            exchange=self.exchange,
            market=self.market,
            watch=self.watch,
            worker=self._worker,
            cache=cache,
            incidents=self.incidents,
            intervals=alpha_intervals(settings),
            false_discovery_rate=settings.alpha_scanning.false_discovery_rate,
            epoch=self._epoch,
        )
        self.lag = Durations()
        self.tasks = TrackedTasks(self._task_died, self._task_restarted)
        self.schedule = FixedRate(monitoring.interval)
        self.status = StatusReport(self, settings, clock, cache)
        self.ready = asyncio.Event()
        self.state = "starting"
        self._tape_gaps: set[str] = set()
        self._look_at_lists = asyncio.Event()
        self._streaming = asyncio.Event()

    def _pollable(self, rules: UniverseRules) -> UniverseRules:
        """The universe as configured, or in poll mode what of it can be polled."""
        if not self._polled:
            return rules
        budget, interval_s = self.exchange.budget, self._settings.monitoring.interval
        largest = self.largest_polled = largest_universe(budget.capacity, budget.window_s, interval_s)
        log.info("poll mode", interval_s=interval_s, largest_universe=largest, wanted=rules.size)
        if largest == 0:
            raise UsageError(f"monitoring.interval = {interval_s:g}: too short to poll even one symbol; make it longer")
        if rules.size > largest:
            log.warning(
                "the universe is larger than can be polled and is cut; a longer monitoring.interval allows for more",
                wanted=rules.size, watched=largest,
            )  # fmt: skip
        return replace(rules, size=min(rules.size, largest))

    def _stream_for(self, settings: Settings) -> Polling:
        """Where the data comes from: streams with polling under them, or polling alone."""
        polled = self._polled
        return Polling(
            self.exchange,
            self._clock,
            interval_s=settings.monitoring.interval if polled else _FALLBACK_S,
            depth=settings.exchange.depth,
            on_event=self._on_stream,
            stream=None if polled else self.exchange.stream(self._on_stream),
        )

    async def run(self) -> None:
        """Start up, then cycle until cancelled."""
        began = time.perf_counter()
        log.info(
            "monitor starting",
            exchange=self._settings.exchange.address,
            interval_s=self._settings.monitoring.interval,
            universe=self._settings.universe.model_dump()["size"],
        )
        self.tasks.start("loop lag", partial(measure_loop_lag, self.lag))
        self.tasks.start("ticks", partial(publish_ticks, self.market, self.exchange, self._cache, self._clock))
        self.tasks.start("cleanup", self._clean_cache)
        self.tasks.start("status", self._publish_status)
        try:
            await self._first_signals()
            log.info(
                "first signals", symbols=len(self.cycle.evaluations), seconds=round(time.perf_counter() - began, 3)
            )
            self.ready.set()
            self.state = "running"
            self.schedule.begin(self._clock.monotonic_ns() / 1e9)
            gc.collect()
            gc.freeze()  # what warm-up built lives as long as the process: a full collection need not walk it
            gc.set_threshold(*_GC_THRESHOLDS)
            self.tasks.start("stream", self.stream.run)
            self.tasks.start("cycle", self._cycles)
            self.tasks.start("clock", self._clock_offset)
            self.tasks.start("universe", self._universe)
            self.tasks.start("tape", self._fill_tape)
            self.tasks.start("slow data", self._slow_data)
            self.tasks.start("alpha", self.alpha.run)
            await asyncio.Event().wait()  # until cancelled
        finally:
            await self.tasks.stop()
            await self.exchange.close()
            self._worker.shutdown(wait=True, cancel_futures=True)
            log.info("monitor stopped", cycles=self.cycle.count)

    async def _first_signals(self) -> None:
        """Ask until the exchange answers: universe, history, and the first analysis from it."""
        self._outage.lost(0, "not reached yet", self._now_ms())
        await self.cycle.publish()
        while True:
            try:
                await self.exchange.measure_clock()
                self.watch.rules = self._pollable(universe_rules(self._settings))
                universe = await self.watch.choose()
                break
            except ExchangeError as error:
                wait_s = self._backoff.next_s()
                self.state = f"waiting for the exchange: {error}"
                log.warning("the exchange cannot be reached; trying again", error=str(error), wait_s=round(wait_s, 2))
                self._outage.observe(self.incidents, self._now_ms())
                await self.cycle.publish()
                await asyncio.sleep(wait_s)
        await self.watch.adopt(universe)
        await self._stream_watched()
        await self.cycle.run()
        if not self.cycle.evaluations:
            log.warning("no symbol could be scored from its history yet")

    async def _cycles(self) -> None:
        """A pass at every tick of the grid, and one as soon as a minute is due for analysis."""
        while True:
            now_s = self._clock.monotonic_ns() / 1e9
            if now_s >= self.schedule.due_s:
                self.status.began(self.schedule.take(now_s))
                await self.cycle.run()
            elif self._refresh.due(self.cycle.analysed_ms) is not None:
                await self.cycle.run()
            else:
                await asyncio.sleep(min(_LOOK_S, self.schedule.due_s - now_s))

    async def _clock_offset(self) -> None:
        while True:
            await asyncio.sleep(_DOUBT_S if self.exchange.clock_doubt else _CLOCK_INTERVAL_S)
            try:
                await self.exchange.measure_clock()
            except ExchangeError as error:
                log.warning("the clock offset could not be measured", error=str(error))

    async def _universe(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look_at_lists.wait(), self._settings.universe.refresh_interval)
                await asyncio.sleep(_LISTS_CALM_S)  # a delisting rejects several topics
            self._look_at_lists.clear()
            try:
                universe = await self.watch.choose()
            except ExchangeError as error:
                log.warning("the exchange's lists could not be read", error=str(error))
                continue
            await self.watch.adopt(universe)
            await self._stream_watched()

    async def _stream_watched(self) -> None:
        """Let the streams feed the symbols that are watched now, through their detectors."""
        more = True
        while more:
            more = self.detection.meet(self.market, self._clock.now_ns(), _MET_AT_ONCE)
            await asyncio.sleep(0)
        self.stream.watch(self.detection.sinks(self.market, self._clock.now_ns()), self.watch.detailed)

    async def _fill_tape(self) -> None:
        """Fetch what the tape of newly connected symbols missed."""
        while True:
            await asyncio.sleep(_LOOK_S)
            if self._tape_gaps:
                symbols, self._tape_gaps = self._tape_gaps, set()
                await self.watch.fill_tape(symbols)

    async def _slow_data(self) -> None:
        """Streams first: the many questions about slow data wait until one is there, or for a while."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._streaming.wait(), _STREAM_FIRST_S)
        await self.slow.run()

    async def _publish_status(self) -> None:
        sequence = 0
        loop, stale_s = asyncio.get_running_loop(), self._settings.websocket.stale_after
        while True:
            sequence += 1
            feeds = self.stream.feeds()
            self._observe_weather(feeds)
            rows = await loop.run_in_executor(self._worker, feed_rows, feeds, self._clock.now_ns(), stale_s)
            body = msgspec.json.encode(self.status.document(rows))
            self._cache.put("status", body, Version(self._epoch, sequence), TTL_S)
            await asyncio.sleep(_STATUS_S)

    async def _clean_cache(self) -> None:
        while True:
            await asyncio.sleep(self._settings.cache.cleanup_interval)
            if gone := self._cache.cleanup():
                log.info("expired documents removed", count=gone)

    def _observe_weather(self, feeds: Sequence[FeedStatus]) -> None:
        """What happens between cycles: flips must show within seconds, however long the cycle's interval is."""
        exchange = self.exchange
        weather = Weather(
            mute={feed.topic: feed.symbol for feed in feeds if feed.mute},
            maintenance=exchange.maintenance,
            banned_until_ms=exchange.budget.banned_until_ms,
            clock_offset_ms=exchange.clock_offset_ms,
            clock_doubt=exchange.clock_doubt,
        )
        observe_weather(self.incidents, weather, self._now_ms())
        self.detection.sweep(self._clock.now_ns())
        self._outage.observe(self.incidents, self._now_ms())

    def _on_stream(self, event: StreamEvent) -> None:
        now_ms = self._now_ms()
        log.info(
            "stream", kind=event.kind, reason=event.reason, connection=event.connection, symbols=len(event.symbols)
        )
        match event.kind:
            case "mute":
                self._outage.mute(self.incidents, event.connection, event.reason, now_ms)
            case "disconnected":
                self._outage.lost(event.connection, event.reason, now_ms)
            case "connected":
                self._streaming.set()
                self._outage.back(self.incidents, event.connection, now_ms)
                self._tape_gaps.update(event.symbols)
            case "topic_rejected":
                self._look_at_lists.set()

    def _task_died(self, name: str, reason: str) -> None:
        text = f"task {name} died and is being restarted: {reason}"
        self.incidents.fire("task_died", Severity.CRITICAL, text, self._now_ms(), part=name, details={"task": name})

    def _task_restarted(self, name: str) -> None:
        log.warning("task restarted", task=name)
        self.incidents.resolve("task_died", self._now_ms(), part=name)

    def _now_ms(self) -> int:
        return self._clock.now_ns() // 1_000_000

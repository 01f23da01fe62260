"""The composition root of the monitor: everything is built here, once, and passed in."""

import asyncio
import gc
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial

import numpy as np
import structlog

from virtuoso.alerts.conditions import FeedOutage
from virtuoso.analysis.engine import Engine
from virtuoso.config import Settings
from virtuoso.exchange.polling import Polling, largest_universe
from virtuoso.exchange.protocol import StreamEvent, Tap
from virtuoso.exchange.supervise import Backoff
from virtuoso.market.state import MarketState
from virtuoso.market.universe import UniverseRules
from virtuoso.model.alert import Severity
from virtuoso.model.clock import Clock, iso
from virtuoso.model.errors import ExchangeError, UsageError, VirtuosoError
from virtuoso.model.evidence import DETAILED, PLAIN
from virtuoso.monitor.aftermath import Aftermath
from virtuoso.monitor.alert_context import AlertContext
from virtuoso.monitor.alert_desk import AlertDesk
from virtuoso.monitor.alert_parts import AlertParts
from virtuoso.monitor.alpha import AlphaScanner
from virtuoso.monitor.bar_archive import BarArchive
from virtuoso.monitor.bar_audit import BarAudit
from virtuoso.monitor.configured import alpha_intervals, engine_for, exchange_for, universe_rules
from virtuoso.monitor.cycle import Cycle
from virtuoso.monitor.detect import Detection, fast_rules
from virtuoso.monitor.keeper import Keeper
from virtuoso.monitor.lists import Lists
from virtuoso.monitor.refresh import Refresh
from virtuoso.monitor.schedule import FixedRate
from virtuoso.monitor.slow import SlowData
from virtuoso.monitor.status import StatusReport
from virtuoso.monitor.stores import LeasedBooks, Stores
from virtuoso.monitor.tasks import TrackedTasks
from virtuoso.monitor.ticks import publish_books, publish_ticks
from virtuoso.monitor.upkeep import Upkeep
from virtuoso.monitor.wakes import Wakes
from virtuoso.monitor.watch import Watch
from virtuoso.operations.health import HealthBoard
from virtuoso.operations.heartbeat import Heartbeat
from virtuoso.operations.host import Host
from virtuoso.operations.metrics import Durations, measure_loop_lag
from virtuoso.operations.watchdog import Watchdog
from virtuoso.storage.cache.memory import MemoryCache

log = structlog.get_logger(__name__)

_LOOK_S = 0.1
_STREAM_FIRST_S = 5.0
_MET_AT_ONCE = 8
_CLOCK_INTERVAL_S, _DOUBT_S = 10.0, 2.0
_FALLBACK_S = 5.0
_FRESH_S, _FRESH_CYCLES = 10.0, 3
_BACKLOG_S = 0.05
_START_CAP_S = 10.0
_GC_THRESHOLDS = (20_000, 20, 50)
"""Frames and requests make many short-lived containers and next to no cycles: look for those less often."""


class Monitor:
    """Watches one exchange. `run` never returns by itself; `ready` is set at the first complete set of signals."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        cache: MemoryCache,
        health: HealthBoard,
        *,
        stores: Stores | None = None,
        tap: Tap | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._cache = cache
        self.stores = stores
        self.epoch = clock.now_ns() // 1_000_000_000 if stores is None else stores.lease.epoch
        rng = np.random.default_rng()
        monitoring, analysis = settings.monitoring, settings.analysis
        self.exchange = exchange_for(settings, clock, rng, tap)
        self.largest_polled: int | None = None
        self._polled = settings.market_data.mode == "poll" or settings.exchange.ccxt_id is not None
        self._backoff = Backoff(rng, first_s=0.5, cap_s=_START_CAP_S)
        frames = analysis.timeframes.weights()
        self.market = MarketState(
            list(frames), depth=settings.exchange.depth, clock_offset_ms=lambda: self.exchange.clock_offset_ms
        )
        engine = engine_for(settings)
        self._worker = ThreadPoolExecutor(1, "analysis")
        series = None if stores is None else stores.series
        self.archive = BarArchive(series, self.market)
        self.watch = self._watch_for(settings, engine)
        self.stream = self._stream_for(settings)
        self.slow = SlowData(
            self.exchange, self.market, clock,
            min_interval_s=settings.smart_intervals.min_interval, max_interval_s=settings.smart_intervals.max_interval,
            contained=self.watch.contained,
        )  # fmt: skip
        self.alerts = AlertParts(settings, clock, self.exchange.name, stores, self._changed)
        self.incidents = self.alerts.incidents
        self.detection = Detection(fast_rules(monitoring.alerts), self.incidents, self.watch.contained)
        self.outage = FeedOutage(self.exchange.name)
        books = None
        if stores is not None:
            books = LeasedBooks(stores.database, stores.lease, settings.identity, settings.exchange.market)
        self.keeper = Keeper(
            books, settings.exchange.market, self.incidents,
            decide=self.alerts.alerting.decide, committed=self._committed,
        )  # fmt: skip
        self.aftermath = Aftermath(self.archive, self.keeper, series, settings.exchange.market)
        self.audit = BarAudit(self.exchange, self.market, self.watch, self.archive, routine=not self._polled)
        self._refresh = Refresh(self.exchange, self.market, self.watch)
        self.cycle = self._cycle_for(settings, engine, health)
        self.alerts.context = AlertContext(self.market, self.cycle)
        self.alpha = self._scanner_for(settings)
        self.lag = Durations()
        self.tasks = TrackedTasks(self._task_died, self._task_restarted)
        self.schedule = FixedRate(monitoring.interval)
        self.status = StatusReport(self, settings, clock, cache)
        self._host = Host(settings.data_dir)
        self.desk = None if books is None else self._desk_for(books)
        self.health = health
        self._upkeep = Upkeep(self, cache, clock, self._worker, settings.websocket.stale_after)
        self.ready = asyncio.Event()
        self.state = "starting"
        self._tape_gaps: set[str] = set()
        self._lists = Lists(self.watch, self._stream_watched, settings.universe.refresh_interval)
        self._streaming = asyncio.Event()

    def _watch_for(self, settings: Settings, engine: Engine) -> Watch:
        return Watch(
            exchange=self.exchange,
            market=self.market,
            engine=engine,
            worker=self._worker,
            rules=universe_rules(settings),
            clock=self._clock,
            archive=self.archive,
            polled=self._polled,
        )

    def _cycle_for(self, settings: Settings, engine: Engine, health: HealthBoard) -> Cycle:
        return Cycle(
            exchange=self.exchange,
            stream=self.stream,
            market=self.market,
            engine=engine,
            watch=self.watch,
            refresh=self._refresh,
            worker=self._worker,
            cache=self._cache,
            alerting=self.alerts.alerting,
            outage=self.outage,
            slow_s=settings.monitoring.alerts.slow_cycle,
            stale_after_s=settings.websocket.stale_after,
            health=health,
            aftermath=self.aftermath,
            fresh_s=max(_FRESH_S, _FRESH_CYCLES * settings.monitoring.interval),
            epoch=self.epoch,
        )

    def _scanner_for(self, settings: Settings) -> AlphaScanner:
        return AlphaScanner(
            exchange=self.exchange,
            market=self.market,
            watch=self.watch,
            worker=self._worker,
            cache=self._cache,
            incidents=self.incidents,
            intervals=alpha_intervals(settings),
            false_discovery_rate=settings.alpha_scanning.false_discovery_rate,
            epoch=self.epoch,
        )

    def _desk_for(self, books: LeasedBooks) -> AlertDesk:
        return AlertDesk(
            parts=self.alerts,
            books=books,
            settings=self._settings.monitoring.alerts,
            host=self._host,
            lag=self.lag,
            cache=self._cache,
            clock=self._clock,
            epoch=self.epoch,
        )

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
        lost = asyncio.create_task(self._lost(), name="lease lost")
        watching = asyncio.create_task(self._watch_on(began), name="watch")
        try:
            await asyncio.wait({lost, watching}, return_when=asyncio.FIRST_COMPLETED)
            for task in (lost, watching):
                if task.done():
                    task.result()
        finally:
            for task in (lost, watching):
                task.cancel()
            await asyncio.gather(lost, watching, return_exceptions=True)
            await self.tasks.stop()
            if self.stores is not None:
                await self.keeper.commit()
            await self.alerts.close()
            self._host.close()
            await self.exchange.close()
            self._worker.shutdown(wait=True, cancel_futures=True)
            log.info("monitor stopped", cycles=self.cycle.count)

    async def _lost(self) -> None:
        """Until the lease is lost, which ends this monitor."""
        if self.stores is None:
            await asyncio.Event().wait()
            return
        await self.stores.lease.lost.wait()
        raise VirtuosoError(f"stepping down: {self.stores.lease.lost_to}")

    async def _watch_on(self, began: float) -> None:
        """Start up, then look after the tasks until cancelled."""
        self._start_keeping()
        await self._resume()  # before anything can be found: what is open already is not found a second time
        self._start_upkeep()
        self._start_telling()
        await self._first_signals()
        log.info("first signals", **self._classes(), seconds=round(time.perf_counter() - began, 3))
        self.ready.set()
        self.state = "running"
        self.schedule.begin(self._clock.monotonic_ns() / 1e9)
        gc.collect()
        gc.freeze()  # what warm-up built lives as long as the process: a full collection need not walk it
        gc.set_threshold(*_GC_THRESHOLDS)
        self.tasks.start("stream", self.stream.run)
        self.tasks.start("cycle", self._cycles)
        self.tasks.start("clock", self._clock_offset)
        self.tasks.start("universe", self._lists.run)
        self.tasks.start("tape", self._fill_tape)
        self.tasks.start("slow data", self._slow_data)
        self.tasks.start("bar audit", self.audit.run)
        self.tasks.start("alpha", self.alpha.run)
        await asyncio.Event().wait()  # until cancelled

    def _classes(self) -> dict[str, int | float]:
        """How many symbols were scored, and for each class of them how many and the coverage that they can have."""
        readings = [evaluation.reading(symbol) for symbol, evaluation in self.cycle.evaluations.items()]
        found: dict[str, int | float] = {"symbols": len(readings)}
        for kind in (DETAILED, PLAIN):
            of_kind = [reading for reading in readings if reading.evidence_class == kind]
            found[kind] = len(of_kind)
            if of_kind:
                found[f"{kind}_coverage_at_most"] = round(of_kind[0].attainable, 3)
        return found

    def _start_keeping(self) -> None:
        """The lease, and the documents of the last run for whoever asks."""
        if self.stores is not None:
            self.tasks.start("lease", self.stores.lease.run)
            if self.stores.publisher.statuses():
                self.tasks.start("publisher", self.stores.publisher.run)

    def _start_upkeep(self) -> None:
        start, cache = self.tasks.start, self._cache
        start("loop lag", partial(measure_loop_lag, self.lag))
        start("wakes", Wakes(self._clock, self.alerts.alerting.frozen).run)
        if (watchdog := Watchdog.wanted(os.environ, lambda: self.health.live)) is not None:
            start("watchdog", watchdog.run)
        start(
            "ticks",
            partial(publish_ticks, self.market, self.exchange, cache, self._clock, self.watch.contained, self.epoch),
        )
        start("cleanup", partial(self._upkeep.clean, self._settings.cache.cleanup_interval))
        start("status", self._upkeep.run)
        if self.stores is not None:
            start("keeper", self.keeper.run)
            start("backlog", self._write_backlog)
        if self.desk is not None:
            start("listening", self.desk.listen)
            start("machine", self.desk.look)
        start("books", partial(publish_books, self.market, self.cycle, self.watch, cache, self.epoch))

    def _start_telling(self) -> None:
        """What is in the outbox is sent once it is known what earlier runs told; the dead man's switch begins."""
        if self.alerts.outbox is not None:
            self.tasks.start("outbox", self.alerts.outbox.run)
        heartbeat = self._settings.monitoring.alerts.heartbeat
        if heartbeat.url is not None:
            beat = Heartbeat(heartbeat.url.get_secret_value(), heartbeat.interval, self._all_well)
            self.tasks.start("heartbeat", beat.run)

    def _all_well(self) -> bool:
        """Cycles succeed, and what is found can be kept: without a database nobody would be told."""
        kept = self.stores is None or self.stores.database.status().state == "up"
        return kept and self.health.healthy

    def _changed(self) -> None:
        self.keeper.wake()

    def _committed(self) -> None:
        if self.alerts.outbox is not None:
            self.alerts.outbox.nudge()

    async def reload(self) -> None:
        """Read the user's rules anew."""
        if self.desk is not None:
            self.desk.reload()

    async def _resume(self) -> None:
        """Go on from what earlier runs kept."""
        told_since_ms = self._now_ms() - self.alerts.policies.longest_cooldown_ms
        recalled = await self.keeper.recall(told_since_ms)
        kept, incidents = recalled.state, recalled.incidents
        now_ms = self._now_ms()
        if self.stores is None:
            self.alerts.alerting.resume(incidents, None)
        else:
            lease = self.stores.lease
            self.alerts.alerting.resume(incidents, lease.watched_ms, was_stopped=lease.was_stopped)
        for part in self.incidents.open_parts("task_died"):
            self.incidents.resolve("task_died", now_ms, part=part)
        self.detection.resume(incidents, self._clock.now_ns())
        self.cycle.regimes.resume(None if kept is None else kept.regimes, recalled.transitions)
        recorded, until_ms = ({}, 0) if kept is None else (kept.recorded, kept.close_ms)
        self.aftermath.signals.resume(recorded, until_ms, recalled.labels)
        if kept is not None:
            self.watch.standings, self.watch.stood_ms = kept.standings, kept.close_ms
            log.info("resumed", close=iso(kept.close_ms), symbols=len(kept.standings))

    async def _write_backlog(self) -> None:
        """Keep the histories that were fetched, one at a time: each takes milliseconds of the loop."""
        while True:
            wrote = self.archive.write_backlog()
            await asyncio.sleep(_BACKLOG_S if wrote else 1.0)

    async def _first_signals(self) -> None:
        """Ask until the exchange answers: universe, history, and the first analysis from it."""
        await self.cycle.publish()
        while True:
            try:
                await self.exchange.measure_clock()
                self.watch.rules = self._pollable(universe_rules(self._settings))
                universe = await self.watch.choose()
                self.state = "starting"
                break
            except ExchangeError as error:
                wait_s = self._backoff.next_s()
                self.state = f"waiting for the exchange: {error}"
                log.warning("the exchange cannot be reached; trying again", error=str(error), wait_s=round(wait_s, 2))
                self.outage.lost(0, str(error), self._now_ms())
                self.outage.observe(self.incidents, self._now_ms())
                self.health.tried()
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
            elif self.watch.corrected or self._refresh.due(self.cycle.analysed_ms) is not None:
                await self.cycle.run()
            elif self.watch.unlinked:
                await self._stream_watched()
            else:
                await asyncio.sleep(min(_LOOK_S, self.schedule.due_s - now_s))

    async def _clock_offset(self) -> None:
        doubted = Backoff(np.random.default_rng(), _DOUBT_S, _CLOCK_INTERVAL_S)
        while True:
            if self.exchange.clock_doubt is None:
                doubted.reset()
            await asyncio.sleep(doubted.next_s() if self.exchange.clock_doubt else _CLOCK_INTERVAL_S)
            try:
                await self.exchange.measure_clock()
            except ExchangeError as error:
                log.warning("the clock offset could not be measured", error=str(error))

    async def _stream_watched(self) -> None:
        """Let the streams feed the symbols that are watched now, through their detectors."""
        anew, self.watch.unlinked = self.watch.unlinked & set(self.market.rows), set()
        if anew:  # their topics are left, and asked for again below: what they said is of another unit
            sinks = self.detection.sinks(self.market, self._clock.now_ns())
            self.stream.watch({s: sink for s, sink in sinks.items() if s not in anew}, self.watch.detailed)
        more = True
        while more:
            more = self.detection.meet(self.market, self._clock.now_ns(), _MET_AT_ONCE)
            await asyncio.sleep(0)
        self.stream.watch(self.detection.sinks(self.market, self._clock.now_ns()), self.watch.detailed)

    async def _fill_tape(self) -> None:
        """Fetch what the tape of newly connected symbols missed."""
        while True:
            await asyncio.sleep(_LOOK_S)
            if self.market.take_doubted_instruments():
                self._lists.look_soon()
            if self._tape_gaps:
                symbols, self._tape_gaps = self._tape_gaps, set()
                await self.watch.fill_tape(symbols)

    async def _slow_data(self) -> None:
        """Streams first: the many questions about slow data wait until one is there, or for a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_STREAM_FIRST_S):
                await self._streaming.wait()
        await self.slow.run()

    def _on_stream(self, event: StreamEvent) -> None:
        now_ms = self._now_ms()
        log.info(
            "stream", kind=event.kind, reason=event.reason, connection=event.connection, symbols=len(event.symbols)
        )
        match event.kind:
            case "mute":
                self.outage.mute(self.incidents, event.connection, event.reason, now_ms)
            case "disconnected":
                self.outage.lost(event.connection, event.reason, now_ms)
            case "connected":
                self._streaming.set()
                self.outage.back(self.incidents, event.connection, now_ms)
                self._tape_gaps.update(event.symbols)
            case "topic_rejected":
                self._lists.look_soon(event.symbols)

    def _task_died(self, name: str, reason: str) -> None:
        text = f"task {name} died and is being restarted: {reason}"
        self.incidents.fire("task_died", Severity.CRITICAL, text, self._now_ms(), part=name, details={"task": name})

    def _task_restarted(self, name: str) -> None:
        log.warning("task restarted", task=name)
        self.incidents.resolve("task_died", self._now_ms(), part=name)

    def _now_ms(self) -> int:
        return self._clock.now_ns() // 1_000_000

"""The composition root of the monitor: the kernel with stores, outbox and tasks around it."""

import asyncio
import gc
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import structlog

from virtuoso.exchange.polling import Polling, pollable
from virtuoso.exchange.protocol import Exchange, StreamEvent
from virtuoso.exchange.supervise import Backoff
from virtuoso.market.universe.choice import UniverseRules
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.alerts.outbox import ChannelStatus
from virtuoso.model.clock import Clock
from virtuoso.model.documents import RecordingStatus
from virtuoso.model.errors import ExchangeError, VirtuosoError
from virtuoso.monitor.alerting.outcomes import bars_of
from virtuoso.monitor.alerting.root import AlertRoot
from virtuoso.monitor.alerting.service import AlertService
from virtuoso.monitor.beats import Beats
from virtuoso.monitor.cycle.alert_context import AlertContext
from virtuoso.monitor.cycle.refits import PutOff, fitted_apart
from virtuoso.monitor.cycle.statements import Say
from virtuoso.monitor.documents.publication import Publication
from virtuoso.monitor.kernel import Kernel, Source
from virtuoso.monitor.lived.keeping import LivedKeeping
from virtuoso.monitor.lived.record import LivedRecord
from virtuoso.monitor.persistence.committer import Committer
from virtuoso.monitor.schedule import FixedRate
from virtuoso.monitor.startup import classes, first_signals, resume
from virtuoso.monitor.status import StatusReport
from virtuoso.monitor.streaming import Streaming
from virtuoso.monitor.tasks import TrackedTasks
from virtuoso.monitor.vitals import Vitals
from virtuoso.monitor.wakes import Wakes
from virtuoso.operations.build import build
from virtuoso.operations.health import HealthState
from virtuoso.operations.heartbeat import Heartbeat
from virtuoso.operations.host import Host
from virtuoso.operations.metrics import measure_loop_lag
from virtuoso.operations.watchdog import Watchdog
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.database.leased_store import LeasedStore
from virtuoso.storage.stores import Stores
from virtuoso.wiring.monitor import MonitorParts
from virtuoso.wiring.parts import KernelParts
from virtuoso.wiring.restart import changed_keys

log = structlog.get_logger(__name__)

_LOOK_S = 0.1
_CLOCK_INTERVAL_S, _DOUBT_S = 10.0, 2.0
_FALLBACK_S = 5.0
_BACKLOG_S = 0.05
_GC_THRESHOLDS = (20_000, 20, 50)
"""Frames and requests make many short-lived containers and next to no cycles: look for those less often."""


class Monitor:
    """Watches one exchange. `run` never returns by itself; `ready` is set at the first complete set of signals."""

    def __init__(
        self, parts: MonitorParts, exchange: Exchange, clock: Clock, cache: MemoryCache, health: HealthState,
        stores: Stores | None = None, fit_put_off: PutOff = lambda _, __: None, say: Say | None = None,
        recording: Callable[[], RecordingStatus] | None = None,
    ) -> None:  # fmt: skip
        self.parts = parts
        self.exchange = exchange
        self.stores = stores
        self._clock = clock
        self._cache = cache
        self._polled = parts.kernel.polled
        leased = (
            None if stores is None else LeasedStore(stores.database, stores.lease, parts.identity, parts.kernel.market)
        )
        self.alerts = AlertRoot(
            parts.alerting,
            clock,
            exchange.name,
            self._changed,
            leased,
            lambda seconds: self.kernel.latency.add("alert", seconds),
        )
        self.lived = LivedRecord(leased, parts.kernel.market)
        self.committer = Committer(
            leased, parts.kernel.market, self.alerts.incidents,
            decide=self.alerts.alerting.decide, committed=self._committed,
            alert_state=self.alerts.alerting.state_text, outcomes=self.alerts.alerting.outcomes.take_changed,
            lived=self.lived,
        )  # fmt: skip
        stream = self._stream_for(parts.kernel)
        epoch = clock.now_ns() // 1_000_000_000 if stores is None else stores.lease.epoch
        self.kernel = kernel = Kernel(
            parts.kernel, Source(exchange, stream), clock, Publication(cache, epoch, parts.kernel.interval_s),
            alerting=self.alerts.alerting, committer=self.committer, health=health,
            series=None if stores is None else stores.series, fitting=fitted_apart, fit_put_off=fit_put_off,
            lived=self.lived, say=say,
        )  # fmt: skip
        self.market, self.watch, self.cycle = kernel.market, kernel.watch, kernel.cycle
        self.incidents, self.health = kernel.incidents, health
        self.alerts.alerting.outcomes.bars = bars_of(kernel.market)
        self.alerts.alerting.outcomes.offset_ms = lambda: exchange.clock_offset_ms
        self.alerts.context = AlertContext(kernel.market, kernel.cycle, kernel.exchange)
        self.tasks = TrackedTasks(self._task_died, self._task_restarted)
        self.vitals = Vitals(FixedRate(parts.kernel.interval_s), self.tasks.states)
        self._host = Host(parts.data_dir)
        self._service = None if leased is None else self._service_for(leased)
        self.status = StatusReport(kernel, parts, self.vitals, stores, recording)
        self._beats = Beats(
            kernel, self.status, stores, channels=self._channels,
            on_status=lambda status: None if self._service is None else self._service.system(status),
        )  # fmt: skip
        self._close_traces: Callable[[], None] = lambda: None
        self.ready = asyncio.Event()
        self.streaming = Streaming(kernel, parts.kernel.universe_interval_s)

    def _service_for(self, leased: LeasedStore) -> AlertService:
        return AlertService(root=self.alerts, store=leased, host=self._host, lag=self.vitals.lag, clock=self._clock)

    def _channels(self) -> Sequence[ChannelStatus]:
        return () if self.alerts.outbox is None else self.alerts.outbox.statuses()

    def _pollable(self, rules: UniverseRules) -> UniverseRules:
        """The universe as configured, or in poll mode what of it can be polled."""
        if not self._polled:
            return rules
        interval_s = self.parts.kernel.interval_s
        largest = self.vitals.largest_polled = pollable(self.exchange.budget, interval_s)
        log.info("poll mode", interval_s=interval_s, largest_universe=largest, wanted=rules.size)
        if rules.size > largest:
            log.warning(
                "the universe is larger than can be polled and is cut; a longer monitoring.interval allows for more",
                wanted=rules.size, watched=largest,
            )  # fmt: skip
        return replace(rules, size=min(rules.size, largest))

    def _stream_for(self, parts: KernelParts) -> Polling:
        """Where the data comes from: streams with polling under them, or polling alone."""

        def tell(event: StreamEvent) -> None:
            self.streaming.on_event(event)

        def taken(ns: int) -> None:
            self.kernel.latency.add("state", ns / 1e9)

        return Polling(
            self.exchange,
            self._clock,
            interval_s=parts.interval_s if self._polled else _FALLBACK_S,
            depth=parts.depth,
            on_event=tell,
            stream=None if self._polled else self.exchange.stream(tell, taken),
        )

    async def run(self) -> None:
        """Start up, then cycle until cancelled."""
        began = time.perf_counter()
        log.info(
            "monitor starting",
            exchange=self.parts.address,
            interval_s=self.parts.kernel.interval_s,
            universe=self.parts.universe_size,
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
            await self.cycle.ending()
            self._beats.depth.finish()
            if self.stores is not None:
                await self.committer.commit()
            await self.alerts.close()
            await asyncio.to_thread(self._close_traces)
            self._host.close()
            await self.exchange.close()
            self.kernel.close()
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
        # Before anything can be found: what is open already is not found a second time.
        await resume(self.kernel, self.alerts, self.stores)
        self._start_upkeep()
        self._start_telling()
        await first_signals(
            self.kernel, self.streaming, self.vitals, lambda: self._pollable(self.parts.kernel.universe)
        )
        log.info("first signals", **classes(self.kernel), seconds=round(time.perf_counter() - began, 3))
        self.ready.set()
        self.vitals.state = "running"
        self.vitals.schedule.begin(self._clock.monotonic_ns() / 1e9)
        gc.collect()
        gc.freeze()  # what warm-up built lives as long as the process: a full collection need not walk it
        gc.set_threshold(*_GC_THRESHOLDS)
        self.tasks.start("stream", self.kernel.stream.run)
        self.tasks.start("cycle", self._cycles)
        self.tasks.start("clock", self._clock_offset)
        self.tasks.start("universe", self.streaming.universe.run)
        self.tasks.start("tape", self.streaming.fill_tape)
        self.tasks.start("slow data", self.streaming.slow_data)
        self.tasks.start("bar audit", self.kernel.audit.run)
        self.tasks.start("weeks", self.kernel.weeks.run)
        self.tasks.start("alpha", self._beats.alpha.run)
        await asyncio.Event().wait()  # until cancelled

    def _start_keeping(self) -> None:
        """The lease, and the documents of the last run for whoever asks."""
        if self.stores is not None:
            self.tasks.start("lease", self.stores.lease.run)
            if self.stores.publisher.statuses():
                self.tasks.start("publisher", self.stores.publisher.run)

    def _start_upkeep(self) -> None:
        start = self.tasks.start
        start("loop lag", partial(measure_loop_lag, self.vitals.lag))
        start("wakes", Wakes(self._clock, self.alerts.alerting.frozen).run)
        if (watchdog := Watchdog.wanted(os.environ, lambda: self.health.live)) is not None:
            start("watchdog", watchdog.run)
        for beat in self._beats.all:
            if beat is not self._beats.alpha:  # not before there is something to scan
                start(beat.name, beat.run)
        start("cleanup", self._clean)
        if self.stores is not None:
            start("committer", self.committer.run)
            start("backlog", self._write_backlog)
            watch = self.watch
            start("outcomes", LivedKeeping(self.lived, self.market, watch.exchange_ms, lambda: bool(watch.ready)).run)
        if self._service is not None:
            start("listening", self._service.listen)
            start("machine", self._service.check)

    async def _clean(self) -> None:
        """Remove expired documents now and then, until cancelled."""
        while True:
            await asyncio.sleep(self.parts.cleanup_interval_s)
            if gone := self._cache.cleanup():
                log.info("expired documents removed", count=gone)

    def _start_telling(self) -> None:
        """Begin to send what is in the outbox, once the notifications of earlier runs are known, and the heartbeat."""
        if self.alerts.outbox is not None:
            self.tasks.start("outbox", self.alerts.deliver)
        if (heartbeat := self.parts.heartbeat) is not None:
            self.tasks.start("heartbeat", Heartbeat(heartbeat.url, heartbeat.interval_s, self._all_well).run)
        if self.parts.traces is not None:
            self._close_traces = self._trace(self.parts.traces)

    def _trace(self, endpoint: str) -> Callable[[], None]:
        """Send passes as traces from now on; returns what ends that."""
        from virtuoso.monitor.cycle.traces import PassTraces  # noqa: PLC0415 - an extra

        service = {"name": "virtuoso-monitor", "instance.id": self.parts.identity, "version": build()}
        traces = PassTraces(endpoint, {f"service.{name}": value for name, value in service.items()})
        self.cycle.times.passed = lambda one: traces.passed(one, self._clock.now_ns())
        return traces.close

    def _all_well(self) -> bool:
        """Say whether cycles succeed and incidents can be stored: without a database nobody would be notified."""
        kept = self.stores is None or self.stores.database.status().state == "up"
        return kept and self.health.healthy

    def _changed(self) -> None:
        self.committer.wake()

    def _committed(self) -> None:
        if self.alerts.outbox is not None:
            self.alerts.outbox.nudge()

    async def reload(self, parts: MonitorParts) -> None:
        """Go on by other parts, as far as that can be; what needs a restart is named in the log and in the status.

        Raises:
            RulesError: the user's rules have mistakes; nothing was changed.
            ConfigError: a file of rules or a channel is wrong; nothing was changed.
            UsageError: the interval is too short to poll anything; nothing was changed.
        """
        if self._polled:  # what can be polled is counted by the interval, which stays
            parts = replace(parts, kernel=replace(parts.kernel, interval_s=self.parts.kernel.interval_s))
        rules = parts.alerting.rules.read()
        universe = self._pollable(parts.kernel.universe)
        await self.alerts.apply(parts.alerting, rules)
        old, new = self.kernel.parts, replace(parts.kernel, universe=universe)
        await self.kernel.apply(new)
        if new.interval_s != old.interval_s:
            self.vitals.schedule.change(new.interval_s, self._clock.monotonic_ns() / 1e9)
        if (new.universe, new.universe_interval_s) != (old.universe, old.universe_interval_s):
            self.streaming.universe.every(new.universe_interval_s)
        if new.detectors != old.detectors and self.streaming.begun:
            await self.streaming.feed()
        self.parts = self.status.parts = replace(
            self.parts, kernel=self.kernel.parts, alerting=parts.alerting, universe_size=parts.universe_size,
            cleanup_interval_s=parts.cleanup_interval_s,
        )  # fmt: skip
        waiting = self.vitals.needs_restart = changed_keys(self.parts.fixed, parts.fixed)
        log.info("configuration reloaded", rules=len(rules.rules), needs_restart=list(waiting))

    async def _write_backlog(self) -> None:
        """Keep the histories that were fetched, one at a time: each takes milliseconds of the loop."""
        while True:
            wrote = self.kernel.archive.write_backlog()
            await asyncio.sleep(_BACKLOG_S if wrote else 1.0)

    async def _cycles(self) -> None:
        """A pass at every tick of the grid, and one as soon as a minute is due for analysis."""
        while True:
            now_s = self._clock.monotonic_ns() / 1e9
            if now_s >= self.vitals.schedule.due_s:
                self.status.began(self.vitals.schedule.take(now_s))
                await self.cycle.run()
            elif self.watch.corrected or self.kernel.refresh.due(self.cycle.analysed_ms) is not None:
                await self.cycle.run()
            elif self.watch.restarts.unlinked:
                await self.streaming.feed()
            else:
                await asyncio.sleep(min(_LOOK_S, self.vitals.schedule.due_s - now_s))

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

    def _task_died(self, name: str, reason: str) -> None:
        text = f"{name} is started again: {reason}"
        self.incidents.fire("task_died", Severity.CRITICAL, text, self._now_ms(), part=name, details={"task": name})

    def _task_restarted(self, name: str) -> None:
        log.warning("task restarted", task=name)
        self.incidents.resolve("task_died", self._now_ms(), part=name)

    def _now_ms(self) -> int:
        return self._clock.now_ns() // 1_000_000

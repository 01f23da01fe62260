"""The composition root of the monitor: the kernel with stores, outbox and tasks around it."""

import asyncio
import gc
import os
import time
from collections.abc import Sequence
from contextlib import suppress
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
from virtuoso.model.clock import Clock, iso
from virtuoso.model.errors import ExchangeError, VirtuosoError
from virtuoso.model.evidence import DETAILED, PLAIN
from virtuoso.monitor.alerting.root import AlertRoot
from virtuoso.monitor.alerting.service import AlertService
from virtuoso.monitor.beats import Beats
from virtuoso.monitor.cycle.alert_context import AlertContext
from virtuoso.monitor.documents.publication import Publication
from virtuoso.monitor.kernel import Kernel, Source
from virtuoso.monitor.persistence.committer import Committer
from virtuoso.monitor.schedule import FixedRate
from virtuoso.monitor.status import StatusReport
from virtuoso.monitor.tasks import TrackedTasks
from virtuoso.monitor.vitals import Vitals
from virtuoso.monitor.wakes import Wakes
from virtuoso.monitor.watching.universe_refresh import UniverseRefresh
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
_STREAM_FIRST_S = 5.0
_MET_AT_ONCE = 8
_CLOCK_INTERVAL_S, _DOUBT_S = 10.0, 2.0
_FALLBACK_S = 5.0
_BACKLOG_S = 0.05
_START_CAP_S = 10.0
_GC_THRESHOLDS = (20_000, 20, 50)
"""Frames and requests make many short-lived containers and next to no cycles: look for those less often."""


class Monitor:
    """Watches one exchange. `run` never returns by itself; `ready` is set at the first complete set of signals."""

    def __init__(
        self, parts: MonitorParts, exchange: Exchange, clock: Clock, cache: MemoryCache, health: HealthState,
        stores: Stores | None = None,
    ) -> None:  # fmt: skip
        self.parts = parts
        self.exchange = exchange
        self.stores = stores
        self._clock = clock
        self._cache = cache
        self._polled = parts.kernel.polled
        self._backoff = Backoff(np.random.default_rng(), first_s=0.5, cap_s=_START_CAP_S)
        leased = (
            None if stores is None else LeasedStore(stores.database, stores.lease, parts.identity, parts.kernel.market)
        )
        self.alerts = AlertRoot(
            parts.alerting,
            clock,
            exchange.name,
            self._changed,
            leased,
        )
        self.committer = Committer(
            leased, parts.kernel.market, self.alerts.incidents,
            decide=self.alerts.alerting.decide, committed=self._committed,
        )  # fmt: skip
        self.stream = self._stream_for(parts.kernel)
        epoch = clock.now_ns() // 1_000_000_000 if stores is None else stores.lease.epoch
        self.kernel = kernel = Kernel(
            parts.kernel, Source(exchange, self.stream), clock, Publication(cache, epoch, parts.kernel.interval_s),
            alerting=self.alerts.alerting, committer=self.committer, health=health,
            series=None if stores is None else stores.series,
        )  # fmt: skip
        self.market, self.watch, self.cycle = kernel.market, kernel.watch, kernel.cycle
        self.incidents, self.health = kernel.incidents, health
        self.alerts.context = AlertContext(kernel.market, kernel.cycle, kernel.exchange)
        self.tasks = TrackedTasks(self._task_died, self._task_restarted)
        self.vitals = Vitals(FixedRate(parts.kernel.interval_s), self.tasks.states)
        self._host = Host(parts.data_dir)
        self._service = None if leased is None else self._service_for(leased)
        self.status = StatusReport(kernel, parts, self.vitals, stores)
        self._beats = Beats(
            kernel, self.status, stores, channels=self._channels,
            told=lambda status: None if self._service is None else self._service.system(status),
        )  # fmt: skip
        self.ready = asyncio.Event()
        self._tape_gaps: set[str] = set()
        self._universe_refresh = UniverseRefresh(self.watch, self._stream_watched, parts.kernel.universe_interval_s)
        self._streaming = asyncio.Event()
        self._streamed = False
        """Whether the streams were once told what to feed."""

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
        return Polling(
            self.exchange,
            self._clock,
            interval_s=parts.interval_s if self._polled else _FALLBACK_S,
            depth=parts.depth,
            on_event=self._on_stream,
            stream=None if self._polled else self.exchange.stream(self._on_stream),
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
            if self.stores is not None:
                await self.committer.commit()
            await self.alerts.close()
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
        await self._resume()  # before anything can be found: what is open already is not found a second time
        self._start_upkeep()
        self._start_telling()
        await self._first_signals()
        log.info("first signals", **self._classes(), seconds=round(time.perf_counter() - began, 3))
        self.ready.set()
        self.vitals.state = "running"
        self.vitals.schedule.begin(self._clock.monotonic_ns() / 1e9)
        gc.collect()
        gc.freeze()  # what warm-up built lives as long as the process: a full collection need not walk it
        gc.set_threshold(*_GC_THRESHOLDS)
        self.tasks.start("stream", self.stream.run)
        self.tasks.start("cycle", self._cycles)
        self.tasks.start("clock", self._clock_offset)
        self.tasks.start("universe", self._universe_refresh.run)
        self.tasks.start("tape", self._fill_tape)
        self.tasks.start("slow data", self._slow_data)
        self.tasks.start("bar audit", self.kernel.audit.run)
        self.tasks.start("alpha", self._beats.alpha.run)
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
        """What is in the outbox is sent once it is known what earlier runs told; the dead man's switch begins."""
        if self.alerts.outbox is not None:
            self.tasks.start("outbox", self.alerts.deliver)
        if (told := self.parts.heartbeat) is not None:
            self.tasks.start("heartbeat", Heartbeat(told.url, told.interval_s, self._all_well).run)

    def _all_well(self) -> bool:
        """Cycles succeed, and what is found can be kept: without a database nobody would be told."""
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
            self._universe_refresh.every(new.universe_interval_s)
        if new.detectors != old.detectors and self._streamed:
            await self._stream_watched()
        self.parts = self.status.parts = replace(
            self.parts, kernel=self.kernel.parts, alerting=parts.alerting, universe_size=parts.universe_size,
            cleanup_interval_s=parts.cleanup_interval_s,
        )  # fmt: skip
        waiting = self.vitals.needs_restart = changed_keys(self.parts.fixed, parts.fixed)
        log.info("configuration reloaded", rules=len(rules.rules), needs_restart=list(waiting))

    async def _resume(self) -> None:
        """Go on from what earlier runs kept."""
        told_since_ms = self._now_ms() - self.alerts.policies.longest_cooldown_ms
        recalled = await self.committer.recall(told_since_ms)
        kept, incidents = recalled.state, recalled.incidents
        now_ms = self._now_ms()
        if self.stores is None:
            self.alerts.alerting.resume(incidents, None)
        else:
            lease = self.stores.lease
            self.alerts.alerting.resume(incidents, lease.watched_ms, was_stopped=lease.was_stopped)
        for part in self.incidents.open_parts("task_died"):
            self.incidents.resolve("task_died", now_ms, part=part)
        self.kernel.detection.resume(incidents, self._clock.now_ns())
        self.cycle.regimes.resume(None if kept is None else kept.regimes, recalled.transitions)
        recorded, until_ms = ({}, 0) if kept is None else (kept.recorded, kept.close_ms)
        self.kernel.results.signals.resume(recorded, until_ms, recalled.labels)
        self.kernel.recall_past(recalled.past)
        if kept is not None:
            self.watch.checkpoints, self.watch.stood_ms = kept.checkpoints, kept.close_ms
            log.info("resumed", close=iso(kept.close_ms), symbols=len(kept.checkpoints))

    async def _write_backlog(self) -> None:
        """Keep the histories that were fetched, one at a time: each takes milliseconds of the loop."""
        while True:
            wrote = self.kernel.archive.write_backlog()
            await asyncio.sleep(_BACKLOG_S if wrote else 1.0)

    async def _first_signals(self) -> None:
        """Ask until the exchange answers: universe, history, and the first analysis from it."""
        await self.cycle.publish()
        while True:
            try:
                await self.exchange.measure_clock()
                self.watch.rules = self._pollable(self.parts.kernel.universe)
                universe = await self.watch.choose()
                self.vitals.state = "starting"
                break
            except ExchangeError as error:
                wait_s = self._backoff.next_s()
                self.vitals.state = f"waiting for the exchange: {error}"
                log.warning("the exchange cannot be reached; trying again", error=str(error), wait_s=round(wait_s, 2))
                self.kernel.outage.lost(0, str(error), self._now_ms())
                self.kernel.outage.observe(self.incidents, self._now_ms())
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
            if now_s >= self.vitals.schedule.due_s:
                self.status.began(self.vitals.schedule.take(now_s))
                await self.cycle.run()
            elif self.watch.corrected or self.kernel.refresh.due(self.cycle.analysed_ms) is not None:
                await self.cycle.run()
            elif self.watch.unlinked:
                await self._stream_watched()
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

    async def _stream_watched(self) -> None:
        """Let the streams feed the symbols that are watched now, through their detectors."""
        self._streamed = True
        anew, self.watch.unlinked = self.watch.unlinked & set(self.market.rows), set()
        if anew:  # their topics are left, and asked for again below: what they said is of another unit
            sinks = self.kernel.detection.sinks(self.market, self._clock.now_ns())
            self.stream.watch({s: sink for s, sink in sinks.items() if s not in anew}, self.watch.detailed)
        more = True
        while more:
            more = self.kernel.detection.meet(self.market, self._clock.now_ns(), _MET_AT_ONCE)
            await asyncio.sleep(0)
        self.stream.watch(self.kernel.detection.sinks(self.market, self._clock.now_ns()), self.watch.detailed)

    async def _fill_tape(self) -> None:
        """Fetch what the tape of newly connected symbols missed."""
        while True:
            await asyncio.sleep(_LOOK_S)
            if self.market.take_doubted_instruments():
                self._universe_refresh.poll_soon()
            if self._tape_gaps:
                symbols, self._tape_gaps = self._tape_gaps, set()
                await self.watch.fill_tape(symbols)

    async def _slow_data(self) -> None:
        """Streams first: the many questions about slow data wait until one is there, or for a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_STREAM_FIRST_S):
                await self._streaming.wait()
        await self.kernel.slow.run()

    def _on_stream(self, event: StreamEvent) -> None:
        now_ms = self._now_ms()
        log.info(
            "stream", kind=event.kind, reason=event.reason, connection=event.connection, symbols=len(event.symbols)
        )
        match event.kind:
            case "mute":
                self.kernel.outage.mute(self.incidents, event.connection, event.reason, now_ms)
            case "disconnected":
                self.kernel.outage.lost(event.connection, event.reason, now_ms)
            case "connected":
                self._streaming.set()
                self.kernel.outage.back(self.incidents, event.connection, now_ms)
                self._tape_gaps.update(event.symbols)
            case "topic_rejected":
                self._universe_refresh.poll_soon(event.symbols)

    def _task_died(self, name: str, reason: str) -> None:
        text = f"{name} is started again: {reason}"
        self.incidents.fire("task_died", Severity.CRITICAL, text, self._now_ms(), part=name, details={"task": name})

    def _task_restarted(self, name: str) -> None:
        log.warning("task restarted", task=name)
        self.incidents.resolve("task_died", self._now_ms(), part=name)

    def _now_ms(self) -> int:
        return self._clock.now_ns() // 1_000_000

"""One pass: refresh → analyse → decide → publish, each stage timed; a failure ends the pass, not the program."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any, TypeVar

import structlog

from virtuoso.alerts.conditions import FeedOutage, observe_calibration, observe_cycle
from virtuoso.alerts.rules.evaluator import Finding
from virtuoso.analysis.engine import Engine
from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.analysis.readings.evaluation import Evaluation
from virtuoso.analysis.readings.passed import ForecastsPassed
from virtuoso.analysis.regimes.regime import regime_timeframe
from virtuoso.exchange.protocol import Exchange, Stream
from virtuoso.market.panel import Cut
from virtuoso.market.state import MarketState, Qualities
from virtuoso.model.clock import iso
from virtuoso.model.documents import PassExplained, SymbolItem
from virtuoso.model.quality import DataQuality, DataSource
from virtuoso.model.signal import Label
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.alerting.alerting import Alerting
from virtuoso.monitor.alerting.pressure import PressureLog
from virtuoso.monitor.containment import each
from virtuoso.monitor.cycle.refits import Fitting, PutOff, Refits
from virtuoso.monitor.cycle.statements import Say, statements_of
from virtuoso.monitor.cycle.timing import PassTimes, why_slow
from virtuoso.monitor.documents.fresh_label import served_label
from virtuoso.monitor.documents.publication import Publication
from virtuoso.monitor.documents.publish import Built, Frame, build, market_items
from virtuoso.monitor.documents.symbol_items import symbol_item, unknown_item
from virtuoso.monitor.persistence.results import Found, Results
from virtuoso.monitor.regimes import RegimeTracker
from virtuoso.monitor.watching.freshness import overall, symbol_qualities
from virtuoso.monitor.watching.refresh import Refresh, Refreshed
from virtuoso.monitor.watching.watch import Watch
from virtuoso.operations.health import HealthState
from virtuoso.operations.latency import Latencies, Stopwatch

log = structlog.get_logger(__name__)

_T = TypeVar("_T")

_ANALYSIS, _TICKER = "its analysis", "its ticker"


class Cycle:
    """Runs passes. The engine is stepped on `worker` alone; everything else happens on the loop."""

    def __init__(
        self,
        *,
        exchange: Exchange,
        stream: Stream,
        market: MarketState,
        engine: Engine,
        watch: Watch,
        refresh: Refresh,
        worker: Executor,
        publication: Publication,
        alerting: Alerting,
        outage: FeedOutage,
        slow_s: float,
        stale_after_s: float,
        health: HealthState,
        results: Results,
        latency: Latencies,
        forecasting: Stopwatch,
        fitting: Fitting | None = None,
        fit_put_off: PutOff = lambda _, __: None,
        say: Say | None = None,
        foreseen: Callable[[Forecasts], None] = lambda _: None,
        before_close: Callable[[], Awaitable[None]],
    ) -> None:
        self._exchange = exchange
        self._stream = stream
        self._market = market
        self._engine = engine
        self._watch = watch
        self._contained = watch.contained
        self._refresh = refresh
        self._worker = worker
        self._publication = publication
        self._alerting = alerting
        self._incidents = alerting.incidents
        self._outage = outage
        self._slow_s = slow_s
        self._stale_after_s = stale_after_s
        self._health = health
        self._results = results
        self._latency, self._forecasting = latency, forecasting
        # What an earlier run published of symbols that are watched no longer goes with the first publication.
        self._published = {name for name in publication.cache.names() if name.startswith("symbol:")}
        self._foreseen = foreseen
        self._say = say
        self._before_close = before_close
        self.refits = Refits(engine, worker, fitting, fit_put_off)
        self.pressure = PressureLog(alerting.incidents, results.signals.standing)
        self.regimes = RegimeTracker(engine.base, regime_timeframe(engine.timeframes))
        self._passed = ForecastsPassed()
        self.times = PassTimes(latency)
        self.evaluations: dict[str, Evaluation] = {}
        self.analysed_ms = 0
        self.count = 0
        self.failures = 0
        self.last_error: str | None = None
        self.succeeded_ms: int | None = None
        self.last_refresh: Refreshed | None = None
        self.qualities: Mapping[str, Qualities] = {}

    def judge_by(self, *, slow_s: float, stale_after_s: float) -> None:
        """Judge the time of a pass, and the age of feeds, by other limits (seconds)."""
        self._slow_s, self._stale_after_s = slow_s, stale_after_s

    async def run(self) -> None:
        """Run one pass, and record how long it took and whether it failed; a failure is logged, not raised."""
        self.times.begin(self._slow_s)
        error: str | None = None
        try:
            await self._pass()
        except asyncio.CancelledError:
            self.times.end(self._slow_s, self._now_ms(), ok=False)
            raise
        except Exception as failure:  # the pass failed; the next one is tried all the same
            error = f"{type(failure).__name__}: {failure}"
            log.exception("cycle failed")
        took = self.times.end(self._slow_s, self._now_ms(), ok=error is None)
        self.count += 1
        self.last_error = error
        if error is None:
            self.succeeded_ms = self._now_ms()
            self._health.succeeded()
        else:
            self.failures += 1
            self._health.failed(error)
        self._judge_time(took, error)
        stages = {"total": took.took_ms} | {stage: each.ms for stage, each in took.stages.items()}
        self._results.cycled(self._now_ms(), ok=error is None, symbols=len(self.evaluations), stages=stages)
        self.publish_health()

    def _judge_time(self, took: PassExplained, error: str | None) -> None:
        """Open or end the incidents of a pass; one that was slow says why."""
        seconds, (why, details) = took.took_ms / 1e3, why_slow(took)
        if seconds >= self._slow_s:
            log.warning("a pass was slow", stage=details.get("stage"), seconds=round(seconds, 3), details=details)
        observe_cycle(self._incidents, seconds, self._slow_s, error, self._now_ms(), why, details)

    async def _pass(self) -> None:
        close_ms = self._refresh.due(self.analysed_ms)
        repair_ms = close_ms
        if close_ms is None and self.analysed_ms and self._refresh.incomplete(self.analysed_ms):
            repair_ms = self.analysed_ms
        if repair_ms is not None:
            async with self.times.timed("refresh"):
                refreshed = self.last_refresh = await self._refresh.complete(repair_ms)
                self.times.fetched(refreshed.took)
                log.debug(
                    "refresh complete",
                    seldom=True,
                    close=iso(repair_ms),
                    symbols=len(self._market.rows),
                    fresh_from_stream=refreshed.fresh,
                    fetched=refreshed.fetched,
                    failed=refreshed.failed,
                    seconds=round(refreshed.seconds, 3),
                    slowest_fetch_s=round(refreshed.slowest_s, 3),
                )
        self._judge()
        async with self.times.timed("analyse"):
            await self._analyse(close_ms)
        async with self.times.timed("decide"):
            self._decide()
        async with self.times.timed("publish"):
            await self.publish()

    def _judge(self) -> None:
        """Set the data quality of every symbol as of now; bars that end before the analysed close are stale."""
        found = symbol_qualities(
            self._market.rows, self._watch.detailed, self._stream.feeds(), self._watch.loader.fetched_ns,
            self._watch.now_ns(), self._stale_after_s, self._watch.evidence, self._contained, self._closed_ns(),
        )  # fmt: skip
        if self.analysed_ms:  # a minute that neither stream nor request brought: what is there is old
            for symbol in self._watch.ready - self._market.confirmed(self.analysed_ms):
                found[symbol] = replace(found[symbol], bars=DataQuality.STALE)
        self.qualities = found

    def _closed_ns(self) -> int:
        """When the last base bar closed, by the local clock (epoch ns)."""
        exchange_ms = self._watch.exchange_ms()
        return self._watch.now_ns() - (exchange_ms - self._engine.base.floor(exchange_ms)) * 1_000_000

    async def _analyse(self, close_ms: int | None) -> None:
        """Step the engine by what closed; rows that were late for an earlier close are stepped alone."""
        if close_ms is not None:
            with self.times.part("fit"):
                await self.refits.settle(close_ms)
            with self.times.part("week"):
                await self._before_close()
            self.analysed_ms = close_ms
            self._alerting.signals(self._results.lapsed(close_ms - self._engine.base.ms, self.source), self._market)
        for symbol in self._watch.restarts.unlinked:
            self.evaluations.pop(symbol, None)  # of what it was before its history began anew
        ready = self._market.confirmed(self.analysed_ms) & self._watch.ready if self.analysed_ms else set()
        corrected, self._watch.corrected = self._watch.corrected & ready, set()
        pending = {
            symbol: quality
            for symbol, quality in self.qualities.items()
            if symbol in ready and (symbol in corrected or self._evaluated_ms(symbol) < self.analysed_ms)
        }
        apart = self._contained.failing(_ANALYSIS) | corrected
        alone = [symbol for symbol in pending if symbol in apart]
        together = {symbol: quality for symbol, quality in pending.items() if symbol not in alone}
        try:
            if together:
                await self._step(together)
        except Exception as error:  # one of them raised: which, shows when each is analysed alone
            log.warning(
                "the analysis of all failed; each symbol is analysed alone", error=f"{type(error).__name__}: {error}"
            )
            if not await self._each_alone(together) and len(together) > 1:
                raise  # it is not one of them
        await self._each_alone({symbol: pending[symbol] for symbol in alone})

    async def _each_alone(self, pending: Mapping[str, Qualities]) -> bool:
        """Analyse symbols one by one, each from its history; whether any could be."""
        succeeded = 0
        for symbol, quality in pending.items():
            self.times.alone(symbol)
            before_ms = self._evaluated_ms(symbol) or self.analysed_ms - Timeframe.M1.ms
            if await self._contained.awaited(symbol, _ANALYSIS, self._step_anew(symbol, quality, before_ms)):
                succeeded += 1
            else:
                self.evaluations.pop(symbol, None)
        return succeeded > 0

    async def _step_anew(self, symbol: str, quality: Qualities, before_ms: int) -> None:
        """Let the engine take a symbol's bars up to `before_ms` anew, and step it by those that followed."""
        await self._watch.loader.rewarm([symbol], before_ms)
        await self._step({symbol: quality})

    async def _step(self, pending: Mapping[str, Qualities]) -> None:
        """Step the engine by what is new of these symbols, and keep what it found.

        Of minutes that no stream told of only the last is analysed. Those before it, which closed while the start took
        its time, are history, as they are for a replay, which begins with the first frame.
        """
        before_ms, market = self.analysed_ms - Timeframe.M1.ms, self._market
        untold = [s for s in pending if (h := market[s].history).pending(before_ms) and not h.told(before_ms)]
        with self.times.part("rewarm"):
            await self._watch.loader.rewarm(untold, before_ms)
        cut = self._market.cut(self.analysed_ms, pending)
        found = await self._on_worker(self._evaluate, cut, self.source)
        for symbol in cut.symbols:
            self.evaluations[symbol] = found.evaluation
        self._results.evaluated(cut, found)
        if self._say is not None:
            self._say(self.analysed_ms, found.statements)
        if found.evaluation.said is not None:
            self._foreseen(found.evaluation.said.forecasts)
            withdrawn = [each.reason for each in found.evaluation.said.withdrawn]
            observe_calibration(self._incidents, withdrawn, self._now_ms())
        if found.training is not None:
            self.refits.begin(found.training, self.analysed_ms)
        self._alerting.signals(found.signals, self._market)
        self.pressure.observe(found.evaluation, cut.symbols, self._now_ms())

    def _evaluate(self, cut: Cut, source: DataSource | None) -> Found:
        """On the worker: step, and build what will be asked for, so that what cannot be built fails here."""
        began = time.perf_counter()
        self._forecasting.take()  # what a step that failed left of itself
        evaluation = self._engine.step(cut)
        self._passed.step(evaluation)
        for symbol in cut.symbols:
            evaluation.regime(symbol)
            evaluation.reading(symbol)
        found = self._results.found(evaluation, cut, self._engine, source)
        forecast_s = self._forecasting.take()
        for part, seconds in (("factors", time.perf_counter() - began - forecast_s), ("forecast", forecast_s)):
            self._latency.add(part, seconds)
            self.times.took(part, seconds)
        return found if self._say is None else replace(found, statements=statements_of(evaluation, cut.symbols))

    def _evaluated_ms(self, symbol: str) -> int:
        evaluation = self.evaluations.get(symbol)
        return 0 if evaluation is None else evaluation.close_ms

    def _decide(self) -> None:
        """Conditions on what was just computed."""
        now_ms = self._now_ms()
        self._outage.observe(self._incidents, now_ms)
        for symbol in [symbol for symbol in self.evaluations if symbol not in self._market]:
            del self.evaluations[symbol]
        self.pressure.retain(self._market.rows, now_ms)

    def label(self, symbol: str) -> Label | None:
        """The label of a symbol that may be told now."""
        evaluation, quality = self.evaluations.get(symbol), self.qualities.get(symbol)
        if evaluation is None or quality is None:
            return None
        return served_label(
            evaluation.reading(symbol), quality.joined, self._watch.exchange_ms(), self._engine.base.ms
        )  # fmt: skip

    @property
    def source(self) -> DataSource | None:
        """The origin of the exchange's data; `None` while it is not known."""
        return self._exchange.origin

    async def publish(self) -> None:
        """Build and encode all documents off the loop and put them into the cache under one version."""
        self._judge()
        frame = self.frame()
        built, findings = await self._on_worker(self._build, frame)
        self._publication.publish_all(built.bodies)
        for name in self._published - built.bodies.keys():
            self._publication.cache.remove(name)
        self._published = set(built.bodies)
        kept = await self._kept_outlook() if self._results.keeps_outlook(self.analysed_ms, self._engine) else {}
        self._results.published(
            self.analysed_ms, frame.regime_state, self.regimes.checkpoint(), built.overview, kept
        )  # fmt: skip
        self._alerting.regimes(frame.regime_state.new)
        self._alerting.found(findings)

    async def _kept_outlook(self) -> Mapping[str, str]:
        return await asyncio.get_running_loop().run_in_executor(
            self._worker, self._results.outlook, self.analysed_ms, self._engine
        )

    async def ending(self) -> None:
        """The last pass is over: what is learnt is kept, and a fit that is being made is given up."""
        await self.refits.stop()
        if self.analysed_ms:
            self._results.ending(await self._kept_outlook())

    def _build(self, frame: Frame) -> tuple[Built, list[Finding]]:
        """On the worker: the documents, and what the user's rules say of them."""
        with self.times.part("documents"):
            built = build(frame, self._contained)
        return built, self._alerting.judge(built.details, built.overview, frame.now_ms, self._contained)

    def publish_health(self) -> None:
        """Publish the health, so that other processes judge by the age of the last success, too."""
        self._publication.publish("health", self._health.document())

    def frame(self) -> Frame:
        """The state of things, copied for publication."""
        source = self.source
        instruments = self._watch.instruments
        symbols = self._items()
        evaluations = {symbol: e for symbol, e in self.evaluations.items() if symbol in self._market}
        regimes = [evaluation.regime(symbol) for symbol, evaluation in evaluations.items()]
        return Frame(
            now_ms=self._now_ms(),
            symbols=symbols,
            instruments=instruments,
            left_out=self._watch.universe.left_out,
            evaluations=evaluations,
            regimes=regimes,
            passed=self._passed.latest,
            passed_unknown=self._passed.unknown(),
            regime_state=self.regimes.step(
                self.analysed_ms, market_items(symbols, instruments), regimes, self._market, self._contained
            ),
            qualities=self.qualities,
            quality=overall(self.qualities.values()),
            source=source,
            exchange_ms=self._watch.exchange_ms(),
            base_ms=self._engine.base.ms,
            incidents=self._incidents.recent(),
            liquidations={symbol: len(self._market[symbol].forced) for symbol in self._market.rows},
            state=self._state(),
        )

    def _items(self) -> tuple[SymbolItem, ...]:
        """Make the item of each watched symbol; one that cannot be made says why."""
        market, contained, instruments = self._market, self._contained, self._watch.instruments
        watched = [symbol for symbol in self._watch.universe.symbols if symbol in market]

        def known(symbol: str) -> SymbolItem:
            reason = contained.reason(symbol) or self._watch.loader.failed.get(symbol) or market[symbol].history.seam
            return symbol_item(symbol, market, instruments.get(symbol), self.qualities.get(symbol), self.source, reason)

        def unknown(symbol: str) -> SymbolItem:
            name = symbol if (instrument := instruments.get(symbol)) is None else instrument.unified
            reason = contained.reason(symbol) or ""
            return unknown_item(symbol, name, self.source, reason, self.qualities.get(symbol))

        found = each(contained, _TICKER, watched, known)
        return tuple(found.get(symbol) or unknown(symbol) for symbol in watched)

    def _state(self) -> str:
        health = self._health.document()
        if health.status == "unhealthy":
            return "degraded"
        if not self.evaluations:
            return "starting"
        if self.last_error is not None:
            return "degraded"
        looked = health.observed_age_s is not None  # a replay has cycles alone
        return "starting" if looked and health.status == "starting" else "online"

    async def _on_worker(self, work: Callable[..., _T], *args: Any) -> _T:
        """What `work` answers on the worker; how long that was busy with other things is told as `worker`."""
        asked = time.perf_counter()

        def begun() -> _T:
            self.times.took("worker", time.perf_counter() - asked)
            return work(*args)

        return await asyncio.get_running_loop().run_in_executor(self._worker, begun)

    def _now_ms(self) -> int:
        return self._watch.now_ns() // 1_000_000

"""The kernel: what a live monitor, a replay and one pass over a symbol share, composed here and nowhere else."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from virtuoso.alerts.conditions import FeedOutage
from virtuoso.analysis.engine import Engine
from virtuoso.analysis.forecast.features import BASES
from virtuoso.analysis.forecast.fits.fit import Fit
from virtuoso.analysis.forecast.fits.shipped import SHIPPED
from virtuoso.analysis.forecast.outlook import ForecastRule, Outlook
from virtuoso.analysis.percentile import PastDay
from virtuoso.exchange.protocol import Exchange, PollStatus, Stream
from virtuoso.market.state import MarketState
from virtuoso.model.clock import Clock
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.alerting.alerting import Alerting
from virtuoso.monitor.cycle.alpha_scanner import AlphaScanner
from virtuoso.monitor.cycle.cycle import Cycle
from virtuoso.monitor.cycle.refits import Fitting, PutOff
from virtuoso.monitor.cycle.statements import Say
from virtuoso.monitor.documents.publication import Publication
from virtuoso.monitor.lived.record import LivedRecord
from virtuoso.monitor.persistence.arrays import FIT, RECENT, SAMPLES, read
from virtuoso.monitor.persistence.bar_archive import BarArchive
from virtuoso.monitor.persistence.committer import Committer
from virtuoso.monitor.persistence.results import Results
from virtuoso.monitor.watching.bar_audit import BarAudit
from virtuoso.monitor.watching.detection import Detection
from virtuoso.monitor.watching.foresight import Foresight
from virtuoso.monitor.watching.refresh import Refresh
from virtuoso.monitor.watching.slow_data import SlowData
from virtuoso.monitor.watching.watch import Watch
from virtuoso.monitor.watching.weeks import Weeks
from virtuoso.operations.health import HealthState
from virtuoso.operations.latency import Latencies, Stopwatch
from virtuoso.storage.timeseries.protocol import TimeSeries
from virtuoso.wiring.parts import KernelParts

log = structlog.get_logger(__name__)


class PollableStream(Stream, Protocol):
    """A stream under which topics may be polled."""

    rounds: PollStatus


@dataclass(frozen=True, slots=True)
class Source:
    """Where the data comes from: an exchange that is asked, and its stream."""

    exchange: Exchange
    stream: PollableStream


def outlook_of(timeframes: Mapping[Timeframe, float], rule: ForecastRule) -> Outlook | None:
    """Forecasts from bars of the base timeframe, beginning by the shipped fit; `None` where none can be made of it."""
    base = min(timeframes, key=lambda timeframe: timeframe.ms)
    return Outlook(base, rule, SHIPPED) if base in BASES else None


class Kernel:
    """Everything between an exchange and the published documents; it starts no task and opens no store.

    Args:
        parts: plain values from the configuration.
        source: where the data comes from.
        clock: what time it is.
        publication: where documents go.
        alerting: what incidents become.
        committer: what must outlive the process goes through it.
        health: told of each pass.
        series: where bars and scores are kept; `None` keeps none.
        fitting: where the daily fit of forecasts is made; `None` makes it on the worker, and waits for it.
        fit_put_off: told of a fit that was not ready when it should hold.
        audited: whether all closed bars are compared with the exchange's now and then.
        lived: keeps what was said and what came of it; `None` keeps nothing of that.
        say: told of every statement; `None` tells nobody.
    """

    def __init__(
        self,
        parts: KernelParts,
        source: Source,
        clock: Clock,
        publication: Publication,
        *,
        alerting: Alerting,
        committer: Committer,
        health: HealthState,
        series: TimeSeries | None = None,
        fitting: Fitting | None = None,
        fit_put_off: PutOff = lambda _, __: None,
        audited: bool = True,
        lived: LivedRecord | None = None,
        say: Say | None = None,
    ) -> None:
        exchange, stream = source.exchange, source.stream
        self.parts = parts
        self.clock = clock
        self.exchange, self.stream = exchange, stream
        self.publication, self.cache = publication, publication.cache
        self.alerting, self.incidents = alerting, alerting.incidents
        self.committer, self.health = committer, health
        self.worker = ThreadPoolExecutor(1, "analysis")
        self.market = MarketState(
            list(parts.timeframes), depth=parts.depth, clock_offset_ms=lambda: exchange.clock_offset_ms,
            streams_offset_ms=stream.agreed_offset_ms,
        )  # fmt: skip
        self.latency, self._forecasting = Latencies(), Stopwatch()
        engine = self._engine = Engine(
            parts.timeframes, parts.factors, parts.band, parts.entry_size, outlook_of(parts.timeframes, parts.forecast),
            self._forecasting,
        )  # fmt: skip
        self.archive = BarArchive(series, self.market)
        self.watch = Watch(
            exchange=exchange, market=self.market, engine=engine, worker=self.worker, rules=parts.universe,
            clock=clock, archive=self.archive, polled=parts.polled,
        )  # fmt: skip
        contained = self.watch.contained
        least_s, most_s = parts.slow_data_s
        self.slow = SlowData(
            exchange, self.market, clock, min_interval_s=least_s, max_interval_s=most_s, contained=contained
        )
        self.detection = Detection(parts.detectors, self.incidents, contained)
        self.outage = FeedOutage(exchange.name)
        self.lived = lived or LivedRecord(None, parts.market)
        self.results = Results(self.archive, committer, series, parts.market, self.lived)
        self.weeks = Weeks(
            exchange=exchange, market=self.market, watch=self.watch, engine=engine, worker=self.worker
        )  # fmt: skip
        self.audit = BarAudit(exchange, self.market, self.watch, self.archive, routine=audited and not parts.polled)
        self.refresh = Refresh(exchange, self.market, self.watch)
        self.cycle = self._cycle(stream, fitting, fit_put_off, say)
        self.alpha = AlphaScanner(
            exchange=exchange, market=self.market, watch=self.watch, worker=self.worker, publication=publication,
            incidents=self.incidents, intervals=parts.alpha_intervals,
            false_discovery_rate=parts.false_discovery_rate,
        )  # fmt: skip

    def _cycle(self, stream: Stream, fitting: Fitting | None, fit_put_off: PutOff, say: Say | None) -> Cycle:
        """Compose the cycle of the parts that stand already."""
        foresight = Foresight(self.market, self.detection, self.alerting.outcomes.edges, self.clock)
        return Cycle(
            exchange=self.exchange, stream=stream, market=self.market, engine=self._engine, watch=self.watch,
            refresh=self.refresh, worker=self.worker, publication=self.publication, alerting=self.alerting,
            outage=self.outage, slow_s=self.parts.slow_pass_s, stale_after_s=self.parts.stale_after_s,
            health=self.health, results=self.results, latency=self.latency, forecasting=self._forecasting,
            fitting=fitting, fit_put_off=fit_put_off, say=say,
            before_close=self.weeks.hand_on, foreseen=foresight.take,
        )  # fmt: skip

    async def apply(self, parts: KernelParts) -> None:
        """Go on by other intervals, thresholds, detectors and rules of bands and universe.

        What else differs between the parts is for a restart. Detectors that change learn the history anew.
        """
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self.worker, self._engine.decide_by, parts.band)
        self.watch.rules = parts.universe
        self.slow.every(*parts.slow_data_s)
        if parts.detectors != self.parts.detectors:
            self.detection.detect_by(parts.detectors, self.clock.now_ns())
        self.cycle.judge_by(slow_s=parts.slow_pass_s, stale_after_s=parts.stale_after_s)
        # The timeframes stay those of the start; the intervals are given for the first, the second, and so on.
        intervals = dict(zip(self.parts.timeframes, parts.alpha_intervals.values(), strict=True))
        self.alpha.scan_by(intervals, parts.false_discovery_rate)
        self.publication.interval_s = self.health.interval_s = parts.interval_s
        old = self.parts
        self.parts = replace(
            parts, market=old.market, timeframes=old.timeframes, factors=old.factors, entry_size=old.entry_size,
            forecast=old.forecast,
            depth=old.depth, polled=old.polled, alpha_intervals=intervals,
        )  # fmt: skip

    def recall_past(self, days: Sequence[PastDay]) -> None:
        """Let scores be ranked in what earlier runs counted, too; before anything is watched."""
        self._engine.recall(days)

    def recall_outlook(self, kept: Mapping[str, str]) -> None:
        """Go on learning and counting claims, by the fit of an earlier run; before anything is watched."""
        if self._engine.outlook is None:
            return
        try:
            arrays = {name: read(body) for name, body in kept.items()}
            fit = Fit.of(arrays[FIT]) if FIT in arrays else None
            self._engine.outlook.resume(fit, arrays.get(SAMPLES), arrays.get(RECENT))
        except (ValueError, KeyError) as error:
            log.warning("what was kept of forecasts is of another version; they begin anew", error=str(error))
            self._engine.outlook = outlook_of(self.parts.timeframes, self.parts.forecast)  # some was loaded perhaps

    def now_ms(self) -> int:
        """Return the time of the kernel's clock in epoch milliseconds."""
        return self.clock.now_ns() // 1_000_000

    def close(self) -> None:
        """Let go of the worker; what it does is finished."""
        self.worker.shutdown(wait=True, cancel_futures=True)

"""Tells Prometheus what the published documents say, by its conventions: base units, `_total` for what only rises.

What is unknown is no sample, never 0. Feeds are counted by kind, not by symbol: the number of series has a bound. Such
sums are of the feeds that are watched now and fall when a symbol leaves, so they are gauges.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from virtuoso.model.alerts.documents.making import AlertPipeline
from virtuoso.model.documents import (
    FeedItem,
    Health,
    LatencyHistogram,
    MonitoringStatus,
    SignalPerformance,
    StageTimes,
)
from virtuoso.model.documents.performance import HorizonQuality, LivedFigure
from virtuoso.model.quality import DataQuality

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_CHANNEL_COUNTERS = ("sent", "failed", "dead", "repeats", "moved")
_STORE_COUNTERS = ("written", "dropped", "failed", "rejected", "failures", "timed_out")
_STORE_GAUGES = {"pending": "rows or documents that wait", "waiting": "rows or documents that wait"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The documents that are told of; `None` is what no monitor has published."""

    health: Health
    status: MonitoringStatus | None = None
    pipeline: AlertPipeline | None = None
    performance: SignalPerformance | None = None


def exposition(published: Published, of_process: CollectorRegistry) -> bytes:
    """The text that `/metrics` answers: the documents, and what this process takes of the machine."""
    registry = CollectorRegistry()
    registry.register(_Documents(published))
    return generate_latest(registry) + generate_latest(of_process)


class _Documents:
    """A collector over documents."""

    def __init__(self, published: Published) -> None:
        self._published = published

    def collect(self) -> Iterator[Metric]:
        """Every family that there is something to tell of."""
        told = self._published
        families = _Families()
        _health(families, told.health)
        if told.status is not None:
            _status(families, told.status)
        if told.pipeline is not None:
            _pipeline(families, told.pipeline)
        if told.performance is not None:
            for horizon in told.performance.horizons:
                _quality(families, horizon)
        return iter(families.all.values())


@dataclass(slots=True)
class _Families:
    """Families by name, each begun by its first sample; a value of `None` is left out."""

    all: dict[str, Metric] = field(default_factory=dict)

    def gauge(self, name: str, says: str, value: float | None, **labels: str) -> None:
        """Tell a value that may fall as well as rise; all samples of one `name` have the same labels."""
        if value is not None:
            family = self.all.setdefault(name, GaugeMetricFamily(f"virtuoso_{name}", says, labels=list(labels)))
            family.add_metric(list(labels.values()), float(value))  # type: ignore[attr-defined]

    def counter(self, name: str, says: str, value: float | None, **labels: str) -> None:
        """Tell a count that only rises until the monitor starts again; `_total` is added to its name."""
        if value is not None:
            family = self.all.setdefault(name, CounterMetricFamily(f"virtuoso_{name}", says, labels=list(labels)))
            family.add_metric(list(labels.values()), float(value))  # type: ignore[attr-defined]

    def times(self, name: str, says: str, times: StageTimes | None, **labels: str) -> None:
        """Seconds by quantile, over the latest 500."""
        if times is not None:
            family = self.all.setdefault(
                name, GaugeMetricFamily(f"virtuoso_{name}", says, labels=[*labels, "quantile"])
            )
            for quantile, ms in (("0.5", times.p50), ("0.95", times.p95), ("1", times.max)):
                family.add_metric([*labels.values(), quantile], ms / 1e3)  # type: ignore[attr-defined]

    def histogram(self, name: str, says: str, counted: LatencyHistogram, **labels: str) -> None:
        """Tell how many took no longer than each bound, which only rises until the monitor starts again."""
        family = self.all.setdefault(name, HistogramMetricFamily(f"virtuoso_{name}", says, labels=list(labels)))
        bounds = [*map(str, counted.bounds_s), "+Inf"]
        buckets = list(zip(bounds, accumulate(counted.counts), strict=True))
        family.add_metric(list(labels.values()), buckets, counted.sum_s)  # type: ignore[attr-defined]


def _health(families: _Families, health: Health) -> None:
    families.gauge("healthy", "1 when what is served can be relied on, as /health says.", health.status == "healthy")
    families.gauge("cycle_age_seconds", "Time since the last completed cycle.", health.last_cycle_age_s)
    families.gauge(
        "close_age_seconds", "Exchange time since the last close that was analysed.", health.last_close_age_s
    )
    families.gauge("symbols_watched", "Symbols that are watched.", health.watched)
    families.gauge("symbols_live", "Watched symbols with a feed that is live.", health.live)
    families.gauge("topics_connected", "Topics that are connected, or polled.", health.topics_connected)


def _status(families: _Families, status: MonitoringStatus) -> None:
    families.gauge(
        "build_info", "1, with the version of the monitor.", 1, version=status.build.version, python=status.build.python
    )
    families.gauge("uptime_seconds", "Time since the monitor started.", status.uptime_s)
    if status.memory_mb is not None:
        families.gauge("memory_bytes", "Memory that the monitor holds.", status.memory_mb * 1e6)
    families.times("loop_lag_seconds", "How late the monitor's event loop wakes.", status.loop_lag_ms)
    for task, state in status.tasks.items():
        families.gauge("task_running", "1 while a task of the monitor runs.", state == "running", task=task)
    _cycle(families, status)
    for stage, counted in status.latency.items():
        says = "How long each stage takes of the way from the exchange to a channel."
        families.histogram("latency_seconds", says, counted, stage=stage)
    _feeds(families, status.feeds)
    _exchange(families, status)
    _stores(families, status.stores)


def _cycle(families: _Families, status: MonitoringStatus) -> None:
    cycle = status.cycle
    families.counter("cycles", "Cycles, whether they succeeded or not.", cycle.count)
    families.counter("cycle_failures", "Cycles that failed.", cycle.failures)
    families.counter("cycle_overruns", "Cycles that took longer than the interval.", cycle.overruns)
    families.gauge("cycle_interval_seconds", "The configured interval.", cycle.interval_configured)
    for stage, times in cycle.stages.items():
        families.times("cycle_seconds", "How long each stage of a cycle took, over the latest 500.", times, stage=stage)


def _feeds(families: _Families, feeds: Iterable[FeedItem]) -> None:
    """By kind: how many in each state, what came, what was refused and why, and the worst lag."""
    states: Counter[tuple[str, str]] = Counter()
    sums: Counter[tuple[str, str]] = Counter()
    refused: Counter[tuple[str, str]] = Counter()
    lags: dict[str, float] = {}
    for feed in feeds:
        kind = feed.kind.value
        for quality in DataQuality:
            states[kind, quality.value] += feed.data_quality is quality
        sums.update({(kind, "messages"): feed.messages, (kind, "resyncs"): feed.resyncs})
        refused.update({(kind, reason): count for reason, count in feed.refusals.items()})
        if feed.lag_ms is not None:
            lags[kind] = max(lags.get(kind, feed.lag_ms), feed.lag_ms)
    for (kind, state), count in states.items():
        families.gauge("feeds", "Feeds by kind and data quality.", count, kind=kind, data_quality=state)
    for (kind, what), count in sums.items():
        says = "Messages accepted" if what == "messages" else "How often order was lost and made again"
        families.gauge(f"feed_{what}", f"{says}, of the feeds that are watched now.", count, kind=kind)
    for (kind, reason), count in refused.items():
        says = "Messages refused, by reason, of the feeds that are watched now."
        families.gauge("feed_refused", says, count, kind=kind, reason=reason)
    for kind, ms in lags.items():
        families.gauge(
            "feed_lag_max_seconds",
            "From the exchange's time of a message to ours, the worst feed.",
            ms / 1e3,
            kind=kind,
        )


def _exchange(families: _Families, status: MonitoringStatus) -> None:
    offset_ms = status.exchange.get("clock_offset_ms")
    if isinstance(offset_ms, int | float):
        families.gauge("exchange_clock_offset_seconds", "The exchange's clock less this machine's.", offset_ms / 1e3)
    budget = status.rate_budget
    families.counter("rest_requests", "Requests to the exchange.", budget.requests)
    families.counter("rest_waits", "Requests that had to wait for the rate budget.", budget.waits)
    families.gauge("rest_budget_available", "Requests that may be sent at once.", budget.available)
    families.gauge("rest_banned", "1 while the exchange refuses this address.", budget.banned_until is not None)


def _stores(families: _Families, stores: Mapping[str, object]) -> None:
    for name, store in stores.items():
        if not isinstance(store, Mapping) or "state" not in store:
            continue
        families.gauge("store_up", "1 while a store is up.", store["state"] == "up", store=name)
        for key in _STORE_COUNTERS:
            if isinstance(count := store.get(key), int):
                families.counter(f"store_{key}", f"What a store counts as {key}.", count, store=name)
        for key, says in _STORE_GAUGES.items():
            if isinstance(count := store.get(key), int):
                families.gauge("store_queue", f"How many {says} for a store.", count, store=name)


def _pipeline(families: _Families, pipeline: AlertPipeline) -> None:
    families.counter("incidents_fired", "Incidents that fired.", pipeline.fired)
    families.counter("incidents_ended", "Incidents that ended, in whatever way.", pipeline.resolved)
    families.gauge("incidents_open", "Incidents that hold.", pipeline.open)
    for stage in pipeline.stages:
        families.counter("alerts_passed", "How often a stage let an incident pass.", stage.passed, stage=stage.stage)
        families.counter("alerts_withheld", "How often a stage withheld one.", stage.withheld, stage=stage.stage)
    for channel in pipeline.channels:
        families.gauge("channel_up", "1 while a channel takes messages.", channel.state == "up", channel=channel.name)
        families.gauge("channel_queue", "Messages that wait for a channel.", channel.waiting, channel=channel.name)
        for key in _CHANNEL_COUNTERS:
            if key in channel.counters:
                families.counter(
                    f"channel_{key}", f"Messages of a channel: {key}.", channel.counters[key], channel=channel.name
                )


def _quality(families: _Families, horizon: HorizonQuality) -> None:
    """How good what was lived was; each figure with its number, as a figure of few says little."""
    minutes = str(horizon.horizon_min)
    figures: dict[str, LivedFigure] = {
        "large_move_skill": horizon.large_move.skill, "beyond_costs_skill": horizon.beyond_costs.skill,
        "claim_net_bp": horizon.claims.made.net_bp,
    }  # fmt: skip
    figures |= {f"inside_{band.claimed * 100:.0f}": band.inside for band in horizon.cone.bands}
    for name, figure in figures.items():
        families.gauge("quality", "Measured quality of what was said.", figure.value, figure=name, horizon_min=minutes)
        families.gauge("quality_n", "Of how many statements.", figure.n, figure=name, horizon_min=minutes)

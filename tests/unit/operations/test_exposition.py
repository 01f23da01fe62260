"""What Prometheus is told is what the documents say, by its conventions."""

import math
from dataclasses import replace as with_

import msgspec
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from virtuoso.model.alerts.documents.making import AlertPipeline
from virtuoso.model.catalogue import alert_examples, examples, performance_example
from virtuoso.model.documents import Health, MonitoringStatus, SignalPerformance
from virtuoso.operations.exposition import Published, exposition

STATUS = msgspec.convert(examples.STATUS, MonitoringStatus)
HEALTH = msgspec.convert(examples.HEALTH, Health)
PIPELINE = msgspec.convert(alert_examples.PIPELINE, AlertPipeline)
PERFORMANCE = msgspec.convert(performance_example.PERFORMANCE, SignalPerformance)
WHOLE = Published(health=HEALTH, status=STATUS, pipeline=PIPELINE, performance=PERFORMANCE)

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(published: Published) -> Samples:
    """Every sample by its name and labels; a second one of the same is a failure."""
    found: Samples = {}
    for family in text_string_to_metric_families(exposition(published, CollectorRegistry()).decode()):
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


def test_the_numbers_are_those_of_the_documents_in_base_units() -> None:
    told = samples(WHOLE)
    assert told["virtuoso_healthy", ()] == 1
    assert told["virtuoso_cycles_total", ()] == STATUS.cycle.count
    total = STATUS.cycle.stages["total"]
    for quantile, ms in (("0.5", total.p50), ("0.95", total.p95), ("1", total.max)):
        assert math.isclose(told["virtuoso_cycle_seconds", (("quantile", quantile), ("stage", "total"))], ms / 1e3)
    for stage in PIPELINE.stages:
        assert told["virtuoso_alerts_passed_total", (("stage", stage.stage),)] == stage.passed
    for channel in PIPELINE.channels:
        assert told["virtuoso_channel_queue", (("channel", channel.name),)] == channel.waiting
    horizon = PERFORMANCE.horizons[0]
    labels = (("figure", "inside_80"), ("horizon_min", str(horizon.horizon_min)))
    (band,) = [band for band in horizon.cone.bands if band.claimed == 0.8]
    assert told["virtuoso_quality", labels] == band.inside.value
    assert told["virtuoso_quality_n", labels] == band.inside.n


def test_histograms_are_cumulative_and_end_with_all() -> None:
    told = samples(WHOLE)
    for stage, counted in STATUS.latency.items():
        of_stage = ("stage", stage)
        so_far = 0
        for bound, count in zip((*map(str, counted.bounds_s), "+Inf"), counted.counts, strict=True):
            so_far += count
            assert told["virtuoso_latency_seconds_bucket", (("le", bound), of_stage)] == so_far
        assert told["virtuoso_latency_seconds_count", (of_stage,)] == sum(counted.counts)
        assert told["virtuoso_latency_seconds_sum", (of_stage,)] == counted.sum_s
    none = {name for name, _ in samples(with_(WHOLE, status=replace(STATUS, latency={})))}
    assert not any(name.startswith("virtuoso_latency") for name in none)


def test_feeds_are_counted_by_kind_however_many_symbols_there_are() -> None:
    (feed, *_) = STATUS.feeds
    many = [
        replace(feed, symbol=f"S{n}", refusals={"last: below 0": n}, messages=2, lag_ms=float(n)) for n in range(600)
    ]
    told = samples(with_(WHOLE, status=replace(STATUS, feeds=tuple(many))))
    kind = ("kind", feed.kind.value)
    assert told["virtuoso_feeds", (("data_quality", feed.data_quality.value), kind)] == 600
    assert told["virtuoso_feed_messages", (kind,)] == 1_200
    assert told["virtuoso_feed_refused", (kind, ("reason", "last: below 0"))] == sum(range(600))
    assert told["virtuoso_feed_lag_max_seconds", (kind,)] == 0.599
    assert len(told) < 200


def test_what_is_unknown_is_no_sample() -> None:
    nothing = Published(health=replace(HEALTH, status="unhealthy", last_cycle_age_s=None, watched=None))
    told = samples(nothing)
    assert told["virtuoso_healthy", ()] == 0
    assert not {name for name, _ in told} & {"virtuoso_cycle_age_seconds", "virtuoso_symbols_watched"}
    unlagged = replace(STATUS, feeds=tuple(replace(feed, lag_ms=None) for feed in STATUS.feeds), loop_lag_ms=None)
    names = {name for name, _ in samples(with_(WHOLE, status=unlagged))}
    assert not names & {"virtuoso_feed_lag_max_seconds", "virtuoso_loop_lag_seconds"}


def test_a_text_of_an_exchange_cannot_forge_a_sample() -> None:
    (feed, *_) = STATUS.feeds
    forged = replace(feed, refusals={'x"} 1\nvirtuoso_healthy 0\n#\\': 3})
    told = samples(with_(WHOLE, status=replace(STATUS, feeds=(forged,))))
    assert told["virtuoso_healthy", ()] == 1
    assert ("reason", 'x"} 1\nvirtuoso_healthy 0\n#\\') in {label for _, labels in told for label in labels}

"""Histograms of durations: every one is in one bucket, what is beyond all bounds too."""

import time

import pytest

from virtuoso.operations.latency import BOUNDS_S, STAGES, Histogram, Latencies, Stopwatch


def test_a_duration_falls_into_the_bucket_that_ends_at_or_above_it() -> None:
    histogram = Histogram()
    assert histogram.document() is None, "nothing was counted: that is unknown, not 0"
    for seconds in (-0.002, 1e-5, 0.3, 0.5, 31.0):
        histogram.add(seconds)
    found = histogram.document()
    assert found is not None
    by_bound = dict(zip((*found.bounds_s, "beyond"), found.counts, strict=True))
    assert {bound: count for bound, count in by_bound.items() if count} == {1e-5: 2, 0.5: 2, "beyond": 1}
    assert found.sum_s == pytest.approx(31.80001), "a negative one took nothing"


def test_bounds_ascend_and_stages_are_told_once_they_occurred() -> None:
    assert list(BOUNDS_S) == sorted(set(BOUNDS_S))
    latencies = Latencies()
    assert latencies.documents() == {}
    for stage in reversed(STAGES):
        latencies.add(stage, 0.1)
    assert tuple(latencies.documents()) == STAGES


def test_a_stopwatch_adds_up_what_it_is_around(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 5.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    watch = Stopwatch()
    for seconds in (2.0, 3.0):
        with watch:
            now += seconds
        now += 100.0
    assert watch.take() == 5.0
    assert watch.take() == 0.0

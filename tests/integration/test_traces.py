"""`monitoring.traces.endpoint`: each pass is a trace; a collector that refuses is told once, and delays nothing."""

import time
from pathlib import Path

import pytest
from tests.support.collector import running_collector
from tests.support.exchange import Running
from tests.support.program import running_program, settings_for

from virtuoso.model.documents import PassExplained, StageExplained
from virtuoso.monitor.cycle.traces import PassTraces

ENDED_NS = 1_764_590_400_000_000_000
PASS = PassExplained(
    ended="2025-12-01T12:00:00.000Z",
    ok=False,
    took_ms=30.0,
    budget_ms=5_000.0,
    stages={
        "refresh": StageExplained(began_ms=1.0, ms=4.0, usual_ms=None, parts={}),
        "analyse": StageExplained(began_ms=6.0, ms=20.0, usual_ms=18.5, parts={"factors": 12.25}),
    },
    fetched={"BTCUSDT": 3.5},
    alone=(),
    cpu_ms=25.0,
    collections_ms=0.0,
    where=(),
)


def test_a_pass_is_a_span_with_its_stages_where_they_were() -> None:
    with running_collector() as collector:
        traces = PassTraces(collector.endpoint, {"service.name": "test"})
        traces.passed(PASS, ENDED_NS)
        traces.close()
    (trace,) = collector.traces()
    assert collector.resource["service.name"] == "test"
    at = {
        name: (span.start_time_unix_nano - ENDED_NS, span.end_time_unix_nano - ENDED_NS) for name, span in trace.items()
    }
    assert at == {
        "pass": (-30_000_000, 0), "refresh": (-29_000_000, -25_000_000), "analyse": (-24_000_000, -4_000_000),
    }  # fmt: skip
    whole = trace["pass"]
    assert not whole.parent_span_id
    assert {trace[stage].parent_span_id for stage in PASS.stages} == {whole.span_id}
    assert whole.status.code == 2, "an error"
    known = {name: {each.key: each.value.double_value for each in span.attributes} for name, span in trace.items()}
    assert known == {
        "pass": {"cpu_ms": 25.0, "collections_ms": 0.0, "budget_ms": 5_000.0, "fetched_ms.BTCUSDT": 3.5},
        "refresh": {}, "analyse": {"usual_ms": 18.5, "factors_ms": 12.25},
    }  # fmt: skip


def test_a_collector_whose_answer_does_not_end_delays_no_end() -> None:
    with running_collector() as collector:
        collector.dripping = True
        traces = PassTraces(collector.endpoint, {"service.name": "test"})
        traces.passed(PASS, ENDED_NS)
        began = time.monotonic()
        traces.close()
        assert time.monotonic() - began < 15, "it waits for 4 s, the library for 30"
        assert collector.traces(), "it was sent"


def traced(exchange: Running, folder: Path, endpoint: str) -> Path:
    """A configuration that sends passes to a collector."""
    config = settings_for(exchange, folder, "universe: {size: 3}\n")
    told = f"monitoring: {{interval: 1, traces: {{endpoint: '{endpoint}'}}}}"
    config.write_text(config.read_text().replace("monitoring: {interval: 1}", told))
    return config


@pytest.mark.slow
def test_passes_of_a_monitor_arrive_and_a_collector_that_refuses_is_told_once(
    exchange: Running, tmp_path: Path
) -> None:
    log = tmp_path / "program.log"
    with running_collector() as collector:
        collector.refusing = True
        config = traced(exchange, tmp_path, collector.endpoint)
        with running_program(config, pace=exchange.pace) as program:
            program.until("it is told that they are refused", lambda: "traces (monit" in log.read_text(), 600)
            collector.refusing = False
            program.until("a trace", collector.traces, 600)
            program.until("it is told that they are taken", lambda: "traces are accepted again" in log.read_text(), 60)
    assert log.read_text().count("traces (monitoring.traces.endpoint) are not accepted, and are dropped") == 1
    assert "opentelemetry" not in log.read_text()
    assert (collector.resource["service.name"], collector.resource["service.instance.id"]) == (
        "virtuoso-monitor", "monitor",
    )  # fmt: skip
    traces = collector.traces()
    assert any({"analyse", "decide", "publish"} <= trace.keys() for trace in traces)
    for trace in traces:
        whole = trace["pass"]
        for stage in trace.values():
            assert whole.start_time_unix_nano <= stage.start_time_unix_nano <= stage.end_time_unix_nano
            assert stage.end_time_unix_nano <= whole.end_time_unix_nano


@pytest.mark.slow
def test_a_collector_that_is_away_delays_no_end(exchange: Running, tmp_path: Path) -> None:
    """`running_program` asserts how long that takes."""
    config = traced(exchange, tmp_path, "http://127.0.0.1:9/v1/traces")
    with running_program(config, pace=exchange.pace) as program:
        program.until("passes", lambda: program.ask("/api/monitoring/status")["cycle"]["count"] >= 3, 60)

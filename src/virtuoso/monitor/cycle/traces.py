"""Sends each pass of the monitor to a collector of OpenTelemetry, as a trace: a span for it and one for each stage.

The spans are made of what was measured anyway, after the pass: nothing is added to it. They are sent in batches by a
thread of the library, over OTLP (HTTP, protobuf); what cannot be sent is dropped.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status, StatusCode, set_span_in_context

from virtuoso.model.documents import PassExplained, StageExplained

log = structlog.get_logger(__name__)

_ANSWER_S: Final = 2.0
"""A batch is given up after so long, and so the end of the program waits at most twice that."""
_WAITING, _BATCH = 2_048, 512
_EVERY_MS: Final = 5_000.0

Value = str | bool | int | float
"""Of an attribute."""


class PassTraces:
    """Takes passes that are over, on one thread; never waits.

    Args:
        endpoint: address of the collector, such as `http://localhost:4318/v1/traces`.
        resource: attributes of the process that the passes are of, such as `service.name`.
    """

    def __init__(self, endpoint: str, resource: Mapping[str, Value]) -> None:
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # a failure is told once, by the exporter below
        exporter = _Told(OTLPSpanExporter(endpoint=endpoint, timeout=_ANSWER_S))
        self._provider = TracerProvider(resource=Resource.create(dict(resource)), shutdown_on_exit=False)
        self._provider.add_span_processor(
            BatchSpanProcessor(
                exporter, max_queue_size=_WAITING, max_export_batch_size=_BATCH, schedule_delay_millis=_EVERY_MS,
                export_timeout_millis=_ANSWER_S * 1e3,
            )
        )  # fmt: skip
        self._tracer = self._provider.get_tracer("virtuoso.monitor.cycle")

    def passed(self, one: PassExplained, ended_ns: int) -> None:
        """Make the spans of a pass that ended at a time of our clock (epoch ns)."""
        began_ns = ended_ns - int(one.took_ms * 1e6)
        whole = self._tracer.start_span("pass", start_time=began_ns, attributes=_of_pass(one))
        if not one.ok:
            whole.set_status(Status(StatusCode.ERROR))
        within = set_span_in_context(whole)
        for name, stage in one.stages.items():
            start_ns = began_ns + int(stage.began_ms * 1e6)
            span = self._tracer.start_span(name, within, start_time=start_ns, attributes=_of_stage(stage))
            span.end(start_ns + int(stage.ms * 1e6))
        whole.end(ended_ns)

    def close(self) -> None:
        """Send what waits, for some seconds at most, however long the collector draws out its answer."""
        ending = threading.Thread(target=self._provider.shutdown, name="end of traces", daemon=True)
        with suppress(RuntimeError):  # no thread can be had: what waits is dropped
            ending.start()
            ending.join(2 * _ANSWER_S)


def _of_pass(one: PassExplained) -> dict[str, Value]:
    found: dict[str, Value] = {"cpu_ms": one.cpu_ms, "collections_ms": one.collections_ms}
    if one.budget_ms is not None:
        found["budget_ms"] = one.budget_ms
    return found | {f"fetched_ms.{symbol}": ms for symbol, ms in one.fetched.items()}


def _of_stage(stage: StageExplained) -> dict[str, Value]:
    found: dict[str, Value] = {} if stage.usual_ms is None else {"usual_ms": stage.usual_ms}
    return found | {f"{name}_ms": ms for name, ms in stage.parts.items()}


class _Told(SpanExporter):
    """Tells when spans are not accepted, once, and when they are again."""

    def __init__(self, exporter: OTLPSpanExporter) -> None:
        self._exporter = exporter
        self._failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        found = self._exporter.export(spans)
        failing = found is not SpanExportResult.SUCCESS
        if failing and not self._failing:
            log.warning("traces (monitoring.traces.endpoint) are not accepted, and are dropped")
        elif self._failing and not failing:
            log.info("traces are accepted again")
        self._failing = failing
        return found

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

"""A collector of OpenTelemetry traces: takes OTLP over HTTP, and keeps the spans that came."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Collector:
    """What came so far; with `refusing` it answers 500, with `dripping` its answer does not end."""

    endpoint: str = ""
    refusing: bool = False
    dripping: bool = False
    resource: dict[str, str] = field(default_factory=dict)
    spans: list[Any] = field(default_factory=list)

    def take(self, body: bytes) -> int:
        """Take a request; returns the status to answer."""
        if self.refusing:
            return 500
        request = ExportTraceServiceRequest()
        request.ParseFromString(body)
        for of_resource in request.resource_spans:
            self.resource = {each.key: each.value.string_value for each in of_resource.resource.attributes}
            for of_scope in of_resource.scope_spans:
                self.spans.extend(of_scope.spans)
        return 200

    def traces(self) -> list[dict[str, Any]]:
        """The spans of each trace by their names, in the order of the passes; those that are not whole are left out."""
        found: dict[bytes, dict[str, Any]] = {}
        for span in list(self.spans):
            found.setdefault(span.trace_id, {})[span.name] = span
        return sorted(
            (trace for trace in found.values() if "pass" in trace), key=lambda of: of["pass"].start_time_unix_nano
        )


@contextmanager
def running_collector() -> Iterator[Collector]:
    """A collector on a free port, until the block ends."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(collector.take(body))
            self.flush_headers()
            with suppress(OSError):
                while collector.dripping:
                    self.wfile.write(b"X: y\r\n")
                    time.sleep(1)  # a client takes a hundred headers
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.endpoint = f"http://127.0.0.1:{server.server_port}/v1/traces"
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield collector
    finally:
        collector.dripping = False
        server.shutdown()
        serving.join()
        server.server_close()

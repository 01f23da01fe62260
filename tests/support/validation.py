"""Samples of a made-up deployment on which all is well, ten minutes long; a test spoils what it is about."""

from collections.abc import Callable
from typing import Any

from virtuoso.model.clock import iso
from virtuoso.operations.validate.judgement import judged
from virtuoso.operations.validate.report import Check, Report, Verdict
from virtuoso.operations.validate.samples import (
    DASHBOARD,
    HEALTH,
    OVERVIEW,
    PIPELINE,
    SIGNALS,
    Machine,
    Processes,
    ProcessItem,
    Route,
    Run,
    Sample,
    SampleFile,
    Samples,
)

BEGAN_MS = 1_796_000_000_000
SECONDS = 600
INTERVAL_S = 10
OFFSET_MS = 500
"""By how much the exchange's clock is ahead."""
FEED = ("orderbook.50.BTCUSDT", "BTCUSDT")


def at(second: float) -> str:
    """A moment of the window, ISO 8601."""
    return iso(BEGAN_MS + second * 1000) or ""


def feed(second: int, **other: Any) -> tuple[Any, ...]:
    """What is kept of a feed."""
    found: dict[str, Any] = {
        "topic": FEED[0], "symbol": FEED[1], "data_quality": "live", "connected": True, "age_ms": 20, "lag_ms": 3.0,
        "messages": 10 * second, "rejected": 0, "resyncs": 0, "mute": False, "reason": None, "refusals": {},
    } | other  # fmt: skip
    return tuple(found.values())


def status(second: int) -> dict[str, Any]:
    """A status document in which all is well."""
    return {
        "instance": "host:7", "build": {"version": "1", "python": "3.11", "started_at": at(-3600)},
        "uptime_s": 3600.0 + second, "timestamp": at(second), "state": "running", "data_source": "live",
        "exchange": {"name": "bybit", "category": "linear", "address": "https://exchange.example", "mode": "stream",
                     "clock_offset_ms": float(OFFSET_MS), "maintenance": None, "unknown_frames": 0,
                     "missing_values": {}, "doubted_values": {}},
        "cycle": {"interval_configured": float(INTERVAL_S), "count": 360 + second // INTERVAL_S, "failures": 0,
                  "overruns": 0, "last_success": at(second // INTERVAL_S * INTERVAL_S), "last_error": None,
                  "stages": {"total": {"p50": 9.0, "p95": 20.0, "max": 30.0}}, "slowest_fetch_ms": 0.0},
        "universe": {"size": 1, "configured": 1, "failed": {}, "empty": None},
        "feeds": {FEED[0]: feed(second)},
        "rate_budget": {"requests": 100 + second, "waits": 0, "banned_until": None},
        "stores": {"database": {"state": "up", "since": at(-3600), "error": None, "dropped": 0},
                   "cache_tiers": ["memory"],
                   "lease": {"identity": "monitor", "holder": "host:7"}},
        "alerts": {"fired": 0, "resolved": 0, "open": 0}, "loop_lag_ms": {"p95": 2.0}, "memory_mb": 160.0,
        "tasks": {"cycle": "running"}, "needs_restart": [], "health_reasons": [],
    }  # fmt: skip


def _answer(second: float, path: str, body: Any, **other: Any) -> Sample:
    return Sample(**({"at": at(second), "path": path, "took_ms": 4.0, "status": 200, "body": body} | other))


def _ticker(price: float) -> dict[str, Any]:
    item = {"lastPrice": str(price), "markPrice": str(price)}
    return {"retCode": 0, "retMsg": "OK", "result": {"list": [item]}}


def _price(second: int) -> float:
    return 100.0 + second / 100


def fine(length: int = SECONDS) -> Samples:
    """Ten minutes, or so many seconds, in which all is well."""
    run = Run(url="http://localhost:8002", began=at(0), ended=at(length), window_s=length, here=True)
    found = Samples(run, files=(SampleFile("log.txt", 0, 0, "00"),))
    sweeps = range(1, length, 30)
    documents: dict[str, Callable[[int], Any]] = {
        OVERVIEW: lambda second: {
            "timestamp": at(second - 2), "breadth": {"advancing": 1, "declining": 0, "neutral": 0, "total": 1},
        },
        DASHBOARD: lambda second: {"system_status": {"last_update": at(second - 2)}},
        SIGNALS: lambda second: {"timestamp": at(second - 2), "signals": [
            {"symbol": "BTCUSDT", "timestamp": at(second // 60 * 60 - 20), "signal": None, "data_quality": "live"}]},
        HEALTH: lambda _: {"status": "healthy", "reasons": [], "last_cycle_age_s": 2.0},
        "/api/alerts": lambda _: {},
        PIPELINE: lambda _: {"fired": 3, "open": 0, "stages": [{"stage": "inhibit", "passed": 3, "withheld": 0}],
                             "channels": [{"name": "console", "state": "up", "error": None, "counters": {"sent": 3}}]},
    }  # fmt: skip
    for path, body in documents.items():
        found.answers[path] = [_answer(second, path, body(second)) for second in sweeps]
    found.routes = tuple(Route(method="GET", path=path, asked=path) for path in documents)
    found.status = [_answer(second, "/api/monitoring/status", status(second)) for second in range(1, length, 3)]
    for second in range(2, length, 5):
        price = {"price": _price(second), "mark_price": _price(second), "data_quality": "live", "data_source": "live"}
        found.prices.append(_answer(second - 0.1, "/api/symbols", {"BTCUSDT": price}))
        time = {"retCode": 0, "time": BEGAN_MS + second * 1000 + OFFSET_MS - 2}
        found.exchange.append(_answer(second, "/v5/market/time", time))
        path = "/v5/market/tickers?category=linear&symbol=BTCUSDT"
        found.exchange.append(_answer(second, path, _ticker(_price(second))))
        book = {
            "symbol": "BTCUSDT",
            "bids": [[99, 1]],
            "asks": [[100, 1]],
            "update_id": second,
            "updated_at": at(second),
        }
        found.books.append(_answer(second, "/api/symbols/BTCUSDT/book?depth=1", book))
    found.watched = [("BTCUSDT",)]
    found.processes = [
        Processes(at=at(second), processes=(
            ProcessItem(pid=7, name="virtuoso", role="monitor", uptime_s=3600.0 + second, cpu_pct=4.0, memory_mb=160.0),
        ), machine=Machine(processors=2, load=0.5, memory_pct=40.0)) for second in range(0, length + 1, 30)
    ]  # fmt: skip
    return found


def failed(samples: Samples, baseline: Report | None = None) -> dict[str, str]:
    """The checks that fail, each with its evidence."""
    return told(judged(samples, baseline), Verdict.FAIL)


def told(report: Report, *verdicts: Verdict) -> dict[str, str]:
    """The checks with one of the verdicts, each with its evidence."""
    return {check.test: check.evidence for check in report.checks if check.verdict in verdicts}


def evidence(report: Report) -> str:
    """All that is found wrong or worth knowing, as one text."""

    def line(check: Check) -> str:
        return f"{check.verdict}: {check.test}: {check.evidence}"

    return "\n".join(line(check) for check in report.checks if check.verdict in {Verdict.FAIL, Verdict.OBSERVED})

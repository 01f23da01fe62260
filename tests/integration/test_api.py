"""Every route of the running program: the report's samples as contracts, errors as problems, OpenAPI complete."""

import http.client
import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.support.program import Program

ISO = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
ROUTES = {
    "/", "/docs", "/health", "/health/live", "/health/ready", "/api/signals/top", "/api/market/overview",
    "/api/dashboard/data", "/api/alerts/recent", "/api/monitoring/status", "/api/symbols", "/api/symbols/{symbol}",
    "/api/symbols/{symbol}/bars", "/api/symbols/{symbol}/book", "/api/regime", "/api/alpha", "/api/stream",
    "/api/signals", "/api/signals/performance", "/api/signals/backtested",
    "/api/symbols/{symbol}/scores", "/api/alerts", "/api/alerts/{alert_id}",
    "/api/alerts/{alert_id}/ack", "/api/alerts/rules", "/api/alerts/pipeline", "/api/alerts/performance",
    "/api/silences", "/api/session", "/api/signals/{signal_id}", "/api/symbols/{symbol}/cones",
    "/api/symbols/{symbol}/series", "/api/symbols/{symbol}/tape", "/api/symbols/{symbol}/depth",
    "/api/monitoring/history",
    "/api/alerts/rules/{name}", "/api/silences/{silence_id}", "/api/alerts/deliveries",
    "/api/alerts/deliveries/{delivery_id}/resend",
}  # fmt: skip


def raw(program: Program, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one request, with exactly these headers."""
    address = urlsplit(program.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 0, timeout=60)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def typed(value: Any, kinds: dict[str, tuple[type, ...]]) -> None:
    """The fields of a report's sample are there, of its types."""
    for field, kind in kinds.items():
        assert field in value, field
        assert isinstance(value[field], kind), f"{field} is {value[field]!r}"


NUMBER, TEXT = (int, float), (str,)


def test_health_as_in_the_report(program: Program) -> None:
    program.until("all well", lambda: program.answer("/health")[0] == 200, 30)
    health = program.answer("/health")[1]
    assert (health["service"], health["mode"]) == ("web_server", "embedded")


def test_top_signals_as_in_the_report(program: Program) -> None:
    signals = program.ask("/api/signals/top")["signals"]
    assert len(signals) == 10
    for row in signals:
        typed(
            row,
            {
                "symbol": TEXT,
                "signal": TEXT if row["signal"] else type(None),
                "agreement": NUMBER,
                "price": NUMBER,
                "change": NUMBER,
            },
        )
        assert row["signal"] in {"BUY", "SELL", "HOLD", None}
        assert ISO.match(row["timestamp"])
        assert row["data_source"] == "replay"
        complete = None not in row["factors"].values()
        assert row["data_quality"] == ("live" if complete else "partial")
    earned = [row["signal"] in {"BUY", "SELL"} for row in signals]
    assert earned == sorted(earned, reverse=True)
    known = [row["signal"] is not None or row["band"] is not None for row in signals]
    assert known == sorted(known, reverse=True), "of whom no label is known yet stands last"
    rest = [row for row, of_it in zip(signals, known, strict=True) if of_it and row["signal"] not in {"BUY", "SELL"}]
    forecast = [row["large_move"] is not None for row in rest]
    assert forecast == sorted(forecast, reverse=True)
    odds = [row["large_move"] / row["large_move_base"] for row in rest if row["large_move"] is not None]
    assert odds == sorted(odds, reverse=True)


def test_market_overview_as_in_the_report(program: Program) -> None:
    overview = program.ask("/api/market/overview")
    typed(
        overview,
        {
            "status": TEXT, "timestamp": TEXT, "regime": TEXT, "trend_strength": NUMBER, "volatility": NUMBER,
            "avg_volatility": NUMBER, "btc_dominance": NUMBER, "total_volume": NUMBER, "market_sentiment": TEXT,
            "momentum_score": NUMBER, "btc_price": NUMBER, "eth_price": NUMBER, "avg_market_change": NUMBER,
            "breadth": (dict,), "data_quality": TEXT,
        },
    )  # fmt: skip
    assert overview["status"] == "active"
    assert overview["regime"] in {"BULLISH", "BEARISH", "NEUTRAL", "VOLATILE"}
    assert 0 <= overview["trend_strength"] <= 100
    assert 0 <= overview["momentum_score"] <= 100
    breadth = overview["breadth"]
    assert breadth["total"] == breadth["advancing"] + breadth["declining"] + breadth["neutral"] == 15
    assert overview["reasons"].keys() <= {"forecast", "passed"}, "what needs outcomes is not known of a few minutes"
    assert overview["forecast"] is not None or "forecast" in overview["reasons"]


def test_dashboard_as_in_the_report(program: Program) -> None:
    program.until("all well", lambda: program.ask("/api/dashboard/data")["system_status"]["status"] == "online", 30)
    board = program.ask("/api/dashboard/data")
    typed(
        board["market_overview"],
        {"market_regime": TEXT, "btc_price": NUMBER, "btc_change": NUMBER, "data_quality": TEXT},
    )
    assert board["market_overview"]["market_regime"] in {"Bullish", "Bearish", "Neutral", "Volatile"}
    changes = [abs(mover["change"]) for mover in board["top_movers"]]
    assert changes == sorted(changes, reverse=True)
    for mover in board["top_movers"]:
        typed(mover, {"symbol": TEXT, "change": NUMBER, "price": NUMBER})
    assert isinstance(board["alerts"], list)
    assert board["system_status"]["data_source"] == "replay"
    assert ISO.match(board["system_status"]["last_update"])


def test_recent_alerts_are_a_list(program: Program) -> None:
    assert isinstance(program.ask("/api/alerts/recent"), list)


def test_status_says_what_the_monitor_does(program: Program) -> None:
    def well() -> bool:
        status = program.ask("/api/monitoring/status")
        cycle = status["cycle"]
        kept = cycle["interval_effective"] == pytest.approx(1.0, abs=0.1)  # of late: a busy machine may miss a second
        return cycle["count"] >= 9 and kept and status["health"] == "healthy"

    program.until("a few cycles, and all well", well, 60)
    status = program.ask("/api/monitoring/status")
    cycle = status["cycle"]
    assert cycle["interval_configured"] == 1.0
    assert cycle["failures"] == 0
    assert set(cycle["stages"]) >= {"total", "analyse", "decide", "publish"}
    assert len(status["feeds"]) == 75
    assert all(feed["connected"] and feed["acked"] for feed in status["feeds"])
    assert set(status["tasks"].values()) == {"running"}
    assert status["rate_budget"]["requests"] > 75
    expected = {
        "size": 15, "configured": 15, "left_out": 0, "failed": {}, "empty": None, "unknown_includes": {}, "doubts": [],
        "missing": [], "copies": 0, "raised": 0,
    }  # fmt: skip
    assert {name: status["universe"][name] for name in expected} == expected


def test_symbol_shows_the_whole_tree(program: Program) -> None:
    detail = program.ask("/api/symbols/BTCUSDT")
    score = detail["signal"]["score"]
    assert sum(factor["contribution"] for factor in detail["factors"]) == pytest.approx(score - 50, abs=1e-9)
    for factor in detail["factors"]:
        if factor["score"] is None:
            assert factor["reason"]
            continue
        total = sum(part["contribution"] for part in factor["components"])
        assert total == pytest.approx(factor["score"] - 50, abs=1e-9)
        for part in factor["components"]:
            assert (part["value"] is None) == (part["reason"] is not None)


def test_bars_book_and_regime(program: Program) -> None:
    program.until("kept bars", lambda: program.ask("/api/symbols/ETHUSDT/bars?timeframe=4h&limit=20")["bars"], 30)
    bars = program.ask("/api/symbols/ETHUSDT/bars?timeframe=4h&limit=20")
    assert (bars["timeframe"], len(bars["bars"])) == ("4h", 20)
    for bar in bars["bars"]:
        assert bar["low"] <= min(bar["open"], bar["close"]) <= max(bar["open"], bar["close"]) <= bar["high"]
    book = program.ask("/api/symbols/ETHUSDT/book?depth=5")
    assert len(book["bids"]) == len(book["asks"]) == 5
    assert book["bids"][0][0] < book["asks"][0][0]
    regime = program.ask("/api/regime")
    assert len(regime["symbols"]) == 15
    assert sum(regime["probabilities"].values()) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/symbols/NOPEUSDT", 404),
        ("/api/symbols/NOPEUSDT/bars", 404),
        ("/api/symbols/NOPEUSDT/book", 404),
        ("/nothing", 404),
        ("/api/signals/top?limit=-1", 422),
        ("/api/signals/top?limit=abc", 422),
        ("/api/alerts/recent?limit=0", 422),
        ("/api/symbols/BTCUSDT/bars?timeframe=7m", 422),
        ("/api/symbols/BTCUSDT/bars?timeframe=1w", 422),
        ("/api/symbols/BTCUSDT/book?depth=51", 422),
    ],
)
def test_errors_are_problem_details(program: Program, path: str, status: int) -> None:
    code, headers, body = raw(program, "GET", path, Host="127.0.0.1")
    problem = json.loads(body)
    assert (code, problem["status"]) == (status, status)
    assert headers["content-type"] == "application/problem+json"
    assert problem["detail"]
    assert problem["instance"] == path.partition("?")[0]


def test_wrong_method_host_and_origin(program: Program) -> None:
    assert raw(program, "POST", "/api/signals/top", Host="127.0.0.1")[0] == 405
    assert raw(program, "GET", "/api/signals/top", Host="evil.example")[0] == 421
    assert raw(program, "POST", "/health", Host="127.0.0.1", Origin="http://evil.example")[0] == 403


@pytest.mark.parametrize("path", ["/api/dashboard/data", "/health", "/", "/api/signals/top?limit=3"])
def test_no_answer_is_taken_for_something_else(program: Program, path: str) -> None:
    _, headers, _ = raw(program, "GET", path, Host="localhost")
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/docs", "/nothing"])
def test_pages_run_no_foreign_or_inline_code(program: Program, path: str) -> None:
    _, headers, _ = raw(program, "GET", path, Host="localhost")
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/api/symbols/BTCUSDT", "/api/dashboard/data"])
def test_a_known_version_is_not_sent_again(program: Program, path: str) -> None:
    for _ in range(5):  # a cycle may publish between the two
        _, headers, body = raw(program, "GET", path, Host="127.0.0.1")
        again, _, nothing = raw(program, "GET", path, **{"Host": "127.0.0.1", "If-None-Match": headers["etag"]})
        if again == 304:
            assert (bool(body), nothing) == (True, b"")
            return
    raise AssertionError("never 304")


def test_every_route_stands_in_the_openapi_document(program: Program) -> None:
    document = program.ask("/openapi.json")
    assert set(document["paths"]) == ROUTES, "what the pages are made of is nothing for people"
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["summary"], path
            assert {"200", "201", "204"} & set(operation["responses"]), path
    for name in ("SignalItem", "MarketOverview", "FactorScore", "ComponentScore", "Problem"):
        assert document["components"]["schemas"][name]["properties"]


def test_stream_sends_whole_documents_and_ticks(program: Program) -> None:
    address = urlsplit(program.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 0, timeout=60)
    connection.request("GET", "/api/stream", headers={"Host": "127.0.0.1"})
    answer = connection.getresponse()
    assert answer.getheader("content-type", "").startswith("text/event-stream")
    events: dict[str, list[Any]] = {}
    identities: dict[str, list[str]] = {}
    name = ""
    with program.pace.flowing():
        while len(events.get("ticks", [])) < 3 or len(events.get("overview", [])) < 2:
            line = answer.readline().decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("id: "):
                identities.setdefault(name, []).append(line[4:])
            elif line.startswith("data: "):
                events.setdefault(name, []).append(json.loads(line[6:]))
    connection.close()
    assert {"dashboard", "overview", "signals", "status", "ticks"} <= set(events)
    assert len(events["ticks"][0]["ticks"]) == 15
    assert identities["overview"] == sorted(set(identities["overview"]), key=lambda v: [int(p) for p in v.split("-")])

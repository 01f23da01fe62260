"""Faults of the exchange against the running program: found, said once, recovered from."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from tests.support.exchange import Running, running_exchange
from tests.support.program import Program, running_program, settings_for
from tests.support.soak import soak_only

pytestmark = pytest.mark.slow


@pytest.fixture
def exchange() -> Iterator[Running]:
    with running_exchange("--faults") as running:
        yield running


@pytest.fixture
def program(exchange: Running, tmp_path: Path) -> Iterator[Program]:
    with running_program(settings_for(exchange, tmp_path)) as running:
        running.until("the streams", lambda: len(running.ask("/api/monitoring/status")["feeds"]) == 75, 30)
        running.until("live data", lambda: quality(running) == "live", 30)
        yield running


def quality(program: Program) -> str:
    return str(program.ask("/api/market/overview")["data_quality"])


def topic(program: Program, name: str) -> dict[str, object]:
    return next(feed for feed in program.ask("/api/monitoring/status")["feeds"] if feed["topic"] == name)


def test_mute_socket_is_found_and_replaced(exchange: Running, program: Program) -> None:
    """Connected, pings answered, no data: found and replaced, with one incident and one recovery.

    On a machine that is not busy within 10 s and 15 s; the limits here allow for one that is.
    """
    exchange.order('{"fault": "mute", "for_s": 60}')
    program.until("the incident", lambda: program.incidents("stale_feed"), 20)
    program.until("the recovery", lambda: program.incidents("stale_feed")[0]["resolved"], 20)
    program.until("fresh data", lambda: (topic(program, "orderbook.50.BTCUSDT")["age_ms"] or 9_999) < 2_000, 20)
    program.until("live data", lambda: quality(program) == "live", 30)
    found = program.incidents("stale_feed")
    assert len(found) == 1
    assert "no data" in found[0]["message"]


def test_disconnect_is_reconnected_and_no_minute_is_lost(exchange: Running, program: Program) -> None:
    def connected() -> int:
        return len([feed for feed in program.ask("/api/monitoring/status")["feeds"] if feed["connected"]])

    program.until("every topic", lambda: connected() == 75, 20)
    exchange.order('{"fault": "disconnect"}')
    exchange.order('{"fault": "refuse", "for_s": 5}')
    program.until("the loss", lambda: quality(program) != "live", 20)
    program.until("the incident", lambda: program.incidents("stale_feed"), 20)
    program.until("all topics again", lambda: quality(program) == "live", 20)
    program.until("the recovery", lambda: program.incidents("stale_feed")[0]["resolved"], 20)
    assert len(program.incidents("stale_feed")) == 1
    bars = program.ask("/api/symbols/BTCUSDT/bars?limit=200")["bars"]
    opens = [datetime.fromisoformat(bar["open_time"]) for bar in bars]
    assert len(opens) == 200
    assert all(later - earlier == timedelta(minutes=1) for earlier, later in pairwise(opens))


@soak_only("the matrix has broken sequences")
def test_dropped_delta_never_reaches_a_score(exchange: Running, program: Program) -> None:
    """The book is invalid from the gap to the next snapshot, and equals the exchange's own afterwards."""
    name = "orderbook.50.BTCUSDT"
    before = topic(program, name)["resyncs"]
    exchange.order(f'{{"fault": "drop_delta", "topic": "{name}"}}')
    program.until("the resync", lambda: topic(program, name)["resyncs"] == before + 1, 20)
    program.until("a valid book", lambda: program.ask("/api/symbols/BTCUSDT/book")["update_id"] is not None, 20)
    book = program.ask("/api/symbols/BTCUSDT/book?depth=50")
    assert len(book["bids"]) == len(book["asks"]) == 50
    assert book["bids"][0][0] < book["asks"][0][0]
    assert topic(program, "orderbook.50.ETHUSDT")["resyncs"] == 0
    assert program.incidents("failed_cycle") == []


@soak_only("frozen time in the matrix stands for it")
def test_latency_shows_as_delayed(exchange: Running, program: Program) -> None:
    exchange.order('{"fault": "latency", "latency_ms": 3000, "for_s": 8}')
    program.until("delayed", lambda: quality(program) == "delayed", 20)
    program.until("live again", lambda: quality(program) == "live", 8 + 30)


@soak_only("half a minute of watching; by a passed-in clock: test_liveness")
def test_a_quiet_symbol_is_never_stale(exchange: Running, program: Program) -> None:
    """Over 15 s every symbol stays live, though some do not trade for several seconds."""
    ages = []

    def qualities() -> set[str]:
        return {feed["data_quality"] for feed in program.ask("/api/monitoring/status")["feeds"]}

    program.until("live data", lambda: qualities() == {"live"}, 30)
    for _ in range(15):
        status = program.ask("/api/monitoring/status")
        ages += [f["age_ms"] for f in status["feeds"] if f["topic"].startswith("publicTrade") and f["age_ms"]]
        # A machine that is two seconds behind is `delayed`, and says so; a symbol that is quiet is nothing of the kind.
        assert {f["data_quality"] for f in status["feeds"]} <= {"live", "delayed"}
        time.sleep(1)
    assert max(ages) > 2_000, "no symbol was quiet, so the test showed nothing"

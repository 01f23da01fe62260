"""Poll mode: the whole job without WebSockets, and a symbol that fails is alone in it."""

import json
from collections.abc import Iterator

import pytest
from tests.support.exchange import Running
from tests.support.program import Program, running_program, settings_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def program(shared_exchange: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    config = settings_for(shared_exchange, tmp_path_factory.mktemp("poll"), "market_data: {mode: poll}\n")
    with running_program(config, pace=shared_exchange.pace) as running:
        yield running


def test_everything_is_polled_and_scored(exchange: Running, program: Program) -> None:
    def polling() -> dict[str, object]:
        found: dict[str, object] = program.ask("/api/monitoring/status")["exchange"]["polling"]
        return found

    exchange.order(json.dumps({"fault": "latency", "latency_ms": 100, "for_s": 60}))
    program.until("rounds", lambda: polling()["rounds"] > 2, 15)
    program.until("live", lambda: program.ask("/api/market/overview")["data_quality"] == "live", 15)
    assert (polling()["symbols"], polling()["failed"], polling()["largest_universe"]) == (15, 0, 25)
    feeds = program.ask("/api/monitoring/status")["feeds"]
    assert {feed["polled_s"] for feed in feeds} == {1.0}
    assert len(feeds) == 15 * 4
    assert {feed["data_quality"] for feed in feeds} == {"live"}
    book = program.ask("/api/symbols/BTCUSDT/book?depth=50")
    assert len(book["bids"]) == len(book["asks"]) == 50
    signals = program.ask("/api/signals/top?limit=15")["signals"]
    assert len([row for row in signals if row["score"] is not None]) == 15
    # What happens between two looks at a book is not known, so it is not scored.
    program.until("a polled minute", lambda: order_flow(program) is not None, 90)
    component = order_flow(program) or {}
    assert component["value"] is None
    assert component["reason"]
    assert program.ask("/api/monitoring/status")["tasks"]["slow data"] == "running"


def order_flow(program: Program) -> dict[str, object] | None:
    """The order-flow component, once a book has been scored at all."""
    factors = program.ask("/api/symbols/BTCUSDT")["factors"]
    book = next(factor for factor in factors if factor["name"] == "order_book")
    found = [component for component in book["components"] if component["name"] == "order_flow_imbalance"]
    return found[0] if found and book["score"] is not None else None


REJECTED_S, AGAIN_S, ROUNDS_S = 20.0, 15.0, 8.0
"""How long a symbol is rejected; what is rejected again and again is asked for every 15 s, at the next round: of a
second, and of more where one asks for many symbols, as does each of the two before what it brought is published."""


def test_a_failing_symbol_fails_alone(exchange: Running, program: Program) -> None:
    def qualities() -> dict[str, str]:
        return {row["symbol"]: row["data_quality"] for row in program.ask("/api/symbols")["symbols"]}

    program.until("all live", lambda: set(qualities().values()) == {"live"}, 30)
    exchange.order(json.dumps({"fault": "reject", "symbol": "ETHUSDT", "for_s": REJECTED_S}))
    took_s = program.until(
        "it alone is stale", lambda: {s for s, q in qualities().items() if q == "stale"} == {"ETHUSDT"}, 19
    )
    left_s = REJECTED_S - took_s
    program.until("live again", lambda: qualities()["ETHUSDT"] == "live", left_s + AGAIN_S + ROUNDS_S)


def test_an_exchange_that_is_gone_is_one_incident(exchange: Running, program: Program) -> None:
    program.until("live", lambda: program.ask("/api/market/overview")["data_quality"] == "live", 15)
    exchange.order(json.dumps({"fault": "refuse", "for_s": 12}))
    program.until("the incident", lambda: program.incidents("stale_feed"), 15)
    program.until("the recovery", lambda: program.incidents("stale_feed")[0]["resolved"], 30)
    program.until("live again", lambda: program.ask("/api/market/overview")["data_quality"] == "live", 15)
    assert len(program.incidents("stale_feed")) == 1

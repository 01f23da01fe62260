"""`universe.size: all`: every perpetual has tickers and bars, the first of them book and trades too."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.exchange import Running, running_exchange
from tests.support.pace import SPEED
from tests.support.program import Program, running_program, settings_for

pytestmark = pytest.mark.slow
SYMBOLS, DETAILED = 60, 10


@pytest.fixture(scope="module")
def exchange() -> Iterator[Running]:
    with running_exchange("--source", "model", "--universe", str(SYMBOLS), speed=SPEED) as running:
        yield running


@pytest.fixture
def program(exchange: Running, tmp_path: Path) -> Iterator[Program]:
    extra = f"universe: {{size: all, detailed: {DETAILED}}}\n"
    with running_program(settings_for(exchange, tmp_path, extra), pace=exchange.pace) as running:
        yield running


def test_all_are_watched_and_the_first_in_detail(program: Program) -> None:
    program.until("live", lambda: program.ask("/api/market/overview")["data_quality"] == "live", 20)
    status = program.ask("/api/monitoring/status")
    assert status["universe"]["configured"] == "all"
    assert status["universe"]["size"] == SYMBOLS
    kinds: dict[str, int] = {}
    for feed in status["feeds"]:
        kinds[feed["kind"]] = kinds.get(feed["kind"], 0) + 1
    assert kinds == {
        "ticker": SYMBOLS, "bar": SYMBOLS, "book": DETAILED, "trade": DETAILED, "liquidation": DETAILED,
    }  # fmt: skip
    assert program.ask("/api/market/overview")["data_source"] == "synthetic"
    rows = program.ask("/api/symbols")["symbols"]
    assert {row["data_quality"] for row in rows} == {"live"}
    signals = program.ask(f"/api/signals/top?limit={SYMBOLS}")["signals"]
    assert len([row for row in signals if row["score"] is not None]) == SYMBOLS
    plain = next(row["symbol"] for row in rows[DETAILED:])
    book = next(f for f in program.ask(f"/api/symbols/{plain}")["factors"] if f["name"] == "order_book")
    assert book["score"] is None
    assert book["reason"]

"""`virtuoso analyze` against the embedded exchange: the same reading as the monitor's, drawn or as its document."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support import warm
from tests.support.exchange import Running
from tests.support.program import Program, command, running_program, settings_for
from tests.support.terminal import on_terminal

from virtuoso.model.documents import SymbolDetail

FACTORS = {"order_flow", "order_book", "volume", "price_structure", "technical", "sentiment"}


@pytest.fixture(scope="module")
def running(wall_exchange: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Program]]:
    """A configuration, and a program that watches the exchange it names."""
    config = settings_for(wall_exchange, tmp_path_factory.mktemp("analyze"))
    with running_program(config) as program:
        yield config, program


def analyze(config: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    line = command("analyze", *arguments, "-c", str(config))
    return warm.run(line, timeout=60, env={**os.environ, **environment})


def document(config: Path, *arguments: str) -> SymbolDetail:
    """The document printed, which must be of the API's schema and have none but its fields."""
    done = analyze(config, *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    detail = msgspec.json.decode(done.stdout, type=SymbolDetail)
    assert json.loads(done.stdout) == json.loads(msgspec.json.encode(detail))
    return detail


def test_the_document_is_that_of_the_api_and_sums_up(running: tuple[Path, Program]) -> None:
    config, program = running
    for _ in range(10):  # on a busy machine a pass may take so long that the book it sees is of no close
        detail = document(config, "BTCUSDT")
        depth = next(part for factor in detail.factors for part in factor.components if part.name == "depth_imbalance")
        if depth.raw is not None:
            break
    assert set(msgspec.to_builtins(detail)) == set(program.ask("/api/symbols/BTCUSDT"))
    assert {factor.name for factor in detail.factors} == FACTORS
    assert detail.signal.score is not None
    assert sum(factor.contribution for factor in detail.factors) == pytest.approx(detail.signal.score - 50, abs=1e-9)
    for factor in detail.factors:
        if factor.score is not None:
            assert sum(part.contribution for part in factor.components) == pytest.approx(factor.score - 50, abs=1e-9)
    assert detail.signal.data_source == "replay"
    assert (detail.ticker.tick_size, detail.ticker.quote) == (0.1, "USDT")
    assert detail.why[0].startswith(("BTCUSDT is ", "BTCUSDT has no "))  # by the hour of the history
    assert detail.forecast is not None
    assert detail.forecast.version is not None
    assert all(horizon.cone is not None for horizon in detail.forecast.horizons)
    assert detail.signal.signal is not None
    assert detail.signal.confidence is not None
    assert any(reason.startswith("one pass: book and ticker were seen") for reason in detail.signal.reasons)
    assert depth.raw is not None, f"the book was looked at: {depth.reason}"
    flow = next(part for factor in detail.factors for part in factor.components if part.name == "order_flow_imbalance")
    assert flow.raw is None, "one pass shows no flow"
    for name in ("basis", "open_interest_quadrant", "account_ratio"):
        part = next(part for factor in detail.factors for part in factor.components if part.name == name)
        assert part.raw is not None, f"{name}: {part.reason}"


def test_bars_are_scored_as_the_monitor_scores_them(running: tuple[Path, Program]) -> None:
    config, program = running
    for _ in range(3):  # a minute may close between the two
        ours, theirs = document(config, "ETHUSDT"), program.ask("/api/symbols/ETHUSDT")
        if ours.signal.timestamp == theirs["signal"]["timestamp"]:
            break
    assert ours.signal.timestamp == theirs["signal"]["timestamp"]
    compared = 0
    for name in ("technical", "price_structure"):
        mine = {(p.name, p.timeframe): p.value for f in ours.factors if f.name == name for p in f.components}
        factor: dict[str, Any] = next(factor for factor in theirs["factors"] if factor["name"] == name)
        for part in factor["components"]:
            value = mine[part["name"], part["timeframe"]]
            assert (value is None) == (part["value"] is None), part
            if value is not None:
                assert value == pytest.approx(part["value"], abs=0.01), part  # they began at different minutes
                compared += 1
    assert compared > 30


def test_one_timeframe_alone(running: tuple[Path, Program]) -> None:
    config, _ = running
    detail = document(config, "BTCUSDT", "--timeframe", "5m")
    assert [frame.timeframe for frame in detail.timeframes] == ["5m"]
    parts = [part for factor in detail.factors for part in (*factor.components, *factor.modifiers)]
    assert {part.timeframe for part in parts} == {"5m"}
    drawn = analyze(config, "BTCUSDT", "--timeframe", "5m").stdout
    table = drawn.partition("Components on 5m")[2].partition("What would change the band")[0]
    assert "RSI" in table
    assert "depth imbalance" not in table, "it has no timeframe"


@pytest.mark.parametrize("width", [80, 140])
def test_the_reading_is_drawn_to_the_width(running: tuple[Path, Program], width: int) -> None:
    config, _ = running
    done = analyze(config, "btc-perp", COLUMNS=str(width))
    assert (done.returncode, done.stderr) == (0, "")
    assert max(len(line) for line in done.stdout.splitlines()) <= width
    assert "…" not in done.stdout, "nothing is cut off"
    for said in ("REPLAY: not the live market", "last 6", "order book", "order flow", "sentiment", "RSI",
                 "1m", "4h", "stop", "reward/risk", "slippage", "Regime", "What would change the band",
                 "computed from input"):  # fmt: skip
        assert said in done.stdout, said


def test_colours_come_and_go_as_asked(running: tuple[Path, Program]) -> None:
    config, _ = running
    assert "\x1b[3" in analyze(config, "BTCUSDT", FORCE_COLOR="1").stdout
    plain = analyze(config, "BTCUSDT", FORCE_COLOR="1", NO_COLOR="1").stdout
    assert "\x1b[3" not in plain
    assert "\x1b[9" not in plain


def test_steps_are_told_on_a_terminal(running: tuple[Path, Program]) -> None:
    config, _ = running
    with on_terminal(command("analyze", "BTCUSDT", "-c", str(config))) as terminal:
        terminal.until("loading the history of BTCUSDT", seconds=20)
        assert terminal.process.wait(20) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("BTCUSD",), 2, "BTCUSD: the exchange has no such symbol; did you mean BTCUSDT"),
        (("BTCC",), 2, "did you mean BTCUSDT?"),
        (("",), 2, "SYMBOL: is empty"),
        (("BTCUSDT", "--timeframe", "3m"), 2, "--timeframe 3m: not configured; choose 1m, 5m, 30m, 4h"),
    ],
)
def test_wrong_use_is_one_clear_line(
    running: tuple[Path, Program], arguments: tuple[str, ...], code: int, said: str
) -> None:
    config, _ = running
    done = analyze(config, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_exchange_that_does_not_answer_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    done = analyze(settings_for(None, tmp_path), "BTCUSDT")
    assert (done.returncode, done.stdout) == (1, "")
    assert "http://127.0.0.1:9: " in done.stderr
    assert len(done.stderr.splitlines()) == 1

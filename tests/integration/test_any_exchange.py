"""An exchange of ccxt's watched by the same program: ccxt's own Bybit class, against the embedded exchange."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support import warm
from tests.support.exchange import Running
from tests.support.program import Program, command, running_program, settings_for

pytestmark = pytest.mark.slow

NAME = "  name: ccxt:bybit\n"


@pytest.fixture
def by_ccxt(exchange: Running, tmp_path: Path) -> Iterator[Program]:
    config = settings_for(exchange, tmp_path, "universe: {size: 5}\n")
    text = config.read_text().replace("exchange:\n", f"exchange:\n{NAME}").replace("interval: 1", "interval: 5")
    config.write_text(text)
    with running_program(config, pace=exchange.pace) as running:
        yield running


@pytest.fixture
def native(exchange: Running, tmp_path: Path) -> Iterator[Program]:
    folder = tmp_path / "native"
    folder.mkdir()
    config = settings_for(exchange, folder, "universe: {size: 5}\n")
    with running_program(config, pace=exchange.pace) as running:
        yield running


def scored(program: Program) -> dict[str, dict[str, Any]]:
    """The rows that have a score, by symbol; one that came late is of a close before the others'."""
    rows = program.ask("/api/signals/top?limit=50")["signals"]
    return {row["symbol"]: row for row in rows if row["score"] is not None}


def components(program: Program, symbol: str, factor: str) -> dict[str, object]:
    """What a factor's score is made of: for the message when two differ."""
    rows = program.ask(f"/api/symbols/{symbol}")["factors"]
    return {c["name"]: c for row in rows if row["name"] == factor for c in row["components"]}


def test_documents_equal_the_native_adapters(by_ccxt: Program, native: Program) -> None:
    assert by_ccxt.ask("/api/monitoring/status")["exchange"]["mode"] == "poll"
    assert by_ccxt.ask("/api/market/overview")["data_source"] == "replay"
    rows: list[dict[str, dict[str, Any]]] = []

    def of_one_close() -> bool:
        rows[:] = scored(native), scored(by_ccxt)
        closes = [{symbol: row["timestamp"] for symbol, row in each.items()} for each in rows]
        return len(closes[0]) == 5 and len(set(closes[0].values())) == 1 and closes[0] == closes[1]

    by_ccxt.until("both analysed the same minute", of_one_close, 100)
    ours, theirs = rows
    for symbol, row in ours.items():
        for name in ("technical", "volume"):
            assert theirs[symbol]["factors"][name] == pytest.approx(row["factors"][name], abs=0.5), (
                symbol, components(native, symbol, name), components(by_ccxt, symbol, name),
            )  # fmt: skip

    def kept(program: Program) -> dict[str, object]:
        return {bar["open_time"]: bar for bar in program.ask("/api/symbols/BTCUSDT/bars?limit=100")["bars"]}

    by_ccxt.until("the history is kept", lambda: len(kept(native).keys() & kept(by_ccxt).keys()) >= 98, 20)
    bars, same = kept(native), kept(by_ccxt)
    common = bars.keys() & same.keys()
    assert {time: bars[time] for time in common} == {time: same[time] for time in common}
    listed = {row["symbol"]: row for row in by_ccxt.ask("/api/symbols")["symbols"]}
    for row in native.ask("/api/symbols")["symbols"]:
        assert listed[row["symbol"]]["name"] == row["name"]
        assert listed[row["symbol"]]["price"] == pytest.approx(row["price"], rel=5e-3)
        assert listed[row["symbol"]]["turnover_24h"] == pytest.approx(row["turnover_24h"], rel=5e-3)


def test_an_unknown_exchange_is_one_clear_line(tmp_path: Path) -> None:
    config = tmp_path / "virtuoso.yaml"
    config.write_text(f"exchange: {{name: bibyt}}\nweb: {{port: 0}}\ndata_dir: {tmp_path / 'data'}\n")
    ended = warm.run(command("up", "-c", str(config)), timeout=30)
    assert ended.returncode == 2
    assert "bibyt" in ended.stderr
    assert "Traceback" not in ended.stderr

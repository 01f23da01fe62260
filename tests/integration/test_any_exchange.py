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


def details(program: Program) -> dict[str, dict[str, Any]]:
    """The whole documents of the symbols that have a score; one that came late is of a close before the others'."""
    rows = program.ask("/api/signals/top?limit=50")["signals"]
    return {row["symbol"]: program.ask(f"/api/symbols/{row['symbol']}") for row in rows if row["score"] is not None}


TAKERS = "volume_delta"
"""It is of the trades that each program saw: of those before its start, the last thousand."""


def components(detail: dict[str, Any], factor: str) -> dict[tuple[str, str], float | None]:
    """Scores of a factor's components by name and timeframe, as far as both programs see the same of the market."""
    leaves = [leaf for row in detail["factors"] if row["name"] == factor for leaf in row["components"]]
    return {(leaf["name"], leaf["timeframe"]): leaf["score"] for leaf in leaves if leaf["name"] != TAKERS}


def test_documents_equal_the_native_adapters(by_ccxt: Program, native: Program) -> None:
    assert by_ccxt.ask("/api/monitoring/status")["exchange"]["mode"] == "poll"
    assert by_ccxt.ask("/api/market/overview")["data_source"] == "replay"
    seen: list[dict[str, dict[str, Any]]] = []

    def of_one_close() -> bool:
        seen[:] = details(native), details(by_ccxt)
        closes = [{symbol: each["signal"]["timestamp"] for symbol, each in found.items()} for found in seen]
        return len(closes[0]) == 5 and len(set(closes[0].values())) == 1 and closes[0] == closes[1]

    by_ccxt.until("both analysed the same minute", of_one_close, 100)
    ours, theirs = seen
    for symbol, detail in ours.items():
        for name in ("technical", "volume"):
            assert components(theirs[symbol], name) == pytest.approx(components(detail, name), abs=0.5), (symbol, name)

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

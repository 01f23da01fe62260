"""An exchange of ccxt's watched by the same program: ccxt's own Bybit class, against the embedded exchange."""

from collections.abc import Iterator
from pathlib import Path

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


def scored(program: Program) -> dict[str, dict[str, float]]:
    """Score of each bar-based factor by symbol, at the latest close."""
    rows = program.ask("/api/signals/top?limit=50")["signals"]
    return {row["symbol"]: row["factors"] for row in rows if row["score"] is not None}


def closes(program: Program) -> dict[str, str]:
    """The close that each symbol's score is of; a row that came late is a minute behind the others."""
    rows = program.ask("/api/signals/top?limit=50")["signals"]
    return {row["symbol"]: row["timestamp"] for row in rows if row["score"] is not None}


def test_documents_equal_the_native_adapters(by_ccxt: Program, native: Program) -> None:
    assert by_ccxt.ask("/api/monitoring/status")["exchange"]["mode"] == "poll"
    assert by_ccxt.ask("/api/market/overview")["data_source"] == "replay"
    by_ccxt.until(
        "both analysed the same minute",
        lambda: len(set((ours := closes(native)).values())) == 1 and len(ours) == 5 and ours == closes(by_ccxt),
        100,
    )
    ours, theirs = scored(native), scored(by_ccxt)
    assert ours.keys() == theirs.keys()
    for symbol, factors in ours.items():
        for name in ("technical", "volume"):
            assert theirs[symbol][name] == pytest.approx(factors[name], abs=0.5), (symbol, name)

    def kept(program: Program) -> dict[str, object]:
        return {bar["open_time"]: bar for bar in program.ask("/api/symbols/BTCUSDT/bars?limit=100")["bars"]}

    by_ccxt.until("the history is kept", lambda: len(kept(native).keys() & kept(by_ccxt).keys()) >= 98, 20)
    bars, same = kept(native), kept(by_ccxt)
    common = bars.keys() & same.keys()
    assert {time: bars[time] for time in common} == {time: same[time] for time in common}
    rows = {row["symbol"]: row for row in by_ccxt.ask("/api/symbols")["symbols"]}
    for row in native.ask("/api/symbols")["symbols"]:
        assert rows[row["symbol"]]["name"] == row["name"]
        assert rows[row["symbol"]]["price"] == pytest.approx(row["price"], rel=5e-3)
        assert rows[row["symbol"]]["turnover_24h"] == pytest.approx(row["turnover_24h"], rel=5e-3)


def test_an_unknown_exchange_is_one_clear_line(tmp_path: Path) -> None:
    config = tmp_path / "virtuoso.yaml"
    config.write_text(f"exchange: {{name: bibyt}}\nweb: {{port: 0}}\ndata_dir: {tmp_path / 'data'}\n")
    ended = warm.run(command("up", "-c", str(config)), timeout=30)
    assert ended.returncode == 2
    assert "bibyt" in ended.stderr
    assert "Traceback" not in ended.stderr

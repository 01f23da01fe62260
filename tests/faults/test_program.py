"""The program itself: down exchange, taken port, wrong folder, signals."""

import json
import signal
import socket
import time
import urllib.request
from pathlib import Path

import pytest
from tests.support import warm
from tests.support.exchange import Running, running_exchange
from tests.support.program import command, running_program, settings_for

SMALL = "universe: {size: 4}\n"


def said(*arguments: str) -> tuple[int, list[str]]:
    """Exit code and the lines on standard error."""
    done = warm.run(command(*arguments), timeout=30)
    return done.returncode, done.stderr.splitlines()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.mark.slow
def test_exchange_down_at_the_start(tmp_path: Path) -> None:
    """The web is up at once and says so; it recovers by itself when the exchange comes."""
    port = free_port()
    config = settings_for(None, tmp_path, SMALL)
    config.write_text(config.read_text().replace("127.0.0.1:9", f"127.0.0.1:{port}"))
    with running_program(config, scored=False) as program:
        program.until("an answer", lambda: program.answer("/health/live")[0] == 200, 3)
        status, health = program.answer("/health")
        assert (status, health["status"]) == (503, "starting")
        overview = program.ask("/api/market/overview")
        assert (overview["data_quality"], overview["btc_price"]) == ("unavailable", None)
        program.until("reasons", lambda: program.ask("/api/market/overview")["reasons"].get("btc_price"), 10)
        assert program.ask("/api/signals/top")["signals"] == []
        program.until("the incident", lambda: program.incidents("stale_feed"), 10)
        with running_exchange("--port", str(port)):
            program.until("signals", lambda: program.answer("/health")[0] == 200, 25)
            program.until("live data", lambda: program.ask("/api/market/overview")["data_quality"] == "live", 10)
            program.until("the recovery", lambda: program.incidents("stale_feed")[0]["resolved"], 5)


def test_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config = settings_for(None, tmp_path)
        config.write_text(config.read_text().replace("port: 0", f"port: {port}"))
        code, lines = said("up", "-c", str(config))
    assert code == 2
    assert len(lines) == 1
    assert f"web.port = {port}" in lines[0]
    assert "address already in use" in lines[0]


def test_file_where_the_data_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    code, lines = said("up", "-c", str(settings_for(None, tmp_path)))
    assert code == 2
    assert len(lines) == 1
    assert "data_dir" in lines[0]
    assert "folder" in lines[0]


def test_exchange_port_in_use() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, lines = said("exchange", "--port", str(taken.getsockname()[1]))
    assert code == 2
    assert len(lines) == 1
    assert "choose another --port" in lines[0]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stops_clean_on_a_signal(exchange: Running, tmp_path: Path, number: signal.Signals) -> None:
    with running_program(settings_for(exchange, tmp_path, SMALL), pace=exchange.pace) as program:
        began = time.monotonic()
        program.process.send_signal(number)
        with program.pace.flowing():
            assert program.process.wait(6) == 0
        assert time.monotonic() - began < 5


@pytest.mark.slow
def test_a_real_event_changes_a_served_number(exchange: Running, tmp_path: Path) -> None:
    """From the wire to the API: the served price is one the exchange traded at, and it moves."""
    with running_program(settings_for(exchange, tmp_path, SMALL), pace=exchange.pace) as program:
        seen: set[float] = set()

        def moved() -> bool:
            signals = program.ask("/api/signals/top?limit=15")["signals"]
            seen.update(row["price"] for row in signals if row["symbol"] == "BTCUSDT")
            return len(seen) >= 3

        program.until("three prices of BTC", moved, 600)
        assert {row["data_source"] for row in program.ask("/api/signals/top")["signals"]} == {"replay"}
        assert seen <= traded(exchange, "BTCUSDT")


def traded(exchange: Running, symbol: str) -> set[float]:
    """The prices that the exchange says it traded at last."""
    path = f"/v5/market/recent-trade?category=linear&symbol={symbol}&limit=1000"
    with urllib.request.urlopen(exchange.rest_url + path, timeout=10) as answer:
        return {float(trade["price"]) for trade in json.load(answer)["result"]["list"]}

"""`virtuoso top` beside a running program: once, as JSON, and live on a terminal."""

import json
import os
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support import warm
from tests.support.exchange import Running
from tests.support.program import Program, command, running_program, settings_for
from tests.support.terminal import on_terminal

TOKEN = "sixteen-characters"
SHOWN_S = 60
"""Until a terminal must show something, on a machine that is busy with other work."""


def top(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return warm.run(command("top", *arguments), timeout=30, env={**os.environ, **environment})


def test_once_shows_the_strongest_signals(program: Program) -> None:
    served = program.ask("/api/symbols")["symbols"]
    paths = [f"/api/symbols/{row['symbol']}/bars?limit=20" for row in served]
    program.until("stored bars", lambda: all(len(program.ask(path)["bars"]) == 20 for path in paths), 30)
    strongest = "/api/signals/top?limit=5"
    program.until("labels", lambda: all(row["signal"] for row in program.ask(strongest)["signals"]), 90)
    done = top("--url", program.url, "--once", "--limit", "5", COLUMNS="170")
    assert (done.returncode, done.stderr) == (0, "")
    shown = [line for line in done.stdout.splitlines() if any(line.startswith(row["symbol"] + " ") for row in served)]
    assert len(shown) == 5
    for line in shown:
        assert any(label in line for label in ("BUY", "SELL", "HOLD", "—")), "a busy machine's reading may have none"
        assert any(block in line for block in "▁▂▃▄▅▆▇█"), "its closes"
    assert "REPLAY: not the live market" in done.stdout
    assert "BTC " in done.stdout
    for word in ("flow", "book", "volume", "structure", "technical", "sentiment"):
        assert word in done.stdout


def test_where_there_is_no_terminal_it_prints_once(program: Program) -> None:
    done = top("--url", program.url)
    assert done.returncode == 0
    assert "BTCUSDT" in done.stdout


def test_json_is_the_document_of_the_api(program: Program) -> None:
    done = top("--url", program.url, "--json", "--limit", "3")
    assert done.returncode == 0
    printed = json.loads(done.stdout)
    assert len(printed["signals"]) == 3
    assert set(printed) == set(program.ask("/api/signals/top?limit=3"))


def test_live_it_follows_the_prices_until_ctrl_c(program: Program) -> None:
    with program.pace.slowed(), on_terminal(command("top", "--url", program.url), width=170, height=40) as terminal:
        with program.pace.flowing():  # the terminal goes by the wall's clock
            terminal.until("BTCUSDT", "REPLAY: not the live market", "▁", seconds=SHOWN_S)
            first = len(terminal.text)
            terminal.until("█", seconds=SHOWN_S)
        program.until("another drawing", lambda: len(terminal.text) > first + 5_000, 10)
        assert terminal.interrupted() == 0
        assert "Traceback" not in terminal.text


@pytest.mark.slow
def test_live_it_says_when_the_connection_is_lost_and_finds_it_again(wall_exchange: Running, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with ExitStack() as stack:
        config = settings_for(wall_exchange, tmp_path, "universe: {size: 3}\n")
        config.write_text(config.read_text().replace("port: 0", f"port: {port}"))
        url = stack.enter_context(running_program(config)).url
        with on_terminal(command("top", "--url", url), width=120, height=30) as terminal:
            terminal.until("BTCUSDT", "Virtuoso REPLAY", seconds=SHOWN_S)
            stack.close()
            terminal.until("connection lost, showing old data of ", "connection refused", seconds=SHOWN_S)
            lost = len(terminal.text)
            terminal.until("BTCUSDT", seconds=SHOWN_S, after=lost)
            with running_program(config):
                terminal.until("Virtuoso REPLAY", seconds=SHOWN_S, after=lost)
                assert terminal.interrupted() == 0


@pytest.mark.slow
def test_a_token_is_given_by_the_environment_or_a_file(wall_exchange: Running, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    config = settings_for(wall_exchange, tmp_path, "universe: {size: 3}\n")
    config.write_text(config.read_text().replace("web: {port: 0}", f"web: {{port: 0, token: {TOKEN}}}"))
    with running_program(config, scored=False) as program:
        refused = top("--url", program.url, "--once")
        assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
        assert "VIRTUOSO_TOKEN" in refused.stderr
        assert top("--url", program.url, "--once", VIRTUOSO_TOKEN=TOKEN).returncode == 0
        assert top("--url", program.url, "--json", "--token-file", str(token)).returncode == 0


@pytest.mark.parametrize("option", ["--once", "--json"])
def test_where_nothing_answers_it_names_the_next_step(option: str) -> None:
    done = top("--url", "http://127.0.0.1:9", option)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "virtuoso: http://127.0.0.1:9 (--url): cannot be reached: connection refused; start `virtuoso up`, or name "
        "another address with --url or VIRTUOSO_URL\n"
    )


def test_a_live_view_of_nothing_is_the_same_error() -> None:
    with on_terminal(command("top", "--url", "http://127.0.0.1:9")) as terminal:
        assert terminal.process.wait(10) == 1
        assert "start `virtuoso up`" in terminal.text

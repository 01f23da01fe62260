"""`logging.format: json`: each line of the real programs is JSON, banners too; an address is told once it answers."""

import json
import re
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.support import warm
from tests.support.exchange import Running
from tests.support.program import START_SPEED, command, settings_for

_JSON = (
    "logging: {format: json, level: debug}\nuniverse: {size: 4}\n"
    "cache: {tiers: [memory, redis], redis_url: 'redis://127.0.0.1:9/0'}\n"
)
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


def _lines(path: Path) -> list[dict[str, Any]]:
    """Each line as the JSON object that it is."""
    found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert all({"event", "level", "timestamp"} <= line.keys() for line in found), found
    return found


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("up", "scored"),
        ("monitor", "publishing to"),
        ("web", "serving from"),
        ("up --over", "already in use"),
        ("demo --port 0", "scored"),
        ("up --wrong", "unknown key"),
    ],
)
def test_every_line_of_a_program_is_json(exchange: Running, tmp_path: Path, name: str, said: str) -> None:
    pace, (program, *rest) = exchange.pace, name.split()
    config = settings_for(exchange, tmp_path, _JSON)
    over, wrong = rest == ["--over"], rest == ["--wrong"]
    if wrong:
        config.write_text(config.read_text("utf-8").replace("size:", "sise:"))
    if over:  # of a port that is taken
        config.write_text(config.read_text("utf-8").replace("port: 0", f"port: {exchange.port}"))
    out, err = tmp_path / "out", tmp_path / "err"
    with out.open("w") as told, err.open("w") as logged:
        process = warm.Popen(
            command(program, *(() if over or wrong else rest), "-c", str(config), pace=pace),
            stdout=told, stderr=logged, stdin=subprocess.DEVNULL, cwd=tmp_path,
        )  # fmt: skip
        pace.begun(process)
        try:
            if over or wrong:
                with pace.flowing():
                    assert process.wait(60) == 2
            else:
                with pace.slowed(START_SPEED):
                    pace.until(said, lambda: said in out.read_text("utf-8"), 60)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            with pace.flowing():
                process.wait(30)
    lines = _lines(out) + _lines(err)
    assert any(said in line["event"] for line in lines), lines
    if not over and not wrong:
        assert sum("refresh complete" in line["event"] for line in lines) <= 1


def test_an_address_is_told_when_it_answers(exchange: Running, tmp_path: Path) -> None:
    config = settings_for(exchange, tmp_path)
    with (tmp_path / "err").open("w") as logged:
        process = warm.Popen(
            command("up", "-c", str(config), pace=exchange.pace), stdout=subprocess.PIPE, stderr=logged,
            stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        exchange.pace.begun(process)
        assert process.stdout is not None
        try:
            with exchange.pace.flowing():
                address = _ADDRESS.search(process.stdout.readline())
            assert address is not None
            # Time stands still now: what is answered does not wait for a process that is still to come.
            try:
                with urllib.request.urlopen(f"{address[0]}/health/live", timeout=30) as answer:
                    answered = answer.status, json.load(answer)["status"]
            except urllib.error.HTTPError as error:
                with error:
                    answered = error.code, json.load(error)["status"]
            assert answered in {(200, "alive"), (503, "stalled")}, "the second until the first cycle is completed"
        finally:
            process.send_signal(signal.SIGTERM)
            with exchange.pace.flowing():
                process.wait(30)
            process.stdout.close()

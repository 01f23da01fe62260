"""From a value to a message: the program on the embedded exchange, and a real HTTP server that speaks Discord's API."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.chat_server import Chat, chat_server
from tests.support.exchange import Running
from tests.support.pace import REAL
from tests.support.program import Program, running_program, settings_for

pytestmark = pytest.mark.slow

LISTED = """
rules:
  - name: listed
    when: symbol == "BTCUSDT" and price > 0
    for: 1s
    severity: critical
    message: "{symbol} trades at {price}"
"""
SILENT = "rules: []\n"
PUBLIC = "https://desk.example.org"


@pytest.fixture
def chat() -> Iterator[Chat]:
    with chat_server() as server:
        yield server


def configured(exchange: Running, chat: Chat, folder: Path, rules: str) -> Path:
    (folder / "rules.yaml").write_text(rules)
    alerts = (
        f"{{rules: ['{folder / 'rules.yaml'}'], discord_webhook_url: '{chat.url()}', group_wait: 1,"
        f" discord: {{api_url: '{chat.api_url}'}}, public_url: '{PUBLIC}/'}}"
    )
    path = settings_for(exchange, folder, "universe: {size: 4}\n")
    path.write_text(path.read_text().replace("{interval: 1}", f"{{interval: 1, alerts: {alerts}}}"))
    return path


def titled(chat: Chat, text: str) -> list[Any]:
    return [message for message in chat.messages if text in message.embed["title"]]


def listed(program: Program) -> dict[str, Any]:
    [found] = [a for a in program.ask("/api/alerts?kind=listed")["alerts"] if a["symbol"] == "BTCUSDT"]
    return dict(found)


def test_a_rule_fires_is_told_with_a_chart_acknowledged_and_over(exchange: Running, chat: Chat, tmp_path: Path) -> None:
    config = configured(exchange, chat, tmp_path, SILENT)
    with running_program(config, pace=exchange.pace) as program:
        (tmp_path / "rules.yaml").write_text(LISTED)
        os.kill(program.process.pid, signal.SIGHUP)
        program.until("the message", lambda: titled(chat, "listed"), 20)
        with program.pace.slowed(0.1), program.pace.flowing():  # a process of its own draws, by the wall's clock
            REAL.until("the chart", lambda: titled(chat, "listed")[0].files, 40)
        [message] = titled(chat, "listed")
        assert message.embed["color"] != 0
        assert "BTCUSDT trades at" in message.embed["description"]
        assert {"Why", "Entry", "Signal"} <= {field["name"] for field in message.embed["fields"]}
        found = listed(program)
        assert (found["state"], found["level"]) == ("firing", "critical")
        # "Details", or "Cut to fit" where the reasons of that moment are long: either leads to the incident.
        assert f"]({PUBLIC}/alerts/{found['id']})" in message.embed["description"]
        told = program.ask(f"/api/alerts/{found['id']}")["path"]
        assert [step["stage"] for step in told if step["passed"]][:4] == ["inhibit", "silence", "dedup", "cooldown"]
        (tmp_path / "rules.yaml").write_text("rules:\n  - {name: wrong, when: scor > 3}\n")
        os.kill(program.process.pid, signal.SIGHUP)
        program.pace.sleep(2)
        assert listed(program)["state"] == "firing", "a file with a mistake leaves the rules in force"
        assert "did you mean 'score'" in (tmp_path / "program.log").read_text()
        (tmp_path / "rules.yaml").write_text(SILENT)
        os.kill(program.process.pid, signal.SIGHUP)
        program.until("the end", lambda: listed(program)["state"] == "expired", 20)
        program.until("the edit", lambda: "No longer" in titled(chat, "listed")[0].embed["title"], 20)
        assert len(titled(chat, "listed")) == 1, "it is replaced in place"


def test_a_restart_tells_nothing_twice_and_the_gap_is_told(exchange: Running, chat: Chat, tmp_path: Path) -> None:
    config = configured(exchange, chat, tmp_path, LISTED)
    with running_program(config, pace=exchange.pace) as program:
        program.until("the message", lambda: titled(chat, "listed"), 20)
        first = listed(program)["id"]
    exchange.pace.sleep(70)  # a deliberate restart of some seconds is none
    with running_program(config, pace=exchange.pace) as program:
        program.until("the gap", lambda: titled(chat, "Watch gap"), 20)
        program.until("a judgement", lambda: program.ask("/api/monitoring/status")["cycle"]["count"] > 3, 20)
        assert listed(program)["id"] == first
        assert len(titled(chat, "listed")) == 1
        assert not [m for m in chat.messages if "possible repeat" in m.embed["title"]]

"""SIGHUP lets a running program go on by another configuration; a bad one changes nothing."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.support.chat_server import Chat, chat_server
from tests.support.exchange import Running
from tests.support.program import Program, running_program, settings_for

pytestmark = pytest.mark.slow

RULE = """
rules:
  - {name: NAME, when: 'symbol == "BTCUSDT" and price > 0', severity: critical}
"""


def write(config: Path, *, interval: float, more: str, chat: Chat, rule: str) -> None:
    """The configuration anew: addresses and folders stay."""
    rules = config.parent / "rules.yaml"
    rules.write_text(RULE.replace("NAME", rule))
    alerts = (
        f"{{rules: ['{rules}'], discord_webhook_url: '{chat.url()}', group_wait: 1,"
        f" discord: {{api_url: '{chat.api_url}', chart: false}}}}"
    )
    kept = [line for line in config.read_text().splitlines() if line.startswith(("exchange:", "  ", "data_dir:"))]
    lines = [*kept, f"monitoring: {{interval: {interval}, alerts: {alerts}}}", more]
    config.write_text("\n".join(lines) + "\n")


def hang_up(program: Program) -> None:
    os.kill(program.process.pid, signal.SIGHUP)


def status(program: Program) -> dict[str, Any]:
    found: dict[str, Any] = program.ask("/api/monitoring/status")
    return found


def watched(program: Program) -> int:
    return len(program.ask("/api/symbols")["symbols"])


def titles(chat: Chat) -> set[str]:
    return {message.embed["title"] for message in chat.messages}


def test_a_reload_applies_what_it_can_and_names_what_needs_a_restart(exchange: Running, tmp_path: Path) -> None:
    config = settings_for(exchange, tmp_path)
    with chat_server() as one, chat_server() as other:
        write(
            config, interval=1, more="web: {port: 0}\nuniverse: {size: 5, refresh_interval: 60}", chat=one, rule="first"
        )
        with running_program(config, pace=exchange.pace) as program:
            program.until("the first rule's message", lambda: any("first" in title for title in titles(one)), 20)
            begun = status(program)["build"]["started_at"]
            write(
                config, interval=2, chat=other, rule="second",
                more="web: {port: 0, connections: 99}\nuniverse: {size: 3, refresh_interval: 30}\n"
                "analysis: {band: {up: 50.001, down: 49.999, exit_margin: 0, hold_bars: 0}}",
            )  # fmt: skip
            hang_up(program)
            program.until("the interval", lambda: status(program)["cycle"]["interval_configured"] == 2, 20)
            program.until("the universe", lambda: watched(program) == 3, 40)
            # Both servers number messages alike: what is edited in one of them may be of the other.
            program.until("the second rule's message", lambda: ("discord", "sent") in sent(program, "second"), 20)
            assert other.messages
            assert status(program)["needs_restart"] == ["web.connections"]
            assert not [title for title in titles(one) if "second" in title]
            program.until("bands by the new thresholds", lambda: "balanced" not in bands(program), 90)
            config.write_text(config.read_text().replace("size: 3", "size: -3").replace("interval: 2", "interval: 3"))
            hang_up(program)
            program.pace.sleep(5)
            assert (watched(program), status(program)["cycle"]["interval_configured"]) == (3, 2)
            assert "universe.size" in (tmp_path / "program.log").read_text()
            program.until("all is well", lambda: status(program)["health"] == "healthy", 20)
            found = status(program)
            assert (found["build"]["started_at"], found["cycle"]["failures"]) == (begun, 0)


def sent(program: Program, rule: str) -> set[tuple[str, str]]:
    """Channels and states of what was sent of a rule."""
    rows = program.ask("/api/alerts/deliveries")["deliveries"]
    return {(row["channel"], row["state"]) for row in rows if row["title"].endswith(rule)}


def bands(program: Program) -> set[str | None]:
    return {row["band"] for row in program.ask("/api/signals/top?limit=50")["signals"]}

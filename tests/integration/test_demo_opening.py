"""The demo's first two minutes: whatever its seed, the recording's own events come while somebody looks."""

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.chat_server import Chat, chat_server
from tests.support.pace import REAL, STORES_SPEED, paced
from tests.support.program import Program, running_program

from virtuoso.config import Settings
from virtuoso.processes.fast import faster

pytestmark = pytest.mark.slow

LOOK_S = 120
"""What people give a program before they decide whether to stay."""


@pytest.fixture
def chat() -> Iterator[Chat]:
    with chat_server() as server:
        yield server


def scores(program: Program) -> dict[str, float]:
    rows = program.ask("/api/signals/top?limit=50")["signals"]
    return {row["symbol"]: row["score"] for row in rows if row["score"] is not None}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_minutes_show_a_crossing_an_incident_with_a_chart_and_a_finding(
    seed: int, chat: Chat, tmp_path: Path
) -> None:
    """By the exchange's clock, from the first page on; with the label thresholds and the scanner's rate of today."""
    band = Settings().analysis.band
    config = tmp_path / "chat.yaml"
    config.write_text(
        f"monitoring: {{alerts: {{discord_webhook_url: '{chat.url()}', discord: {{api_url: '{chat.api_url}'}}}}}}\n"
    )
    line = ("demo", "--port", "0", "--seed", str(seed))
    with paced(STORES_SPEED) as pace, running_program(config, pace=pace, line=line) as program:
        end_s = pace.now_s() + LOOK_S
        with urllib.request.urlopen(program.url, timeout=60) as page:
            assert page.status == 200

        def within(what: str, holds: Callable[[], object]) -> None:
            program.until(what, holds, end_s - pace.now_s())

        within("every score", lambda: len(scores(program)) == 15)
        first = scores(program)
        assert all(band.down < score < band.up for score in first.values()), "it had happened before anyone looked"
        within("a finding of the scanner", lambda: program.ask("/api/alpha")["found"])
        within("an incident", lambda: any("market move" in each.embed["title"].lower() for each in chat.messages))
        within("a crossing", lambda: any(not band.down < score < band.up for score in scores(program).values()))
        within("its band", lambda: program.incidents("pressure"))
        bars = program.ask("/api/symbols/BTCUSDT/bars?timeframe=1m&limit=60")["bars"]
        assert len(bars) == 60, "kept by the exchange's time, and asked for by it"
        assert not program.incidents("clock_skew") + program.incidents("exchange_clock"), "a replay has its own time"
        with pace.slowed(0.1), pace.flowing():  # a process of its own draws, by the wall's clock
            REAL.until("the chart", lambda: any(message.files for message in chat.messages), 120)
        assert pace.now_s() < end_s


def test_the_exchange_of_a_faster_demo_begins_when_it_is_told_and_passes_as_fast() -> None:
    start_ms = 1_795_463_400_000
    command = faster(10.0).command("virtuoso.processes.child_exchange", "1", str(start_ms))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        address = child.stdout.readline().strip()

        def exchange_ms() -> int:
            with urllib.request.urlopen(f"http://{address}/v5/market/time", timeout=60) as answer:
                return int(json.load(answer)["time"])

        first_ms, began_s = exchange_ms(), time.monotonic()
        REAL.until("five seconds of the exchange", lambda: exchange_ms() >= first_ms + 5_000, 10)
        passed_s, last_ms = time.monotonic() - began_s, exchange_ms()
        assert start_ms <= first_ms
        assert passed_s < (last_ms - first_ms) / 1_000
        child.stdin.close()
        assert child.wait(10) == 0

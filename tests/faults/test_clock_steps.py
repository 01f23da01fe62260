"""Someone sets the machine's clock by an hour, forth and back, under the running program: nothing happens."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from tests.support.exchange import Running, running_exchange
from tests.support.program import Program, running_program, settings_for

pytestmark = pytest.mark.slow

MINUTE = timedelta(minutes=1)
SILENT = ("stale_feed", "mute_topic", "exchange_clock", "clock_skew", "failed_cycle", "task_died")


@pytest.fixture
def exchange() -> Iterator[Running]:
    with running_exchange() as running:
        yield running


@pytest.fixture
def step(tmp_path: Path) -> Path:
    """What is written here is what the program's wall clock is off by, from its next look on."""
    path = tmp_path / "step"
    path.write_text("+0")
    return path


@pytest.fixture
def faked(step: Path) -> dict[str, str]:
    """The environment of a process whose clock can be set."""
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    assert libraries, "libfaketime is missing: apt-get install faketime"
    return {
        "LD_PRELOAD": str(libraries[0]), "FAKETIME_TIMESTAMP_FILE": str(step), "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip


@pytest.fixture
def program(exchange: Running, tmp_path: Path, faked: dict[str, str]) -> Iterator[Program]:
    with running_program(settings_for(exchange, tmp_path), environment=faked) as running:
        yield running


def opens(program: Program) -> list[datetime]:
    return [datetime.fromisoformat(bar["open_time"]) for bar in program.ask("/api/symbols/BTCUSDT/bars")["bars"]]


def until_the_next_minute(program: Program) -> None:
    """Live all the way, until the minute after the next close stands among the bars."""
    last, deadline = opens(program)[-1], time.monotonic() + 75
    while opens(program)[-1] == last:
        assert time.monotonic() < deadline, f"no minute after {last}"
        feeds = program.ask("/api/monitoring/status")["feeds"]
        # A busy machine may take seconds over a message, and says so; what a step would add is an hour.
        assert {feed["data_quality"] for feed in feeds} <= {"live", "delayed"}
        assert max(abs(feed["lag_ms"] or 0) for feed in feeds) < 60_000
        # A liquidation may be minutes old; what must not show is the hour.
        assert max(feed["age_ms"] or 0 for feed in feeds) < 600_000
        time.sleep(0.5)
    assert opens(program)[-1] - last == MINUTE


def test_the_clock_is_really_set(step: Path, faked: dict[str, str]) -> None:
    step.write_text("-1h")
    told = subprocess.run(
        [sys.executable, "-c", "import time; print(time.time_ns())"], env={**os.environ, **faked}, check=True,
        capture_output=True, text=True, timeout=10,
    )  # fmt: skip
    assert int(told.stdout) - time.time_ns() == pytest.approx(-3600e9, abs=5e9)


def test_nothing_happens_when_the_clock_is_set(program: Program, step: Path) -> None:
    """An hour ahead over one close, an hour behind over the next."""
    program.until(
        "live data",
        lambda: {feed["data_quality"] for feed in program.ask("/api/monitoring/status")["feeds"]} == {"live"},
        15,
    )
    before = opens(program)[-1]
    known = {alert["id"] for alert in program.ask("/api/alerts/recent")}  # of a start on a busy machine
    for hours in ("+1h", "-1h"):
        step.write_text(hours)
        until_the_next_minute(program)
    found = opens(program)
    assert found[-1] - before == 2 * MINUTE
    assert {later - earlier for earlier, later in pairwise(found)} == {MINUTE}
    assert [a["message"] for kind in SILENT for a in program.incidents(kind) if a["id"] not in known] == []
    offset_ms = program.ask("/api/monitoring/status")["exchange"]["clock_offset_ms"]
    assert abs(offset_ms) < 500

"""Symbols come and go through an accelerated day, and the monitor's memory stays what it was."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.soak import soak_only

pytestmark = pytest.mark.slow

MOST = 0.01


def play(folder: Path, *options: str, seconds: float) -> list[dict[str, Any]]:
    """What a process of its own told of each minute, after it ended well."""
    command = [sys.executable, "-m", "tests.support.long_day", str(folder), *options]
    root = Path(__file__).parents[2]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=seconds, cwd=root, check=False)
    assert ran.returncode == 0, ran.stderr[-2_000:]
    return [json.loads(line) for line in ran.stdout.splitlines()]


def growth(minutes: list[dict[str, Any]], name: str) -> float:
    """By the least-squares line: its rise over the minutes, as a share of where it begins."""
    slope, begin = np.polyfit(np.arange(len(minutes)), [minute[name] for minute in minutes], 1)
    return float(slope * (len(minutes) - 1) / begin)


def everything_was_done(minutes: list[dict[str, Any]], symbols: int) -> None:
    """No pass failed, every close of every symbol was scored and committed, and every row was written."""
    last = minutes[-1]
    assert (last["failures"], last["error"], last["dropped"]) == (0, None, 0)
    assert {(minute["symbols"], minute["evaluated"]) for minute in minutes[1:]} <= {(symbols, symbols)}
    np.testing.assert_array_equal(np.diff([minute["committed_ms"] for minute in minutes]), 60_000)
    assert last["played"] == 36 * symbols * len(minutes)  # ticker, delta and trade every 5 s
    assert last["written"] > 2 * symbols * len(minutes)  # bars and scores
    assert last["fired"] > 20


@soak_only("a minute of one core")
@pytest.mark.timeout(300)
def test_what_python_holds_stays_the_same(tmp_path: Path) -> None:
    """A symbol replaced every minute, twice over; what SQLite and the allocator hold is left to the whole day."""
    minutes = play(tmp_path, "--minutes", "30", "--symbols", "12", "--swap", "1", "--traced", seconds=280)
    everything_was_done(minutes, 12)
    found = growth(minutes[10:], "traced")
    print(f"{minutes[-1]['played']} events, 30 symbols delisted: {100 * found:+.2f} % of "
          f"{minutes[10]['traced'] / 2**20:.0f} MiB")  # fmt: skip
    assert found <= MOST


@soak_only("takes more than an hour")
@pytest.mark.timeout(6 * 3_600)
def test_a_whole_day_of_600_symbols(tmp_path: Path) -> None:
    """A symbol replaced every five minutes, half of them by the end.

    The rings of every symbol are filled at its start (`long_day.fill`); what else has a bound and begins empty, above
    all SQLite's page caches, is full after two hours, which are played before the day.
    """
    minutes = play(tmp_path, "--minutes", "1560", "--symbols", "600", "--swap", "5", seconds=6 * 3_600)
    everything_was_done(minutes, 600)
    day = minutes[120:]
    found = growth(day, "rss")
    print(f"{36 * 600 * len(day)} events in {len(day)} minutes: RSS {100 * found:+.2f} % of "
          f"{day[0]['rss'] / 2**20:.0f} MiB (most {max(m['rss'] for m in day) / 2**20:.0f})")  # fmt: skip
    assert found <= MOST

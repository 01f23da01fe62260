"""A round of poll mode: tickers in one call, bars, books and trades of 15 symbols, with 100 ms of latency."""

import json
import time
import urllib.request

from benchmarks.figures import Section, Series, Target
from benchmarks.running import exchange, up

LATENCY_MS = 100
SETTINGS = "market_data: {mode: poll}\nmonitoring: {interval: 1}\n"
READY_S, DEADLINE_S = 60.0, 60.0


def measure(rounds: int) -> list[Section]:
    """As the program's own status tells it.

    Raises:
        SystemExit: a symbol could not be polled.
    """
    section = Section("poll", f"Poll mode: 15 of 15 symbols, {LATENCY_MS} ms of latency to the exchange")
    with exchange("--faults") as port, up(port, SETTINGS) as program:
        program.until_ready(READY_S)
        order = json.dumps({"fault": "latency", "latency_ms": LATENCY_MS, "for_s": 3_600}).encode()
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/control/faults", order)).close()
        found, seen = list[float](), program.ask("/api/monitoring/status")["exchange"]["polling"]["rounds"] + 1
        deadline = time.monotonic() + DEADLINE_S
        while len(found) < 4 * rounds and time.monotonic() < deadline:
            time.sleep(0.2)
            polling = program.ask("/api/monitoring/status")["exchange"]["polling"]
            if polling["rounds"] <= seen:
                continue
            seen = polling["rounds"]
            if polling["failed"]:
                raise SystemExit(f"not all could be polled: {polling}")
            found.append(polling["seconds"])
    took = Series("one round", "s", found)
    section.series.append(took)
    section.targets.append(Target.value("15 of 15 symbols polled", "≤", 0.5, took))
    return [section]

"""Points into a real InfluxDB: our store beside posting ready bytes, and beside influxdb-client with `Point`."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import DEVNULL
from tempfile import TemporaryDirectory

from benchmarks.figures import Section, Series, Target
from benchmarks.processes import own_module, running, worker
from benchmarks.running import free_port, get

WAYS = ("ready", "virtuoso", "influxdb-client")
ROUND = ("ready", "virtuoso", "virtuoso", "ready", "influxdb-client")
"""In this order nobody always comes after the slowest, which lets the server rest."""
INSTALL = "RUNLEVEL=1 apt-get install -y --no-install-recommends influxdb"
DEADLINE_S = 15.0


@contextmanager
def influxd() -> Iterator[int]:
    """A server in a folder of its own; its port.

    Raises:
        SystemExit: it is not installed, or does not answer.
    """
    command = shutil.which("influxd")
    if command is None:
        raise SystemExit(f"influxd not installed; run: {INSTALL}")
    port, inner = free_port(), free_port()
    with TemporaryDirectory() as name:
        folder = Path(name)
        settings = {
            "REPORTING_DISABLED": "true", "BIND_ADDRESS": f"127.0.0.1:{inner}",
            "HTTP_BIND_ADDRESS": f"127.0.0.1:{port}", "META_DIR": str(folder / "meta"),
            "DATA_DIR": str(folder / "data"), "DATA_WAL_DIR": str(folder / "wal"),
            "MONITOR_STORE_ENABLED": "false", "HTTP_LOG_ENABLED": "false",
        }  # fmt: skip
        assigned = [f"INFLUXDB_{key}={value}" for key, value in settings.items()]
        with running(["env", *assigned, command, "-config", os.devnull], stdout=DEVNULL, stderr=DEVNULL):
            deadline = time.monotonic() + DEADLINE_S
            while get(f"http://127.0.0.1:{port}/ping") is None:
                if time.monotonic() > deadline:
                    raise SystemExit(f"influxd did not answer within {DEADLINE_S:.0f} s")
                time.sleep(0.05)
            yield port


def measure(rounds: int) -> list[Section]:
    """Each way in turn, into databases of their own; the first round warms up and is not counted."""
    section = Section("influx", "Batch write into InfluxDB: bars, tickers and factors of 600 symbols")
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    with influxd() as port, ExitStack() as stack:
        workers = {
            way: stack.enter_context(worker([*own_module("benchmarks.drivers.influx"), str(port), way]))
            for way in WAYS
        }  # fmt: skip
        for number in range(1 + rounds):
            for way in ROUND:
                answer = workers[way].sample()
                section.versions[way] = answer["versions"]
                if number:
                    rates[way].append(answer["points"] / answer["seconds"])
    series = {way: Series(way, "points/s", samples) for way, samples in rates.items()}
    section.series += series.values()
    section.targets += [
        Target.ratio("virtuoso over posting ready bytes", "≥", 0.9, series["virtuoso"], series["ready"]),
        Target.ratio("virtuoso over influxdb-client", "≥", 1.8, series["virtuoso"], series["influxdb-client"]),
    ]
    section.notes.append("54,000 points a sample, 5,000 a request, one request at a time; influxd on this machine")
    return [section]

"""`virtuoso up` as its users run it: a process of its own, asked over HTTP."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.exchange import Running


@dataclass(frozen=True)
class Program:
    """A running program."""

    url: str
    process: subprocess.Popen[str]

    def ask(self, path: str) -> Any:
        """The JSON of a path, whatever its status."""
        return self.answer(path)[1]

    def answer(self, path: str) -> tuple[int, Any]:
        """Status and JSON of a path."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def until(self, what: str, holds: Callable[[], Any], seconds: float) -> float:
        """Wait until `holds()` is true; returns how long it took."""
        began = time.monotonic()
        while not holds():
            assert self.process.poll() is None, f"the program ended ({self.process.returncode}) before {what}"
            assert time.monotonic() - began < seconds, f"not within {seconds} s: {what}"
            time.sleep(0.1)
        return time.monotonic() - began

    def incidents(self, kind: str) -> list[dict[str, Any]]:
        """Incidents of a kind, newest first."""
        return [alert for alert in self.ask("/api/alerts/recent") if alert["alert_type"] == kind]


def command(*arguments: str) -> list[str]:
    """The command line of the program."""
    return [sys.executable, "-m", "virtuoso.cli", *arguments]


def settings_for(exchange: Running | None, folder: Path, extra: str = "") -> Path:
    """A configuration that points at the exchange, or at a port where nothing listens."""
    port = exchange.port if exchange else 9
    path = folder / "virtuoso.yaml"
    path.write_text(
        f"exchange:\n  rest_url: http://127.0.0.1:{port}\n  stream_url: ws://127.0.0.1:{port}/v5/public\n"
        f"  budget_dir: {folder / 'budget'}\n"
        f"web: {{port: 0}}\nmonitoring: {{interval: 1}}\ndata_dir: {folder / 'data'}\n{extra}"
    )
    return path


@contextmanager
def running_program(
    config: Path, *, scored: bool = True, environment: Mapping[str, str] | None = None
) -> Iterator[Program]:
    """`virtuoso up -c config`, until the block ends; then it must stop clean within 5 s (10 s: the machine is busy)."""
    log = (config.parent / "program.log").open("w")
    process = subprocess.Popen(
        command("up", "-c", str(config)), stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        match = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert match, f"the program said {line!r} (exit {process.poll()})"
        program = Program(match[0], process)
        if scored:
            program.until("the first signals", lambda: program.answer("/health")[0] == 200, 60)
        yield program
    finally:
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = process.wait(20)
        took = time.monotonic() - began
        if process.stdout is not None:
            process.stdout.close()
        log.close()
    assert (code, took < 10) == (0, True), f"stopped with {code} after {took:.1f} s"

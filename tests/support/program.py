"""`virtuoso up` as its users run it: a process of its own, asked over HTTP."""

import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import warm
from tests.support.exchange import Running
from tests.support.pace import REAL, Pace

START_SPEED = 2.0
"""A start is work and not waiting: on a busy machine it takes as long by whatever clock."""
_MOST_START_S = 150.0
"""It may take half of a processor's seconds a symbol beside many other programs."""
_STARTED = re.compile(r"virtuoso: (http://127\.0\.0\.1:\d+) · watching")


@dataclass(frozen=True)
class Program:
    """A running program."""

    url: str
    process: subprocess.Popen[str]
    pace: Pace = REAL

    def ask(self, path: str) -> Any:
        """The JSON of a path, whatever its status."""
        return self.answer(path)[1]

    def answer(self, path: str) -> tuple[int, Any]:
        """Status and JSON of a path."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def until(self, what: str, holds: Callable[[], Any], seconds: float) -> float:
        """Wait until `holds()` is true; returns how many of its seconds it took."""

        def held() -> Any:
            assert self.process.poll() is None, f"the program ended ({self.process.returncode}) before {what}"
            return holds()

        return self.pace.until(what, held, seconds)

    def during(self, seconds: float, step_s: float = 0.25) -> Iterator[None]:
        """Go through so many of its seconds in steps."""
        for _ in range(round(seconds / step_s)):
            yield
            self.pace.sleep(step_s)

    def incidents(self, kind: str) -> list[dict[str, Any]]:
        """Incidents of a kind, newest first."""
        return [alert for alert in self.ask("/api/alerts/recent") if alert["alert_type"] == kind]


def command(*arguments: str, pace: Pace = REAL) -> list[str]:
    """The command line of the program."""
    return [*pace.python, "virtuoso.cli", *arguments]


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
    config: Path,
    *,
    pace: Pace = REAL,
    scored: bool = True,
    environment: Mapping[str, str] | None = None,
    cold: bool = False,
    line: Sequence[str] = ("up",),
) -> Iterator[Program]:
    """`virtuoso up -c config`, until the block ends; then it must stop clean within 5 s (10 s: the machine is busy).

    `line` begins another command line that serves the same (`demo`). `pace` is the exchange's: what watches it must go
    by the same time. `cold` loads the program anew, for tests that look at the process itself (see `warm`).
    """
    log = (config.parent / "program.log").open("w")
    process = (subprocess.Popen if cold else warm.Popen)(
        command(*line, "-c", str(config), pace=pace),
        stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        pace.begun(process)
        with pace.flowing():
            said = process.stdout.readline()
            while (match := _STARTED.search(said)) is None and (more := process.stdout.readline()):
                said += more
        assert match, f"the program said {said!r} (exit {process.poll()})"
        program = Program(match[1], process, pace)
        with pace.flowing():
            program.answer("/health/live")  # the web is a process of its own: what is asked waits until it is there
        if scored:
            with pace.slowed(START_SPEED):
                program.until("the first signals", lambda: program.answer("/health")[0] == 200, _MOST_START_S)
        yield program
    finally:
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        with pace.flowing():
            code = process.wait(20)
        took = time.monotonic() - began
        if process.stdout is not None:
            process.stdout.close()
        log.close()
    assert (code, took < 10) == (0, True), f"stopped with {code} after {took:.1f} s"

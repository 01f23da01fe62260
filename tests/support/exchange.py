"""The embedded exchange for tests: as a process of its own, as its users run it."""

import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support import warm
from tests.support.pace import REAL, Pace, paced


@dataclass(frozen=True)
class Running:
    """An exchange that answers."""

    port: int
    process: subprocess.Popen[str]
    pace: Pace = REAL

    @property
    def rest_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stream_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v5/public"

    def order(self, body: str) -> None:
        """Order a fault."""
        request = urllib.request.Request(f"{self.rest_url}/control/faults", body.encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10):
            pass

    def clear(self) -> None:
        """End all faults."""
        request = urllib.request.Request(f"{self.rest_url}/control/faults", method="DELETE")
        with urllib.request.urlopen(request, timeout=10):
            pass

    def state(self) -> dict[str, Any]:
        """Faults in force and requests counted."""
        with urllib.request.urlopen(f"{self.rest_url}/control/faults", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


@contextmanager
def running_exchange(*options: str, speed: float | None = None) -> Iterator[Running]:
    """`virtuoso exchange` on a free port, until the block ends.

    With a speed it goes by a time of its own, up to so many times as fast, which the test moves: see `Pace`. Whoever
    asks it must go by the same.
    """
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with ExitStack() as stack:
        pace = stack.enter_context(paced(speed))
        command = [*pace.python, "virtuoso.cli", "exchange", "--port", "0", *options]
        process = warm.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, stdin=subprocess.DEVNULL)
        try:
            assert process.stdout is not None
            pace.begun(process)
            with pace.flowing():
                line = process.stdout.readline()
                match = re.search(r"REST http://127\.0\.0\.1:(\d+)", line)
                assert match, f"the exchange said {line!r} (exit {process.poll()})"
                running = Running(int(match[1]), process, pace)
                _await(running.rest_url)
            yield running
        finally:
            process.terminate()
            with pace.flowing():
                assert process.wait(20) == 0, "the exchange did not stop clean"
            if process.stdout is not None:
                process.stdout.close()


def _await(url: str) -> None:
    give_up = time.monotonic() + 10
    while True:
        try:
            with urllib.request.urlopen(f"{url}/v5/market/time", timeout=1):
                return
        except urllib.error.URLError:
            assert time.monotonic() < give_up, "the exchange does not answer"
            time.sleep(0.05)

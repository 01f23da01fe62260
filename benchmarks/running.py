"""The real program, running: the embedded exchange and `virtuoso up` over it, as processes."""

import json
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from benchmarks.processes import running

POLL_S = 0.05
DEADLINE_S = 60.0
SYMBOLS = 15
COMMAND = [str(Path(sys.executable).with_name("virtuoso"))]


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(url: str) -> bytes | None:
    """The body of a 200, else `None`."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            body: bytes = answer.read()
            return body
    except (OSError, urllib.error.URLError):
        return None


@dataclass(frozen=True)
class Program:
    """A running `virtuoso up`."""

    url: str
    process: psutil.Process
    started_s: float

    def ask(self, path: str) -> Any:
        """A document.

        Raises:
            SystemExit: it is not served.
        """
        body = get(self.url + path)
        if body is None:
            raise SystemExit(f"virtuoso up does not serve {path}")
        return json.loads(body)

    def messages(self) -> int:
        """Frames taken so far, by the program's own count."""
        return sum(feed["messages"] for feed in self.ask("/api/monitoring/status")["feeds"])

    def cpu_s(self) -> float:
        """CPU seconds spent so far by all threads of the process."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def until_ready(self, seconds: float) -> None:
        """Until `/health` says that it is well.

        Raises:
            SystemExit: it did not within these seconds.
        """
        while get(f"{self.url}/health") is None:
            if time.monotonic() - self.started_s > seconds:
                raise SystemExit(f"virtuoso up was not well within {seconds:.0f} s")
            time.sleep(POLL_S)

    def until_complete(self) -> float:
        """Seconds from the start of the process to scores for all symbols.

        Raises:
            SystemExit: the program ended, or the deadline passed.
        """
        while time.monotonic() - self.started_s < DEADLINE_S:
            body = get(f"{self.url}/api/signals/top?limit={SYMBOLS}")
            if body is not None and _complete(json.loads(body)):
                return time.monotonic() - self.started_s
            if not self.process.is_running() or self.process.status() == psutil.STATUS_ZOMBIE:
                raise SystemExit("virtuoso up ended before its first signals")
            time.sleep(POLL_S)
        raise SystemExit(f"no complete signal set within {DEADLINE_S:.0f} s")

    def rss_mib(self) -> float:
        """Resident memory of the process and its children, MiB."""
        everyone = [self.process, *self.process.children(recursive=True)]
        return sum(process.memory_info().rss for process in everyone) / 2**20


def _complete(document: dict[str, Any]) -> bool:
    signals = document["signals"]
    return len(signals) == SYMBOLS and all(signal["score"] is not None for signal in signals)


@contextmanager
def exchange(*options: str, driver: Sequence[str] = ()) -> Iterator[int]:
    """The embedded exchange, or a driver that takes a port and is one; its port, once it answers."""
    port = free_port()
    command = [*driver, str(port), *options] if driver else [*COMMAND, "exchange", "--port", str(port), *options]
    with running(command, stdout=DEVNULL, stderr=DEVNULL):
        deadline = time.monotonic() + DEADLINE_S
        while get(f"http://127.0.0.1:{port}/v5/market/time") is None:
            if time.monotonic() > deadline:
                raise SystemExit(f"the embedded exchange did not answer within {DEADLINE_S:.0f} s")
            time.sleep(POLL_S)
        yield port


def as_users_start_it(config: Path) -> list[str]:
    """`virtuoso up`."""
    return [*COMMAND, "up", "-c", str(config)]


def settings(folder: Path, exchange_port: int, port: int = 0, extra: str = "") -> Path:
    """A configuration for the exchange at `exchange_port`, in `folder`, with `extra` settings (YAML)."""
    config = folder / "config.yaml"
    config.write_text(
        f"exchange:\n  rest_url: http://127.0.0.1:{exchange_port}\n"
        f"  stream_url: ws://127.0.0.1:{exchange_port}/v5/public\n"
        f"  budget_dir: {folder}/budget\n"
        f"web:\n  port: {port}\ndata_dir: {folder}/data\n{extra}"
    )
    return config


@contextmanager
def up(
    exchange_port: int, extra: str = "", command: Callable[[Path], list[str]] = as_users_start_it
) -> Iterator[Program]:
    """`virtuoso up` over the exchange at `exchange_port`, in a folder of its own, with `extra` settings (YAML)."""
    port = free_port()
    with TemporaryDirectory() as folder:
        config = settings(Path(folder), exchange_port, port, extra)
        with (Path(folder) / "log").open("w") as log:
            started_s = time.monotonic()
            with running(command(config), stdout=log, stderr=log) as process:
                yield Program(f"http://127.0.0.1:{port}", psutil.Process(process.pid), started_s)

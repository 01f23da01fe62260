"""`virtuoso monitor` and `virtuoso web` as operators run them: processes that can be killed, stalled and started."""

import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import warm
from tests.support.exchange import Running, running_exchange
from tests.support.pace import REAL, Pace
from tests.support.program import command
from tests.support.servers import Server, memcached_server, redis_server

DEADLINE_S = 40.0
_LAST_WORDS = 3_000


def until(what: str, holds: Callable[[], Any], seconds: float = DEADLINE_S, pace: Pace = REAL) -> float:
    """Wait until `holds()` is true (an answer that does not come is not); returns how many seconds it took."""

    def held() -> bool:
        try:
            return bool(holds())
        except OSError:
            return False

    return pace.until(what, held, seconds)


class Service:
    """One process of the program; what it says goes to files in `folder`."""

    def __init__(self, folder: Path, name: str, *arguments: str, pace: Pace = REAL) -> None:
        self.name, self.pace = name, pace
        self.out, self.log = folder / f"{name}.out", folder / f"{name}.log"
        self._arguments = arguments
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Service":
        """Begin; what is said goes after what was said before."""
        self.out.touch()
        self._said = self.out.stat().st_size
        with self.out.open("ab") as out, self.log.open("ab") as log:
            self.process = warm.Popen(
                command(*self._arguments, pace=self.pace), stdin=subprocess.DEVNULL, stdout=out, stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"}, start_new_session=True,
            )  # fmt: skip
        self.pace.begun(self.process)
        return self

    @property
    def said(self) -> str:
        """What it printed since its last start."""
        return self.out.read_bytes()[self._said :].decode()

    def says(self, pattern: str, seconds: float = DEADLINE_S) -> re.Match[str]:
        """Wait until it printed something that matches; one that ended will not, and the error has its last words."""

        def heard() -> bool:
            alive = self.alive  # before it is read: what is said last counts
            found = re.search(pattern, self.said) is not None
            assert found or alive, (
                f"{self.name} ended without saying {pattern!r}: {self.log.read_text()[-_LAST_WORDS:]}"
            )
            return found

        until(f"{self.name} says {pattern!r}", heard, seconds, self.pace)
        found = re.search(pattern, self.said)
        assert found is not None
        return found

    def send(self, number: int) -> None:
        """A signal to the whole group."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(10)

    def ended(self, seconds: float = 15) -> int:
        """The exit code, within `seconds`."""
        assert self.process is not None
        with self.pace.flowing():
            return self.process.wait(seconds)

    def stop(self) -> int:
        """SIGTERM; the exit code, within 10 s."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        try:
            return self.ended(10)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None


@dataclass
class Site:
    """An exchange, the shared stores and a configuration that names them."""

    folder: Path
    exchange: Running
    redis: Server
    memcached: Server
    config: Path

    @property
    def pace(self) -> Pace:
        """How time passes for all of its processes."""
        return self.exchange.pace

    def until(self, what: str, holds: Callable[[], Any], seconds: float = DEADLINE_S) -> float:
        """Wait in its time, as `until` does."""
        return until(what, holds, seconds, self.pace)

    def monitor(self, name: str = "monitor") -> Service:
        """A monitor, not started."""
        return Service(self.folder, name, "monitor", "-c", str(self.config), pace=self.pace)

    def web(self, *arguments: str, name: str = "web") -> Service:
        """A web process, not started."""
        return Service(self.folder, name, "web", "-c", str(self.config), *arguments, pace=self.pace)


def write_settings(folder: Path, exchange: Running, extra: str = "", **sections: str) -> Path:
    """A configuration for the two services."""
    path = folder / "virtuoso.yaml"
    given = {
        "exchange": f"{{rest_url: 'http://127.0.0.1:{exchange.port}', stream_url: 'ws://127.0.0.1:{exchange.port}"
        f"/v5/public', budget_dir: '{folder / 'budget'}'}}",
        "web": "{port: 0}",
        "monitoring": "{interval: 1}",
        "universe": "{size: 4}",
        "data_dir": str(folder / "data"),
    } | sections
    path.write_text("".join(f"{key}: {value}\n" for key, value in given.items()) + extra)
    return path


@contextmanager
def running_site(folder: Path, *, speed: float | None = None, **sections: str) -> Iterator[Site]:
    """Exchange, Redis and Memcached, until the block ends; the two servers go by the wall, whatever the speed."""
    with ExitStack() as stack:
        exchange = stack.enter_context(running_exchange(speed=speed))
        redis = stack.enter_context(redis_server(folder))
        memcached = stack.enter_context(memcached_server())
        cache = (
            f"{{tiers: [memory, memcached, redis], redis_url: 'redis://{redis.address}/0',"
            f" memcached: '{memcached.address}'}}"
        )
        config = write_settings(folder, exchange, **({"cache": cache} | sections))
        yield Site(folder, exchange, redis, memcached, config)


@contextmanager
def started(*services: Service) -> Iterator[None]:
    """Start them, and kill what still runs at the end."""
    try:
        for service in services:
            service.start()
        yield
    finally:
        for service in services:
            service.kill()


def series_folder(data: Path) -> Path:
    """Of the only market whose time series are kept in this data folder."""
    (folder,) = (data / "timeseries").iterdir()
    return folder


def url_of(web: Service) -> str:
    """Where it serves."""
    return web.says(r"http://127\.0\.0\.1:\d+")[0]


def ask(url: str) -> tuple[int, Any]:
    """Status and JSON of an address."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def quality(url: str) -> str:
    """Of the dashboard document."""
    found: str = ask(f"{url}/api/dashboard/data")[1]["market_overview"]["data_quality"]
    return found

"""Real servers on ephemeral ports, each in a folder of its own; started, stopped, stalled and killed by tests."""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from tempfile import gettempdir

import psutil

from tests.support.stopping import stop

_READY_S = 15.0
_GOES_S = 30.0
"""What a server has in memory is on the disk only when it has gone: a busy machine takes its time."""


_PORTS = range(20_000, 32_000)
"""Below those that the kernel gives to whoever names none."""
_held: list[int] = []
"""Open files, as numbers: they are closed by the end of the process, and by nothing before it."""


def free_port() -> int:
    """A port that nobody listens on, and that no other process of tests is given until this one ends."""
    folder = Path(gettempdir()) / f"ports-of-tests-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    first = os.getpid() * 61 + len(_held)
    for number in range(len(_PORTS)):
        port = _PORTS[(first + number) % len(_PORTS)]
        lock = os.open(folder / str(port), os.O_CREAT | os.O_RDWR, 0o600)
        with suppress(OSError), socket.socket() as sock:
            flock(lock, LOCK_EX | LOCK_NB)
            sock.bind(("127.0.0.1", port))
            _held.append(lock)
            return port
        os.close(lock)
    raise AssertionError(f"no port from {_PORTS.start} to {_PORTS.stop} is free")


class Server:
    """A server process that can be started again on the same port and folder."""

    def __init__(
        self, name: str, command: Sequence[str], port: int, ready: Callable[[int], bool], environment: dict[str, str],
        stop_with: int = signal.SIGTERM,
    ) -> None:  # fmt: skip
        self.name = name
        self.port = port
        self._command = command
        self._ready = ready
        self._environment = environment
        self._stop_with = stop_with
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, env={**os.environ, **self._environment},
        )  # fmt: skip
        began = time.monotonic()
        while not self._ready(self.port):
            assert self._process.poll() is None, f"{self.name} ended at its start ({self._process.returncode})"
            assert time.monotonic() - began < _READY_S, f"{self.name} is not ready after {_READY_S} s"
            time.sleep(0.01)

    def kill(self) -> None:
        """SIGKILL, to the whole group; returns when its children have ended too, which may lead groups of their own."""
        if self._process is None:
            return
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(self._process.pid).children(recursive=True)
            self._signal(signal.SIGKILL)
            self._process.wait(10)
            _, left = psutil.wait_procs(children, 10)
            assert not left, f"{self.name}: {left} outlive it"
        self._process = None

    def stall(self) -> None:
        """SIGSTOP: it takes connections and answers nothing, from when this returns."""
        self._signal(signal.SIGSTOP)
        if self._process is not None:
            stop(self._process.pid)

    def go_on(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """As an administrator would; killed if it does not go."""
        if self._process is None:
            return
        self._signal(signal.SIGCONT)
        with suppress(ProcessLookupError):
            self._process.send_signal(self._stop_with)
        try:
            self._process.wait(_GOES_S)
            self._process = None
        except subprocess.TimeoutExpired:
            self.kill()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    def _signal(self, number: int) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


@contextmanager
def _running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _needed(command: str) -> str:
    found = shutil.which(command)
    assert found, f"{command} is not installed; `make test` installs what the tests need"
    return found


def _talks(request: bytes, answer: bytes) -> Callable[[int], bool]:
    def ready(port: int) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as sock:
                sock.sendall(request)
                return sock.recv(100).startswith(answer)
        except OSError:
            return False

    return ready


def _http(path: str) -> Callable[[int], bool]:
    def ready(port: int) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1):
                return True
        except (urllib.error.URLError, OSError):
            return False

    return ready


@contextmanager
def redis_server(folder: Path, *arguments: str) -> Iterator[Server]:
    """Redis without persistence: what it held is gone when it is killed."""
    port = free_port()
    command = [
        _needed("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
        "--dir", str(folder), *arguments,
    ]  # fmt: skip
    with _running(Server("redis", command, port, _talks(b"PING\r\n", b"+PONG"), {})) as server:
        yield server


@contextmanager
def memcached_server(*arguments: str) -> Iterator[Server]:
    """Memcached with 64 MB."""
    port = free_port()
    command = [
        _needed("memcached"), "-u", "nobody", "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-m", "64", *arguments,
    ]  # fmt: skip
    with _running(Server("memcached", command, port, _talks(b"version\r\n", b"VERSION"), {})) as server:
        yield server


@contextmanager
def influx_server(folder: Path) -> Iterator[Server]:
    """InfluxDB 1.x; databases are made by the one who uses it."""
    port, inner = free_port(), free_port()
    environment = {
        "INFLUXDB_REPORTING_DISABLED": "true", "INFLUXDB_BIND_ADDRESS": f"127.0.0.1:{inner}",
        "INFLUXDB_HTTP_BIND_ADDRESS": f"127.0.0.1:{port}", "INFLUXDB_META_DIR": str(folder / "meta"),
        "INFLUXDB_DATA_DIR": str(folder / "data"), "INFLUXDB_DATA_WAL_DIR": str(folder / "wal"),
        "INFLUXDB_MONITOR_STORE_ENABLED": "false", "INFLUXDB_HTTP_LOG_ENABLED": "false",
    }  # fmt: skip
    command = [_needed("influxd"), "-config", "/dev/null"]
    with _running(Server("influxdb", command, port, _http("/ping"), environment)) as server:
        yield server


@contextmanager
def victoria_server(folder: Path) -> Iterator[Server]:
    """VictoriaMetrics, which takes `/api/v2/write`."""
    port = free_port()
    command = [
        _needed("victoria-metrics"), f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={folder}",
        "-retentionPeriod=100y", "-memory.allowedBytes=256MB", "-search.latencyOffset=0s",
    ]  # fmt: skip
    with _running(Server("victoria-metrics", command, port, _http("/health"), {})) as server:
        yield server


@contextmanager
def prometheus_server(folder: Path, config: Path) -> Iterator[Server]:
    """Prometheus by a configuration, with what it scraped in `folder`."""
    port = free_port()
    command = [
        _needed("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
    ]  # fmt: skip
    with _running(Server("prometheus", command, port, _http("/-/ready"), {})) as server:
        yield server


@contextmanager
def postgres_server(folder: Path, *, fsync: bool = False) -> Iterator[Server]:
    """PostgreSQL with the user and database `monitor`, who needs no password."""
    newest = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), default=None)
    assert newest is not None, "PostgreSQL is not installed; `make test` installs what the tests need"
    port, data, sockets = free_port(), folder / "data", folder / "s"
    sockets.mkdir(parents=True, exist_ok=True)
    prefix: list[str] = []
    if os.geteuid() == 0:  # it refuses to run as root
        prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
        for path in (folder, sockets):
            shutil.chown(path, "postgres", "postgres")
        for parent in folder.parents:
            with suppress(OSError):
                parent.chmod(parent.stat().st_mode | 0o011)  # its folder must be reachable
    subprocess.run(
        [*prefix, str(newest / "initdb"), "-D", str(data), "-U", "monitor", "--auth=trust", "--no-sync",
         "--encoding=UTF8", "--locale=C"],
        check=True, stdout=subprocess.DEVNULL, cwd="/",
    )  # fmt: skip
    command = [
        *prefix, str(newest / "postgres"), "-D", str(data), "-p", str(port), "-k", str(sockets),
        "-c", "listen_addresses=127.0.0.1", "-c", f"fsync={'on' if fsync else 'off'}",
    ]  # fmt: skip

    def ready(port: int) -> bool:
        import psycopg

        try:
            psycopg.connect(f"host=127.0.0.1 port={port} user=monitor dbname=postgres", connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True

    with _running(Server("postgresql", command, port, ready, {}, signal.SIGINT)) as server:
        yield server

"""One process: monitor and web on one event loop, until a signal says stop."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
import typer
import uvicorn
import uvloop

from virtuoso.config import Settings
from virtuoso.model.clock import SystemClock
from virtuoso.model.errors import UsageError
from virtuoso.monitor.app import Monitor
from virtuoso.monitor.recorder import Recorder, Recording
from virtuoso.monitor.views import MarketViews
from virtuoso.operations import logs
from virtuoso.operations.health import HealthBoard
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.web.app import create_app

log = structlog.get_logger(__name__)

_STOP_S = 2.0


def serve(settings: Settings, banner: Callable[[str], None] = typer.echo, *, record: Recording | None = None) -> None:
    """Run until SIGINT or SIGTERM.

    Raises:
        UsageError: the data folder or the port cannot be had.
    """
    logs.configure(settings.logging.level, settings.logging.format)
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"data_dir = {settings.data_dir}: cannot be made: {error.strerror}") from error
    sock = _listen(settings.web.host, settings.web.port)
    uvloop.run(_run(settings, sock, banner, record))


@contextmanager
def _no_signals() -> Iterator[None]:
    """Uvicorn would take the signals for itself."""
    yield


def _listen(host: str, port: int) -> socket.socket:
    """The port, taken before anything else is begun."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host.strip("[]"), port))
        sock.listen(2048)
    except OSError as error:
        sock.close()
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"web.port = {port}: cannot listen on {host}:{port}: {reason}; choose another port") from error
    sock.setblocking(False)
    return sock


async def _run(
    settings: Settings, sock: socket.socket, banner: Callable[[str], None], record: Recording | None
) -> None:
    clock = SystemClock()
    cache = MemoryCache(clock)
    board = HealthBoard(clock, settings.monitoring.interval, "embedded")
    recorder = None if record is None else Recorder(record, settings, clock)
    monitor = Monitor(settings, clock, cache, board, recorder)
    token = settings.web.token
    app = create_app(
        cache=cache,
        board=board,
        views=MarketViews(monitor.market, monitor.cycle),
        allowed_hosts=(*settings.web.allowed_hosts, settings.web.host),
        token=None if token is None else token.get_secret_value(),
    )
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            loop="none",
            lifespan="off",
            access_log=False,
            log_level="warning",
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
    )
    server.capture_signals = _no_signals  # type: ignore[method-assign]  # signals are handled here, once
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    url = f"http://{settings.web.host}:{sock.getsockname()[1]}"
    banner(f"virtuoso: {url} · watching {settings.exchange.address} · Ctrl-C stops")
    works = {
        asyncio.create_task(monitor.run(), name="monitor"),
        asyncio.create_task(server.serve([sock]), name="web"),
        asyncio.create_task(_announce(monitor, url, banner), name="announce"),
    }
    stopping = asyncio.create_task(stop.wait(), name="stop")
    await _until_stopped(works, stopping)
    server.should_exit = True
    for work in works:
        if work.get_name() != "web":
            work.cancel()
    await asyncio.wait(works, timeout=_STOP_S)
    for work in works:
        work.cancel()
    await asyncio.gather(*works, return_exceptions=True)
    if recorder is not None:
        await recorder.close()


async def _until_stopped(works: set[asyncio.Task[None]], stopping: asyncio.Task[bool]) -> None:
    """Until a signal, or the failure of the monitor or the web, which is raised."""
    waiting: set[asyncio.Task[None] | asyncio.Task[bool]] = {*works, stopping}
    while not stopping.done():
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopping}:
            if task.get_name() != "announce" or task.exception() is not None:
                stopping.cancel()
                task.result()
                raise UsageError(f"{task.get_name()} ended by itself")


async def _announce(monitor: Monitor, url: str, banner: Callable[[str], None]) -> None:
    """Say when the first signals are there."""
    began = asyncio.get_running_loop().time()
    await monitor.ready.wait()
    seconds = asyncio.get_running_loop().time() - began
    banner(f"virtuoso: scored {len(monitor.cycle.evaluations)} symbols in {seconds:.1f} s · {url}")

"""Several processes that share a listening socket, each started again when it dies or hangs."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

from virtuoso.model.errors import UsageError, VirtuosoError
from virtuoso.operations.watchdog import Watchdog
from virtuoso.processes.web.watched import SILENT_S, Watched

log = structlog.get_logger(__name__)

_FIRST_WAIT_S, _WAIT_CAP_S, _CALM_S = 0.5, 10.0, 30.0
_MOST_DEATHS = 10
"""In a row, none of them after a calm time: then it is not worth another try."""
_STOP_S = 5.0
_WRONG_USE = 2


async def keep_workers(count: int, command: Sequence[str], descriptor: int) -> None:
    """Run `count` times `command` with `descriptor` inherited, until SIGINT or SIGTERM.

    Raises:
        UsageError: a worker said that it was called wrongly.
        VirtuosoError: a worker died again and again.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    watchdog = Watchdog.wanted(os.environ, lambda: True)
    serving = asyncio.Event()
    keepers = [asyncio.create_task(_keep(command, descriptor, serving.set)) for _ in range(count)]
    stopping = asyncio.create_task(stop.wait())
    telling = [] if watchdog is None else [asyncio.create_task(_tell(watchdog, serving), name="watchdog")]
    try:
        await asyncio.wait({*keepers, stopping, *telling}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        for task in (*keepers, *telling):
            task.cancel()
        ends = await asyncio.gather(*keepers, *telling, return_exceptions=True)
    for end in ends:
        if isinstance(end, VirtuosoError):
            raise end


async def _tell(watchdog: Watchdog, serving: asyncio.Event) -> None:
    """Tell the supervisor that this is ready once the first worker serves."""
    await serving.wait()
    await watchdog.run()


async def _keep(command: Sequence[str], descriptor: int, heard: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    wait_s, deaths = _FIRST_WAIT_S, 0
    while True:
        began_s = loop.time()
        with Watched(SILENT_S, heard=heard) as watched:
            worker = await asyncio.create_subprocess_exec(
                *command, pass_fds=(descriptor,), stdin=asyncio.subprocess.PIPE,
                env={**os.environ, **watched.environment},
            )  # fmt: skip
            try:
                code = await _life(worker, watched)
            except asyncio.CancelledError:
                await _end(worker)
                raise
        if code == _WRONG_USE:
            raise UsageError("a worker could not start; see the line above")
        calm = loop.time() - began_s >= _CALM_S
        deaths, wait_s = (1, _FIRST_WAIT_S) if calm else (deaths + 1, min(_WAIT_CAP_S, wait_s * 2))
        if deaths >= _MOST_DEATHS:
            raise VirtuosoError(f"a worker died {deaths} times in a row (exit {code}); see the log")
        log.error("a worker died and is started again", exit=code, wait_s=wait_s)
        await asyncio.sleep(wait_s)


async def _life(worker: asyncio.subprocess.Process, watched: Watched) -> int:
    """The exit code of a worker; one that hangs is killed."""
    ending = asyncio.create_task(worker.wait())
    hanging = asyncio.create_task(watched.hang())
    try:
        await asyncio.wait({ending, hanging}, return_when=asyncio.FIRST_COMPLETED)
        if not ending.done():
            log.error("a worker hangs and is killed", silent_s=SILENT_S)
            with suppress(ProcessLookupError):
                worker.kill()
        return await ending
    finally:
        hanging.cancel()
        ending.cancel()
        await asyncio.gather(hanging, ending, return_exceptions=True)


async def _end(worker: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        worker.terminate()
        try:
            async with asyncio.timeout(_STOP_S):
                await worker.wait()
        except TimeoutError:
            worker.kill()
            await worker.wait()

"""A process that runs until a signal says stop, or until one of its parts fails."""

import asyncio
import faulthandler
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Protocol

from virtuoso.model.errors import VirtuosoError

_STOP_S = 2.0
_LAST_S = 30.0
"""Who was told to end and has not within so long is ended, and says where it stood."""


class Server(Protocol):
    """What must be told to end, so that it answers what was asked."""

    def stop(self) -> None:
        """Ask the server to end soon; returns without waiting for it."""
        ...


def stop_signals(*numbers: signal.Signals) -> asyncio.Event:
    """Set by SIGINT or SIGTERM, or those given, from now on; to be asked for before anything slow is begun.

    A process that has been told and has not ended within 30 s, because something in it waits for ever, writes where
    each of its threads stands to standard error and ends with 1: what it kept is as after a kill.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told() -> None:
        stop.set()
        if sys.__stderr__ is not None:
            faulthandler.dump_traceback_later(_LAST_S, exit=True, file=sys.__stderr__)

    for number in numbers or (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told)
    return stop


def hangups() -> asyncio.Event:
    """Have SIGHUP set an event from now on; to be asked for before anything slow is begun.

    On a terminal it still means that the terminal is gone.
    """
    hangup = asyncio.Event()
    if sys.stdin is None or not sys.stdin.isatty():
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hangup.set)
    return hangup


async def reload_on_hangup(hangup: asyncio.Event, reload: Callable[[], Awaitable[None]]) -> None:
    """Read the configuration anew at each SIGHUP, until cancelled."""
    while True:
        await hangup.wait()
        hangup.clear()
        await reload()


async def until_stopped(works: set[asyncio.Task[None]], stop: asyncio.Event, web: Server | None = None) -> None:
    """Wait until `stop`, or the failure of a work, which is raised; then end all works.

    A work called `announce` may end by itself.
    """
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        await _first_end(works, stopping)
    finally:
        stopping.cancel()
        if web is not None:
            web.stop()
        for work in works:
            if work.get_name() != "web":
                work.cancel()
        await asyncio.wait(works, timeout=_STOP_S)
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)


async def _first_end(works: set[asyncio.Task[None]], stopping: asyncio.Task[bool]) -> None:
    waiting: set[asyncio.Task[None] | asyncio.Task[bool]] = {*works, stopping}
    while not stopping.done():
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopping}:
            if task.get_name() != "announce" or task.exception() is not None:
                task.result()
                raise VirtuosoError(f"{task.get_name()} ended by itself")

"""Candle charts, drawn by one process of their own so that the event loop is not held up.

A plain child on two pipes and no process pool: it can be killed when it hangs, it ends when this process is killed (a
pool's workers would not), and it is given none of this process's environment, in which secrets may stand.
"""

import asyncio
import os
import sys
from typing import cast

import msgspec

from virtuoso.model.alerts.notice import Candles, PriceLevel
from virtuoso.model.text.numbers import PLAIN, Denomination

MOST_BARS = 240
"""Of more, the latest are drawn."""
LIMIT_S = 20.0
"""What one chart may take: a message is out by then, and a machine that is busy draws slowly."""
_START_S = 30.0
_LARGEST = 8 << 20
_KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


class Mark(msgspec.Struct, frozen=True):
    """What happened at a time (epoch ms); `up` says in whose favour, `None` in nobody's."""

    at_ms: int
    text: str
    up: bool | None = None


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """What a chart shows: `source` is the data's origin, and if that is not `live` it is labelled as what it is."""

    title: str
    candles: Candles
    levels: tuple[PriceLevel, ...] = ()
    marks: tuple[Mark, ...] = ()
    source: str = "live"
    denomination: Denomination = PLAIN


class Charts:
    """Draws one picture after the other; the process starts with the first and ends after `idle_s` without any.

    Args:
        limit_s: what one chart may take, its waiting for others included.
        idle_s: after which the process ends by itself.
    """

    def __init__(self, *, limit_s: float = LIMIT_S, idle_s: float = 600.0) -> None:
        self._limit_s, self._idle_s = limit_s, idle_s
        self._lock = asyncio.Lock()
        self._starting: asyncio.Task[asyncio.subprocess.Process] | None = None
        self._process: asyncio.subprocess.Process | None = None

    async def draw(self, picture: Picture) -> bytes | None:
        """A PNG, or `None`: not within the limit, the process ended, or there is nothing to draw."""
        try:
            async with asyncio.timeout(self._limit_s), self._lock:
                process = await self._ready()
                try:
                    return await _ask(process, msgspec.msgpack.encode(picture))
                except BaseException:
                    await self._end()  # an answer that nobody waited for would be taken for the next one's
                    raise
        except (TimeoutError, OSError, EOFError):
            return None

    async def close(self) -> None:
        """End the drawing process, even one that is just being started."""
        starting, self._starting = self._starting, None
        if starting is not None:
            starting.cancel()
            await asyncio.wait([starting])
            if not starting.cancelled() and starting.exception() is None:
                self._process = starting.result()
        await self._end()

    async def _ready(self) -> asyncio.subprocess.Process:
        """The process, started if there is none; a start goes on when the one who waits for it gives up."""
        if self._process is not None and self._process.returncode is not None:
            await self._end()
        if self._process is None:
            if self._starting is None:
                self._starting = asyncio.create_task(self._start())
            starting = self._starting
            try:
                self._process = await asyncio.shield(starting)
            finally:
                if starting.done():
                    self._starting = None
        return self._process

    async def _start(self) -> asyncio.subprocess.Process:
        given = {name: os.environ[name] for name in _KEPT if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "virtuoso.delivery.chart_process", str(self._idle_s),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env=given, start_new_session=True,
        )  # fmt: skip
        try:
            async with asyncio.timeout(_START_S):
                await _answer(process)
        except BaseException:
            await _kill(process)
            raise
        return process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await _kill(process)


async def _ask(process: asyncio.subprocess.Process, frame: bytes) -> bytes | None:
    pipe = cast("asyncio.StreamWriter", process.stdin)
    pipe.write(len(frame).to_bytes(4) + frame)
    await pipe.drain()
    return await _answer(process) or None


async def _answer(process: asyncio.subprocess.Process) -> bytes:
    pipe = cast("asyncio.StreamReader", process.stdout)
    size = int.from_bytes(await pipe.readexactly(4))
    if size > _LARGEST:
        raise OSError(f"a chart of {size} bytes")
    return await pipe.readexactly(size)


async def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.communicate()  # closes both pipes

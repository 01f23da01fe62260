"""Refits: begun at 00:00 UTC, made beside the cycle, and in force from a close that is stated beforehand.

A fit holds from a close at a multiple of five minutes: from 00:05, or where it is asked for later from the first that
is more than a minute away. Whether it does is decided when the close a minute before is analysed: if it is not ready by
then it is put off by five minutes. That is recorded, so that a replay, which waits for its fits, puts off the same.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import structlog

from virtuoso.analysis.engine import Engine
from virtuoso.analysis.forecast.fits.fit import Fit, fitted
from virtuoso.analysis.forecast.fits.shipped import SHIPPED
from virtuoso.analysis.forecast.forecaster import ADOPTED_AFTER_MS
from virtuoso.analysis.forecast.training import TrainingSet
from virtuoso.model.clock import iso
from virtuoso.model.timeframe import Timeframe

log = structlog.get_logger(__name__)

Fitting = Callable[[TrainingSet], Awaitable[Fit | None]]
"""Makes a fit of what is known; `None` where that is too little."""
PutOff = Callable[[int, int], None]
"""Told that the fit to what was known at a close holds from another close than was stated (both epoch ms)."""
_fitted = partial(fitted, prior=SHIPPED)
"""Of days that were lived: shrunk to what a fresh install begins with."""
_LONGEST_S = 600.0
"""A fit that takes longer is given up."""


class Refits:
    """One fit at a time; used on the event loop.

    Args:
        engine: whose outlook is fitted; touched only on `worker`.
        worker: the thread that owns the engine's state.
        fitting: where fits are made; `None` makes them on the worker, and waits for them, as a replay does.
        put_off: told of a fit that is late.
    """

    def __init__(
        self, engine: Engine, worker: Executor, fitting: Fitting | None, put_off: PutOff = lambda _, __: None
    ) -> None:
        self._engine = engine
        self._worker = worker
        self._fitting = fitting or self._on_worker
        self._waits = fitting is None
        self._put_off = put_off
        self._running: asyncio.Task[Fit | None] | None = None
        self._made_fit: Fit | None = None
        self._known_ms = self._from_ms = 0

    def begin(self, training: TrainingSet, close_ms: int) -> None:
        """Make a fit of what is known, asked for at a close, beside all else; one that still runs is given up."""
        if self._running is not None:
            self._running.cancel()
        self._known_ms, self._from_ms, self._made_fit = training.until_ms, _stated_after(close_ms), None
        log.info(
            "refit begun" if close_ms == self._known_ms else "refit begun that was missed",
            known=iso(self._known_ms), close=iso(close_ms), samples=training.close_ms.size,
        )  # fmt: skip
        self._running = asyncio.create_task(self._made(training), name="refit")

    async def settle(self, close_ms: int) -> None:
        """Before the close at `close_ms` is analysed: decide whether the fit holds from the next one stated."""
        if self._running is None or close_ms < self._from_ms - Timeframe.M1.ms:
            return
        if self._waits:
            await asyncio.wait({self._running})
        if not self._running.done():
            self._from_ms = _stated_after(close_ms)
            log.warning("a refit is late", known=iso(self._known_ms), holds_from=iso(self._from_ms))
            self._put_off(self._known_ms, self._from_ms)
            return
        self._made_fit, self._running = self._running.result(), None
        await self._adopt()

    async def put_off(self, known_ms: int, from_ms: int) -> None:
        """Let the fit to what was known at `known_ms` hold from the close `from_ms`, as it did when it was recorded."""
        if known_ms == self._known_ms:
            self._from_ms = from_ms
            await self._adopt()

    async def _adopt(self) -> None:
        fit, outlook = self._made_fit, self._engine.outlook
        if fit is None or outlook is None:
            return
        await asyncio.get_running_loop().run_in_executor(self._worker, outlook.adopt, fit, self._from_ms)
        log.info(
            "fit adopted", fit=fit.version, days=fit.days, samples=fit.samples, known=iso(self._known_ms),
            holds_from=iso(self._from_ms),
        )  # fmt: skip

    async def stop(self) -> None:
        """Give up the fit that is being made, at the end of the program; the next start makes it."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _made(self, training: TrainingSet) -> Fit | None:
        try:
            async with asyncio.timeout(_LONGEST_S):
                return await self._fitting(training)
        except Exception as error:  # the fit before goes on holding
            log.exception("a refit failed", error=f"{type(error).__name__}: {error}")
            return None

    async def _on_worker(self, training: TrainingSet) -> Fit | None:
        return await asyncio.get_running_loop().run_in_executor(self._worker, _fitted, training)


async def fitted_apart(training: TrainingSet) -> Fit | None:
    """Make a fit in a process of its own, which ends with it."""
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, _fitted, training)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _stated_after(close_ms: int) -> int:
    """The first close from which a fit may hold that is not decided on by the close `close_ms`."""
    return (close_ms + Timeframe.M1.ms) // ADOPTED_AFTER_MS * ADOPTED_AFTER_MS + ADOPTED_AFTER_MS

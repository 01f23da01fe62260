"""Refits: begun at 00:00 UTC, made beside the cycle, and in force five minutes later, live and in a replay alike.

One that a restart missed is begun at the first close, and in force at the next one for which it is ready.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context

import structlog

from virtuoso.analysis.engine import Engine
from virtuoso.analysis.forecast.fits.fit import Fit, fitted
from virtuoso.analysis.forecast.forecaster import ADOPTED_AFTER_MS
from virtuoso.analysis.forecast.training import TrainingSet
from virtuoso.model.clock import iso

log = structlog.get_logger(__name__)

Fitting = Callable[[TrainingSet], Awaitable[Fit | None]]
"""Makes a fit of what is known; `None` where that is too little."""
_LONGEST_S = 600.0
"""A fit that takes longer is given up."""
_SETTLE_S = 20.0
"""How long the close at which a fit should hold waits for it at most; later it holds from when it is there."""


class Refits:
    """One fit at a time; used on the event loop.

    Args:
        engine: whose outlook is fitted; touched only on `worker`.
        worker: the thread that owns the engine's state.
        fitting: where fits are made; `None` makes them on the worker, so that a replay goes on with them at once.
    """

    def __init__(self, engine: Engine, worker: Executor, fitting: Fitting | None) -> None:
        self._engine = engine
        self._worker = worker
        self._fitting = fitting or self._on_worker
        self._running: asyncio.Task[Fit | None] | None = None
        self._known_ms = 0

    def begin(self, training: TrainingSet, close_ms: int) -> None:
        """Make a fit of what is known, asked for at a close, beside all else; one that still runs is given up."""
        if self._running is not None:
            self._running.cancel()
        self._known_ms = training.until_ms
        log.info(
            "refit begun" if close_ms == self._known_ms else "refit begun that was missed",
            known=iso(self._known_ms), close=iso(close_ms), samples=training.close_ms.size,
        )  # fmt: skip
        self._running = asyncio.create_task(self._made(training), name="refit")

    async def settle(self, close_ms: int) -> None:
        """Before the close at `close_ms` is analysed: let the fit hold that should by then."""
        if self._running is None or close_ms < self._known_ms + ADOPTED_AFTER_MS:
            return
        done, _ = await asyncio.wait({self._running}, timeout=_SETTLE_S)
        if not done:
            log.warning("a refit is late", known=iso(self._known_ms), close=iso(close_ms))
            return
        fit, self._running = self._running.result(), None
        if fit is not None and (outlook := self._engine.outlook) is not None:
            await asyncio.get_running_loop().run_in_executor(self._worker, outlook.adopt, fit, self._known_ms)
            log.info("fit adopted", fit=fit.version, days=fit.days, samples=fit.samples, known=iso(self._known_ms))

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
        return await asyncio.get_running_loop().run_in_executor(self._worker, fitted, training)


async def fitted_apart(training: TrainingSet) -> Fit | None:
    """Make a fit in a process of its own, which ends with it."""
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, fitted, training)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)

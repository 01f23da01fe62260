"""Tracked tasks: one that dies is reported and restarted, never silent."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from virtuoso.model.errors import VirtuosoError

log = structlog.get_logger(__name__)

_FIRST_WAIT_S, _WAIT_CAP_S = 0.5, 30.0
_CALM_S = 60.0


class TrackedTasks:
    """Runs named coroutines for as long as the process; `on_death(name, error)` and `on_restart(name)` report."""

    def __init__(self, on_death: Callable[[str, str], None], on_restart: Callable[[str], None]) -> None:
        self._on_death = on_death
        self._on_restart = on_restart
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.states: dict[str, str] = {}
        self.deaths = 0

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` under `name`; it is started again whenever it ends."""
        self._tasks[name] = asyncio.create_task(self._keep(name, work), name=name)

    async def stop(self) -> None:
        """Cancel all tasks and wait until they have ended."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()

    async def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        wait_s = _FIRST_WAIT_S
        while True:
            self.states[name] = "running"
            began_s = loop.time()
            try:
                await work()
                reason = "ended by itself"
            except asyncio.CancelledError:
                self.states[name] = "stopped"
                raise
            except VirtuosoError as error:  # it says what happened in one line
                log.error("a task ended", task=name, reason=str(error))  # noqa: TRY400 - expected: no traceback
                reason = str(error)
            except Exception as error:  # whatever killed it, it is reported here
                log.exception("a task died", task=name)
                reason = f"{type(error).__name__}: {error}"
            self.deaths += 1
            self.states[name] = f"died: {reason}"
            self._on_death(name, reason)
            wait_s = _FIRST_WAIT_S if loop.time() - began_s > _CALM_S else min(_WAIT_CAP_S, wait_s * 2)
            await asyncio.sleep(wait_s)
            self._on_restart(name)

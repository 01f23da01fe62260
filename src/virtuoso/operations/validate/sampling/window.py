"""One window: everything that is asked, how often, and what is said of it meanwhile."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final
from urllib.parse import quote, urlsplit

import aiohttp
from msgspec.structs import replace

from virtuoso.model.clock import Clock, iso
from virtuoso.model.errors import UsageError, VirtuosoError
from virtuoso.operations.build import build
from virtuoso.operations.validate.folder import ROUTES, RUN, SampleWriter
from virtuoso.operations.validate.samples import STATUS, STREAM, SYMBOLS, Run
from virtuoso.operations.validate.sampling.asking import Asker
from virtuoso.operations.validate.sampling.exchange import ExchangeAsker, address_of
from virtuoso.operations.validate.sampling.logfile import LogFile
from virtuoso.operations.validate.sampling.naming import Naming
from virtuoso.operations.validate.sampling.plan import Plan
from virtuoso.operations.validate.sampling.processes import ProcessTable, monitor_pid
from virtuoso.operations.validate.sampling.progress import Progress

_LOG_S: Final = 2.0
_BOOKS: Final = 15
_PRICED: Final = 3
_PAUSE_S: Final = 0.02
"""Between two requests of a sweep: a validation is no load test."""
_STATUS_BYTES_S: Final = 100_000
"""A status of more bytes is asked for less often, so that a window of a whole exchange fits on a disk."""


class Window:
    """Samples a deployment into a folder until the window is over, or `stop` is set."""

    def __init__(self, plan: Plan, writer: SampleWriter, clock: Clock, progress: Progress) -> None:
        self._plan = plan
        self._writer = writer
        self._clock = clock
        self.progress = progress
        self._log = None if plan.log is None else LogFile(plan.log, plan.secrets)
        self._status: dict[str, Any] = {}
        self._here = False
        self._naming = Naming(None)
        self._exchange: ExchangeAsker | None = None
        self._unasked: str | None = None
        """Why the exchange is not asked."""
        self._size = 0
        """Bytes of the last status."""
        self._table = ProcessTable(clock, urlsplit(plan.url).port)

    async def run(self, stop: asyncio.Event, test_alert: dict[str, str | None] | None = None) -> Run:
        """Ask for the length of the window; what was asked and when, and what came of a test message before it.

        Raises:
            UsageError: there is nothing at the address that could be validated.
        """
        async with aiohttp.ClientSession() as session:
            asker = Asker(session, self._plan.url, self._clock, self._plan.token)
            await self._begin(asker, session)
            run = Run(
                url=self._plan.shown, began=self._now(), ended=self._now(), window_s=self._plan.seconds, partial=True,
                by=build(), here=self._here, exchange=self._unasked,
                log=None if self._log else "no log was named: --log FILE", test_alert=test_alert,
                configured=self._plan.configured,
            )  # fmt: skip
            self._writer.write(RUN, run)
            works = [
                self._every(self._status_s, lambda: self._ask_status(asker, session)),
                self._every(lambda: self._plan.sweep_s, lambda: self._sweep(asker)),
                self._every(lambda: 5.0, lambda: self._ask_prices(asker)),
                self._every(lambda: _LOG_S, self._read_log),
            ]
            over = await self._watch(works, stop)
        await self._read_log(last=True)
        return self._finished(run, partial=not over)

    async def _begin(self, asker: Asker, session: aiohttp.ClientSession) -> None:
        """Read what the deployment documents, what it is, and which names stand for others."""
        document = await asker.ask("/openapi.json")
        if document.status == 401:
            raise UsageError(f"{self._plan.shown}: a token is required; give --token-file, or VIRTUOSO_TOKEN")
        if document.status != 200 or not isinstance(document.body, dict):
            said = document.error or f"status {document.status}"
            raise VirtuosoError(f"{self._plan.shown}/openapi.json: {said}: there is nothing that could be validated")
        self._learn((await asker.ask(STATUS)).body, session)
        self._naming = Naming(document.body)
        self._naming.watched((await asker.ask(SYMBOLS)).body)
        await self._look_up(asker)

    async def _look_up(self, asker: Asker) -> None:
        if await self._naming.look_up(asker):
            self._writer.write(ROUTES, self._naming.routes)

    def _learn(self, status: Any, session: aiohttp.ClientSession) -> None:
        """Keep a status, and what it says of where the deployment and its exchange are, as soon as one says it."""
        self._status = status if isinstance(status, dict) else {}
        self._here = self._here or monitor_pid(self._status) is not None
        if self._exchange is None:
            address, self._unasked = address_of(self._status, here=self._here)
            if address is not None:
                category = str(self._status["exchange"].get("category") or "linear")
                self._exchange = ExchangeAsker(Asker(session, address, self._clock), category)

    async def _watch(self, works: list[Coroutine[Any, Any, None]], stop: asyncio.Event) -> bool:
        """Let the works go on until the window is over; whether it was not stopped before."""
        tasks = [asyncio.create_task(work) for work in works]
        stopping = asyncio.create_task(stop.wait())
        began_ns = self._clock.monotonic_ns()
        try:
            while not stopping.done():
                self.progress.elapsed_s = (self._clock.monotonic_ns() - began_ns) / 1e9
                left_s = self._plan.seconds - self.progress.elapsed_s
                if left_s <= 0:
                    return True
                done, _ = await asyncio.wait(
                    [*tasks, stopping], timeout=min(0.5, left_s), return_when=asyncio.FIRST_COMPLETED
                )
                for task in done - {stopping}:
                    task.result()
            return False
        finally:
            for task in (*tasks, stopping):
                task.cancel()
            await asyncio.gather(*tasks, stopping, return_exceptions=True)

    async def _every(self, period_s: Callable[[], float], work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + period_s()
            await work()
            await asyncio.sleep(max(_PAUSE_S, due_s - loop.time()))

    def _status_s(self) -> float:
        """Seconds from one status to the next: no pass may go by unseen."""
        wanted_s = min(5.0, max(1.0, self._of_cycle("interval_configured", 10.0) / 4))
        return max(wanted_s, self._size / _STATUS_BYTES_S)

    def _of_cycle(self, name: str, otherwise: float) -> float:
        """A number of the cycle, as the last status says it."""
        cycle = self._status.get("cycle")
        found = cycle.get(name) if isinstance(cycle, dict) else None
        return float(found) if isinstance(found, int | float) else otherwise

    async def _ask_status(self, asker: Asker, session: aiohttp.ClientSession) -> None:
        sample = await asker.ask(STATUS)
        self.progress.count(sample, STATUS)
        self._size = sample.size or 0
        if isinstance(sample.body, dict):
            self._learn(sample.body, session)
            self.progress.cycles = int(self._of_cycle("count", 0.0))
            reasons = sample.body.get("health_reasons")
            for reason in reasons if isinstance(reasons, list) else ():
                self.progress.note(f"health: {reason}")
        self._writer.add("status.jsonl", sample)

    async def _sweep(self, asker: Asker) -> None:
        """Ask every documented route once, and see the processes."""
        await self._look_up(asker)
        for route in self._naming.routes:
            if route.asked is None:
                continue
            if route.path == STREAM:
                sample = await asker.first_event(route.asked)
            else:
                sample = await asker.ask(route.asked, "GET" if route.method == "GET" else "OPTIONS")
            if route.method != "GET":
                self._writer.add("changing.jsonl", replace(sample, path=f"{route.method} {route.path}"))
            else:
                self.progress.count(sample, route.path)
                self._writer.answer(route.path, sample)
            await asyncio.sleep(_PAUSE_S)
        seen = await asyncio.get_running_loop().run_in_executor(None, self._table.seen, self._status)
        if seen is not None:
            self._writer.add("processes.jsonl", seen)

    async def _ask_prices(self, asker: Asker) -> None:
        """Ask the deployment and the exchange for the same prices, one right after the other; and for books."""
        prices = await asker.ask(SYMBOLS)
        self._writer.add("prices.jsonl", prices)
        self._naming.watched(prices.body)
        if self._exchange is not None:
            async for sample in self._exchange.samples(self._naming.symbols[:_PRICED]):
                self._writer.add("exchange.jsonl", sample)
        for symbol in self._naming.symbols[:_BOOKS]:
            sample = await asker.ask(f"{SYMBOLS}/{quote(symbol, safe='')}/book?depth=1")
            self._writer.add("books.jsonl", sample)
            await asyncio.sleep(_PAUSE_S)

    async def _read_log(self, *, last: bool = False) -> None:
        if self._log is not None:  # here and not in a thread: what one that is cancelled had read would be lost
            self._writer.log(self._log.gained(last=last))

    def _finished(self, run: Run, *, partial: bool) -> Run:
        found = replace(run, ended=self._now(), partial=partial, here=self._here, exchange=self._unasked)
        if self._log is not None:
            found = replace(found, log_lines=self._log.count, log_gaps=tuple(self._log.gaps))
        self._writer.write(RUN, found)
        return found

    def _now(self) -> str:
        return iso(self._clock.now_ns() / 1e6) or ""

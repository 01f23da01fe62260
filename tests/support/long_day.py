"""A process that watches a made-up exchange by a clock of its own, as fast as it can, and tells its memory each minute.

Everything between the adapter and the stores is real: market state and detectors, engine, cycle, results, bar
archive, committer, the embedded time series and the database. Run as
`python -m tests.support.long_day FOLDER --minutes 1440`; prints a JSON object for every minute played.
"""

import argparse
import asyncio
import gc
import json
import tracemalloc
from contextlib import AsyncExitStack
from dataclasses import replace
from math import inf, nan
from pathlib import Path

import numpy as np
import psutil
import structlog

from tests.support.long_day_market import MINUTE, PHASES, STEPS, Events, MadeUpExchange, MadeUpStream, prices
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.config import Settings
from virtuoso.market.symbol import SymbolState
from virtuoso.market.universe.choice import UniverseRules
from virtuoso.model.clock import ManualClock, SystemClock
from virtuoso.model.market import AccountRatio, Bar, Side, Trade
from virtuoso.monitor.alerting.alerting import without_notifications
from virtuoso.monitor.documents.publication import Publication
from virtuoso.monitor.kernel import Kernel, Source
from virtuoso.monitor.persistence.committer import Committer
from virtuoso.monitor.status import feed_items
from virtuoso.monitor.watching.detection import DetectingSink
from virtuoso.operations.health import HealthState
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.database.lease.lease import Lease
from virtuoso.storage.database.leased_store import LeasedStore
from virtuoso.storage.database.store import Database
from virtuoso.storage.timeseries.embedded.store import EmbeddedStore
from virtuoso.wiring.parts import kernel_parts

START_MS = 1_748_476_800_000  # 2025-05-29 00:00 UTC
STEP_MS = MINUTE // STEPS
_TRADES, _TAPE_MINUTES, _NOTED, _INTERESTS = 2_000, 1_500, 360, 1_440
_SETTLE_S = 120.0


def fill(state: SymbolState, now_ms: int) -> None:
    """Fill the rings of a symbol as after a day of being watched: what they will hold is held from the start."""
    now = now_ms // MINUTE
    state.tape.merge(Trade(now_ms - _TRADES + i, 1.0, 1.0, Side.BUY, f"old{i}") for i in range(_TRADES))
    for number in range(now - _TAPE_MINUTES, now - 1):
        state.tape._minutes.put(number, (nan,) * 6)
    for number in range(now - _NOTED, now):
        state.minutes._rows.put(number, (nan,) * 10)
    for ring in (state.stats.open_interest_history, state.stats.funding_history):
        ring.extendleft((now_ms - i * MINUTE, 1.0 + i % 2) for i in range(1, _INTERESTS))
    for series in state.history.series.values():  # the kernel gives memory when it is first written
        series._data[series._end :] = nan


class LongDay:
    """The monitor without its network. `played` counts events."""

    def __init__(self, series: EmbeddedStore, store: LeasedStore, clock: ManualClock, symbols: int) -> None:
        self.clock = clock
        self.exchange = MadeUpExchange(clock, symbols)
        self._stream = MadeUpStream(clock)
        parts = kernel_parts(Settings())
        self.incidents = IncidentLog(Settings().monitoring.alerts.keep)
        self._committer = Committer(store, self.exchange.name, self.incidents)
        self.kernel = kernel = Kernel(
            replace(parts, universe=UniverseRules(size=symbols, detailed=symbols), slow_pass_s=inf),
            Source(self.exchange, self._stream), clock, Publication(MemoryCache(clock), 1, 40.0),
            alerting=without_notifications(self.incidents, clock), committer=self._committer,
            health=HealthState(clock, 60.0, "embedded"), series=series,
        )  # fmt: skip
        self.market, self.watch, self.cycle = kernel.market, kernel.watch, kernel.cycle
        self._detection, self._results, self._archive = kernel.detection, kernel.results, kernel.archive
        self._series = series
        self._playing: list[tuple[DetectingSink, Events]] = []
        self._updates: dict[str, int] = {}
        self.played = 0

    async def choose(self) -> None:
        """Watch what is listed now; newcomers begin with full rings."""
        new = await self.watch.adopt(await self.watch.choose())
        now_ns = self.clock.now_ns()
        for symbol in new:
            fill(self.market[symbol], now_ns // 1_000_000)
        sinks = self._detection.sinks(self.market, now_ns)
        self._stream.watch(sinks, self.watch.detailed)
        for symbol in new:
            events = self.exchange.listed[symbol]
            sinks[symbol].book_snapshot(0, now_ns // 1_000_000, now_ns, events.bids, events.asks)
            self._updates[symbol] = 0
        self._playing = [(sinks[symbol], events) for symbol, events in self.exchange.listed.items()]
        while self._archive.write_backlog():
            await asyncio.sleep(0)

    async def minute(self, number: int) -> None:
        """Play one minute, analyse and keep it."""
        begin_ms = self.clock.now_ns() // 1_000_000
        for step in range(STEPS):
            self.clock.advance(STEP_MS * 1_000_000)
            self._step(begin_ms, (number * STEPS + step) % PHASES)
            await asyncio.sleep(0)
        self._bars(begin_ms, number % (PHASES // STEPS))
        self._detection.sweep(self.clock.now_ns())
        await self.cycle.run()
        now_ns = self.clock.now_ns()
        self._results.observed(now_ns // 1_000_000, feed_items(self._stream.feeds(), now_ns, 10.0))
        await self._committer.commit()
        assert await self._series.settle(_SETTLE_S), "the time series does not follow"

    def _step(self, begin_ms: int, phase: int) -> None:
        now_ns = self.clock.now_ns()
        now_ms = now_ns // 1_000_000 - 1  # of the minute that is running
        name, updates = str(now_ms), self._updates
        for sink, events in self._playing:
            symbol = sink.state.symbol
            updates[symbol] += 1
            sink.ticker(now_ms, now_ns, events.tickers[phase])
            assert sink.book_delta(updates[symbol], now_ms, now_ns, *events.deltas[phase]) is None
            price = events.bids[0][0]
            sink.trades(now_ns, (Trade(now_ms, price, events.sizes[phase], events.sides[phase], name),))
        self.played += 3 * len(self._playing)

    def _bars(self, begin_ms: int, minute: int) -> None:
        now_ns = self.clock.now_ns()
        at = np.array([begin_ms, begin_ms + MINUTE]) / MINUTE
        for sink, events in self._playing:
            a, b = prices(events.number, at).tolist()
            volume = events.volumes[minute]
            sink.bars(now_ns, (Bar(begin_ms, a, max(a, b) * 1.0005, min(a, b) * 0.9995, b, volume, volume * a),))
            if begin_ms % (5 * MINUTE) == 0:
                share = 0.5 + 0.001 * (begin_ms // (5 * MINUTE) % 50)
                sink.state.take_ratios((AccountRatio(begin_ms, share, 1.0 - share),))

    def close(self) -> None:
        """End the worker."""
        self.kernel.close()


async def play(folder: Path, minutes: int, symbols: int, swap: int, traced: bool) -> None:
    """Play so many minutes; every `swap` minutes one symbol is delisted and another listed."""
    clock, process = ManualClock(START_MS * 1_000_000), psutil.Process()
    async with AsyncExitStack() as stack:
        database = Database(f"sqlite:///{folder / 'virtuoso.sqlite'}", SystemClock())
        stack.push_async_callback(database.close)
        await database.start()
        lease = Lease(database, "long-day", SystemClock(), version="0")
        await lease.acquire()
        renewing = asyncio.create_task(lease.run())
        stack.callback(renewing.cancel)
        series = EmbeddedStore(folder / "timeseries", clock=clock)
        stack.push_async_callback(series.close)
        await series.start()
        day = LongDay(series, LeasedStore(database, lease, "long-day", "made-up"), clock, symbols)
        stack.callback(day.close)
        if traced:  # from before anything is held, so that what goes is known, too
            tracemalloc.start()
        await day.choose()
        gc.collect()
        gc.freeze()
        for number in range(minutes):
            await day.minute(number)
            if number % swap == swap - 1:
                day.exchange.delist_oldest()
                day.exchange.list_one()
                await day.choose()
            print(json.dumps({
                "minute": number, "rss": process.memory_info().rss, "symbols": len(day.market.rows),
                "evaluated": len(day.cycle.evaluations), "failures": day.cycle.failures, "played": day.played,
                "error": day.cycle.last_error, "written": series.status().counts["written"],
                "dropped": series.status().counts["dropped"], "fired": day.incidents.fired,
                "committed_ms": day._committer.committed_close_ms, "traced": _traced(),
            }), flush=True)  # fmt: skip


def _traced() -> int:
    """Bytes that Python and numpy hold; 0 where they are not counted."""
    if tracemalloc.is_tracing():
        gc.collect()
    return tracemalloc.get_traced_memory()[0]


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--minutes", type=int, default=1_440)
    arguments.add_argument("--symbols", type=int, default=600)
    arguments.add_argument("--swap", type=int, default=5)
    arguments.add_argument("--traced", action="store_true", help="count what Python holds, at half the speed")
    given = arguments.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    asyncio.run(play(given.folder, given.minutes, given.symbols, given.swap, given.traced))

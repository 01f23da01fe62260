"""Let the demo's market and a monitor live a day, as fast as it goes, and write what was said and what came of it.

Usage: python -m tools.live_a_day [--hours 26] [--speed 100] [--out docs/track-record-lived.md]

Exchange and monitor are those of `virtuoso demo`, over real sockets and with a real database, but in one process and by one
clock. It passes at most SPEED times as fast as the wall's, and more slowly wherever the machine does not follow: a busy
machine takes longer and changes nothing of what is lived. The monitor asks by REST each minute for tickers and bars
(`market_data.mode: poll`, `universe.detailed: 0`): streamed books and trades of a whole day would take hours.
"""

import argparse
import asyncio
import selectors
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

import structlog

from virtuoso.analysis.forecast.horizons import OUTCOME_HORIZONS_MIN
from virtuoso.analysis.lived.statements import Statements
from virtuoso.cli.signals_performance import markdown
from virtuoso.config import Settings, load
from virtuoso.model import documents as docs
from virtuoso.model.catalogue.lived import KNOWN, READING, SIGNAL
from virtuoso.model.clock import SystemClock, iso
from virtuoso.model.forecast import horizon_text
from virtuoso.model.timeframe import DAY_MS
from virtuoso.monitor.app import Monitor
from virtuoso.monitor.lived.codec import came_from, packed_sums, statements_from
from virtuoso.monitor.lived.documents import performance
from virtuoso.monitor.lived.record import LivedRecord
from virtuoso.processes.monitor import monitor_for
from virtuoso.simulator.history import HistorySource, open_history
from virtuoso.simulator.server import EmbeddedExchange
from virtuoso.simulator.sources import demo_start_ms
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.database.records import LivedKey, LivedRow
from virtuoso.storage.stores import Stores
from virtuoso.wiring.folders import make_data_dir
from virtuoso.wiring.stores import opened

STEP_NS = 100_000_000
SYMBOLS, MANY, POLL_S = 15, 600, 60
WATCHED = ("observe", "evaluated", "settle", "take", "kept")
"""What the monitor does for what is lived (`LivedRecord`), beside making the figures."""


class Elsewhere:
    """Counts what threads and other processes are at, which no event loop sees."""

    def __init__(self) -> None:
        self.works, self._lock = 0, Lock()
        for pool in (ThreadPoolExecutor, ProcessPoolExecutor):
            pool.submit = self._counting(pool.submit)  # type: ignore[method-assign]

    def _counting(self, submit: Callable[..., Future[Any]]) -> Callable[..., Future[Any]]:
        def counted(*given: Any, **named: Any) -> Future[Any]:
            with self._lock:
                self.works += 1
            future = submit(*given, **named)
            future.add_done_callback(self._ended)
            return future

        return counted

    def _ended(self, _: Future[Any]) -> None:
        with self._lock:
            self.works -= 1


class PatientClock:
    """Implements `model.clock.Clock`: passes when the event loop turns, by `STEP_NS` a turn at most.

    While anything is done elsewhere it is as slow as the wall's: a bound of a second is a second there.
    """

    def __init__(self, speed: float) -> None:
        self.speed, self.elsewhere = speed, Elsewhere()
        self._real = SystemClock()
        self._wall_ns, self._passed_ns, self._seen_ns = self._real.now_ns(), 0, self._real.monotonic_ns()

    def turn(self) -> None:
        """Go on by what has passed since the last turn."""
        now_ns = self._real.monotonic_ns()
        speed = 1.0 if self.elsewhere.works else self.speed
        self._passed_ns += min(int((now_ns - self._seen_ns) * speed), STEP_NS)
        self._seen_ns = now_ns

    def now_ns(self) -> int:
        """UTC wall-clock time as it would be, ns since the Unix epoch."""
        return self._wall_ns + self._passed_ns

    def monotonic_ns(self) -> int:
        """A time that never steps back, ns."""
        return self._passed_ns

    def awake_ns(self) -> int:
        """The same."""
        return self._passed_ns


class _Selector(selectors.DefaultSelector):
    """Waits for as much less as time passes faster; time goes on behind each wait."""

    def __init__(self, clock: PatientClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(timeout if timeout is None or timeout <= 0 else timeout / self._clock.speed)
        self._clock.turn()
        return found


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: PatientClock) -> None:
        self._patient = clock
        super().__init__(_Selector(clock))

    def time(self) -> float:
        return self._patient.monotonic_ns() / 1e9


@dataclass
class Day:
    """What is told of the day beside its figures."""

    begun_ms: int
    ended_ms: int = 0
    played: str = ""
    passes: int = 0
    failures: int = 0
    fired: int = 0
    spent_s: float = 0.0
    """CPU of the whole process."""
    lived_s: float = 0.0
    """CPU for what is lived."""


def timed(record: LivedRecord, day: Day) -> None:
    """Count the CPU that its work takes, whichever thread does it."""

    def counted(work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any) -> Any:
            began = time.thread_time()
            try:
                return work(*given)
            finally:
                day.lived_s += time.thread_time() - began

        return run

    for name in WATCHED:
        setattr(record, name, counted(getattr(record, name)))


@asynccontextmanager
async def living(
    settings: Callable[[str], Settings], clock: PatientClock
) -> AsyncIterator[tuple[Monitor, Stores, HistorySource]]:
    """The demo's exchange and a monitor on it, with its stores."""
    start_ms = demo_start_ms(clock.now_ns() // 1_000_000)
    source = open_history(1, start_ms)
    async with EmbeddedExchange(source, clock=clock, start_ms=start_ms) as exchange:
        chosen, cache = settings(exchange.rest_url.removeprefix("http://")), MemoryCache(clock)
        make_data_dir(chosen)
        async with opened(chosen, clock, cache) as stores:
            yield monitor_for(chosen, clock, cache, stores=stores), stores, source


@dataclass(frozen=True)
class Kept:
    """What the database has of the day, and the figures made of it."""

    found: docs.SignalPerformance
    rows: list[LivedRow]
    sums_bytes: int
    figures_s: float
    """CPU of making the figures once."""


async def live(
    settings: Callable[[str], Settings], clock: PatientClock, hours: float, write: Callable[[Day, Kept], None]
) -> None:
    """Live so many hours; `write` is given the day so far every two of them, and the whole of it."""
    async with living(settings, clock) as (monitor, stores, source):
        running = asyncio.create_task(monitor.run())
        ready = asyncio.create_task(monitor.ready.wait())
        await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
        day, first = Day(exchange_ms(monitor, clock)), source.moment
        timed(monitor.lived, day)
        began, wall = time.process_time(), time.perf_counter()
        for part in range(1, ceil(2 * hours) + 1):
            await asyncio.wait({running}, timeout=min(1_800.0, 3_600 * hours - 1_800 * (part - 1)))
            if running.done():
                running.result()
            day.ended_ms, day.spent_s = exchange_ms(monitor, clock), time.process_time() - began
            day.played = " to ".join(
                f"{iso(at)}{', backwards,' if back else ''}" for at, back in (first, source.moment)
            )
            day.passes, day.failures, day.fired = monitor.cycle.count, monitor.cycle.failures, monitor.incidents.fired
            tell(day, monitor, time.perf_counter() - wall)
            if part % 4 == 0 or part == ceil(2 * hours):
                write(day, await kept_of(monitor, stores, day))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def exchange_ms(monitor: Monitor, clock: PatientClock) -> int:
    """The exchange's time as the monitor measured it."""
    return clock.now_ns() // 1_000_000 + round(monitor.exchange.clock_offset_ms or 0)


def tell(day: Day, monitor: Monitor, wall_s: float) -> None:
    """Say how far it is."""
    hours = (day.ended_ms - day.begun_ms) / 3.6e6
    said = f"{hours:.1f} h in {wall_s / 60:.1f} min; {monitor.cycle.count} passes, {monitor.cycle.failures} failed"
    print(f"{said}; {monitor.lived.changed} outcomes; CPU {day.spent_s:.0f} s, {day.lived_s:.2f} s for what is lived",
          file=sys.stderr, flush=True)  # fmt: skip


async def kept_of(monitor: Monitor, stores: Stores, day: Day) -> Kept:
    """Read what the database has, and make the figures."""
    began = time.thread_time()
    found = performance(day.ended_ms, monitor.lived.sums(), len(monitor.lived.pending))
    figures_s = time.thread_time() - began
    await monitor.committer.commit()
    identity, market = monitor.parts.identity, monitor.parts.kernel.market
    rows: list[LivedRow] = []
    after: LivedKey | None = None
    while page := await stores.database.lived(identity, market, 0, after=after):
        rows += page
        after = page[-1].key
    sums = monitor.lived.sums().values()
    size = sum(len(each if isinstance(each, bytes) else packed_sums(each)) for each in sums)
    return Kept(found, rows, size, figures_s)


def page(day: Day, kept: Kept) -> str:
    """The page of Markdown."""
    span = day.ended_ms - day.begun_ms
    return f"""# What was lived

Made by `make lived`; nothing here was written by hand. A monitor watched the market of the demo (`replay`: {SYMBOLS} symbols,
{day.played} of the bundled history) for {span / 3.6e6:.1f} hours by the exchange's clock, kept what it said,
and settled it as it fell due. Nothing here was backtested, and nothing of the [track record](track-record.md) is in here. It asked by
REST every {POLL_S} s for tickers and bars (symbols of the class `plain`: no books, no trades). One day is
one block: intervals begin with two, and no figure of a day proves anything about a market. What it shows is that
what is said is kept, settled and judged without anybody asking for it.

## What was kept

{written(day, kept)}

## What it costs

{costs(day, kept)}

## How good it was

{markdown(kept.found)}"""


def written(day: Day, kept: Kept) -> str:
    """How much was kept, by horizon, and whether anything is there twice."""
    said: dict[tuple[int, str, int], Statements] = {}
    seen: Counter[tuple[int, str, int, str]] = Counter()
    known: Counter[tuple[str, int]] = Counter()
    unknown: Counter[tuple[str, int]] = Counter()
    for (close_ms, kind, part, horizon_min), body in kept.rows:
        if horizon_min == 0:
            said[close_ms, kind, part] = statements_from(body, close_ms, kind, part)
        symbols = said[close_ms, kind, part].symbols
        seen.update((close_ms, kind, horizon_min, symbol) for symbol in symbols)
        if horizon_min:
            settled = int((came_from(body, close_ms, kind, part, horizon_min)["reason"] == KNOWN).sum())
            known[kind, horizon_min] += settled
            unknown[kind, horizon_min] += len(symbols) - settled
    stated = Counter(kind for _, kind, horizon_min, _ in seen if horizon_min == 0)
    table = ["| within | outcomes of readings | unknown | outcomes of claims | unknown |", "|---|---|---|---|---|"]
    table += [
        f"| {horizon_text(minutes)} | {known[READING, minutes]:,} | {unknown[READING, minutes]:,} "
        f"| {known[SIGNAL, minutes]:,} | {unknown[SIGNAL, minutes]:,} |"
        for minutes in OUTCOME_HORIZONS_MIN
    ]
    twice = sum(count > 1 for count in seen.values())
    closes = len({close for close, kind, horizon_min, _ in seen if kind == READING and horizon_min == 0})
    said_text = f"{stated[READING]:,} readings at {closes} closes and {stated[SIGNAL]:,} claims."
    passes = f"{day.passes:,} passes, {day.failures} of them failed; {day.fired} incidents."
    return "\n".join(
        (f"{said_text} {twice or 'Nothing'} of what was said or came stands there twice. {passes}", "", *table)
    )


def costs(day: Day, kept: Kept) -> str:
    """Bytes and CPU a day, and both for as many symbols as there are."""
    span_s = (day.ended_ms - day.begun_ms) / 1_000
    days, times = span_s / 86_400, MANY / SYMBOLS
    sizes = [
        sum(len(row.body) for row in kept.rows if (row.key.horizon_min == 0) is said) / days for said in (True, False)
    ]
    sizes.append(kept.sums_bytes / len({row.key.close_ms // DAY_MS for row in kept.rows}))
    lived = day.lived_s / span_s
    figures = kept.figures_s * 96 / 86_400
    names = ("what was said, kB a day", "what came of it, kB a day", "sums of a day, kB")
    rows = [f"| {name} | {size / 1e3:,.1f} | {times * size / 1e6:,.1f} MB |"
            for name, size in zip(names, sizes, strict=True)]  # fmt: skip
    return "\n".join((
        f"| | {SYMBOLS} symbols | times {times:g}, for {MANY} |", "|---|---|---|", *rows,
        f"| together, kB a day | {sum(sizes) / 1e3:,.1f} | {times * sum(sizes) / 1e6:,.1f} MB of 30 |",
        f"| CPU of keeping and settling, share of a core | {lived:.4%} | {times * lived:.2%} of 1 % |",
        f"| CPU of the figures, each quarter of an hour | {figures:.4%} | {times * figures:.2%} |",
        f"| CPU of everything, the exchange's too | {day.spent_s / span_s:.1%} | |",
    ))  # fmt: skip


def main() -> None:
    """Live, and write the page."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument(
        "--hours", type=float, default=26.0, help="more than 24, for outcomes within a day to be due"
    )
    arguments.add_argument("--speed", type=float, default=100.0)
    arguments.add_argument("--out", type=Path, default=Path("docs/track-record-lived.md"))
    given = arguments.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    clock = PatientClock(given.speed)

    def write(day: Day, kept: Kept) -> None:
        given.out.write_text(page(day, kept), encoding="utf-8")

    with TemporaryDirectory() as folder, asyncio.Runner(loop_factory=lambda: _Loop(clock)) as runner:
        runner.run(live(partial(settings_of, folder), clock, given.hours, write))


def settings_of(folder: str, address: str) -> Settings:
    """Those of the demo, but for how it asks."""
    return load([], {
        "VIRTUOSO__DATA_DIR": folder,
        "VIRTUOSO__EXCHANGE__REST_URL": f"http://{address}",
        "VIRTUOSO__EXCHANGE__STREAM_URL": f"ws://{address}/v5/public",
        "VIRTUOSO__MARKET_DATA__MODE": "poll",
        "VIRTUOSO__MONITORING__INTERVAL": f"{POLL_S}s",
        "VIRTUOSO__UNIVERSE__DETAILED": "0",
    })  # fmt: skip


if __name__ == "__main__":
    main()

"""A day of a small monitor with a real database, which is killed now and then, and what should have been kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np

from tests.support.databases import sqlite_url
from tests.support.long_day_market import MINUTE, MadeUpExchange, prices
from tests.support.small_monitor import START_MS, SmallMonitor
from virtuoso.market.panel import Floats
from virtuoso.model.clock import ManualClock, SystemClock
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.lived.ways import ways_of
from virtuoso.storage.database.lease.lease import Lease
from virtuoso.storage.database.lease.rows import read, take
from virtuoso.storage.database.leased_store import LeasedStore
from virtuoso.storage.database.store import Database
from virtuoso.storage.lease import Term

IDENTITY = "lived"
FEW = {Timeframe.M1: 0.5, Timeframe.M5: 0.5}
"""As many timeframes as forecasts need: others would only take time."""


class WholeBars(MadeUpExchange):
    """Its longer bars are made of its minutes, as those of an exchange are."""

    def minutes(self, symbol: str, start_ms: int, count: int) -> Floats:
        """Open, high, low, close of so many minutes [count, 4]."""
        at = start_ms / MINUTE + np.arange(count + 1)
        around = prices(self.listed[symbol].number, at)
        a, b = around[:-1], around[1:]
        return np.stack([a, np.maximum(a, b) * 1.0005, np.minimum(a, b) * 0.9995, b], axis=1)

    async def bars(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> list[Bar]:
        first = -(-start_ms // timeframe.ms) * timeframe.ms
        count = max(0, (end_ms - first) // timeframe.ms + 1)
        if not count:
            return []
        whole = self.minutes(symbol, first, count * timeframe.minutes).reshape(count, timeframe.minutes, 4)
        table = np.stack(
            [whole[:, 0, 0], whole[:, :, 1].max(axis=1), whole[:, :, 2].min(axis=1), whole[:, -1, 3]], axis=1
        )
        return [
            Bar(
                first + k * timeframe.ms, *row, 20.0 * timeframe.minutes, 20.0 * timeframe.minutes * row[0],
                first + (k + 1) * timeframe.ms <= end_ms,
            )
            for k, row in enumerate(table.tolist())
        ]  # fmt: skip


class _Held:
    """A lease that is held for sure."""

    def __init__(self, term: Term) -> None:
        self.term = term

    def may_publish(self) -> bool:
        return True


class LivedDay:
    """`start` it, let minutes pass, `kill` it, and start it again; the database stays."""

    def __init__(self, folder: Path, symbols: int) -> None:
        self.clock = ManualClock((START_MS + 10_000) * 1_000_000)
        self.exchange = WholeBars(self.clock, symbols)
        self.database = Database(sqlite_url(folder), SystemClock())
        self.said: set[tuple[int, str]] = set()
        """Closes and symbols that were spoken of by a monitor that kept it."""
        self._symbols = symbols
        self._epoch = 0
        self.small: SmallMonitor

    async def start(self) -> None:
        """A new process, which takes the lease and goes on from the database."""
        self._epoch += 1
        term = Term(IDENTITY, self._epoch)
        await self.database.run(
            lambda c: take(c, term, read(c, IDENTITY), holder="test", process="test", version="0", now_ms=0),
            writing=True,
        )
        store = LeasedStore(self.database, cast("Lease", _Held(term)), IDENTITY, self.exchange.name)
        self.small = SmallMonitor(self._symbols, self.exchange, clock=self.clock, store=store, timeframes=FEW)
        await self.small.lived.resume(self.small.now_ms)
        await self.small.start()
        await self.small.lived.catch_up(self.small.now_ms)

    def kill(self) -> None:
        """Nothing more is kept."""
        self.small.close()

    async def until(self, close_ms: int) -> None:
        """Let time pass up to a close, which is analysed."""
        left = (close_ms - self.small.now_ms) // MINUTE
        if left > 0:
            await self.small.bars_alone(left)
        await self.small.minute()

    def settle(self) -> None:
        small = self.small
        small.lived.settle(small.now_ms, ways_of(small.market))

    async def keep(self) -> None:
        """Commit what waits."""
        await self.small.committer.commit()

    def down(self, minutes: int) -> None:
        """Nobody watches meanwhile."""
        self.clock.advance(minutes * MINUTE * 1_000_000)

    def way(self, symbol: str, close_ms: int, minutes: int) -> Sequence[float]:
        """Entry, and log returns of the last close, the highest and the lowest, by the exchange's own minutes."""
        table = self.exchange.minutes(symbol, close_ms, minutes)
        entry = table[0, 0]
        returned = np.log(np.array([table[-1, 3], table[:, 1].max(), table[:, 2].min()]) / entry)
        return [float(entry), *returned.astype(np.float32).astype(float).tolist()]

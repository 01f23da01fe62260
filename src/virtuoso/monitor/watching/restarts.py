"""Begins the history of a symbol anew: where it was listed anew, or its contract became a multiple of itself."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from contextlib import suppress

import structlog
from msgspec import UNSET

from virtuoso.analysis.engine import Engine
from virtuoso.exchange.protocol import Exchange
from virtuoso.market.series import VOLUME, BarSeries
from virtuoso.market.state import MarketState
from virtuoso.model.clock import Clock, iso
from virtuoso.model.errors import ExchangeError, ExchangeUnavailable
from virtuoso.model.instrument import Instrument
from virtuoso.model.timeframe import Timeframe
from virtuoso.model.units import multiplied, unit_jump
from virtuoso.monitor.persistence.bar_archive import BarArchive
from virtuoso.monitor.watching.history_loader import HistoryLoader

log = structlog.get_logger(__name__)

_UNTRADED_MS = 6 * 3_600_000
"""For so long before it is listed anew an instrument is not traded."""


class Restarts:
    """Forgets what a symbol was, and loads what it is now. `engine` is touched only on `worker`."""

    def __init__(
        self,
        *,
        exchange: Exchange,
        market: MarketState,
        engine: Engine,
        worker: Executor,
        clock: Clock,
        archive: BarArchive,
        loader: HistoryLoader,
    ) -> None:
        self._exchange = exchange
        self._market = market
        self._engine = engine
        self._worker = worker
        self._clock = clock
        self._archive = archive
        self._loader = loader
        self.restarted: dict[str, tuple[int, str]] = {}
        """Symbols whose history began anew, when (epoch ms) and why; they are in `unlinked` until streams feed them."""
        self.unlinked: set[str] = set()

    async def heed_terms(self, changed: Mapping[str, Instrument]) -> None:
        """Act on instruments with other terms: what was listed anew begins anew, others make the last bar doubted.

        What was traded just before its launch was not listed then, whatever the list says.
        """
        for symbol, instrument in changed.items():
            if symbol not in self._market:
                continue
            launch_ms, history = instrument.launch_ms or 0, self._market[symbol].history
            anew = (history.base.first_ms or 0) < launch_ms <= self._loader.exchange_ms()
            if anew and _traded_before(history.base, launch_ms):
                log.warning("a launch is not believed: it was traded before", symbol=symbol, launch=iso(launch_ms))
            elif anew:
                await self.begin_anew(symbol, launch_ms, 0)
                continue
            if history.base.next_ms is not None:
                history.doubted[history.base.next_ms - Timeframe.M1.ms] = "the instrument has other terms"

    async def heed_jump(self, symbol: str) -> None:
        """Begin the history anew where a price stands in another unit, if two sources say so.

        Raises:
            ExchangeUnavailable: one alone does.
        """
        history = self._market[symbol].history
        if (jump := history.jump) is None:
            return
        close = history.base.last(1)[0].close
        quoted = [self._market[symbol].stats.values[name] for name in ("mark", "last")]
        if not any(_is_jump(close, price, jump.n) for price in quoted):
            ticker = (await self._exchange.tickers()).get(symbol)
            quoted = [] if ticker is None else [value for value in (ticker.mark, ticker.last) if value is not UNSET]
        agreed = any(_is_jump(close, price, jump.n) for price in quoted)
        if not jump.asked or not (agreed or len(jump.asked) > 1):
            raise ExchangeUnavailable(
                f"the minute at {iso(jump.open_ms)} would mean a contract {multiplied(jump.n)}, which nothing else says"
            )
        await self.begin_anew(symbol, jump.open_ms, jump.n)

    async def begin_anew(self, symbol: str, since_ms: int, n: int) -> None:
        """Forget all of a symbol and begin with bars from `since_ms` on, where it became another: 10ⁿ times itself.

        `n` = 0 is an instrument that was listed anew; `since_ms` = 0 a past that the exchange tells in the new unit.
        """
        row = self._market.remove(symbol)  # it stays `ready`: failing below, it is loaded by the next repair
        self._archive.forget(symbol)
        await asyncio.get_running_loop().run_in_executor(self._worker, self._engine.remove, row)
        row, history = self._market.add(symbol), self._market[symbol].history
        history.restart(since_ms, n)
        now_ns = self._clock.now_ns()
        self.restarted[symbol] = now_ns // 1_000_000, history.seam or ""
        self.unlinked.add(symbol)
        log.warning("history begins anew", symbol=symbol, reason=history.seam)
        with suppress(ExchangeError):
            if (ticker := (await self._exchange.tickers()).get(symbol)) is not None:
                self._market[symbol].ticker(self._loader.exchange_ms(), now_ns, ticker)
        await self._loader.load_anew([symbol])
        await self._loader.warm_up({symbol: row})


def _is_jump(before: float, after: float | None, n: int) -> bool:
    return after is not None and unit_jump(before, after) == n


def _traded_before(base: BarSeries, launch_ms: int) -> bool:
    """Whether a minute of the hours before a launch, which is after the first one held, had trades."""
    first_ms, rows = base.since(launch_ms - _UNTRADED_MS)
    whole = max(0, launch_ms - first_ms) // Timeframe.M1.ms
    return bool(rows[:whole, VOLUME].any())


def other_terms(before: Instrument | None, now: Instrument) -> bool:
    """Whether an instrument may be another than it was."""
    return before is not None and (before.tick_size, before.launch_ms) != (now.tick_size, now.launch_ms)

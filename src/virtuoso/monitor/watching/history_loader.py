"""Loads the history of symbols, from stores and exchange, and warms their rows of the engine up with it."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor

import structlog

from virtuoso.analysis.alpha import estimates as alpha
from virtuoso.analysis.checkpoint import Checkpoint
from virtuoso.analysis.engine import Engine
from virtuoso.exchange.protocol import Exchange
from virtuoso.market.panel import BarBlock
from virtuoso.market.state import MarketState
from virtuoso.model.clock import Clock
from virtuoso.model.errors import ExchangeError, NotOffered
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.containment import Contained
from virtuoso.monitor.persistence.bar_archive import BarArchive, minutes_wanted

log = structlog.get_logger(__name__)

_SPARE_BARS = 30
_MOST_BARS = 1_000
_TRADES = 1_000
_INTERESTS = 200
_WARMED_AT_ONCE = 64
_RESUMED_MS = 3_600_000
"""After a longer stop labels and regimes begin anew."""
_AT_ONCE = 40
"""Symbols whose history is fetched at a time: beyond, requests would only wait for the budget."""


class HistoryLoader:
    """Fetches the past of symbols and steps the engine through it. `engine` is touched only on `worker`.

    Args:
        exchange: asked for what is not stored.
        market: where bars and trades go; the symbols have their rows there.
        engine: warmed up.
        worker: the single thread that owns the engine's state.
        clock: what time it is.
        archive: asked first.
        contained: takes what the work for one symbol raises.
        detailed: whether a symbol is watched with book and trades.
    """

    def __init__(
        self,
        *,
        exchange: Exchange,
        market: MarketState,
        engine: Engine,
        worker: Executor,
        clock: Clock,
        archive: BarArchive,
        contained: Contained,
        detailed: Callable[[str], bool],
    ) -> None:
        self._exchange = exchange
        self._market = market
        self._engine = engine
        self._worker = worker
        self._clock = clock
        self._archive = archive
        self._contained = contained
        self._detailed = detailed
        self.fetched_ns: dict[str, int] = {}
        """When the history of a symbol was last fetched (epoch ns)."""
        self.failed: dict[str, str] = {}
        """Why the history of a symbol is not there or not whole."""
        self.checkpoints: Mapping[str, Checkpoint] = {}
        """Where symbols stood at the close `stood_ms` of an earlier run."""
        self.stood_ms = 0
        self._no_interest = False

    def exchange_ms(self) -> int:
        """Exchange time now (epoch ms), by the measured offset."""
        return int(self._clock.now_ns() / 1e6 + (self._exchange.clock_offset_ms or 0.0))

    def forget(self, symbol: str) -> None:
        """Know nothing of a symbol that is no longer watched."""
        self.fetched_ns.pop(symbol, None)
        self.failed.pop(symbol, None)

    async def load(self, symbols: Sequence[str]) -> None:
        """Fetch what the indicators need; a symbol that fails is noted and neither delays nor fails the others.

        With the trades, the minutes just before the start have their taker sides too.
        """
        await self._recall(symbols)
        await self.load_anew(symbols)

    async def load_anew(self, symbols: Sequence[str]) -> None:
        """Fetch what the indicators need of the exchange alone, as `load` does for what is not stored."""
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def load(symbol: str) -> None:
            async with at_once:
                parts = asyncio.gather(self.fill_tape([symbol]), self._load_bars(symbol), self._load_interest(symbol))
                await self._contained.awaited(symbol, "loading its history", parts)

        await asyncio.gather(*(load(symbol) for symbol in symbols))

    async def _recall(self, symbols: Sequence[str]) -> None:
        """Begin with what is stored, so that the exchange is asked for the gap only."""
        wanted = {timeframe: self._wanted(timeframe) - _SPARE_BARS for timeframe in self._market.timeframes}
        recalled = 0
        for group, detailed in self._groups(symbols):
            minutes = minutes_wanted(detailed=detailed)
            recalled += await self._archive.recall(group, wanted, minutes, self.exchange_ms())
        if recalled:
            log.info("history recalled", symbols=recalled, of=len(symbols))

    def _groups(self, symbols: Sequence[str]) -> Iterator[tuple[Sequence[str], bool]]:
        """A few at a time, those with book and trades apart."""
        for detailed in (True, False):
            chosen = [symbol for symbol in symbols if self._detailed(symbol) is detailed]
            for first in range(0, len(chosen), _WARMED_AT_ONCE):
                yield chosen[first : first + _WARMED_AT_ONCE], detailed

    def _wanted(self, timeframe: Timeframe) -> int:
        """Bars of history that are needed."""
        count = min(_MOST_BARS, max(self._engine.history(timeframe), alpha.history(timeframe)) + _SPARE_BARS)
        if timeframe is Timeframe.M1:  # enough minutes to complete the forming bar of every other timeframe
            count = max(count, max(tf.minutes for tf in self._market.timeframes) + _SPARE_BARS)
        return count

    async def recover(self, symbol: str, *, left: int = 0) -> None:
        """Load the history of a symbol that has none, and warm its row up with it but for the last `left` closes."""
        await self.load([symbol])
        await self.warm_up({symbol: self._market.rows[symbol]}, left=left)

    async def rewarm(self, symbols: Sequence[str], upto_ms: int) -> None:
        """Let the engine take the bars that closed by `upto_ms` anew; labels, regimes and the book's past stay."""
        rows = {symbol: row for symbol in symbols if (row := self._market.rows.get(symbol)) is not None}
        for group, detailed in self._groups(list(rows)):
            await self._archive.remember(group, minutes_wanted(detailed=detailed), upto_ms)
            blocks = [block for block, _ in self._blocks(group, upto_ms)]

            def warm(group: Sequence[str] = group, blocks: Sequence[BarBlock] = blocks) -> None:
                for symbol in group:
                    self._engine.restart(rows[symbol])
                self._engine.warm_up(blocks)

            await asyncio.get_running_loop().run_in_executor(self._worker, warm)

    async def warm_up(self, rows: Mapping[str, int], *, left: int = 0) -> None:
        """Step the engine through the history of symbols, some at a time: all of it would stand in memory twice.

        The last `left` closes are left to be analysed.
        """
        symbols = list(rows)
        for first in range(0, len(symbols), _WARMED_AT_ONCE):
            group = symbols[first : first + _WARMED_AT_ONCE]
            try:
                await self._warm(group, rows, left)
            except Exception as error:  # noqa: BLE001 - one of them raised: which, shows when each is alone
                log.warning("a group could not be warmed up; each symbol is warmed up alone", error=str(error))
                for symbol in group:
                    if not await self._contained.awaited(symbol, "warming up", self._warm([symbol], rows, left)):
                        self.failed[symbol] = self._contained.reason(symbol) or ""

    async def catch_up(self) -> None:
        """Once all that is watched is warmed up: learn from the closes since an earlier run kept what it had learnt."""
        if self._engine.outlook is None:
            return
        closes = await asyncio.get_running_loop().run_in_executor(self._worker, self._engine.outlook.catch_up)
        if closes:
            log.info("forecasts caught up", closes=closes)

    async def _warm(self, group: Sequence[str], rows: Mapping[str, int], left: int) -> None:
        last_ms = Timeframe.M1.floor(self.exchange_ms())
        upto_ms = last_ms - left * Timeframe.M1.ms
        # The minute that is running was not seen whole: it decides nothing either.
        decided_ms = last_ms + Timeframe.M1.ms
        resumed = self.checkpoints if last_ms - self.stood_ms <= _RESUMED_MS else {}
        named = self._blocks(group, upto_ms)

        def warm() -> None:
            for symbol in group:
                self._engine.add(symbol, rows[symbol])
            self._engine.warm_up([block for block, _ in named])
            for symbol in group:
                if symbol in resumed:
                    self._engine.resume(rows[symbol], resumed[symbol], self.stood_ms, decided_ms)

        await asyncio.get_running_loop().run_in_executor(self._worker, warm)
        for block, columns in named:
            self._archive.warmed(block, columns)

    def _blocks(self, group: Sequence[str], upto_ms: int) -> list[tuple[BarBlock, list[str]]]:
        """All bars of a group that closed by `upto_ms`, with what is stored of their minutes; the names of columns."""
        of_row = {self._market.rows[symbol]: symbol for symbol in group}
        self._market.rewind(group)
        blocks = self._market.warm_up(group, upto_ms)
        named = [(block, [of_row[row] for row in block.rows.tolist()]) for block in blocks]
        return [(self._archive.fill(block, columns), columns) for block, columns in named]

    async def _load_bars(self, symbol: str) -> None:
        state = self._market[symbol]
        now_ms = self.exchange_ms()

        async def fetch(timeframe: Timeframe) -> Sequence[Bar]:
            stored_ms = self._archive.recalled_until(symbol, timeframe)
            if stored_ms is not None and stored_ms + timeframe.ms > now_ms:
                return ()  # what is stored reaches up to now
            first_ms = now_ms - self._wanted(timeframe) * timeframe.ms if stored_ms is None else stored_ms
            return await self._exchange.bars(symbol, timeframe, first_ms, now_ms)

        frames = self._market.timeframes
        try:
            found = await asyncio.gather(*(fetch(timeframe) for timeframe in frames))
            for timeframe, bars in zip(frames, found, strict=True):  # minutes first: they say where history begins
                state.history.load(timeframe, bars)
        except ExchangeError as error:
            self.failed[symbol] = str(error)
            log.warning("history could not be loaded", symbol=symbol, error=str(error))
        else:
            self.fetched_ns[symbol] = self._clock.now_ns()
            self.failed.pop(symbol, None)

    async def _load_interest(self, symbol: str) -> None:
        """Open interest of the last hours, for symbols with book and trades: without it, it is known from now on."""
        if not self._detailed(symbol) or self._no_interest:
            return
        try:
            rows = await self._exchange.open_interest(symbol, _INTERESTS)
        except NotOffered as error:
            self._no_interest = True
            log.info("open interest of the past is not available", reason=str(error))
        except ExchangeError as error:
            log.warning("open interest could not be fetched", symbol=symbol, error=str(error))
        else:
            if symbol in self._market:
                self._market[symbol].take_interest(rows)

    async def fill_tape(self, symbols: Collection[str]) -> None:
        """Fetch the latest trades, which fill what the stream did not carry."""

        async def fill(symbol: str) -> None:
            try:
                trades = await self._exchange.trades(symbol, _TRADES)
            except ExchangeError as error:
                log.warning("trades could not be fetched", symbol=symbol, error=str(error))
                return
            if symbol in self._market:
                self._market[symbol].fill_tape(self._clock.now_ns(), trades)

        await asyncio.gather(*(fill(symbol) for symbol in symbols if self._detailed(symbol)))

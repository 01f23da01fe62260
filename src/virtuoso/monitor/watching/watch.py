"""What is watched: the universe chosen, its history loaded, its rows in market and engine kept alike."""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress

import structlog
from msgspec import UNSET

from virtuoso.analysis.alpha import estimates as alpha
from virtuoso.analysis.checkpoint import Checkpoint
from virtuoso.analysis.engine import Engine
from virtuoso.exchange.protocol import Exchange
from virtuoso.market.panel import BarBlock
from virtuoso.market.series import VOLUME, BarSeries
from virtuoso.market.state import MarketState
from virtuoso.market.universe.choice import Universe, UniverseRules, select, unknown_includes, why_empty
from virtuoso.market.universe.listing import Listed, Listings
from virtuoso.model.clock import Clock, iso
from virtuoso.model.errors import ExchangeError, ExchangeUnavailable, NotOffered
from virtuoso.model.evidence import Evidence, attainable
from virtuoso.model.instrument import Instrument
from virtuoso.model.market import Bar, TickerUpdate
from virtuoso.model.timeframe import Timeframe
from virtuoso.model.units import multiplied, unit_jump
from virtuoso.monitor.containment import Contained
from virtuoso.monitor.persistence.bar_archive import BarArchive, minutes_wanted
from virtuoso.monitor.watching.list_polls import polls

log = structlog.get_logger(__name__)

_SPARE_BARS = 30
_MOST_BARS = 1_000
_TRADES = 1_000
_INTERESTS = 200
_NAMED = 20
_TICKER = "taking its ticker"
_WARMED_AT_ONCE = 64
_RESUMED_MS = 3_600_000
"""After a longer stop labels and regimes begin anew."""
_UNTRADED_MS = 6 * 3_600_000
"""For so long before it is listed anew an instrument is not traded."""
_AT_ONCE = 40
"""Symbols whose history is fetched at a time: beyond, requests would only wait for the budget."""


class Watch:
    """The watched symbols. `engine` is touched only on `worker`, the single thread that owns its state."""

    def __init__(
        self,
        *,
        exchange: Exchange,
        market: MarketState,
        engine: Engine,
        worker: Executor,
        rules: UniverseRules,
        clock: Clock,
        archive: BarArchive,
        contained: Contained | None = None,
        polled: bool = False,
    ) -> None:
        self._exchange = exchange
        self._market = market
        self._engine = engine
        self._worker = worker
        self.rules = rules
        self._clock = clock
        self.contained = contained or Contained(clock)
        """Takes what the work for one symbol raises."""
        self.universe = Universe((), {})
        self.ready: set[str] = set()
        """Symbols whose rows the engine knows; a newcomer is one once its history is in."""
        self.detailed: frozenset[str] = frozenset()
        """Symbols with book and trades."""
        self.instruments: Mapping[str, Instrument] = {}
        self.listings = Listings()
        self.listed = Listed()
        """What the last look at the exchange's lists made of them."""
        self.unknown: Mapping[str, str] = {}
        """What is wrong with each name of the configuration that the exchange does not list."""
        self.fetched_ns: dict[str, int] = {}
        self.failed: dict[str, str] = {}
        self.corrected: set[str] = set()
        """Symbols some of whose bars were replaced since they were analysed."""
        self.restarted: dict[str, tuple[int, str]] = {}
        """Symbols whose history began anew, when (epoch ms) and why; they are in `unlinked` until streams feed them."""
        self.unlinked: set[str] = set()
        self._tickers: Mapping[str, TickerUpdate] = {}
        self._changed: Mapping[str, Instrument] = {}
        self._no_interest = self._said_empty = False
        self._archive = archive
        self._polled = polled
        self.checkpoints: Mapping[str, Checkpoint] = {}
        """Where symbols stood at the close `stood_ms` of an earlier run."""
        self.stood_ms = 0

    def evidence(self, symbol: str) -> Evidence:
        """What the symbol can have at all, the way it is watched."""
        return attainable(self._exchange.evidence, detailed=symbol in self.detailed, polled=self._polled)

    def exchange_ms(self) -> int:
        """Exchange time now (epoch ms), by the measured offset."""
        return int(self._clock.now_ns() / 1e6 + (self._exchange.clock_offset_ms or 0.0))

    def now_ns(self) -> int:
        """Local wall-clock time (epoch ns)."""
        return self._clock.now_ns()

    @property
    def empty(self) -> str | None:
        """Why nothing is watched; `None` while something is, or before the first choice."""
        if not self.universe.left_out:
            return None
        return why_empty(self.universe, self.rules, self.listed.instruments)

    async def choose(self, refused: Collection[str] = ()) -> Universe:
        """Ask the exchange for its lists and choose; nothing that is watched is changed yet.

        First lists that contradict each other are asked for again, a few times. `refused` are symbols whose topics the
        exchange refused. Raises `ExchangeError`; a list that is empty before any was not is no answer, and an
        `ExchangeUnavailable`.
        """
        asked = polls(self._exchange, self.listings, self.universe.symbols, refused)
        async for look in asked:
            self._note(*look)
        listed = self.listed
        universe = select(listed.instruments, listed.turnovers, self.universe, self.rules, self.exchange_ms())
        new = {instrument.symbol: instrument for instrument in listed.instruments}
        self._changed = {s: i for s, i in new.items() if s in self.ready and _other_terms(self.instruments.get(s), i)}
        self.instruments = new
        self._say(universe)
        for symbol, reason in universe.left_out.items():
            log.debug("left out", symbol=symbol, reason=reason)
        return universe

    def _note(self, listed: Listed, tickers: Mapping[str, TickerUpdate]) -> None:
        """Keep what a poll found; a new doubt of what was believed is logged."""
        before, self.listed = {each.name for each in self.listed.doubts}, listed
        self._tickers = tickers
        for doubt in listed.doubts:
            if doubt.known and doubt.name not in before:
                log.warning("a list of the exchange is doubted", reason=doubt.text)

    def _say(self, universe: Universe) -> None:
        """What the user should know of the choice, in one line, when it begins."""
        unknown = unknown_includes(universe, self.rules, self.listed.instruments)
        new = [text for name, text in unknown.items() if name not in self.unknown]
        self.unknown = unknown
        empty = why_empty(universe, self.rules, self.listed.instruments)
        if empty is not None and (self.universe.symbols or not self._said_empty):
            new.append(empty)
        self._said_empty = empty is not None
        if new:
            log.warning("the universe is not as configured", reason="; ".join(new))

    async def adopt(self, universe: Universe) -> list[str]:
        """Make the watched symbols those of `universe`: history first, then rows; returns the newcomers."""
        loop = asyncio.get_running_loop()
        gone = [symbol for symbol in self.universe.symbols if symbol not in universe.symbols]
        new = [symbol for symbol in universe.symbols if symbol not in self._market]
        for symbol in gone:
            row = self._market.remove(symbol)
            self.ready.discard(symbol)
            self.fetched_ns.pop(symbol, None)
            self.failed.pop(symbol, None)
            await loop.run_in_executor(self._worker, self._engine.remove, row)
        await self._heed_terms()
        rows = {symbol: self._market.add(symbol) for symbol in new}
        self.detailed = universe.detailed
        now_ns = self._clock.now_ns()
        for symbol in new:
            if (ticker := self._tickers.get(symbol)) is not None:
                state = self._market[symbol]
                self.contained.attempt(symbol, _TICKER, state.ticker, self.exchange_ms(), now_ns, ticker)
        for symbol in universe.symbols:
            if symbol not in rows and (ticker := self._tickers.get(symbol)) is not None:
                self.contained.attempt(symbol, _TICKER, self._market[symbol].fill_ticker, now_ns, ticker)
        self._take_terms(universe.symbols)
        await self.load_history(new)
        await self._warm_up(rows)
        self.ready.update(new)
        self.universe = universe
        if gone or new:
            log.info(
                "universe",
                symbols=len(universe.symbols),
                joined=_few(new),
                left=_few(gone),
                detailed=len(universe.detailed),
                plain=len(universe.symbols) - len(universe.detailed),
                left_out=len(universe.left_out),
            )
        return new

    def only(self, symbol: str) -> None:
        """Watch one symbol, in detail, without its history."""
        self._market.add(symbol)
        self._take_terms((symbol,))
        self.universe = Universe((symbol,), {}, frozenset({symbol}))
        self.detailed = self.universe.detailed

    def _take_terms(self, symbols: Iterable[str]) -> None:
        """Judge and write the numbers of symbols by the steps and currencies of their instruments."""
        for symbol in symbols:
            if (instrument := self.instruments.get(symbol)) is not None:
                self._market[symbol].gate.steps(instrument.tick_size)
                self._market[symbol].denomination = instrument.denomination

    async def load_history(self, symbols: Sequence[str]) -> None:
        """Fetch what the indicators need; a symbol that fails is noted and neither delays nor fails the others.

        With the trades, the minutes just before the start have their taker sides too.
        """
        await self._recall(symbols)
        await self._load_each(symbols)

    async def _load_each(self, symbols: Sequence[str]) -> None:
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def load(symbol: str) -> None:
            async with at_once:
                parts = asyncio.gather(self.fill_tape([symbol]), self._load(symbol), self._load_interest(symbol))
                await self.contained.awaited(symbol, "loading its history", parts)

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
            chosen = [symbol for symbol in symbols if (symbol in self.detailed) is detailed]
            for first in range(0, len(chosen), _WARMED_AT_ONCE):
                yield chosen[first : first + _WARMED_AT_ONCE], detailed

    def _wanted(self, timeframe: Timeframe) -> int:
        """Bars of history that are needed."""
        count = min(_MOST_BARS, max(self._engine.history(timeframe), alpha.history(timeframe)) + _SPARE_BARS)
        if timeframe is Timeframe.M1:  # enough minutes to complete the forming bar of every other timeframe
            count = max(count, max(tf.minutes for tf in self._market.timeframes) + _SPARE_BARS)
        return count

    async def recover(self, symbol: str) -> None:
        """Load the history of a symbol that has none, and warm its row up with it."""
        await self.load_history([symbol])
        await self._warm_up({symbol: self._market.rows[symbol]})

    async def _heed_terms(self) -> None:
        """Instruments have other terms: what was listed anew begins anew, others make the last bar doubted.

        What was traded just before its launch was not listed then, whatever the list says.
        """
        changed, self._changed = self._changed, {}
        for symbol, instrument in changed.items():
            if symbol not in self._market:
                continue
            launch_ms, history = instrument.launch_ms or 0, self._market[symbol].history
            anew = (history.base.first_ms or 0) < launch_ms <= self.exchange_ms()
            if anew and _traded_before(history.base, launch_ms):
                log.warning("a launch is not believed: it was traded before", symbol=symbol, launch=iso(launch_ms))
            elif anew:
                await self.restart(symbol, launch_ms, 0)
                continue
            if history.base.next_ms is not None:
                history.doubted[history.base.next_ms - Timeframe.M1.ms] = "the instrument has other terms"

    async def heed_jump(self, symbol: str) -> None:
        """A price stands in another unit: begin anew if two sources say so.

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
        await self.restart(symbol, jump.open_ms, jump.n)

    async def restart(self, symbol: str, since_ms: int, n: int) -> None:
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
                self._market[symbol].ticker(self.exchange_ms(), now_ns, ticker)
        await self._load_each([symbol])
        await self._warm_up({symbol: row})

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

    async def _warm_up(self, rows: Mapping[str, int]) -> None:
        """A group of symbols at a time: the history of a whole exchange would stand in memory twice."""
        symbols = list(rows)
        for first in range(0, len(symbols), _WARMED_AT_ONCE):
            group = symbols[first : first + _WARMED_AT_ONCE]
            try:
                await self._warm(group, rows)
            except Exception as error:  # noqa: BLE001 - one of them raised: which, shows when each is alone
                log.warning("a group could not be warmed up; each symbol is warmed up alone", error=str(error))
                for symbol in group:
                    if not await self.contained.awaited(symbol, "warming up", self._warm([symbol], rows)):
                        self.failed[symbol] = self.contained.reason(symbol) or ""

    async def _warm(self, group: Sequence[str], rows: Mapping[str, int]) -> None:
        upto_ms = Timeframe.M1.floor(self.exchange_ms())
        # The minute that is running was not seen whole: it decides nothing either.
        resumed = self.checkpoints if upto_ms - self.stood_ms <= _RESUMED_MS else {}
        named = self._blocks(group, upto_ms)

        def warm() -> None:
            for symbol in group:
                self._engine.add(symbol, rows[symbol])
            self._engine.warm_up([block for block, _ in named])
            for symbol in group:
                if symbol in resumed:
                    self._engine.resume(rows[symbol], resumed[symbol], self.stood_ms, upto_ms + Timeframe.M1.ms)

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

    async def _load(self, symbol: str) -> None:
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
        if symbol not in self.detailed or self._no_interest:
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

        await asyncio.gather(*(fill(symbol) for symbol in symbols if symbol in self.detailed))


def _is_jump(before: float, after: float | None, n: int) -> bool:
    return after is not None and unit_jump(before, after) == n


def _traded_before(base: BarSeries, launch_ms: int) -> bool:
    """Whether a minute of the hours before a launch, which is after the first one held, had trades."""
    first_ms, rows = base.since(launch_ms - _UNTRADED_MS)
    whole = max(0, launch_ms - first_ms) // Timeframe.M1.ms
    return bool(rows[:whole, VOLUME].any())


def _other_terms(before: Instrument | None, now: Instrument) -> bool:
    """Whether an instrument may be another than it was."""
    return before is not None and (before.tick_size, before.launch_ms) != (now.tick_size, now.launch_ms)


def _few(symbols: Sequence[str]) -> list[str]:
    """Shorten names for a log line: the first `_NAMED`, then how many more there are."""
    return list(symbols) if len(symbols) <= _NAMED else [*symbols[:_NAMED], f"and {len(symbols) - _NAMED} more"]

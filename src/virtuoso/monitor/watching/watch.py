"""What is watched: the universe chosen, its history loaded, its rows in market and engine kept alike."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor

import structlog

from virtuoso.analysis.engine import Engine
from virtuoso.exchange.protocol import Exchange
from virtuoso.market.state import MarketState
from virtuoso.market.universe.choice import Universe, UniverseRules, select, unknown_includes, why_empty
from virtuoso.market.universe.listing import Listed, Listings
from virtuoso.model.clock import Clock
from virtuoso.model.evidence import Evidence, attainable
from virtuoso.model.instrument import Instrument
from virtuoso.model.market import TickerUpdate
from virtuoso.monitor.containment import Contained
from virtuoso.monitor.persistence.bar_archive import BarArchive
from virtuoso.monitor.watching.history_loader import HistoryLoader
from virtuoso.monitor.watching.list_polls import polls
from virtuoso.monitor.watching.restarts import Restarts, other_terms

log = structlog.get_logger(__name__)

_NAMED = 20
_TICKER = "taking its ticker"


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
        polled: bool = False,
    ) -> None:
        self._exchange = exchange
        self._market = market
        self._engine = engine
        self._worker = worker
        self.rules = rules
        self._clock = clock
        self.contained = Contained(clock)
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
        self.corrected: set[str] = set()
        """Symbols some of whose bars were replaced since they were analysed."""
        self._tickers: Mapping[str, TickerUpdate] = {}
        self._changed: Mapping[str, Instrument] = {}
        self._said_empty = False
        self._polled = polled
        self.loader = HistoryLoader(
            exchange=exchange, market=market, engine=engine, worker=worker, clock=clock, archive=archive,
            contained=self.contained, detailed=lambda symbol: symbol in self.detailed,
        )  # fmt: skip
        self.restarts = Restarts(
            exchange=exchange, market=market, engine=engine, worker=worker, clock=clock, archive=archive,
            loader=self.loader,
        )  # fmt: skip

    def evidence(self, symbol: str) -> Evidence:
        """What the symbol can have at all, the way it is watched."""
        return attainable(self._exchange.evidence, detailed=symbol in self.detailed, polled=self._polled)

    def exchange_ms(self) -> int:
        """Exchange time now (epoch ms), by the measured offset."""
        return self.loader.exchange_ms()

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
        self._changed = {s: i for s, i in new.items() if s in self.ready and other_terms(self.instruments.get(s), i)}
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
            self.loader.forget(symbol)
            await loop.run_in_executor(self._worker, self._engine.remove, row)
        changed, self._changed = self._changed, {}
        await self.restarts.heed_terms(changed)
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
        await self.loader.load(new)
        await self.loader.warm_up(rows, left=1)  # the close that is analysed next, and forecast from
        await self.loader.catch_up()
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


def _few(symbols: Sequence[str]) -> list[str]:
    """Shorten names for a log line: the first `_NAMED`, then how many more there are."""
    return list(symbols) if len(symbols) <= _NAMED else [*symbols[:_NAMED], f"and {len(symbols) - _NAMED} more"]

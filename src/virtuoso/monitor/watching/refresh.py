"""Before anything is computed: which minutes are due, and what is missing fetched."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

import structlog

from virtuoso.exchange.protocol import Exchange
from virtuoso.market.bars import SymbolBars
from virtuoso.market.state import MarketState
from virtuoso.model.clock import iso
from virtuoso.model.errors import ExchangeUnavailable
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.watching.watch import Watch

log = structlog.get_logger(__name__)

_BASE = Timeframe.M1
_PATIENCE_MS = 2_000
_REPAIR_TIMEOUT_S = 8.0
_REPAIR = "repairing its bars"
_FIRST_WAIT_S, _LONGEST_WAIT_S, _COUNTED = 2.0, 20.0, 5


class ImpossibleBars(ExchangeUnavailable):
    """The exchange answers, and what it says of a bar cannot be."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How a refresh went: symbols whose minute came by the stream, was fetched, or failed; seconds it took."""

    close_ms: int
    fresh: int
    fetched: int
    failed: int
    seconds: float
    took: Mapping[str, float]
    """Seconds by symbol for which something was asked."""

    @property
    def slowest_s(self) -> float:
        """The longest that a symbol took; 0 where nothing was asked."""
        return max(self.took.values(), default=0.0)


class Refresh:
    """Completes the bars of the watched symbols."""

    def __init__(self, exchange: Exchange, market: MarketState, watch: Watch) -> None:
        self._exchange = exchange
        self._market = market
        self._watch = watch
        self._waits: dict[str, tuple[int, int]] = {}
        """How often the repair of a symbol failed in a row, and when (epoch ns) it may be tried again."""
        self._failing: set[str] = set()
        """Symbols whose last repair failed."""
        self._unreachable = False

    def due(self, analysed_ms: int) -> int | None:
        """The close to analyse now: every row has it, or 2 s have passed; `None` while none is due.

        One that lies more than a minute ahead was analysed by a clock that was wrong then, and holds up nothing.
        """
        now_ms = self._watch.exchange_ms()
        close_ms = _BASE.floor(now_ms)
        if close_ms <= analysed_ms <= now_ms + _BASE.ms or not self._market.rows:
            return None
        if now_ms - close_ms >= _PATIENCE_MS or len(self._market.confirmed(close_ms)) == len(self._market.rows):
            return close_ms
        return None

    def idle_ms(self, analysed_ms: int) -> int:
        """For how long (ms) `due` surely answers `None`, as long as the clock's offset stays; 0: not at all."""
        now_ms = self._watch.exchange_ms()
        close_ms = _BASE.floor(now_ms)
        analysed = close_ms <= analysed_ms <= now_ms + _BASE.ms
        return max(0, close_ms + _BASE.ms - now_ms - 1) if analysed else 0

    def incomplete(self, close_ms: int) -> bool:
        """Whether a repair for `close_ms` failed and is to be tried again now."""
        waiting = self._watch.ready - self._market.confirmed(close_ms)
        return close_ms <= self._watch.exchange_ms() and any(map(self._may_ask, waiting))

    def _may_ask(self, symbol: str) -> bool:
        """Whether a repair of a symbol that failed before may be tried again."""
        _, due_ns = self._waits.get(symbol, (0, 0))
        return self._watch.now_ns() >= due_ns

    def _wait(self, symbol: str) -> None:
        """Let a symbol whose repair failed wait, longer each time; not all that failed at once ask at once again."""
        tries, _ = self._waits.get(symbol, (0, 0))
        spread = crc32(f"{symbol} {tries}".encode()) / 2**32  # the same in a replay
        wait_s = min(_FIRST_WAIT_S * 2.0**tries, _LONGEST_WAIT_S) * (0.75 + 0.5 * spread)
        self._waits[symbol] = min(tries + 1, _COUNTED), self._watch.now_ns() + int(wait_s * 1e9)

    def answered(self, symbol: str) -> bool:
        """Let a repair that failed be tried again at once: an answer about the symbol is there; whether one had."""
        return self._waits.pop(symbol, None) is not None

    @property
    def waiting(self) -> bool:
        """Whether a repair that failed waits for its next try."""
        return bool(self._waits)

    async def complete(self, close_ms: int) -> Refreshed:
        """Fetch what is missing for the bars that close by `close_ms`, and by now, all symbols at once."""
        began = time.perf_counter()
        close_ms = min(close_ms, _BASE.floor(self._watch.exchange_ms()))
        confirmed = self._market.confirmed(close_ms)
        ready = sorted(self._watch.ready)
        wanting = [symbol for symbol in ready if symbol not in confirmed or self._has_holes(symbol, close_ms)]
        self._waits = {symbol: wait for symbol, wait in self._waits.items() if symbol in wanting}
        for symbol in self._failing.difference(wanting):
            self._over(symbol)  # its bars came another way
        wanting = [symbol for symbol in wanting if self._may_ask(symbol)]
        took = await asyncio.gather(*(self._repair(symbol, close_ms) for symbol in wanting))
        if wanting:
            unreachable = all(symbol in self._waits for symbol in wanting)
            if self._unreachable and not unreachable:  # it answers again: who failed because it did not need not wait
                self._waits.clear()
            self._unreachable = unreachable
        done = self._market.confirmed(close_ms) & self._watch.ready
        fresh = sum(self._market[symbol].history.streamed_ms >= close_ms for symbol in done)
        return Refreshed(
            close_ms=close_ms,
            fresh=fresh,
            fetched=len(done) - fresh,
            failed=len(ready) - len(done),
            seconds=time.perf_counter() - began,
            took=dict(zip(wanting, took, strict=True)),
        )

    def _has_holes(self, symbol: str, close_ms: int) -> bool:
        history = self._market[symbol].history
        return any(history.lacking(tf, close_ms) for tf in self._market.timeframes if tf is not _BASE)

    async def _repair(self, symbol: str, close_ms: int) -> float:
        """Fetch one symbol's missing bars; failing is noted, and tried again after a while."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(_REPAIR_TIMEOUT_S):
                await self._fetch(symbol, close_ms)
        except Exception as error:  # noqa: BLE001 - of whatever kind: it neither delays nor fails the others
            said = str(error) or ("timed out" if isinstance(error, TimeoutError) else type(error).__name__)
            say = log.debug if symbol in self._watch.loader.failed else log.warning  # once, however often it is tried
            say("bars could not be repaired", symbol=symbol, error=said)
            self._watch.loader.failed[symbol] = said
            self._failing.add(symbol)
            self._wait(symbol)
            if isinstance(error, ImpossibleBars):  # no answer is told of the exchange, not of each symbol
                self._watch.contained.note(symbol, _REPAIR, error)
        else:
            self._over(symbol)
        return time.perf_counter() - began

    def _over(self, symbol: str) -> None:
        """Nothing of a symbol is missing any more."""
        self._failing.discard(symbol)
        self._watch.loader.failed.pop(symbol, None)
        self._waits.pop(symbol, None)
        self._watch.contained.clear(symbol, _REPAIR)

    async def _fetch(self, symbol: str, close_ms: int) -> None:
        history = self._market[symbol].history
        if history.base.next_ms is None:
            await self._recover(symbol)
            return
        if history.base.next_ms < close_ms:
            await self._fetch_minutes(symbol, history, close_ms)
            if self._market[symbol].history is not history:
                return  # it began anew
        for timeframe in self._market.timeframes:
            if timeframe is not _BASE and (hole := history.lacking(timeframe, close_ms)) is not None:
                refused = history.refused.copy()
                history.load(timeframe, await self._exchange.bars(symbol, timeframe, *hole))
                if (missing := history.lacking(timeframe, close_ms)) is not None:
                    raise _wanting(f"{timeframe} bar of {iso(missing[0])}", history.refused - refused)

    async def _recover(self, symbol: str) -> None:
        """Load a history that there is not; raises when there still is none, or why it could not be loaded."""
        refused = self._market[symbol].history.refused.copy()
        await self._watch.loader.recover(symbol)
        if (why := self._watch.loader.failed.get(symbol)) is not None:
            raise ExchangeUnavailable(why)
        history = self._market[symbol].history
        if history.base.next_ms is None:
            raise _wanting("last minute", history.refused - refused)

    async def _fetch_minutes(self, symbol: str, history: SymbolBars, close_ms: int) -> None:
        """Fetch the minutes that are missing; raises `ExchangeUnavailable` when the answer has not got them all."""
        first_ms = history.base.next_ms or 0
        refused = history.refused.copy()
        history.load(_BASE, await self._exchange.bars(symbol, _BASE, first_ms, close_ms - _BASE.ms))
        if history.jump is not None:
            await self._watch.restarts.heed_jump(symbol)
            return
        if (missing_ms := history.base.next_ms or 0) < close_ms:
            raise _wanting(f"minute of {iso(missing_ms)}", history.refused - refused)
        self._watch.loader.fetched_ns[symbol] = self._watch.now_ns()
        await self._watch.loader.fill_tape([symbol])


def _wanting(what: str, refused: Counter[str]) -> ExchangeUnavailable:
    """Why a bar is not there after its answer: of those that came, some were `refused`, or it did not come."""
    if refused:
        return ImpossibleBars(f"the exchange's {what} is impossible ({refused.most_common(1)[0][0]})")
    return ExchangeUnavailable(f"the exchange's {what} is not served yet")

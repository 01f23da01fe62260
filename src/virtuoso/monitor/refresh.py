"""Before anything is computed: which minutes are due, and what is missing fetched."""

import asyncio
import time
from dataclasses import dataclass

import structlog

from virtuoso.exchange.protocol import Exchange
from virtuoso.market.state import MarketState
from virtuoso.model.errors import ExchangeError
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.watch import Watch

log = structlog.get_logger(__name__)

_BASE = Timeframe.M1
_PATIENCE_MS = 2_000
_REPAIR_TIMEOUT_S = 8.0


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How a refresh went: symbols whose minute came by the stream, was fetched, or failed; seconds it took."""

    close_ms: int
    fresh: int
    fetched: int
    failed: int
    seconds: float
    slowest_s: float


class Refresh:
    """Completes the bars of the watched symbols."""

    def __init__(self, exchange: Exchange, market: MarketState, watch: Watch) -> None:
        self._exchange = exchange
        self._market = market
        self._watch = watch

    def due(self, analysed_ms: int) -> int | None:
        """The close to analyse now: every row has it, or 2 s have passed; `None` while none is due."""
        now_ms = self._watch.exchange_ms()
        close_ms = _BASE.floor(now_ms)
        if close_ms <= analysed_ms or not self._market.rows:
            return None
        if now_ms - close_ms >= _PATIENCE_MS or len(self._market.confirmed(close_ms)) == len(self._market.rows):
            return close_ms
        return None

    def incomplete(self, close_ms: int) -> bool:
        """Whether a repair for `close_ms` failed and is to be tried again."""
        return bool(self._watch.ready - self._market.confirmed(close_ms))

    async def complete(self, close_ms: int) -> Refreshed:
        """Fetch what is missing for the bars that close by `close_ms`, all symbols at once."""
        began = time.perf_counter()
        confirmed = self._market.confirmed(close_ms)
        ready = sorted(self._watch.ready)
        wanting = [symbol for symbol in ready if symbol not in confirmed or self._has_holes(symbol, close_ms)]
        took = await asyncio.gather(*(self._repair(symbol, close_ms) for symbol in wanting))
        done = self._market.confirmed(close_ms) & self._watch.ready
        fresh = sum(self._market[symbol].history.streamed_ms >= close_ms for symbol in done)
        return Refreshed(
            close_ms=close_ms,
            fresh=fresh,
            fetched=len(done) - fresh,
            failed=len(ready) - len(done),
            seconds=time.perf_counter() - began,
            slowest_s=max(took, default=0.0),
        )

    def _has_holes(self, symbol: str, close_ms: int) -> bool:
        history = self._market[symbol].history
        return any(history.lacking(tf, close_ms) for tf in self._market.timeframes if tf is not _BASE)

    async def _repair(self, symbol: str, close_ms: int) -> float:
        """Fetch one symbol's missing bars; failing is noted, and tried again at the next cycle."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(_REPAIR_TIMEOUT_S):
                await self._fetch(symbol, close_ms)
        except (ExchangeError, TimeoutError) as error:
            said = str(error) or "timed out"
            say = log.debug if symbol in self._watch.failed else log.warning  # once, however often it is tried
            say("bars could not be repaired", symbol=symbol, error=said)
            self._watch.failed[symbol] = said
        else:
            self._watch.failed.pop(symbol, None)
        return time.perf_counter() - began

    async def _fetch(self, symbol: str, close_ms: int) -> None:
        history = self._market[symbol].history
        if history.base.next_ms is None:
            await self._watch.recover(symbol)
            return
        if history.base.next_ms < close_ms:
            first = history.base.next_ms
            history.load(_BASE, await self._exchange.bars(symbol, _BASE, first, close_ms - _BASE.ms))
            self._watch.fetched_ns[symbol] = self._watch.now_ns()
            await self._watch.fill_tape([symbol])
        for timeframe in self._market.timeframes:
            if timeframe is not _BASE and (hole := history.lacking(timeframe, close_ms)) is not None:
                history.load(timeframe, await self._exchange.bars(symbol, timeframe, *hole))

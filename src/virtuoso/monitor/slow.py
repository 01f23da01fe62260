"""The slower data of each symbol, asked for at an interval that adapts to its volatility and to the budget left."""

import asyncio
from collections.abc import Sequence

import numpy as np
import structlog

from virtuoso.exchange.protocol import Exchange
from virtuoso.market.series import CLOSE
from virtuoso.market.state import MarketState
from virtuoso.model.clock import Clock
from virtuoso.model.errors import ExchangeError, NotOffered
from virtuoso.model.timeframe import Timeframe

log = structlog.get_logger(__name__)

_LOOK_S = 1.0
_RATIOS = 10
_AT_ONCE = 40
_WINDOW = 30


def smart_interval_s(min_s: float, max_s: float, restlessness: float, budget_left: float) -> float:
    """Seconds to the next look: `min_s` for the most restless symbol with a full budget, `max_s` for the calmest.

    `restlessness` and `budget_left` are in [0, 1]; a spent budget slows every symbol down.
    """
    return min_s + (max_s - min_s) * max(1.0 - restlessness, 1.0 - budget_left)


def restlessness(volatilities: Sequence[float | None]) -> list[float]:
    """Rank of each volatility among all, in [0, 1]; the middle for one that is unknown or alone."""
    known = sorted(v for v in volatilities if v is not None)
    if len(known) < 2:
        return [0.5] * len(volatilities)
    return [0.5 if v is None else known.index(v) / (len(known) - 1) for v in volatilities]


class SlowData:
    """Polls account ratios, which no stream carries. One symbol's failure is its own."""

    def __init__(
        self, exchange: Exchange, market: MarketState, clock: Clock, *, min_interval_s: float, max_interval_s: float
    ) -> None:
        self._exchange = exchange
        self._market = market
        self._clock = clock
        self._min_s = min_interval_s
        self._max_s = max_interval_s
        self._due_s: dict[str, float] = {}
        self.intervals: dict[str, float] = {}
        """Interval of each symbol as last chosen, seconds."""
        self.lacking: str | None = None
        """Why the exchange has no account ratio."""

    async def run(self) -> None:
        """Ask for what is due, for ever."""
        while self.lacking is None:
            await self.look()
            await asyncio.sleep(_LOOK_S)
        log.info("no account ratio", reason=self.lacking)
        await asyncio.Event().wait()  # until cancelled: there is nothing to ask for

    async def look(self) -> None:
        """Ask for the symbols that are due."""
        now_s = self._clock.monotonic_ns() / 1e9
        symbols = list(self._market.rows)
        for gone in self._due_s.keys() - self._market.rows.keys():
            del self._due_s[gone]
            self.intervals.pop(gone, None)
        due = [symbol for symbol in symbols if self._due_s.get(symbol, 0.0) <= now_s][:_AT_ONCE]
        if not due:
            return
        budget = self._exchange.budget
        ranks = dict(zip(symbols, restlessness([self._volatility(symbol) for symbol in symbols]), strict=True))
        for symbol in due:
            left = budget.available / budget.burst
            self.intervals[symbol] = smart_interval_s(self._min_s, self._max_s, ranks[symbol], left)
            self._due_s[symbol] = now_s + self.intervals[symbol]
        await asyncio.gather(*(self._ask(symbol) for symbol in due))

    async def _ask(self, symbol: str) -> None:
        try:
            ratios = await self._exchange.account_ratio(symbol, _RATIOS)
        except NotOffered as error:
            self.lacking = str(error)
        except ExchangeError as error:
            log.warning("account ratio could not be fetched", symbol=symbol, error=str(error))
        else:
            if symbol in self._market:
                self._market[symbol].take_ratios(ratios)

    def _volatility(self, symbol: str) -> float | None:
        """Standard deviation of the last half hour's one-minute log returns."""
        base = self._market[symbol].history.base
        if base.next_ms is None or len(base) < 3:
            return None
        _, rows = base.since(base.next_ms - _WINDOW * Timeframe.M1.ms)
        return float(np.diff(np.log(rows[:, CLOSE])).std())

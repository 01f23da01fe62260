"""The slower data of each symbol, asked for at an interval that adapts to its volatility and to the budget left."""

import asyncio
from collections.abc import Sequence
from math import isfinite

import numpy as np
import structlog

from virtuoso.exchange.protocol import Exchange
from virtuoso.market.series import CLOSE
from virtuoso.market.state import MarketState
from virtuoso.model.clock import Clock
from virtuoso.model.errors import ExchangeError, NotOffered
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.containment import Contained

log = structlog.get_logger(__name__)

RATIO, FUNDING = "account ratio", "funding history"
_LOOK_S = 1.0
_FIRST_RATIOS, _RATIOS = 500, 10
_RATES = 200
_SETTLED_MS = 30_000
"""How long after a settlement its rate is asked for."""
_UNTOLD_MS = 3_600_000
"""After which it is asked for again where the time of the next settlement is not known."""
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
    """Polls what no stream carries: account ratios, and settled funding rates. One symbol's failure is its own."""

    def __init__(
        self,
        exchange: Exchange,
        market: MarketState,
        clock: Clock,
        *,
        min_interval_s: float,
        max_interval_s: float,
        contained: Contained | None = None,
    ) -> None:
        self._exchange = exchange
        self._market = market
        self._clock = clock
        self._min_s = min_interval_s
        self._max_s = max_interval_s
        self._contained = contained or Contained(clock)
        self._due_s: dict[str, float] = {}
        self._settles_ms: dict[str, float] = {}
        self.intervals: dict[str, float] = {}
        """Interval of each symbol as last chosen, seconds."""
        self.lacking: dict[str, str] = {}
        """Why the exchange has no data of a kind."""

    def every(self, min_interval_s: float, max_interval_s: float) -> None:
        """Poll at other intervals from the next poll on."""
        self._min_s, self._max_s = min_interval_s, max_interval_s

    async def run(self) -> None:
        """Ask for whatever data is due, until cancelled."""
        while len(self.lacking) < len((RATIO, FUNDING)):
            await self.poll()
            await asyncio.sleep(_LOOK_S)
        await asyncio.Event().wait()  # until cancelled: there is nothing to ask for

    async def poll(self) -> None:
        """Ask for the symbols that are due."""
        now_s = self._clock.monotonic_ns() / 1e9
        symbols = list(self._market.rows)
        for known in (self._due_s, self._settles_ms, self.intervals):
            for gone in known.keys() - self._market.rows.keys():
                del known[gone]
        due = [symbol for symbol in symbols if self._due_s.get(symbol, 0.0) <= now_s]
        asked = [(symbol, kind) for symbol in due for kind in self._wanted(symbol)][:_AT_ONCE]
        if not asked:
            return
        budget = self._exchange.budget
        ranks = dict(zip(symbols, restlessness([self._restless(symbol) for symbol in symbols]), strict=True))
        for symbol in {symbol for symbol, _ in asked}:
            left = budget.available / budget.burst
            self.intervals[symbol] = smart_interval_s(self._min_s, self._max_s, ranks[symbol], left)
            self._due_s[symbol] = now_s + self.intervals[symbol]
        await asyncio.gather(
            *(self._contained.awaited(symbol, f"taking its {kind}", self.ask(symbol, kind)) for symbol, kind in asked)
        )

    def _wanted(self, symbol: str) -> list[str]:
        """What to ask of a symbol that is due; the rates only once another has been settled."""
        kinds = [RATIO]
        if self._exchange_ms() >= self._settles_ms.get(symbol, 0.0):
            kinds.append(FUNDING)
        return [kind for kind in kinds if kind not in self.lacking]

    async def ask(self, symbol: str, kind: str) -> None:
        """Ask for one kind of data of one symbol and hand it to the market."""
        try:
            await (self._ask_ratio(symbol) if kind == RATIO else self._ask_funding(symbol))
        except NotOffered as error:
            if kind not in self.lacking:
                log.info("not available", what=kind, reason=str(error))
            self.lacking[kind] = str(error)
        except ExchangeError as error:
            log.warning("slow data could not be fetched", what=kind, symbol=symbol, error=str(error))

    async def _ask_ratio(self, symbol: str) -> None:
        held = symbol in self._market and self._market[symbol].ratios
        ratios = await self._exchange.account_ratio(symbol, _RATIOS if held else _FIRST_RATIOS)
        if symbol in self._market:
            self._market[symbol].take_ratios(ratios)

    async def _ask_funding(self, symbol: str) -> None:
        rates = await self._exchange.funding_history(symbol, _RATES)
        if symbol not in self._market:
            return
        state = self._market[symbol]
        state.take_rates(rates)
        settles_ms = state.stats.values["next_funding_ms"]
        now_ms = self._exchange_ms()
        if settles_ms is None or settles_ms <= now_ms:
            settles_ms = now_ms + _UNTOLD_MS
        self._settles_ms[symbol] = settles_ms + _SETTLED_MS

    def _exchange_ms(self) -> float:
        return self._clock.now_ns() / 1e6 + (self._exchange.clock_offset_ms or 0.0)

    def _restless(self, symbol: str) -> float | None:
        return self._contained.attempt(symbol, "its volatility", self._volatility, symbol)

    def _volatility(self, symbol: str) -> float | None:
        """Standard deviation of the last half hour's one-minute log returns."""
        base = self._market[symbol].history.base
        if base.next_ms is None or len(base) < 3:
            return None
        _, rows = base.since(base.next_ms - _WINDOW * Timeframe.M1.ms)
        deviation = float(np.diff(np.log(rows[:, CLOSE])).std())
        return deviation if isfinite(deviation) else None

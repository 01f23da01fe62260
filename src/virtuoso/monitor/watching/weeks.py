"""After the start: fetches the rest of the week of 5m bars that forecasts read, a page at a time.

A start asks for what one request brings, three days and a third. Until its week is whole a symbol is forecast from
what is there. What has come by a close is handed on before it is analysed, all at once: to take the week of one symbol
or of many costs the same.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
import structlog

from virtuoso.analysis.engine import Engine
from virtuoso.analysis.forecast.features import LONG, WEEK_BARS
from virtuoso.analysis.forecast.outlook import Outlook
from virtuoso.exchange.protocol import Exchange
from virtuoso.market.bounds.bar import implausible, last_seam
from virtuoso.market.panel import BAR_FIELDS, BarBlock
from virtuoso.market.series import BUY_VOLUME
from virtuoso.market.state import MarketState
from virtuoso.model.errors import ExchangeError
from virtuoso.model.market import Bar
from virtuoso.monitor.watching.watch import Watch

log = structlog.get_logger(__name__)

_PAGE = 1_000
_PACE_S = 0.25
"""Between two requests: those that a close waits for come first."""
_AGAIN_S = 60.0
"""Between looks for symbols whose week is not whole, as newcomers' and those of a request that failed."""
_WHOLE = 0.95
"""Share of a week that is not asked for again: what a restart goes on from has it."""


class Weeks:
    """Used on the event loop; `engine` is touched only on `worker`."""

    def __init__(
        self, *, exchange: Exchange, market: MarketState, watch: Watch, engine: Engine, worker: Executor
    ) -> None:
        self._exchange = exchange
        self._market = market
        self._watch = watch
        self._engine = engine
        self._worker = worker
        self._older: dict[str, tuple[int, int, list[Bar]]] = {}
        """Of symbols whose week is being fetched: the open times of its first bar and of the first that the market
        held (epoch ms), and the bars that came, oldest first."""
        self._done: set[str] = set()
        self._came: dict[str, list[Bar]] = {}
        """The bars that came of symbols whose week is whole, oldest first, until they are handed on."""

    async def run(self) -> None:
        """Fetch what is missing of one symbol after the other, until cancelled."""
        while True:
            self._done &= self._watch.ready
            for symbol in self._older.keys() - self._watch.ready:  # should it come back, its history is another
                del self._older[symbol]
            waiting = sorted(self._watch.ready - self._done)
            for symbol in waiting:
                await self._complete(symbol)
            if fetched := self._done.intersection(waiting):
                log.info("weeks of 5m bars fetched", symbols=len(fetched), of=len(waiting))
            await asyncio.sleep(_AGAIN_S)

    async def _complete(self, symbol: str) -> None:
        if await self._is_whole(symbol):
            self._done.add(symbol)
        while self.wanted(symbol) is not None:
            await asyncio.sleep(_PACE_S)
            if not await self.fetch(symbol):
                return

    async def _is_whole(self, symbol: str) -> bool:
        outlook, row = self._engine.outlook, self._market.rows.get(symbol)
        if outlook is None or row is None:
            return outlook is None
        known = await asyncio.get_running_loop().run_in_executor(self._worker, outlook.week_known, row)
        return known >= _WHOLE * WEEK_BARS

    def wanted(self, symbol: str) -> tuple[int, int] | None:
        """The open times (epoch ms) of the first and the last bar to ask for next; `None` where none is wanted.

        Of a symbol whose history began anew nothing of before is.
        """
        if symbol in self._done or symbol not in self._watch.ready or symbol not in self._market:
            return None
        history = self._market[symbol].history
        series = history.series.get(LONG)
        if series is None or series.first_ms is None or history.seam is not None:
            return None
        if symbol not in self._older:
            first_ms = series.first_ms - max(0, WEEK_BARS - len(series)) * LONG.ms
            self._older[symbol] = first_ms, series.first_ms, []
        first_ms, held_ms, bars = self._older[symbol]
        last_ms = (bars[0].open_ms if bars else held_ms) - LONG.ms
        return (max(first_ms, last_ms - (_PAGE - 1) * LONG.ms), last_ms) if last_ms >= first_ms else None

    async def fetch(self, symbol: str) -> bool:
        """Ask for one page; the week waits to be handed on once it is whole, or nothing older is to be had.

        Returns whether there was an answer; if not, the same page is wanted still. A replay asks by it, too, for pages
        that were refused when they were recorded.
        """
        if (wanted := self.wanted(symbol)) is None:
            return True
        try:
            found = await self._exchange.bars(symbol, LONG, *wanted)
        except ExchangeError as error:
            log.debug("a week of 5m bars could not be fetched", symbol=symbol, error=str(error))
            return False
        if symbol not in self._market or symbol not in self._older:
            return True
        first_ms, held_ms, bars = self._older[symbol]
        new = [
            bar for bar in found
            if wanted[0] <= bar.open_ms <= wanted[1] and bar.confirmed and implausible(bar) is None
        ]  # fmt: skip
        bars = new + bars
        self._older[symbol] = first_ms, held_ms, bars
        if not new or bars[0].open_ms <= first_ms:
            self._older.pop(symbol)
            self._done.add(symbol)
            self._came[symbol] = bars
        return True

    async def hand_on(self) -> None:
        """Let what has come be known, in as few blocks as there are begins and ends; before a close is analysed."""
        came, self._came = self._came, {}
        groups: dict[tuple[int, int], dict[int, list[Bar]]] = defaultdict(dict)
        for symbol, bars in came.items():
            if symbol not in self._watch.ready or symbol not in self._market:
                continue
            history = self._market[symbol].history
            if history.seam is not None:
                continue
            series, last_ms = history.series[LONG], bars[-1].open_ms if bars else -1
            week = bars + [bar for bar in series.last(len(series)) if bar.open_ms > last_ms]
            if (seam := last_seam(week)) is not None:
                week = week[seam[0] :]
            if week:
                groups[week[0].open_ms, week[-1].open_ms][self._market.rows[symbol]] = week
        blocks = [_block(of_rows) for of_rows in groups.values()]
        if (outlook := self._engine.outlook) is not None and blocks:
            await asyncio.get_running_loop().run_in_executor(self._worker, _take, outlook, blocks)


def _take(outlook: Outlook, blocks: Sequence[BarBlock]) -> None:
    for block in blocks:
        outlook.take_week(block)


def _block(of_rows: Mapping[int, Sequence[Bar]]) -> BarBlock:
    """Bars of symbols that begin and end alike, by row; those that are missing between them as missing."""
    some = next(iter(of_rows.values()))
    first_ms, count = some[0].open_ms, (some[-1].open_ms - some[0].open_ms) // LONG.ms + 1
    values = np.full((len(BAR_FIELDS), count, len(of_rows)), np.nan)
    for column, bars in enumerate(of_rows.values()):
        for bar in bars:
            at = (bar.open_ms - first_ms) // LONG.ms
            values[:BUY_VOLUME, at, column] = bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover
    arrays: dict[str, Any] = dict(zip(BAR_FIELDS, values, strict=True))
    open_ms = first_ms + LONG.ms * np.arange(count, dtype=np.int64)
    return BarBlock(timeframe=LONG, rows=np.array(list(of_rows), dtype=np.int64), open_ms=open_ms, **arrays)

"""Bars and minutes between the market and the time series: kept as they close, recalled at the start."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan

import numpy as np
import structlog

from virtuoso.market.bars import SymbolBars
from virtuoso.market.bounds.bar import last_seam
from virtuoso.market.panel import BAR_FIELDS, MINUTE_FIELDS, BarBlock, Floats, Ints, MinuteBlock
from virtuoso.market.series import BUY_VOLUME, CLOSE, OPEN
from virtuoso.market.state import MarketState
from virtuoso.model.errors import StoreUnavailable
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe
from virtuoso.storage.timeseries.protocol import TimeSeries
from virtuoso.storage.timeseries.schema import BARS, TICKERS, Row, Value

log = structlog.get_logger(__name__)

_BASE = Timeframe.M1
_STORED = tuple(name for name in MINUTE_FIELDS if name in TICKERS.fields)
"""What of a minute is kept; when funding settles next matters at its close alone."""
_LEAST_DECADES = 0.5
_MINUTES = 1_000
"""Minutes recalled of symbols with book and trades: liquidations are remembered for so long."""
_MINUTES_OF_OTHERS = 300
_MORE = 50
_LONGEST_GAP = 500
"""Bars that are fetched to fill a gap: after a longer one all is asked for anew."""


@dataclass(frozen=True, slots=True)
class _Notes:
    """What is stored of a symbol's minutes besides their bars: numbers [t] ascending, values [t, _STORED]."""

    numbers: Ints
    values: Floats


class BarArchive:
    """Used on the event loop. Without a store, and while it does not answer, there is just nothing to recall."""

    def __init__(self, store: TimeSeries | None, market: MarketState) -> None:
        self._store = store
        self._market = market
        self._notes: dict[str, _Notes] = {}
        self._stored_until: dict[tuple[str, Timeframe], int] = {}
        self._backlog: deque[str] = deque()

    async def recall(self, symbols: Sequence[str], wanted: Mapping[Timeframe, int], minutes: int, now_ms: int) -> int:
        """Begin the histories of `symbols` with what is stored; returns for how many their minutes were enough.

        `wanted` are the bars, by timeframe, below which a history must be asked for; what is stored of `minutes`
        minutes stays here for `fill`.
        """
        if self._store is None or not symbols:
            return 0
        try:
            tables = {tf: await self._bars(self._store, symbols, tf, count, now_ms) for tf, count in wanted.items()}
            based = list(tables[_BASE])
            notes = await self._minutes(self._store, based, minutes, now_ms)
        except StoreUnavailable as error:
            log.warning("what is stored could not be read; the exchange is asked for all of it", error=str(error))
            return 0
        for symbol, (begin_ms, rows) in tables[_BASE].items():
            _mind_the_seam(self._market[symbol].history, begin_ms, rows)
        for timeframe, runs in tables.items():
            for symbol, (begin_ms, rows) in runs.items():
                self._market[symbol].history.restore(timeframe, begin_ms, rows)
                self._stored_until[symbol, timeframe] = begin_ms + len(rows) * timeframe.ms
        self._notes.update(notes)
        return len(based)

    async def remember(self, symbols: Sequence[str], minutes: int, now_ms: int) -> None:
        """Have what is stored of the latest `minutes` minutes of `symbols` here for `fill`, but for their bars."""
        if self._store is None or not symbols:
            return
        try:
            self._notes.update(await self._minutes(self._store, symbols, minutes, now_ms))
        except StoreUnavailable as error:
            log.debug("stored minutes could not be read; what the market noted stands alone", error=str(error))

    def recalled_until(self, symbol: str, timeframe: Timeframe) -> int | None:
        """Where the recalled bars of a history end (epoch ms), until it is warmed up; `None` where none were."""
        return self._stored_until.get((symbol, timeframe))

    @staticmethod
    async def _bars(
        store: TimeSeries, symbols: Sequence[str], timeframe: Timeframe, count: int, now_ms: int
    ) -> dict[str, tuple[int, Floats]]:
        """Open time of the first and values [t, 7] of the stored bars, where at least `count` stand without a gap."""
        last_ms = timeframe.floor(now_ms) - timeframe.ms
        tags = {"symbol": symbols, "timeframe": [str(timeframe)]}
        first_ms = last_ms - (count + _LONGEST_GAP) * timeframe.ms
        found = await store.read(BARS, first_ms, last_ms, tags=tags, limit=count + _MORE)
        runs = {}
        for (symbol, _), rows in found.items():
            table = np.array(rows, dtype=np.float64)  # None becomes nan
            times = table[:, 0].astype(np.int64)
            gaps = np.flatnonzero(np.diff(times) != timeframe.ms)
            begin = int(gaps[-1]) + 1 if gaps.size else 0
            if len(times) - begin >= count and last_ms - times[-1] <= _LONGEST_GAP * timeframe.ms:
                runs[symbol] = int(times[begin]), table[begin:, 1:]
        return runs

    @staticmethod
    async def _minutes(store: TimeSeries, symbols: Sequence[str], minutes: int, now_ms: int) -> dict[str, _Notes]:
        if not symbols:
            return {}
        found = await store.read(
            TICKERS, now_ms - minutes * _BASE.ms, now_ms, tags={"symbol": symbols}, fields=_STORED, limit=minutes
        )
        notes = {}
        for (symbol,), rows in found.items():
            table = np.array(rows, dtype=np.float64)
            notes[symbol] = _Notes(table[:, 0].astype(np.int64) // _BASE.ms, table[:, 1:])
        return notes

    def fill(self, block: BarBlock, symbols: Sequence[str]) -> BarBlock:
        """A base block with what is stored of minutes that the market has not seen; `symbols` [n] are its columns."""
        if block.timeframe is not _BASE or block.minutes is None or not self._notes:
            return block
        numbers = block.open_ms // _BASE.ms
        stored = np.full((len(_STORED), len(numbers), len(symbols)), np.nan)
        for column, symbol in enumerate(symbols):
            if (notes := self._notes.get(symbol)) is not None:
                at = np.searchsorted(numbers, notes.numbers)
                inside = (at < len(numbers)) & (numbers[np.minimum(at, len(numbers) - 1)] == notes.numbers)
                stored[:, at[inside], column] = notes.values[inside].T
        minutes = replace(
            block.minutes,
            **{
                name: np.where(np.isnan(seen := getattr(block.minutes, name)), stored[i], seen)
                for i, name in enumerate(_STORED)
            },
        )
        return replace(block, minutes=minutes)

    def warmed(self, block: BarBlock, symbols: Sequence[str]) -> None:
        """Keep what of a long block that was taken is not stored, of symbols that had something stored."""
        for column, symbol in enumerate(symbols):
            until_ms = self._stored_until.pop((symbol, block.timeframe), None)
            if until_ms is not None:
                self._keep(block, block.open_ms >= until_ms, [(column, symbol)])
            elif symbol not in self._backlog:
                self._backlog.append(symbol)
            if block.timeframe is _BASE:
                self._notes.pop(symbol, None)

    def closed(self, blocks: Iterable[BarBlock], symbols: Mapping[int, str]) -> None:
        """Bars closed: keep them; `symbols` by row."""
        for block in blocks:
            columns = [(column, symbols[row]) for column, row in enumerate(block.rows.tolist()) if row in symbols]
            self._keep(block, np.ones(len(block.open_ms), dtype=np.bool_), columns)

    def _keep(self, block: BarBlock, chosen: np.ndarray, columns: Sequence[tuple[int, str]]) -> None:
        if self._store is None or not chosen.any():
            return
        times = block.open_ms[chosen].tolist()
        values = np.stack([getattr(block, name)[chosen] for name in BAR_FIELDS], axis=-1)
        rows = [row for column, s in columns for row in _bar_rows(s, block.timeframe, times, values[:, column])]
        self._store.write(BARS, rows)
        if block.minutes is not None and block.timeframe is _BASE:
            self._keep_minutes(block.minutes, chosen, times, columns)

    def _keep_minutes(
        self, minutes: MinuteBlock, chosen: np.ndarray, times: Sequence[int], columns: Sequence[tuple[int, str]]
    ) -> None:
        table = np.stack([getattr(minutes, name)[chosen] for name in _STORED], axis=-1)
        rows: list[Row] = []
        for column, symbol in columns:
            ticker = self._ticker(symbol)
            for i, (time, row) in enumerate(zip(times, table[:, column].tolist(), strict=True)):
                now = ticker if i == len(times) - 1 else _NO_TICKER
                values: tuple[Value, ...] = (symbol, *now, *map(_known, row))
                if any(value is not None for value in values[1:]):
                    rows.append((time, *values))
        if self._store is not None:
            self._store.write(TICKERS, rows)

    def _ticker(self, symbol: str) -> tuple[float | None, ...]:
        if symbol not in self._market:
            return _NO_TICKER
        values = self._market[symbol].stats.values
        change = values["change_24h"]
        return (
            *(values[name] for name in ("last", "bid", "ask", "mark", "index", "turnover_24h")),
            None if change is None else change * 100,
        )

    def corrected(self, symbol: str, changed: Mapping[Timeframe, Sequence[int]]) -> None:
        """Keep bars of other values in the place of those stored; `changed` are their open times (epoch ms)."""
        if self._store is None:
            return
        for timeframe, opens in changed.items():
            series = self._market[symbol].history.series[timeframe]
            held = [(open_ms, row) for open_ms in opens if (row := series.window(open_ms, 1)) is not None]
            if held:
                rows = _bar_rows(symbol, timeframe, [at for at, _ in held], np.concatenate([row for _, row in held]))
                self._store.write(BARS, rows)

    def forget(self, symbol: str) -> None:
        """Nothing that was recalled of a symbol is its own any more."""
        self._notes.pop(symbol, None)
        for key in [key for key in self._stored_until if key[0] == symbol]:
            del self._stored_until[key]

    def write_backlog(self) -> bool:
        """Keep the whole history of the next symbol that had nothing stored; `False` when none is waiting."""
        if not self._backlog:
            return False
        symbol = self._backlog.popleft()
        if symbol in self._market and self._store is not None:
            for timeframe, series in self._market[symbol].history.series.items():
                begin_ms, table = series.since(0)
                times = range(begin_ms, begin_ms + len(table) * timeframe.ms, timeframe.ms)
                self._store.write(BARS, _bar_rows(symbol, timeframe, times, table))
        return True


def _mind_the_seam(history: SymbolBars, begin_ms: int, rows: Floats) -> None:
    """Let a history begin with the last change of unit among its stored minutes."""
    opens, closes = rows[1:, OPEN], rows[:-1, CLOSE]
    if not np.any(np.abs(np.log10(opens / closes)) > _LEAST_DECADES):
        return
    bars = [Bar(begin_ms + i * _BASE.ms, *values) for i, values in enumerate(rows[:, :BUY_VOLUME].tolist())]
    if (found := last_seam(bars)) is not None:
        at, n = found
        history.restart(bars[at].open_ms, n)


def _bar_rows(symbol: str, timeframe: Timeframe, times: Iterable[int], values: Floats) -> list[Row]:
    """`bars` rows of bars [t, 7]; one that is missing has no row."""
    rows: list[Row] = []
    for time, row in zip(times, values.tolist(), strict=True):
        if not isnan(row[0]):
            fields: tuple[Value, ...] = (symbol, str(timeframe), *map(_known, row))
            rows.append((time, *fields))
    return rows


_NO_TICKER: tuple[float | None, ...] = (None,) * 7


def _known(value: float) -> float | None:
    return None if isnan(value) else value


def minutes_wanted(*, detailed: bool) -> int:
    """Stored minutes that a symbol goes on from."""
    return _MINUTES if detailed else _MINUTES_OF_OTHERS

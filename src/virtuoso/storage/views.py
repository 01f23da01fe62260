"""Bars, books and scores out of the stores: implements `model.views.SymbolViews` for a process that watches nothing."""

from collections.abc import Callable, Mapping, Sequence
from math import exp

import msgspec

from virtuoso.model.catalogue import factors
from virtuoso.model.clock import Clock, iso
from virtuoso.model.documents import SERIES, BarItem, Bars, Book, ScoreHistory, ScoreItem, SeriesItem, SymbolSeries
from virtuoso.model.errors import StoreUnavailable
from virtuoso.model.quality import DataQuality, DataSource
from virtuoso.model.signal import Band
from virtuoso.model.timeframe import Timeframe
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.exchange_time import exchange_ms
from virtuoso.storage.timeseries.protocol import Readable
from virtuoso.storage.timeseries.schema import BARS, FACTORS, TICKERS, Measurement, Row

_SCORED = tuple(FACTORS.fields)
_NOTHING_KEPT = "nothing is kept that could be served: timeseries.store is `none`"
_PATIENCE = 3
"""So many times the wanted length of history is looked through: it may have gaps."""


class StoredViews:
    """Used on one event loop. A symbol is watched when its document is published."""

    def __init__(
        self, cache: MemoryCache, series: Readable | None, timeframes: Sequence[Timeframe], clock: Clock
    ) -> None:
        self._cache = cache
        self._series = series
        self._timeframes = tuple(sorted({*timeframes, Timeframe.H1, Timeframe.D1}, key=lambda tf: tf.ms))
        self._clock = clock

    def timeframes(self) -> tuple[Timeframe, ...]:
        """Those analysed, and hours and days."""
        return self._timeframes

    async def bars(self, symbol: str, timeframe: Timeframe, limit: int, until_ms: int | None = None) -> Bars | None:
        """The latest stored bars that began before `until_ms`; none, with a reason, while the store cannot be read."""
        if not self._watched(symbol):
            return None
        tags = {"symbol": [symbol], "timeframe": [str(timeframe)]}
        rows, reason = await self._latest(BARS, tags, limit, timeframe.ms, until_ms)
        return Bars(symbol=symbol, timeframe=str(timeframe), bars=tuple(map(_bar, rows)), reason=reason)

    async def scores(self, symbol: str, limit: int) -> ScoreHistory | None:
        """The latest stored readings; none, with a reason, while the store cannot be read."""
        if not self._watched(symbol):
            return None
        rows, reason = await self._latest(FACTORS, {"symbol": [symbol]}, limit, Timeframe.M1.ms)
        return ScoreHistory(symbol=symbol, scores=tuple(map(_score, rows)), reason=reason)

    async def series(self, symbol: str, names: Sequence[str], limit: int) -> SymbolSeries | None:
        """What is stored of the latest minutes; nothing, with a reason, while the store cannot be read."""
        document = self._cache.get(f"symbol:{symbol}")
        if document is None:
            return None
        tags = {"symbol": [symbol]}
        rows, reason = await self._latest(TICKERS, tags, limit, Timeframe.M1.ms)
        bars: Sequence[Row] = ()
        if _DELTA in names and reason is None:
            bars, reason = await self._latest(BARS, tags | {"timeframe": [str(Timeframe.M1)]}, limit, Timeframe.M1.ms)
        found = {name: _deltas(bars) if name == _DELTA else _points(rows, name) for name in names}
        source = msgspec.json.decode(document.body, type=_Detail).ticker.data_source
        items = tuple(_series_item(name, points) for name, points in found.items())
        return SymbolSeries(symbol=symbol, series=items, data_source=source, reason=reason)

    async def book(self, symbol: str, depth: int) -> Book | None:
        """The book as it was last published."""
        document = self._cache.get(f"book:{symbol}")
        if document is not None:
            book = msgspec.json.decode(document.body, type=Book)
            return msgspec.structs.replace(book, bids=book.bids[:depth], asks=book.asks[:depth])
        if not self._watched(symbol):
            return None
        return Book(
            symbol=symbol, bids=(), asks=(), update_id=None, updated_at=None, data_source=None,
            data_quality=DataQuality.UNAVAILABLE, reason="no book of this symbol is watched (universe.detailed)",
        )  # fmt: skip

    def _watched(self, symbol: str) -> bool:
        return self._cache.get(f"symbol:{symbol}") is not None

    async def _latest(
        self,
        measurement: Measurement,
        tags: dict[str, list[str]],
        limit: int,
        step_ms: int,
        until_ms: int | None = None,
    ) -> tuple[Sequence[Row], str | None]:
        if self._series is None:
            return (), _NOTHING_KEPT
        now_ms = exchange_ms(self._cache, self._clock)
        last_ms = now_ms if until_ms is None else max(0, min(now_ms, until_ms - 1))
        first_ms = max(0, last_ms - _PATIENCE * limit * step_ms)
        try:
            found = await self._series.read(measurement, first_ms, last_ms, tags=tags, limit=limit)
        except StoreUnavailable as error:
            return (), str(error)
        return next(iter(found.values()), ()), None


class _Ticker(msgspec.Struct):
    data_source: DataSource | None = None


class _Detail(msgspec.Struct):
    """What is read of a symbol's document."""

    ticker: _Ticker


_DELTA = "volume_delta"
_VOLUME, _BOUGHT = (1 + list(BARS.fields).index(name) for name in ("volume", "buy_volume"))
_SERVED: Mapping[str, Callable[[float], float]] = {
    "funding": lambda fraction: 100.0 * fraction, "basis": lambda fraction: 1e4 * fraction,
    "long_ratio": lambda odds: 1.0 / (1.0 + exp(-odds)),
}  # fmt: skip
"""How what is kept as a fraction, or as the log of a ratio, becomes what `SERIES` says."""
_Points = tuple[tuple[str, float], ...]


def _points(rows: Sequence[Row], name: str) -> _Points:
    at = 1 + list(TICKERS.fields).index(name)
    served = _SERVED.get(name, float)
    return tuple((iso(row[0]) or "", served(value)) for row in rows if (value := _number(row[at])) is not None)


def _deltas(bars: Sequence[Row]) -> _Points:
    """What takers bought less what they sold, of the minutes whose takers are known."""
    both = ((bar[0], _number(bar[_VOLUME]), _number(bar[_BOUGHT])) for bar in bars)
    return tuple(
        (iso(at) or "", 2 * bought - volume) for at, volume, bought in both if volume is not None and bought is not None
    )


def _series_item(name: str, points: _Points) -> SeriesItem:
    until = points[-1][0] if points else None
    reason = None if points else "nothing of it was kept of these minutes: not told by the exchange, or not seen whole"
    return SeriesItem(name=name, unit=SERIES[name], points=points, until=until, reason=reason)


def _bar(row: Row) -> BarItem:
    time_ms, *values = row
    return BarItem(open_time=iso(time_ms) or "", **dict(zip(_BAR_FIELDS, values, strict=False)))  # type: ignore[arg-type]


_BAR_FIELDS = tuple(BARS.fields)[:6]


def _score(row: Row) -> ScoreItem:
    time_ms, *values = row
    by_name = dict(zip(_SCORED, values, strict=True))
    band = by_name["band"]
    return ScoreItem(
        timestamp=iso(time_ms) or "",
        band=None if band is None else Band(str(band)),
        score=_number(by_name["score"]),
        score_percentile=_number(by_name["score_percentile"]),
        agreement=_number(by_name["agreement"]),
        coverage=_number(by_name["coverage"]),
        factors={name: _number(by_name[name]) for name in factors.FACTORS},
    )


def _number(value: object) -> float | None:
    return value if isinstance(value, float) else None

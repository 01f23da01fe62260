"""Folds trades of a file into minute bars, with what takers bought, in memory bounded by a part of the file.

A file of trades goes forwards or backwards in time, so that a minute ends where the next begins: only the minute at
which a part ends waits for the next part. A minute without a trade between two that have some is a bar without volume,
as exchanges write it; a longer silence is taken for a hole in the file.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from virtuoso.market.panel import Floats, Ints
from virtuoso.research.bar_files.columns import Bools, Names, is_text, numbers, shown, symbols
from virtuoso.research.bar_files.hints import SYMBOL, TIME
from virtuoso.research.bar_files.layouts.table import MAKER, PRICE, SIDE, SIZE
from virtuoso.research.bar_files.part import Part, Source
from virtuoso.research.bar_files.problems import DataError
from virtuoso.research.bar_files.rows import MOST_SYMBOLS, Symbols
from virtuoso.research.bar_files.times import EARLIEST_S, Times, units_of

_MINUTE_S = 60
_QUIET_MINUTES = 60
"""The longest silence that is one of the market."""
_VALUES = ("open", "high", "low", "close", "volume", "turnover", "taker_buy_volume")
_BAR = np.dtype([("symbol", "<i8"), ("minute", "<i8"), ("number", "<i8"), *((name, "<f8") for name in _VALUES)])
_SIDES = {SIDE: ("buy", "sell"), MAKER: ("false", "true")}
"""How the column writes that the taker bought, and that he sold."""

Folded = NDArray[np.void]
"""Records of `_BAR`."""


class TradeSource:
    """Reads a file of trades as minute bars; `number` of a bar is that of the first of its trades in the file."""

    def __init__(self, trades: Source) -> None:
        self._trades = trades
        self.path, self.unit, self.bytes = trades.path, trades.unit, trades.bytes
        self.recognised, self.form = trades.recognised, trades.form
        symbol = {SYMBOL: trades.names[SYMBOL]} if SYMBOL in trades.names else {}
        self.names: Names = {name: name for name in (TIME, *_VALUES)} | symbol
        self.times = Times(trades.path, trades.names[TIME])
        self._trades.times.kind = pa.float64()  # seconds have fractions
        self._per_second = 1
        self._known = Symbols()
        self._backwards: bool | None = None
        self._waiting: Folded = np.empty(0, _BAR)
        self._last: dict[int, Any] = {}
        self._given = np.full(MOST_SYMBOLS, np.iinfo(np.int64).min)

    def parts(self) -> Iterator[Part]:
        """Read the file once and yield its minutes in parts; raises `DataError` if its trades are in no order."""
        end = 0
        for part in self._trades.parts():
            bars, malformed = self._read(part)
            end = part.end
            yield self._part(self._filled(self._closed(bars)), [*part.malformed, *malformed], end)
        if self._waiting.size:
            yield self._part(self._filled(self._ordered(self._waiting)), [], end)

    def share(self) -> float:
        """How much of the file was read, in [0, 1]."""
        return self._trades.share()

    def _read(self, part: Part) -> tuple[Folded, list[tuple[int, str]]]:
        """Fold the good trades of a part into minutes, and say what is wrong with the others."""
        columns, names, path = part.columns, self._trades.names, self.path
        moment, timeless = _moments(path, names[TIME], columns[TIME])
        per_second = units_of(moment)[0]
        seconds = moment / per_second
        if per_second.size:
            self._per_second = int(per_second[0])
        price, no_price = numbers(path, names[PRICE], columns[PRICE])
        size, no_size = numbers(path, names[SIZE], columns[SIZE])
        side = SIDE if SIDE in columns else MAKER
        bought, sideless = _bought(columns[side], *_SIDES[side])
        code = self._codes(part)
        faults = (
            (TIME, timeless, "is no time: epoch s, ms or µs since 2001 is needed"),
            (SYMBOL, code < 0, "is no symbol"),
            (PRICE, no_price | ~np.isfinite(price) | (price <= 0), "is no price"),
            (SIZE, no_size | ~np.isfinite(size) | (size <= 0), "is no size"),
            (side, sideless, "is no side"),
        )
        good, malformed = np.ones(price.size, np.bool_), []
        for key, wrong, text in faults:
            for row in np.flatnonzero(wrong & good).tolist():
                stands = shown(columns[key], row)
                malformed.append(
                    (int(part.number[row]), f"{names[key]} {f'{stands} {text}' if stands else 'is missing'}")
                )
            good &= ~wrong
        trades = np.empty(int(good.sum()), _BAR)
        trades["symbol"], trades["number"] = code[good], part.number[good]
        trades["minute"] = seconds[good] // _MINUTE_S
        for name in ("open", "high", "low", "close"):
            trades[name] = price[good]
        trades["volume"], trades["turnover"] = size[good], (size * price)[good]
        trades["taker_buy_volume"] = np.where(bought, size, 0.0)[good]
        self._turn(seconds[good])
        order = np.lexsort((seconds[good] if not self._backwards else -seconds[good], trades["symbol"]))
        return trades[order], malformed

    def _codes(self, part: Part) -> Ints:
        if SYMBOL not in part.columns:
            return np.zeros(part.number.size, np.int64)
        different, index = symbols(self.path, self.names[SYMBOL], part.columns[SYMBOL])
        return self._known.codes([*different, ""], self.path)[index]

    def _turn(self, seconds: Floats) -> None:
        """Find out whether the file goes backwards in time."""
        if self._backwards is None and seconds.size and seconds[0] != seconds[-1]:
            self._backwards = bool(seconds[0] > seconds[-1])

    def _closed(self, trades: Folded) -> Folded:
        """Return the minutes that no later part can add to, in the order of the file; the others wait."""
        bars = _folded(np.concatenate([self._waiting, trades]), backwards=bool(self._backwards))
        last = np.append(bars["symbol"][1:] != bars["symbol"][:-1], True)[: bars.size]
        self._waiting = bars[last]
        return self._ordered(bars[~last])

    def _ordered(self, bars: Folded) -> Folded:
        """Return the bars; raises `DataError` when one of their minutes, or a later one, was given before."""
        step = -bars["minute"] if self._backwards else bars["minute"]
        again = step <= self._given[bars["symbol"]]
        if again.any():
            place = f"{self.unit} {int(bars['number'][again].min()):,}"
            raise DataError(self.path, "its trades are in no order of time: sort the file by time", place)
        np.maximum.at(self._given, bars["symbol"], step)
        return bars

    def _filled(self, bars: Folded) -> Folded:
        """Add bars of the quiet minutes between these bars and those before."""
        begins = np.flatnonzero(np.diff(bars["symbol"], prepend=-1))
        before = np.concatenate([bars[:1], bars[:-1]])
        for i in begins.tolist():
            before[i] = self._last.get(int(bars["symbol"][i]), bars[i])
        for i in (np.append(begins[1:], bars.size) - 1).tolist() if bars.size else ():
            self._last[int(bars["symbol"][i])] = bars[i].copy()
        quiet = np.abs(bars["minute"] - before["minute"]) - 1
        quiet[(quiet < 0) | (quiet > _QUIET_MINUTES)] = 0
        flat = np.repeat(bars if self._backwards else before, quiet)
        flat["minute"] += 1 + np.arange(flat.size) - np.repeat(quiet.cumsum() - quiet, quiet)
        for name in ("open", "high", "low"):
            flat[name] = flat["close"]
        for name in ("volume", "turnover", "taker_buy_volume"):
            flat[name] = 0.0
        both = np.concatenate([bars, flat])
        return both[np.lexsort((both["minute"], both["symbol"]))]

    def _part(self, bars: Folded, malformed: list[tuple[int, str]], end: int) -> Part:
        columns: dict[str, Any] = {name: pa.array(np.ascontiguousarray(bars[name])) for name in _VALUES}
        columns[TIME] = pa.array(bars["minute"] * (_MINUTE_S * self._per_second))
        if SYMBOL in self.names:
            columns[SYMBOL] = pa.array([self._known.names[code] for code in bars["symbol"].tolist()], pa.string())
        return Part(bars["number"].astype(np.int64), columns, malformed, end)


def _folded(bars: Folded, *, backwards: bool) -> Folded:
    """Bars of which some are of one minute as one bar a minute, by symbol, each in the direction of the file.

    Those of one minute come in the direction of the file.
    """
    if not bars.size:
        return bars
    bars = bars[np.lexsort((-bars["minute"] if backwards else bars["minute"], bars["symbol"]))]
    begins = (bars["symbol"][1:] != bars["symbol"][:-1]) | (bars["minute"][1:] != bars["minute"][:-1])
    starts = np.flatnonzero(np.concatenate(([True], begins)))
    ends = np.append(starts[1:], bars.size) - 1
    folded = bars[starts].copy()
    early, late = (ends, starts) if backwards else (starts, ends)
    folded["open"], folded["close"] = bars["open"][early], bars["close"][late]
    folded["high"] = np.maximum.reduceat(bars["high"], starts)
    folded["low"] = np.minimum.reduceat(bars["low"], starts)
    folded["number"] = np.minimum.reduceat(bars["number"], starts)
    for name in ("volume", "turnover", "taker_buy_volume"):
        folded[name] = np.add.reduceat(bars[name], starts)
    return folded


def _moments(path: Path, name: str, column: Any) -> tuple[Floats, Bools]:
    """Read times as they are written, and find where there is none."""
    values, wrong = numbers(path, name, column)
    values = np.where(np.isfinite(values), values, 0.0)
    return values, wrong | (values < EARLIEST_S)


def _bought(column: Any, buy: str, sell: str) -> tuple[Bools, Bools]:
    """Find where takers bought, and where that is not known."""
    text = column if is_text(column.type) else pc.cast(column, pa.string())
    word = pc.utf8_lower(pc.utf8_trim_whitespace(text))
    bought, sold = (
        pc.fill_null(pc.equal(word, one), fill_value=False).to_numpy(zero_copy_only=False) for one in (buy, sell)
    )
    return bought, ~(bought | sold)

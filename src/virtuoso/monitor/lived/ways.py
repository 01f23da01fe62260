"""The ways that prices took, read from the bars that a market holds."""

import numpy as np

from virtuoso.analysis.lived.came import Way, Ways
from virtuoso.market.bars import SymbolBars
from virtuoso.market.panel import Floats
from virtuoso.market.series import CLOSE
from virtuoso.market.state import MarketState
from virtuoso.model.catalogue.lived import MISSING, UNWATCHED
from virtuoso.model.timeframe import Timeframe

_LONG = Timeframe.M5
_MINUTE_MS = Timeframe.M1.ms
_NEAR_MIN = 15
"""What the first outcome looks at: it spans the minutes up to the first bar of 5m."""


def ways_of(market: MarketState) -> Ways:
    """Those of a market: by its minutes, and where a start did not load so many, by bars of 5m between them."""

    def ways(symbol: str, open_ms: int, minutes: int, near: Way | None) -> Way | int | None:
        if symbol not in market:
            return UNWATCHED
        history = market[symbol].history
        found = history.base.window(open_ms, minutes)
        if found is not None:
            return _of(found[:, : CLOSE + 1].copy())
        end_ms = open_ms + minutes * _MINUTE_MS
        if history.base.next_ms is None or history.base.next_ms < end_ms:
            return None
        return _joined(history, open_ms, minutes, near) if minutes > _NEAR_MIN else MISSING

    return ways


def _of(bars: Floats, entry: float | None = None) -> Way | int:
    if not np.isfinite(bars).all() or (bars <= 0.0).any():
        return MISSING
    begin = float(bars[0, 0]) if entry is None else entry
    closed, highest, lowest = np.log(np.array([bars[-1, 3], bars[:, 1].max(), bars[:, 2].min()]) / begin).tolist()
    return Way(begin, closed, highest, lowest, bars if entry is None else None)


def _joined(history: SymbolBars, open_ms: int, minutes: int, near: Way | None) -> Way | int:
    """The first minutes by what came within them, then bars of 5m, then the last minutes: the same numbers."""
    series, end_ms = history.series.get(_LONG), open_ms + minutes * _MINUTE_MS
    first_ms, last_ms = -(-open_ms // _LONG.ms) * _LONG.ms, _LONG.floor(end_ms)
    long = None if series is None else series.window(first_ms, (last_ms - first_ms) // _LONG.ms)
    tail = history.base.window(last_ms, (end_ms - last_ms) // _MINUTE_MS)
    if long is None or tail is None or (near is None and first_ms != open_ms):
        return MISSING
    entry = float(long[0, 0]) if near is None else near.entry
    way = _of(np.concatenate([long, tail])[:, : CLOSE + 1], entry)
    if near is None or not isinstance(way, Way):
        return way
    return Way(entry, way.closed, max(way.highest, near.highest), min(way.lowest, near.lowest), None)

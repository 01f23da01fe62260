"""Blocks for analysis, built from symbols' states: copies, so that the loop and the worker share nothing."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from virtuoso.market.minute import MinuteFeatures
from virtuoso.market.panel import BOOK_LEVELS, BarBlock, BookBlock, Floats
from virtuoso.market.series import BUY_VOLUME, CLOSE, HIGH, LOW, OPEN, TURNOVER, VOLUME
from virtuoso.market.symbol import SymbolState
from virtuoso.model.market import Levels
from virtuoso.model.timeframe import Timeframe


def new_bars(timeframe: Timeframe, states: Sequence[tuple[int, SymbolState]], upto_ms: int) -> tuple[BarBlock, ...]:
    """Closed bars not handed out before and closing by `upto_ms`, of (row, state) pairs.

    Symbols with the same times share a block; one that lags or joined later has a block of its own.
    """
    groups: dict[tuple[int, int], list[tuple[int, Floats]]] = defaultdict(list)
    for row, state in states:
        begin, rows = state.history.take_new(timeframe, upto_ms)
        if len(rows):
            fill_buy_volume(state, timeframe, begin, rows)
            groups[(begin, len(rows))].append((row, rows))
    return tuple(_bar_block(timeframe, begin, count, members) for (begin, count), members in sorted(groups.items()))


def fill_buy_volume(state: SymbolState, timeframe: Timeframe, begin: int, rows: Floats) -> None:
    """Complete bars of the history, `rows` from open time `begin`, with the taker-buy volume that the tape proves.

    Minutes come before what is made of them. Higher bars are filled newest first up to one that is not known: a long
    history from before the tape is not searched.
    """
    if timeframe is Timeframe.M1:
        for i, volume in enumerate(rows[:, VOLUME].tolist()):
            rows[i, BUY_VOLUME] = state.tape.buy_volume(begin + i * timeframe.ms, volume)
        return
    for i in range(len(rows) - 1, -1, -1):
        bought = state.history.buy_volume(timeframe, begin + i * timeframe.ms)
        if np.isnan(bought):
            return
        rows[i, BUY_VOLUME] = bought


def _bar_block(timeframe: Timeframe, begin: int, count: int, members: list[tuple[int, Floats]]) -> BarBlock:
    data = np.stack([rows for _, rows in members], axis=1)  # [t, n, column]
    columns = [np.ascontiguousarray(data[:, :, c]) for c in (OPEN, HIGH, LOW, CLOSE, VOLUME, TURNOVER, BUY_VOLUME)]
    return BarBlock(
        timeframe=timeframe,
        rows=np.array([row for row, _ in members], dtype=np.int64),
        open_ms=begin + timeframe.ms * np.arange(count, dtype=np.int64),
        open=columns[0],
        high=columns[1],
        low=columns[2],
        close=columns[3],
        volume=columns[4],
        turnover=columns[5],
        buy_volume=columns[6],
    )


def book_block(rows: Sequence[int], features: Sequence[MinuteFeatures | None]) -> BookBlock:
    """Book features of one close; a symbol without a valid book has `nan` throughout."""

    def column(name: str) -> Floats:
        values = [None if f is None else getattr(f, name) for f in features]
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)

    bid_price, bid_size = _levels([[] if f is None else f.bids for f in features])
    ask_price, ask_size = _levels([[] if f is None else f.asks for f in features])
    return BookBlock(
        rows=np.array(rows, dtype=np.int64),
        bid_price=bid_price,
        bid_size=bid_size,
        ask_price=ask_price,
        ask_size=ask_size,
        order_flow=column("order_flow"),
        touch_size=column("touch_size"),
        imbalance=column("imbalance"),
        micro_deviation=column("micro_deviation"),
        spread_bp=column("spread_bp"),
        absorbed_bid=column("absorbed_bid"),
        absorbed_ask=column("absorbed_ask"),
        resilience=column("resilience"),
        vanished=column("vanished"),
    )


def _levels(books: Sequence[Levels]) -> tuple[Floats, Floats]:
    both = np.full((2, len(books), BOOK_LEVELS), np.nan)
    for i, levels in enumerate(books):
        if levels:
            both[:, i, : len(levels)] = np.array(levels[:BOOK_LEVELS]).T
    return both[0], both[1]

"""Blocks for analysis, built from symbols' states: copies, so that the loop and the worker share nothing."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from operator import attrgetter

import numpy as np

from virtuoso.market.minute import MinuteFeatures
from virtuoso.market.minutes import COLUMNS
from virtuoso.market.panel import BOOK_LEVELS, BarBlock, BookBlock, Floats, Ints, MinuteBlock
from virtuoso.market.ring import known
from virtuoso.market.series import BUY_VOLUME, CLOSE, HIGH, LOW, OPEN, TURNOVER, VOLUME
from virtuoso.market.symbol import SymbolState
from virtuoso.market.tape import proven
from virtuoso.model.market import Levels
from virtuoso.model.timeframe import Timeframe

_BASE = Timeframe.M1
_TAKEN = ("buy_orders", "sell_orders", "large_buy", "large_sell")
_SAMPLED = (
    "order_flow", "touch_size", "imbalance", "micro_deviation", "spread_bp", "absorbed_bid", "absorbed_ask",
    "resilience", "vanished",
)  # fmt: skip

Member = tuple[int, SymbolState, Floats]
"""A row, its symbol's state, and its new bars [t, 7] as they stand in the history."""


def new_bars(timeframe: Timeframe, states: Sequence[tuple[int, SymbolState]], upto_ms: int) -> tuple[BarBlock, ...]:
    """Closed bars not handed out before and closing by `upto_ms`, of (row, state) pairs.

    Symbols with the same times share a block; one that lags or joined later has a block of its own.
    """
    groups: dict[tuple[int, int], list[Member]] = defaultdict(list)
    for row, state in states:
        begin, rows = state.history.take_new(timeframe, upto_ms)
        if len(rows):
            groups[(begin, len(rows))].append((row, state, rows))
    block = _base_block if timeframe is _BASE else _higher_block
    return tuple(block(timeframe, begin, members, upto_ms) for (begin, _), members in sorted(groups.items()))


def _base_block(timeframe: Timeframe, begin: int, members: Sequence[Member], upto_ms: int) -> BarBlock:
    """Complete base bars, here and in the history, with the taker-buy volume that the tape proves, and their notes."""
    data, number = _stacked(members), begin // timeframe.ms
    count = len(data)
    taken, noted = [], []
    for _, state, _ in members:
        state.minutes.settle(upto_ms)
        taken.append(state.tape.taken(number, count))
        noted.append(state.minutes.noted(number, count))
    numbers = number + np.arange(count, dtype=np.int64)
    sides = proven(_side_by_side(taken), numbers[:, None], data[..., VOLUME])
    notes = _side_by_side(noted)
    notes = np.where(known(notes, numbers[:, None])[..., None], notes[..., 1:], np.nan)
    stored = np.isnan(sides[..., 0])  # of minutes before the start, only what was kept is known
    data[..., BUY_VOLUME] = np.where(stored, data[..., BUY_VOLUME], sides[..., 0])
    for i, (_, _, rows) in enumerate(members):
        rows[:, BUY_VOLUME] = data[:, i, BUY_VOLUME]
    return _bar_block(timeframe, begin, members, data, _minute_block(sides[..., 1:], notes))


def _higher_block(timeframe: Timeframe, begin: int, members: Sequence[Member], _upto_ms: int) -> BarBlock:
    """Complete higher bars with the taker-buy volume of their minutes, which come before them.

    They are filled newest first up to one that is not known: a long history from before the tape is not searched.
    """
    for _, state, rows in members:
        for i in range(len(rows) - 1, -1, -1):
            bought = state.history.buy_volume(timeframe, begin + i * timeframe.ms)
            if not np.isnan(bought):
                rows[i, BUY_VOLUME] = bought
            elif np.isnan(rows[i, BUY_VOLUME]):
                break
    return _bar_block(timeframe, begin, members, _stacked(members), None)


def _stacked(members: Sequence[Member]) -> Floats:
    """The members' bars [t, n, column]."""
    return _side_by_side([rows for _, _, rows in members])


def _side_by_side(tables: Sequence[Floats]) -> Floats:
    """Tables [t, column] of n symbols as a new [t, n, column]."""
    count, columns = tables[0].shape
    joined = np.concatenate(tables)  # quicker than `stack`, which looks at each table again
    return np.ascontiguousarray(joined.reshape(len(tables), count, columns).transpose(1, 0, 2))


def _bar_block(
    timeframe: Timeframe, begin: int, members: Sequence[Member], data: Floats, minutes: MinuteBlock | None
) -> BarBlock:
    columns = [np.ascontiguousarray(data[..., c]) for c in (OPEN, HIGH, LOW, CLOSE, VOLUME, TURNOVER, BUY_VOLUME)]
    return BarBlock(
        timeframe=timeframe,
        rows=_rows([row for row, _, _ in members]),
        open_ms=begin + timeframe.ms * np.arange(len(data), dtype=np.int64),
        open=columns[0],
        high=columns[1],
        low=columns[2],
        close=columns[3],
        volume=columns[4],
        turnover=columns[5],
        buy_volume=columns[6],
        minutes=minutes,
    )


def _minute_block(taken: Floats, noted: Floats) -> MinuteBlock:
    """From [t, n, 4] and [t, n, columns]."""
    fields = {name: np.ascontiguousarray(taken[..., i]) for i, name in enumerate(_TAKEN)}
    return MinuteBlock(**fields, **{name: np.ascontiguousarray(noted[..., i]) for i, name in enumerate(COLUMNS)})


def book_block(rows: Sequence[int], features: Sequence[MinuteFeatures | None]) -> BookBlock:
    """Book features of one close; a symbol without a valid book has `nan` throughout."""
    bid_price, bid_size = _levels([[] if f is None else f.bids for f in features])
    ask_price, ask_size = _levels([[] if f is None else f.asks for f in features])
    sampled, unseen = attrgetter(*_SAMPLED), (None,) * len(_SAMPLED)
    values = np.array([unseen if f is None else sampled(f) for f in features], dtype=np.float64).T  # None is nan
    return BookBlock(
        rows=_rows(rows),
        bid_price=bid_price,
        bid_size=bid_size,
        ask_price=ask_price,
        ask_size=ask_size,
        **dict(zip(_SAMPLED, np.ascontiguousarray(values), strict=True)),
    )


def _levels(books: Sequence[Levels]) -> tuple[Floats, Floats]:
    """Prices and sizes [n, BOOK_LEVELS] of the best levels, `nan` where there are fewer."""
    depths = np.array([len(levels) for levels in books])
    flat = np.fromiter(chain.from_iterable(chain.from_iterable(books)), np.float64, 2 * int(depths.sum()))
    both = np.full((len(books), BOOK_LEVELS, 2), np.nan)
    both[np.arange(BOOK_LEVELS) < depths[:, None]] = flat.reshape(-1, 2)
    return np.ascontiguousarray(both[..., 0]), np.ascontiguousarray(both[..., 1])


def _rows(rows: Sequence[int]) -> Ints:
    return np.array(rows, dtype=np.int64)

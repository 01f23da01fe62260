"""The panel: immutable blocks of closed bars and cut book features, the only thing analysis reads.

`rows` name the symbols: a symbol keeps its row while it is watched, and a freed row is reset before it is taken
again. Missing values are `nan`, which analysis turns into `null` with a reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virtuoso.model.quality import DataQuality
from virtuoso.model.timeframe import Timeframe

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BOOK_LEVELS = 10
"""Levels a side in `BookBlock`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BarBlock:
    """`t` consecutive closed bars of one timeframe for `n` symbols, times ascending without gaps.

    Shapes: `rows` [n]; `open_ms` [t]; the rest [t, n]. Prices in quote units, volumes in base units, turnover in
    quote units. `buy_volume` is the taker-buy volume, `nan` where the tape of the whole bar was not seen.
    """

    timeframe: Timeframe
    rows: Ints
    open_ms: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    turnover: Floats
    buy_volume: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class BookBlock:
    """Book features of one base bar for `n` symbols, cut at the first event at or past the close.

    The levels are the book at the cut, best first, [n, BOOK_LEVELS]. All else is [n], over the bar; what is
    sampled is sampled once a second of event time. `nan` where no valid book was seen.
    """

    rows: Ints
    bid_price: Floats
    bid_size: Floats
    ask_price: Floats
    ask_size: Floats
    order_flow: Floats
    """Sum of the level-1 order-flow contributions e_n (Cont, Kukanov & Stoikov, 2014), base units."""
    touch_size: Floats
    """Mean of (best bid size + best ask size) / 2 over the samples, base units."""
    imbalance: Floats
    """Mean over the samples of (B − A)/(B + A), B and A the sizes of the best ten levels, in [-1, 1]."""
    micro_deviation: Floats
    """Mean over the samples of (micro-price − mid)/(spread/2), micro-price weighted by the touch, in [-1, 1]."""
    spread_bp: Floats
    """Mean over the samples of spread / mid, basis points."""
    absorbed_bid: Floats
    """Taker-sell volume at prices that the best bid still held 1 s after, base units; `nan` if the bar's
    tape was not seen whole."""
    absorbed_ask: Floats
    """Taker-buy volume at prices that the best ask still held 1 s after, base units; `nan` if the bar's
    tape was not seen whole."""
    resilience: Floats
    """Share in [0, 1] of the samples after a shock (a touch size halved, or the spread doubled, from one sample
    to the next) in which it was made good within 3 s; `nan` without a shock."""
    vanished: Floats
    """Share in [0, 1] of large resting size (over 4 × the mean level of the best ten, not at the touch) seen in a
    sample that was gone 3 s later, its price neither traded nor left behind; `nan` when none was large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Everything that analysis gets for one base close.

    `bars` holds the base block (t ≥ 1) and a block of each higher timeframe that closed with it. `symbols` [n] and
    `rows` [n] go together; the qualities are per symbol, derived from the liveness of each feed.
    """

    close_ms: int
    symbols: tuple[str, ...]
    rows: Ints
    bars: Mapping[Timeframe, tuple[BarBlock, ...]]
    book: BookBlock | None
    bar_quality: tuple[DataQuality, ...]
    book_quality: tuple[DataQuality, ...]
    tape_quality: tuple[DataQuality, ...]

"""The panel: immutable blocks of closed bars and cut book features, the only thing analysis reads.

`rows` name the symbols: a symbol keeps its row while it is watched, and a freed row is reset before it is taken
again. Missing values are `nan`, which analysis turns into `null` with a reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from virtuoso.model.evidence import Evidence
from virtuoso.model.quality import DataQuality
from virtuoso.model.timeframe import Timeframe

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BOOK_LEVELS = 10
"""Levels a side in `BookBlock`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteBlock:
    """What is known of `t` base bars besides their prices; every array is [t, n], `nan` for unknown.

    The four of the tape are `nan` unless the bar's trades were all seen; the rest is as last known at the close.
    """

    buy_orders: Floats
    """Taker-buy trades, a count."""
    sell_orders: Floats
    """Taker-sell trades, a count."""
    large_buy: Floats
    """Taker-buy volume of trades that were large for this symbol, base units."""
    large_sell: Floats
    """Taker-sell volume of trades that were large for this symbol, base units."""
    open_interest: Floats
    """Base units."""
    funding: Floats
    """Funding rate as now foreseen, a fraction per the symbol's own interval."""
    funding_mean: Floats
    """Mean of the symbol's settled rates, a fraction per interval."""
    funding_deviation: Floats
    """Standard deviation of the symbol's settled rates."""
    funding_settles_ms: Floats
    """When `funding` is settled next, epoch ms."""
    funding_interval_h: Floats
    """Hours between two settlements."""
    long_ratio: Floats
    """ln(long accounts/short accounts)."""
    long_ratio_mean: Floats
    """Mean of it over what was asked for."""
    long_ratio_deviation: Floats
    """Standard deviation of it."""
    basis: Floats
    """(mark − index)/index, a fraction."""
    long_liquidated: Floats
    """Liquidated long positions (forced selling) in this bar, quote units."""
    short_liquidated: Floats
    """Liquidated short positions (forced buying) in this bar, quote units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BarBlock:
    """`t` consecutive closed bars of one timeframe for `n` symbols, times ascending without gaps.

    Shapes: `rows` [n]; `open_ms` [t]; the rest [t, n]. Prices in quote units, volumes in base units, turnover in
    quote units. `buy_volume` is the taker-buy volume, `nan` where the tape of the whole bar was not seen. `minutes`
    is what else is known of base bars, `None` where nothing is.
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
    minutes: MinuteBlock | None = None

    def part(self, bars: slice, columns: "slice | NDArray[np.bool_] | Ints" = slice(None)) -> "BarBlock":
        """Cut out some bars of some columns."""
        return BarBlock(
            timeframe=self.timeframe,
            rows=self.rows[columns],
            open_ms=self.open_ms[bars],
            minutes=None if self.minutes is None else part_of(self.minutes, bars, columns),
            **{name: getattr(self, name)[bars][:, columns] for name in BAR_FIELDS},
        )


BAR_FIELDS = ("open", "high", "low", "close", "volume", "turnover", "buy_volume")
"""The arrays [t, n] of a `BarBlock`."""
MINUTE_FIELDS = tuple(field.name for field in fields(MinuteBlock))
"""The arrays [t, n] of a `MinuteBlock`."""


def part_of(minutes: MinuteBlock, bars: slice, columns: "slice | NDArray[np.bool_] | Ints") -> MinuteBlock:
    """Cut out some bars of some columns of the minutes' other values."""
    return MinuteBlock(**{n: np.ascontiguousarray(getattr(minutes, n)[bars][:, columns]) for n in MINUTE_FIELDS})


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
    `rows` [n] go together; the qualities are per symbol, derived from the liveness of each feed. `evidence` says what
    each symbol can have at all, and `detailed` whether it is of the class with book and trades. `told_from_ms` [n] is
    the open time (epoch ms) of the first minute that a stream told of, infinite where none did: what is decided at
    closes before that is shown, and leaves nothing behind. Without it every minute was told.
    """

    close_ms: int
    symbols: tuple[str, ...]
    rows: Ints
    bars: Mapping[Timeframe, tuple[BarBlock, ...]]
    book: BookBlock | None
    bar_quality: tuple[DataQuality, ...]
    book_quality: tuple[DataQuality, ...]
    tape_quality: tuple[DataQuality, ...]
    ticker_quality: tuple[DataQuality, ...]
    evidence: tuple[Evidence, ...]
    detailed: tuple[bool, ...]
    told_from_ms: Floats | None = None

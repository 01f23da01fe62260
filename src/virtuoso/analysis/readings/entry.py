"""What an entry would mean: stop, targets and invalidation from ATR and structure, and what the book charges for it."""

from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.component import Build, Modifier
from virtuoso.analysis.indicators.swings import SwingHigh, SwingLow
from virtuoso.market.panel import BookBlock, Floats
from virtuoso.model.signal import Entry, EntryChances, Slippage
from virtuoso.model.timeframe import Timeframe

STOP_ATR = 1.5
"""Distance of a stop without a near swing, in ATR."""
NEAREST_ATR, FARTHEST_ATR = 0.5, 3.0
"""A swing bears a stop when it is between these from the price, in ATR."""
BEYOND_ATR = 0.25
"""How far beyond the swing the stop lies, in ATR."""
REWARD = 2.0
"""The second target, and the first where no swing lies before it, in multiples of the risk."""


def _price(name: str, build: Build, bars: int) -> Modifier:
    """A price in quote units that is served as it is."""
    return Modifier(name=name, unit="quote", build=build, ready=bars, exact=bars, map=lambda price: price)


MEASURES = (
    _price("swing_low", SwingLow, SwingLow.READY),
    _price("swing_high", SwingHigh, SwingHigh.READY),
)
"""Read from the regime's timeframe: the last confirmed swings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What entries are judged from, of n symbols: last close, ATR-14, `prices` [2, n] (`nan` unknown), and the book.

    `prices` are those of `MEASURES`.
    """

    timeframe: Timeframe
    close: Floats
    atr: Floats
    prices: Floats
    book: BookBlock | None
    book_seen: NDArray[np.bool_]
    size: float

    def entries(self, long: NDArray[np.bool_]) -> "Entries":
        """Work out all entries: where `long` [n] holds those of a rise, else those of a fall."""
        price, atr = self.close, self.atr
        sign = np.where(long, 1.0, -1.0)
        low, high = self.prices
        behind, ahead = np.where(long, low, high), np.where(long, high, low)
        with np.errstate(all="ignore"):
            known = np.isfinite(price) & np.isfinite(atr) & (atr > 0.0)
            depth = sign * (price - behind) / atr
            by_swing = np.isfinite(behind) & (depth >= NEAREST_ATR) & (depth <= FARTHEST_ATR)
            invalidation = np.where(by_swing, behind, price - sign * STOP_ATR * atr)
            stop = np.where(by_swing, behind - sign * BEYOND_ATR * atr, invalidation)
            risk = sign * (price - stop)
            second = price + sign * REWARD * risk
            to_swing = sign * (ahead - price)
            blocked = np.isfinite(ahead) & (to_swing >= NEAREST_ATR * atr) & (to_swing < REWARD * risk)
            first = np.where(blocked, ahead, second)
        return Entries(
            context=self, long=long, known=known, by_swing=by_swing, invalidation=invalidation, stop=stop,
            first=first, second=second, blocked=blocked, reward_risk=sign * (first - price) / risk,
        )  # fmt: skip

    def slippage(self, i: int) -> Slippage:
        """What the book charges symbol `i` for the entry, or why that is not known."""
        book = self.book
        if book is None or not self.book_seen[i]:
            return Slippage(size=self.size, buy_bp=None, sell_bp=None, reason="no book was seen at the cut")
        mid = 0.5 * float(book.bid_price[i, 0] + book.ask_price[i, 0])
        buy = walked(book.ask_price[i].tolist(), book.ask_size[i].tolist(), self.size)
        sell = walked(book.bid_price[i].tolist(), book.bid_size[i].tolist(), self.size)
        return Slippage(
            size=self.size,
            buy_bp=None if buy is None else 1e4 * (buy / mid - 1.0),
            sell_bp=None if sell is None else 1e4 * (1.0 - sell / mid),
            reason=None if buy is not None and sell is not None else "the ten best levels hold less than that",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """The entries of n symbols in one direction each; prices [n] are of no use where they are not `known`."""

    context: Context
    long: NDArray[np.bool_]
    known: NDArray[np.bool_]
    by_swing: NDArray[np.bool_]
    invalidation: Floats
    stop: Floats
    first: Floats
    """The first target."""
    second: Floats
    blocked: NDArray[np.bool_]
    """Whether a swing lies before the second target."""
    reward_risk: Floats

    def entry(self, i: int, chances: EntryChances) -> Entry:
        """The entry of symbol `i`: stop, targets and reward/risk, or the reason why there is none yet."""
        context, long = self.context, bool(self.long[i])
        price, side, slippage = float(context.close[i]), "long" if long else "short", context.slippage(i)
        if not self.known[i]:
            return Entry(
                side=side, price=price if isfinite(price) else None, timeframe=context.timeframe, atr=None, stop=None,
                invalidation=None, targets=(), reward_risk=None, basis=None, slippage=slippage, chances=chances,
                reason=_no_atr(context.timeframe),
            )  # fmt: skip
        second = (float(self.second[i]),)
        return Entry(
            side=side, price=price, timeframe=context.timeframe, atr=float(context.atr[i]), stop=float(self.stop[i]),
            invalidation=float(self.invalidation[i]),
            targets=(float(self.first[i]), *second) if self.blocked[i] else second,
            reward_risk=float(self.reward_risk[i]),
            basis=("swing " + ("low" if long else "high")) if self.by_swing[i] else f"{STOP_ATR:g} ATR",
            slippage=slippage, chances=chances,
        )  # fmt: skip


def _no_atr(timeframe: Timeframe) -> str:
    return f"no ATR of {timeframe} yet"


def walked(prices: list[float], sizes: list[float], quote: float) -> float | None:
    """Mean price (quote value over base units) at which `quote` is filled from the levels; `None` when they run out."""
    left, base = quote, 0.0
    for price, size in zip(prices, sizes, strict=True):
        if not isfinite(price + size):
            return None
        value = price * size
        if value >= left:
            return quote / (base + left / price)
        left -= value
        base += size
    return None

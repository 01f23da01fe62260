"""What an entry would mean: stop, targets and invalidation from ATR and structure, and what the book charges for it."""

from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.component import Build, Modifier
from virtuoso.analysis.indicators.swings import SwingHigh, SwingLow
from virtuoso.market.panel import BookBlock, Floats
from virtuoso.model.signal import Entry, Slippage
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

    def entry(self, i: int, *, long: bool) -> Entry:
        """Work out the entry of symbol `i`: stop, targets and reward/risk, or the reason why there is none yet."""
        price, atr = float(self.close[i]), float(self.atr[i])
        slippage = self._slippage(i)
        if not (isfinite(price) and isfinite(atr) and atr > 0.0):
            return Entry(
                side="long" if long else "short", price=price if isfinite(price) else None, timeframe=self.timeframe,
                atr=None, stop=None, invalidation=None, targets=(), reward_risk=None, basis=None, slippage=slippage,
                reason=f"no ATR of {self.timeframe} yet",
            )  # fmt: skip
        sign = 1.0 if long else -1.0
        low, high = self.prices[:, i].tolist()
        behind, ahead = (low, high) if long else (high, low)
        depth = sign * (price - behind) / atr
        by_swing = isfinite(behind) and NEAREST_ATR <= depth <= FARTHEST_ATR
        invalidation = behind if by_swing else price - sign * STOP_ATR * atr
        stop = behind - sign * BEYOND_ATR * atr if by_swing else invalidation
        risk = sign * (price - stop)
        second = price + sign * REWARD * risk
        blocked = isfinite(ahead) and NEAREST_ATR * atr <= sign * (ahead - price) < REWARD * risk
        targets = (ahead, second) if blocked else (second,)
        return Entry(
            side="long" if long else "short", price=price, timeframe=self.timeframe, atr=atr, stop=stop,
            invalidation=invalidation, targets=targets, reward_risk=sign * (targets[0] - price) / risk,
            basis=("swing " + ("low" if long else "high")) if by_swing else f"{STOP_ATR:g} ATR", slippage=slippage,
        )  # fmt: skip

    def _slippage(self, i: int) -> Slippage:
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

"""Order-book indicators, scale-free: each is a share, or measured in its own dispersion. A step is one bar, [1, n]."""

from collections.abc import Callable
from operator import attrgetter

import numpy as np

from virtuoso.analysis.bank import BookSection
from virtuoso.analysis.block import Memory, mean, ratio
from virtuoso.market.panel import BOOK_LEVELS, BookBlock, Floats

_LEVEL_WEIGHTS = 1.0 / np.arange(1, BOOK_LEVELS + 1)


class DepthImbalance:
    """Multi-level depth imbalance, −1…1: half at the cut (level l weighs 1/l), half the mean over the bar."""

    def __init__(self, memory: Memory) -> None:
        del memory  # nothing is remembered from bar to bar

    def step(self, x: BookSection) -> Floats:
        """½·(B − A)/(B + A) + ½·the bar's mean imbalance of ten levels; absent levels count as empty."""
        bid = np.nan_to_num(x.book.bid_size) @ _LEVEL_WEIGHTS
        ask = np.nan_to_num(x.book.ask_size) @ _LEVEL_WEIGHTS
        return (0.5 * ratio(bid - ask, bid + ask) + 0.5 * x.book.imbalance)[None]


class OrderFlowImbalance:
    """Order-flow imbalance of Cont, Kukanov & Stoikov (2014) per touch size, in its own RMS over `bars` bars."""

    def __init__(self, memory: Memory, bars: int) -> None:
        self._bars = bars
        self._flow = memory.ring(bars)

    def step(self, x: BookSection) -> Floats:
        """e/√mean(e²), e = Σe_n/touch size."""
        flow = ratio(x.book.order_flow, x.book.touch_size)[None]
        window = self._flow.extend(x.number, x.rows, flow)
        return ratio(flow, np.sqrt(mean(window * window, self._bars, 1)))


class Absorption:
    """Selling that the bid absorbed less buying that the ask absorbed, as a share of both and the touch, −1…1."""

    def __init__(self, memory: Memory) -> None:
        del memory

    def step(self, x: BookSection) -> Floats:
        """(bid − ask)/(bid + ask + touch size): 0 when nothing was absorbed."""
        bid, ask = x.book.absorbed_bid, x.book.absorbed_ask
        return ratio(bid - ask, bid + ask + x.book.touch_size)[None]


class Feature:
    """A book feature as it was cut; its definition stands in `virtuoso.market.panel.BookBlock`."""

    def __init__(self, memory: Memory, name: str) -> None:
        del memory
        self._feature: Callable[[BookBlock], Floats] = attrgetter(name)

    def step(self, x: BookSection) -> Floats:
        """Take the feature of the closed bar from the block of books, [1, n]."""
        return self._feature(x.book)[None]

"""Looks at many order books at once: how much rests in each of 64 bins of price around the middle (decision 23)."""

from collections.abc import Sequence
from itertools import chain
from math import floor, log10
from typing import Final

import numpy as np
from numpy.typing import NDArray

from virtuoso.market.book import Book
from virtuoso.model.documents.depth import DEPTH_BINS, DEPTH_STEPS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_HALF: Final = DEPTH_BINS // 2
_SHARE: Final = 0.9
"""So many of the levels are to lie within the bins: a few far ones would make all of them coarse."""
_LEAST_FILL, _MOST_FILL = 0.3, 1.15
"""How far the levels may reach, of the bins, before other bins are chosen."""
_LADDER: Final = (1, 2, 5, 10)
_ROUNDED: Final = 1e-6
"""Of a bin: a price on an edge stays on its side of it, however it is rounded."""
_DIGITS: Final = 8
"""Steps of price that are assumed where the exchange tells none: so many digits below the first."""


def bin_width(book: Book, tick: float | None, before: float | None) -> float:
    """The width of bins (quote units) for a valid book: 1, 2 or 5 times a power of ten ticks; `before`, if it does.

    Nine tenths of the levels lie within the bins, and they take more than a third of them.
    """
    middle = (book.bid_price + book.ask_price) / 2
    prices = np.fromiter(chain(book.bids, book.asks), np.float64, len(book.bids) + len(book.asks))
    away = np.abs(prices - middle)
    last = min(len(away) - 1, int(_SHARE * len(away)))
    reach = float(np.partition(away, last)[last])
    if before is not None and _LEAST_FILL <= reach / (_HALF * before) <= _MOST_FILL:
        return before
    step = tick or 10.0 ** (floor(log10(middle)) - _DIGITS)
    ticks = max(1.0, reach / (_HALF * step))
    power = 10 ** floor(log10(ticks))
    return float(step * next(each * power for each in _LADDER if each * power >= ticks * (1 - _ROUNDED)))


def look(books: Sequence[Book], widths: Floats) -> tuple[Ints, Floats]:
    """The lowest bins [n] of valid books, and what rests in each bin, base units [n, 64]; `widths` [n], quote units."""
    counts = [len(book.bids) + len(book.asks) for book in books]
    levels = sum(counts)
    prices = np.fromiter(chain.from_iterable(chain(b.bids, b.asks) for b in books), np.float64, levels)
    sizes = np.fromiter(chain.from_iterable(chain(b.bids.values(), b.asks.values()) for b in books), np.float64, levels)
    middles = np.array([(book.bid_price + book.ask_price) / 2 for book in books])
    lows = np.floor(middles / widths + _ROUNDED).astype(np.int64) - _HALF
    rows = np.repeat(np.arange(len(books)), counts)
    bins = np.floor(prices / widths[rows] + _ROUNDED).astype(np.int64) - lows[rows]
    within = (bins >= 0) & (bins < DEPTH_BINS)
    places = (rows * DEPTH_BINS + bins)[within]
    found = np.bincount(places, sizes[within], len(books) * DEPTH_BINS)
    return lows, np.asarray(found.reshape(len(books), DEPTH_BINS), dtype=np.float64)


def coded(sizes: Floats) -> tuple[Floats, NDArray[np.uint8]]:
    """Sizes [n, seconds, 64] as bytes, each n by its own largest, which comes first [n]."""
    largest = sizes.max(axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.rint(255 + DEPTH_STEPS * np.log10(sizes / largest[:, None, None]))
        bytes_ = np.where(sizes > 0, np.clip(steps, 1, 255), 0).astype(np.uint8)
    return largest, bytes_

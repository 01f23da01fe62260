"""The document of a book's depth, second by second: how much rested at which price, and when nobody knows."""

from typing import Final

import msgspec

from virtuoso.model.documents.tapes import TradeItem
from virtuoso.model.quality import DataSource

DEPTH_BINS: Final = 64
"""Bins of price of each second, half of them below the middle of the touch."""
DEPTH_BLOCK_S: Final = 10
"""Seconds of a block, at most."""
DEPTH_STEPS: Final = 42
"""Steps of the scale of sizes to a factor of ten: each is 5.6 % more than the one before, so 255 span six decades."""
DEPTH_TRADES: Final = 12
"""Large trades of a block, at most: the largest."""
DEPTH_MOST_S: Final = 3_600
"""Seconds that are served at once, at most."""

BOOK, INVALID, STALE, UNSEEN = "b", "i", "s", "-"
"""What is known of a second: a book, none that is valid, none that is fresh, nothing because nobody looked."""


class DepthBlock(msgspec.Struct, frozen=True, kw_only=True):
    """Up to ten seconds of one book, in bins of one width.

    The lists have an item a second. `sizes` has 64 bytes a second, from the lowest bin up. Bin `j` of a second holds
    the orders from `(low + j) * width` up to `(low + j + 1) * width`.
    """

    begins: str
    """The exchange's time of the first second, ISO 8601 in UTC."""
    seconds: str
    """What is known of each second, a letter each: `b` its book; `i` the book was not valid; `s` its feed was stale
    then; `-` nobody looked. Of all but `b` nothing else is known."""
    width: float | None
    """Width of a bin, quote units; `null` where no second has a book."""
    lows: tuple[int | None, ...]
    """Number of the lowest bin; `null` without a book."""
    bids: tuple[float | None, ...]
    """Best bid, quote units; `null` without a book."""
    asks: tuple[float | None, ...]
    """Best ask, quote units; `null` without a book."""
    largest: float
    """The most that any bin of the block held, base units; 0 where no second has a book."""
    sizes: bytes
    """Base64. A byte `c` stands for `largest * 10 ** ((c - 255) / 42)` base units, exact to 3 %; 0 is nothing, and 1
    also stands for less."""
    trades: tuple[TradeItem, ...]
    """The largest trades among those that count as large, twelve at most, oldest first."""
    data_source: DataSource | None
    """What the exchange behind it was; `null` where it had not answered."""


class Depth(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/symbols/{symbol}/depth`: where orders rested; nobody looked at seconds without a block."""

    symbol: str
    """The exchange's own name of the instrument, such as `BTCUSDT`."""
    blocks: tuple[DepthBlock, ...]
    """Oldest first; they do not overlap."""
    oldest: str | None = None
    """From when on anything can be there, ISO 8601 in UTC, to a few hours; `null` where nothing is kept."""
    reason: str | None = None
    """Why there is nothing; `null` otherwise."""

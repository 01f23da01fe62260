"""Depth that is made up: of any second the same, with walls that stay where they are, gaps, and large trades."""

import math

from virtuoso.model.clock import iso
from virtuoso.model.documents import Depth, DepthBlock, TradeItem
from virtuoso.model.documents.depth import BOOK, DEPTH_BINS, DEPTH_BLOCK_S, INVALID, UNSEEN
from virtuoso.model.quality import DataSource

WIDTH, LARGEST = 0.2, 40.0
_HOUR_S = 3_600


def middle_of(second: int) -> float:
    """The middle of the touch."""
    return round(100.0 + 3.0 * math.sin(second / 400.0) + 0.4 * math.sin(second / 17.0), 1)


def known_of(second: int) -> str:
    """Every five minutes the book is not valid for ten seconds; from 300 to 340 of each hour nobody looks."""
    if 300 <= second % _HOUR_S < 340:
        return UNSEEN
    return INVALID if 100 <= second % 300 < 110 else BOOK


def low_of(second: int) -> int:
    return math.floor(middle_of(second) / WIDTH + 1e-6) - DEPTH_BINS // 2


def byte_of(second: int, j: int) -> int:
    """Walls every ninth bin of price; what is between them flickers."""
    number = low_of(second) + j
    return 250 if number % 9 == 0 else 150 + (number * 7 + second // 5) % 60


def block_of(first: int) -> DepthBlock | None:
    """The ten seconds from `first` on, a multiple of ten (epoch s); `None` where nobody looked at any of them."""
    seconds = range(first, first + DEPTH_BLOCK_S)
    known = "".join(map(known_of, seconds))
    if set(known) == {UNSEEN}:
        return None
    valid = [letter == BOOK for letter in known]
    sizes = bytearray()
    for second, is_valid in zip(seconds, valid, strict=True):
        sizes += bytes(byte_of(second, j) for j in range(DEPTH_BINS)) if is_valid else bytes(DEPTH_BINS)
    trade = TradeItem(time=iso(1_000 * first + 400) or "", price=middle_of(first), size=3.0, bought=first % 20 == 0)
    return DepthBlock(
        begins=iso(1_000 * first) or "", seconds=known, width=WIDTH if any(valid) else None,
        lows=tuple(low_of(s) if v else None for s, v in zip(seconds, valid, strict=True)),
        bids=tuple(round(middle_of(s) - 0.05, 2) if v else None for s, v in zip(seconds, valid, strict=True)),
        asks=tuple(round(middle_of(s) + 0.05, 2) if v else None for s, v in zip(seconds, valid, strict=True)),
        largest=LARGEST if any(valid) else 0.0, sizes=bytes(sizes), trades=(trade,) if all(valid) else (),
        data_source=DataSource.SYNTHETIC,
    )  # fmt: skip


def depth_of(symbol: str, first: int, end: int, oldest: int | None = None) -> Depth:
    """The blocks that begin from second `first` up to `end`."""
    begins = range(first + -first % DEPTH_BLOCK_S, end, DEPTH_BLOCK_S)
    blocks = tuple(block for begin in begins if (block := block_of(begin)) is not None)
    return Depth(symbol=symbol, blocks=blocks, oldest=None if oldest is None else iso(1_000 * oldest))

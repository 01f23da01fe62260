"""Takes the bars of a close out of blocks, puts them side by side, and holds those that are to be caught up with."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from virtuoso.market.panel import BAR_FIELDS, MINUTE_FIELDS, BarBlock, MinuteBlock
from virtuoso.model.timeframe import Timeframe


def joined(blocks: Sequence[BarBlock]) -> BarBlock:
    """Bars of one close, side by side."""
    if len(blocks) == 1:
        return blocks[0]
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(block, name) for block in blocks], axis=1) for name in BAR_FIELDS
    }
    rows = np.concatenate([block.rows for block in blocks])
    joined = BarBlock(timeframe=blocks[0].timeframe, rows=rows, open_ms=blocks[0].open_ms, **arrays)
    return replace(joined, minutes=_joined_minutes(blocks))


def _joined_minutes(blocks: Sequence[BarBlock]) -> MinuteBlock | None:
    """What else is known of bars of one close, side by side; `None` where nothing is of any."""
    if all(block.minutes is None for block in blocks):
        return None
    nothing = [np.full(block.close.shape, np.nan) for block in blocks]
    parts: dict[str, Any] = {
        name: np.concatenate(
            [
                unknown if block.minutes is None else getattr(block.minutes, name)
                for block, unknown in zip(blocks, nothing, strict=True)
            ],
            axis=1,
        )
        for name in MINUTE_FIELDS
    }
    return MinuteBlock(**parts)


def of_close(blocks: Sequence[BarBlock], open_ms: int) -> list[BarBlock]:
    """The bars of `blocks` that open at a time (epoch ms)."""
    places = [int(np.searchsorted(block.open_ms, open_ms)) for block in blocks]
    return [
        block.part(slice(k, k + 1))
        for block, k in zip(blocks, places, strict=True)
        if k < block.open_ms.size and block.open_ms[k] == open_ms
    ]


class Behind:
    """Rows that stand where an earlier run left them, with the base bars that they are to be caught up with.

    Args:
        base: the timeframe of the bars that are held.

    Attributes:
        rows: those rows.
        kept_ms: the close at which they stand, epoch ms.
    """

    def __init__(self, base: Timeframe) -> None:
        self._base = base
        self._held: list[BarBlock] = []
        self.rows: set[int] = set()
        self.kept_ms = 0

    def lost(self, block: BarBlock) -> list[int]:
        """Give up the rows of a block whose bars begin later than what is known of them ends; says which."""
        lost = [row for row in block.rows.tolist() if row in self.rows and block.open_ms[0] > self.kept_ms]
        self.rows.difference_update(lost)
        return lost

    def parted(self, block: BarBlock) -> list[BarBlock]:
        """What of a block is taken at once; base bars after the kept close are held for `hand_out`."""
        behind = np.array([row in self.rows for row in block.rows.tolist()], dtype=bool)
        if not behind.any():
            return [block]
        known = int(np.searchsorted(block.open_ms + block.timeframe.ms, self.kept_ms, side="right"))
        ours, others = np.flatnonzero(behind), np.flatnonzero(~behind)
        if block.timeframe is self._base and known < block.open_ms.size:
            self._held.append(block.part(slice(known, None), ours))
        now = [block.part(slice(0, known), ours)] if known else []
        return now + ([block.part(slice(None), others)] if others.size else [])

    def hand_out(self) -> list[list[BarBlock]]:
        """The bars that were held, close by close in their order, once; no row is behind afterwards."""
        held, self._held = self._held, []
        self.rows.clear()
        opens = np.unique(np.concatenate([np.zeros(0, np.int64)] + [block.open_ms for block in held])).tolist()
        return [of_close(held, open_ms) for open_ms in opens]

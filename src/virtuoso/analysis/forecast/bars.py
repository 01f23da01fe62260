"""Bars of one close of many blocks, and put side by side."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from virtuoso.market.panel import BAR_FIELDS, MINUTE_FIELDS, BarBlock, MinuteBlock


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

"""What books held second by second, out of the time series: implements `model.views.DepthViews`."""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol, runtime_checkable

import structlog

from virtuoso.model.clock import Clock, iso
from virtuoso.model.documents import Depth, DepthBlock
from virtuoso.model.documents.depth import DEPTH_BLOCK_S
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.exchange_time import exchange_ms
from virtuoso.storage.timeseries.depth_rows import depth_block
from virtuoso.storage.timeseries.protocol import Readable
from virtuoso.storage.timeseries.schema import DEPTH, Measurement, Row

log = structlog.get_logger(__name__)

_NO_BOOK: Final = "no book of this symbol is watched (universe.detailed)"
_NOTHING: Final = "nothing was kept of these seconds"
_BLOCK_MS: Final = 1_000 * DEPTH_BLOCK_S


@runtime_checkable
class DepthSource(Readable, Protocol):
    """A store of time series that keeps depth, and tells since when."""

    async def span_ms(self, measurement: Measurement, timeframe: str | None = None) -> tuple[int, int] | None:
        """First instant and end of what is kept, to the file; `None` when there is nothing."""
        ...


class DepthHistory:
    """Used on one event loop. Without a `source` nothing is kept, and `unkept` says why."""

    def __init__(self, cache: MemoryCache, source: DepthSource | None, clock: Clock, unkept: str | None = None) -> None:
        self._cache = cache
        self._source = source
        self._clock = clock
        self._unkept = unkept

    async def depth(self, symbol: str, seconds: int, until_ms: int | None = None) -> Depth | None:
        """The blocks of the last seconds before `until_ms`, the first one whole; none, with a reason, where none is.

        Blocks end with multiples of ten seconds, so that one that reaches into them begins after the multiple before.
        """
        if self._cache.get(f"symbol:{symbol}") is None:
            return None
        if self._source is None:
            return Depth(symbol=symbol, blocks=(), reason=self._unkept)
        now_ms = exchange_ms(self._cache, self._clock)
        end_ms = now_ms if until_ms is None else min(now_ms, until_ms)
        first_ms = end_ms - 1_000 * seconds
        first_ms -= first_ms % _BLOCK_MS
        try:
            span = await self._source.span_ms(DEPTH)
            found = await self._source.read(DEPTH, first_ms, end_ms - 1, tags={"symbol": [symbol]})
        except StoreUnavailable as error:
            return Depth(symbol=symbol, blocks=(), reason=str(error))
        rows: Sequence[Row] = next(iter(found.values()), [])
        blocks, unread = await asyncio.to_thread(_unpacked, rows)
        if unread:
            log.warning("blocks of depth cannot be read and are left out", symbol=symbol, count=unread)
        return Depth(
            symbol=symbol, blocks=blocks, oldest=None if span is None else iso(span[0]),
            reason=None if blocks else self._why_none(symbol),
        )  # fmt: skip

    def _why_none(self, symbol: str) -> str:
        return _NOTHING if self._cache.get(f"depth:{symbol}") is not None else _NO_BOOK


def _unpacked(rows: Sequence[Row]) -> tuple[tuple[DepthBlock, ...], int]:
    """The blocks, and how many rows cannot be read; an hour takes some ten milliseconds.

    Where a clock was set back, seconds may have been looked at twice: of blocks that overlap the first one counts.
    """
    blocks: list[DepthBlock] = []
    unread, end_ms = 0, 0
    for begins_ms, *(packed,) in rows:
        block = depth_block(packed)
        if block is None:
            unread += 1
        elif begins_ms >= end_ms:
            blocks.append(block)
            end_ms = begins_ms + 1_000 * len(block.seconds)
    return tuple(blocks), unread

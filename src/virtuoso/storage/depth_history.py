"""What books held second by second, out of the time series: implements `model.views.DepthViews`."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, Protocol, runtime_checkable

import structlog

from virtuoso.model.clock import Clock, iso
from virtuoso.model.documents import Depth, DepthBlock
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.cache.memory import MemoryCache
from virtuoso.storage.exchange_time import exchange_ms
from virtuoso.storage.timeseries.depth_rows import depth_block
from virtuoso.storage.timeseries.protocol import Tags
from virtuoso.storage.timeseries.schema import DEPTH, Measurement, Row

log = structlog.get_logger(__name__)

_NO_BOOK: Final = "no book of this symbol is watched (universe.detailed)"
_NOTHING: Final = "nothing was kept of these seconds"


@runtime_checkable
class DepthSource(Protocol):
    """A store of time series that keeps depth."""

    async def read(
        self, measurement: Measurement, first_ms: int, last_ms: int, *, tags: Mapping[str, Sequence[str]],
        fields: Sequence[str] | None = None, limit: int | None = None,
    ) -> dict[Tags, list[Row]]:  # fmt: skip
        """Read rows of a measurement, as `Readable.read` does."""
        ...

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
        """The blocks that begin within the last seconds before `until_ms`; none, with a reason, where none was kept."""
        if self._cache.get(f"symbol:{symbol}") is None:
            return None
        if self._source is None:
            return Depth(symbol=symbol, blocks=(), reason=self._unkept)
        now_ms = exchange_ms(self._cache, self._clock)
        end_ms = now_ms if until_ms is None else min(now_ms, until_ms)
        try:
            span = await self._source.span_ms(DEPTH)
            found = await self._source.read(DEPTH, end_ms - 1_000 * seconds, end_ms - 1, tags={"symbol": [symbol]})
        except StoreUnavailable as error:
            return Depth(symbol=symbol, blocks=(), reason=str(error))
        rows: Sequence[tuple[object, ...]] = next(iter(found.values()), [])
        blocks = await asyncio.to_thread(_unpacked, rows)
        if len(blocks) < len(rows):
            log.warning("blocks of depth cannot be read and are left out", symbol=symbol, count=len(rows) - len(blocks))
        return Depth(
            symbol=symbol, blocks=blocks, oldest=None if span is None else iso(span[0]),
            reason=None if blocks else self._why_none(symbol),
        )  # fmt: skip

    def _why_none(self, symbol: str) -> str:
        return _NOTHING if self._cache.get(f"depth:{symbol}") is not None else _NO_BOOK


def _unpacked(rows: Sequence[tuple[object, ...]]) -> tuple[DepthBlock, ...]:
    """An hour takes some ten milliseconds."""
    return tuple(block for row in rows if (block := depth_block(row[1])) is not None)

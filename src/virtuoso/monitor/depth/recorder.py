"""Publishes the depth of each watched book, a column a second, and keeps it in blocks of ten seconds."""

from collections.abc import Callable, Mapping
from math import floor
from typing import Final, cast

import msgspec
from msgspec.structs import replace

from virtuoso.market.state import MarketState
from virtuoso.model.documents import Depth, DepthBlock
from virtuoso.model.quality import DataQuality
from virtuoso.monitor.containment import each
from virtuoso.monitor.cycle.cycle import Cycle
from virtuoso.monitor.depth.block import OpenBlock
from virtuoso.monitor.documents.publication import Publication
from virtuoso.monitor.watching.watch import Watch
from virtuoso.storage.timeseries.depth_rows import depth_row
from virtuoso.storage.timeseries.protocol import TimeSeries
from virtuoso.storage.timeseries.schema import DEPTH, Row

DEPTH_S: Final = 1.0
"""Between two looks."""
_EARLY_S, _LATE_S = 0.5, 1.5
"""A look that comes so much before or after the next second began is still the look of that second."""
_SET_BACK_S: Final = 60
"""A clock that was set back by less stands still until it has caught up."""
_LATE_TRADES_S: Final = 1
"""So long after its end a block still takes trades; then it is kept."""
_LATE, _PACK, _DOCUMENT = "the late trades of its depth", "packing its depth", "its depth"


class DepthRecorder:
    """Looks once a second, by the exchange's clock; used on the event loop.

    What one symbol raises costs that symbol. `series` keeps the blocks; `None` publishes only. While the store does not
    take rows they are not kept, and nothing waits for it: those seconds are missing later.

    Args:
        market: holds the books.
        watch: knows which symbols are looked at, and what time it is.
        fresh: how fresh each book is now, by symbol.
        cycle: knows what the exchange is.
        publication: where documents go.
        series: keeps the blocks.
    """

    def __init__(
        self, market: MarketState, watch: Watch, fresh: Callable[[], Mapping[str, DataQuality]], cycle: Cycle,
        publication: Publication, series: TimeSeries | None,
    ) -> None:  # fmt: skip
        self._market, self._watch, self._fresh, self._cycle = market, watch, fresh, cycle
        self._publication = publication
        self._series = series
        self._encoder = msgspec.json.Encoder()
        self._widths: dict[str, float] = {}
        self._second: int | None = None
        self._open: OpenBlock | None = None
        self._over: OpenBlock | None = None
        self._whole: dict[str, DepthBlock] = {}
        """The blocks before the open ones, which are published with them: a page that opens has no hole."""
        self._encoded: dict[str, msgspec.Raw] = {}
        """The same as JSON, as soon as one was published: they go out ten times."""

    def look(self) -> None:
        """Look at all books now, and publish what is known of the last ten to twenty seconds."""
        second = self._due()
        if second is None:
            return
        if self._second is not None and second < self._second:  # the clock was set back: what was seen is of later
            self.finish()
            self._set_whole({})
        self._second = second
        if self._open is not None and not self._open.begins <= second < self._open.ends:
            self._end(self._open)
        if self._over is not None and not self._over.begins <= second < self._over.ends + _LATE_TRADES_S:
            self._keep(self._over)
        if self._open is None:
            self._open = self._begun(second)
        self._open.take(second, self._market, self._fresh())
        self._publish(self._open)

    def finish(self) -> None:
        """Keep what was seen by now: the monitor ends."""
        if self._open is not None:
            self._end(self._open)
        if self._over is not None:
            self._keep(self._over)

    def _due(self) -> int | None:
        """The second that is looked at now (epoch s of the exchange's clock); `None` where it was looked at."""
        now_s = self._watch.exchange_ms() / 1_000
        if self._second is not None and -_EARLY_S <= now_s - (self._second + 1) < _LATE_S:
            return self._second + 1
        second = floor(now_s)
        return None if self._second is not None and second <= self._second < second + _SET_BACK_S else second

    def _begun(self, second: int) -> OpenBlock:
        symbols = sorted(symbol for symbol in self._watch.detailed if symbol in self._market)
        self._widths = {symbol: width for symbol, width in self._widths.items() if symbol in symbols}
        return OpenBlock(second, symbols, self._widths, self._watch.contained)

    def _end(self, block: OpenBlock) -> None:
        if self._over is not None:
            self._keep(self._over)
        self._over, self._open = block, None
        self._set_whole(block.blocks(self._market, self._cycle.source))

    def _set_whole(self, blocks: dict[str, DepthBlock]) -> None:
        self._whole, self._encoded = blocks, {}

    def _keep(self, over: OpenBlock) -> None:
        """Take the last of its trades into the block that is over, and write it."""
        self._over = None
        contained = self._watch.contained

        def with_late(symbol: str) -> DepthBlock:
            return replace(self._whole[symbol], trades=over.trades(symbol, self._market))

        self._set_whole({**self._whole, **each(contained, _LATE, self._whole, with_late)})
        if self._series is not None and self._series.status().state == "up":

            def row(symbol: str) -> Row:
                return depth_row(over.begins, symbol, self._whole[symbol])

            self._series.write(DEPTH, list(each(contained, _PACK, self._whole, row).values()))

    def _publish(self, block: OpenBlock) -> None:
        if self._publication.unseen:
            self._publication.passed_over(len(block.symbols))
            return
        now = block.blocks(self._market, self._cycle.source)
        found = each(self._watch.contained, _DOCUMENT, now, lambda symbol: self._body(symbol, now[symbol]))
        self._publication.publish_all({f"depth:{symbol}": body for symbol, body in found.items()})

    def _body(self, symbol: str, now: DepthBlock) -> bytes:
        if symbol in self._whole and symbol not in self._encoded:
            self._encoded[symbol] = msgspec.Raw(self._encoder.encode(self._whole[symbol]))
        before = self._encoded.get(symbol)
        # what is encoded already is a block to whoever reads it, and none to the checker of types
        blocks = cast("tuple[DepthBlock, ...]", (now,) if before is None else (before, now))
        return self._encoder.encode(Depth(symbol=symbol, blocks=blocks))

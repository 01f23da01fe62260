"""Publishes the depth of each watched book, a column a second, and keeps it in blocks of ten seconds."""

from math import floor
from typing import Final

import msgspec
from msgspec.structs import replace

from virtuoso.market.state import MarketState
from virtuoso.model.documents import Depth, DepthBlock
from virtuoso.monitor.cycle.cycle import Cycle
from virtuoso.monitor.depth.block import OpenBlock
from virtuoso.monitor.documents.publication import Publication
from virtuoso.monitor.watching.watch import Watch
from virtuoso.storage.timeseries.depth_rows import depth_row
from virtuoso.storage.timeseries.protocol import TimeSeries
from virtuoso.storage.timeseries.schema import DEPTH

DEPTH_S: Final = 1.0
"""Between two looks."""
_EARLY_S, _LATE_S = 0.5, 1.5
"""A look that comes so much before or after the next second began is still the look of that second."""
_SET_BACK_S: Final = 60
"""A clock that was set back by less stands still until it has caught up."""
_LATE_TRADES_S: Final = 1
"""So long after its end a block still takes trades; then it is kept."""


class DepthRecorder:
    """Looks once a second, by the exchange's clock; used on the event loop.

    `series` keeps the blocks; `None` publishes only. While the store does not take rows they are not kept, and nothing
    waits for it: those seconds are missing later.
    """

    def __init__(
        self, market: MarketState, watch: Watch, cycle: Cycle, publication: Publication, series: TimeSeries | None
    ) -> None:
        self._market, self._watch, self._cycle = market, watch, cycle
        self._publication = publication
        self._series = series
        self._encoder = msgspec.json.Encoder()
        self._widths: dict[str, float] = {}
        self._second: int | None = None
        self._open: OpenBlock | None = None
        self._over: OpenBlock | None = None
        self._whole: dict[str, DepthBlock] = {}
        """The blocks before the open ones, which are published with them: a page that opens has no hole."""

    def look(self) -> None:
        """Look at all books now, and publish what is known of the last ten to twenty seconds."""
        second = self._due()
        if second is None:
            return
        self._second = second
        if self._open is not None and not self._open.begins <= second < self._open.ends:
            self._end(self._open)
        if self._over is not None and not self._over.begins <= second < self._over.ends + _LATE_TRADES_S:
            self._keep(self._over)
        if self._open is None:
            self._open = self._begun(second)
        qualities = {symbol: found.book for symbol, found in self._cycle.qualities.items()}
        self._open.take(second, self._market, qualities)
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
        return OpenBlock(second, symbols, self._widths)

    def _end(self, block: OpenBlock) -> None:
        if self._over is not None:
            self._keep(self._over)
        self._over, self._open = block, None
        self._whole = block.blocks(self._market, self._cycle.source)

    def _keep(self, over: OpenBlock) -> None:
        """Take the last of its trades into the block that is over, and write it."""
        self._over = None
        self._whole = {
            symbol: replace(block, trades=over.trades(symbol, self._market)) for symbol, block in self._whole.items()
        }
        if self._series is not None and self._series.status().state == "up":
            self._series.write(DEPTH, [depth_row(over.begins, *item) for item in self._whole.items()])

    def _publish(self, block: OpenBlock) -> None:
        if self._publication.unseen:
            self._publication.passed_over(len(block.symbols))
            return
        bodies = {}
        for symbol, now in block.blocks(self._market, self._cycle.source).items():
            before = self._whole.get(symbol)
            document = Depth(symbol=symbol, blocks=(now,) if before is None else (before, now))
            bodies[f"depth:{symbol}"] = self._encoder.encode(document)
        self._publication.publish_all(bodies)

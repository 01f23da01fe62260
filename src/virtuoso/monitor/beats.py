"""Lists what goes on beside the cycle at a steady beat: live it runs by tasks, in a replay by the recorded clock."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from virtuoso.model.alerts.outbox import ChannelStatus
from virtuoso.model.documents import MonitoringStatus
from virtuoso.model.feed_kind import FeedKind
from virtuoso.model.quality import DataQuality
from virtuoso.monitor.alerting import documents
from virtuoso.monitor.alerting.documents import AlertDocuments
from virtuoso.monitor.cycle import alpha_scanner
from virtuoso.monitor.cycle.detailed import DetailedPublisher
from virtuoso.monitor.cycle.tapes import TAPES_S, tape_of
from virtuoso.monitor.cycle.ticks import BOOKS_S, TICKS_S, TicksPublisher, book_of
from virtuoso.monitor.depth.recorder import DEPTH_S, DepthRecorder
from virtuoso.monitor.kernel import Kernel
from virtuoso.monitor.lived import documents as lived_documents
from virtuoso.monitor.lived.documents import LivedDocuments
from virtuoso.monitor.status import StatusReport
from virtuoso.monitor.supervision import PERIOD_S, Supervision
from virtuoso.monitor.watching.freshness import book_qualities
from virtuoso.storage.stores import Stores


@dataclass(frozen=True, slots=True)
class Beat:
    """Something to be done every `period_s` seconds."""

    name: str
    period_s: float
    work: Callable[[], Awaitable[None]]

    async def run(self) -> None:
        """Do it, and again, until cancelled."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            await self.work()
            due_s = max(due_s + self.period_s, loop.time())  # steady; what is late is not made up for
            await asyncio.sleep(due_s - loop.time())


class Beats:
    """Runs what goes on beside the cycle: `channels` returns how channels are, `on_status` is given each status."""

    def __init__(
        self, kernel: Kernel, status: StatusReport, stores: Stores | None = None, *,
        channels: Callable[[], Sequence[ChannelStatus]] = tuple,
        on_status: Callable[[MonitoringStatus], None] = lambda _: None,
    ) -> None:  # fmt: skip
        publication, market, watch = kernel.publication, kernel.market, kernel.watch
        ticks = TicksPublisher(market, kernel.exchange, publication, kernel.clock, watch.contained)
        books = DetailedPublisher("book", partial(book_of, market, kernel.cycle), market, watch, publication)
        tapes = DetailedPublisher("tape", partial(tape_of, market, kernel.cycle), market, watch, publication)
        keeping = stores.series if stores is not None and stores.keeps_depth else None
        self.depth = DepthRecorder(market, watch, partial(fresh_books, kernel), kernel.cycle, publication, keeping)
        alerts = AlertDocuments(kernel.alerting, channels, publication, kernel.clock)
        lived = LivedDocuments(kernel.lived, publication, kernel.clock)
        supervision = Supervision(kernel, status, stores, on_status)
        self.alpha = Beat("alpha", alpha_scanner.PERIOD_S, kernel.alpha.scan_due)
        self.all = (
            Beat("ticks", TICKS_S, _soon(ticks.publish)),
            Beat("status", PERIOD_S, supervision.check),
            Beat("books", BOOKS_S, _soon(books.publish)),
            Beat("tapes", TAPES_S, _soon(tapes.publish)),
            Beat("depth", DEPTH_S, _soon(self.depth.look)),
            Beat("alert documents", documents.PERIOD_S, _soon(alerts.publish)),
            Beat("signal performance", lived_documents.PERIOD_S, lived.publish),
            self.alpha,
        )


def fresh_books(kernel: Kernel) -> Mapping[str, DataQuality]:
    """How fresh each book is now; a pass would say how it was then."""
    watch = kernel.watch
    feeds = kernel.stream.feeds(FeedKind.BOOK)
    return book_qualities(feeds, watch.now_ns(), kernel.parts.stale_after_s, watch.contained)


def _soon(work: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        work()

    return run

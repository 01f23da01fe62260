"""The stores of one monitor, opened: what it may write, and only while it holds its lease."""

from dataclasses import dataclass

from virtuoso.storage.cache.publisher import Publisher
from virtuoso.storage.database.lease.lease import Lease
from virtuoso.storage.database.store import Database
from virtuoso.storage.status import StoreStatus
from virtuoso.storage.timeseries.protocol import TimeSeries


@dataclass(frozen=True, slots=True)
class Stores:
    """Opened, and closed, by whoever made them. `series` is `None` where nothing is to be kept.

    `keeps_depth` says whether the series take what books held, second by second.
    """

    database: Database
    lease: Lease
    series: TimeSeries | None
    publisher: Publisher
    keeps_depth: bool = False

    def statuses(self) -> tuple[StoreStatus, ...]:
        """Return the state of every store now: cache tiers, time series (if kept), database."""
        series = () if self.series is None else (self.series.status(),)
        return (*self.publisher.statuses(), *series, self.database.status())

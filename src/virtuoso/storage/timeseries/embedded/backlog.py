"""Rows that wait to be written: bounded, the oldest dropped first and counted."""

from collections import deque
from collections.abc import Sequence

from virtuoso.storage.timeseries.schema import Measurement, Row

Batch = list[tuple[Measurement, list[Row]]]
"""Rows in the order in which they were taken."""


class Backlog:
    """First in, first out. What is out with `take` still counts as pending until `done` or `put_back`.

    Args:
        most: rows that may be pending.

    Attributes:
        taken: rows put in so far.
        pending: of these, not yet done nor dropped.
        dropped: of these, dropped to make room.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: deque[tuple[Measurement, list[Row]]] = deque()
        self._out = 0
        self.taken = self.pending = self.dropped = 0

    @property
    def waiting(self) -> int:
        """The number of pending rows that were not taken out to be written."""
        return self.pending - self._out

    def put(self, measurement: Measurement, rows: Sequence[Row]) -> None:
        """Add rows; the oldest waiting ones go when there are too many."""
        if rows:
            self.taken += len(rows)
            self.pending += len(rows)
            self._waiting.append((measurement, list(rows)))
            self._bound()

    def take(self, rows: int) -> Batch:
        """About so many of the oldest rows, by whole puts; at least one put if there is any."""
        batch: Batch = []
        count = 0
        while self._waiting and (not batch or count + len(self._waiting[0][1]) <= rows):
            batch.append(self._waiting.popleft())
            count += len(batch[-1][1])
        self._out = count
        return batch

    def done(self) -> None:
        """Note that the rows taken out are written."""
        self.pending -= self._out
        self._out = 0

    def put_back(self, batch: Batch) -> None:
        """Take back what is out and could not be written."""
        self._out = 0
        self._waiting.extendleft(reversed(batch))
        self._bound()

    def _bound(self) -> None:
        while self.pending > self._most and self._waiting:
            rows = self._waiting[0][1]
            excess = min(self.pending - self._most, len(rows))
            del rows[:excess]
            if not rows:
                self._waiting.popleft()
            self.pending -= excess
            self.dropped += excess

"""What the writing thread does: rows into partitions, and sums of them, with room made on a full disk."""

import sqlite3
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from virtuoso.model.clock import Clock
from virtuoso.storage.timeseries.embedded import partitions, rollup
from virtuoso.storage.timeseries.embedded.backlog import Batch
from virtuoso.storage.timeseries.embedded.faults import DiskFull, is_full
from virtuoso.storage.timeseries.embedded.file import PartitionFile
from virtuoso.storage.timeseries.embedded.folder import Folder
from virtuoso.storage.timeseries.embedded.partitions import DEPTHS, HOURS, Partition
from virtuoso.storage.timeseries.embedded.retention import Retention
from virtuoso.storage.timeseries.embedded.routing import Parts, spans, split

_MEASURE_S: Final = 10.0
_SUMS_AT_ONCE: Final = 8
"""Hours and days summed up between two commits."""
_NEWEST: Final = "SELECT max(time) FROM bars WHERE block = (SELECT max(block) FROM bars)"
_T = TypeVar("_T")


class Writer:
    """Writes rows into partition files, and removes what has expired; for one thread at a time.

    Args:
        folder: of the partitions; it is made.
        retention: how long each kind is kept.
        min_free_bytes: the oldest partitions go when the disk has less.
        clock: for what has expired and what is over.

    Attributes:
        written: rows kept since the start.
        refused: rows that were none: of another length, with no tag, of no known timeframe; or older than is kept.
        newest_ms: open time of the newest bar; `None` when there is none.

    Raises:
        OSError: the folder cannot be made or read.
        sqlite3.Error: a file cannot be opened.
    """

    def __init__(self, folder: Path, retention: Retention, min_free_bytes: int, clock: Clock) -> None:
        self._retention, self._min_free, self._clock = retention, min_free_bytes, clock
        self._due: dict[Partition, set[int]] = {}
        self._measure_s = 0.0
        self.written = self.refused = 0
        self.newest_ms: int | None = None
        self.folder = Folder(folder, self._forget)
        try:
            for partition in partitions.listed(folder):
                if partition.kind is not DEPTHS:
                    self._with_room((), partial(self.folder.use, partition, self._inspect))
        except BaseException:
            self.close()
            raise

    def _forget(self, partition: Partition) -> None:
        self._due.pop(partition, None)

    def _inspect(self, file: PartitionFile) -> None:
        if file.partition.kind in rollup.SUMS and (due := rollup.noted(file)):
            self._due[file.partition] = due
        self._newer(file.connection.execute(_NEWEST).fetchone()[0])

    def _newer(self, time_ms: int | None) -> None:
        if time_ms is not None and (self.newest_ms is None or time_ms > self.newest_ms):
            self.newest_ms = time_ms

    def _now_ms(self) -> int:
        return self._clock.now_ns() // 1_000_000

    def commit(self, batch: Batch) -> None:
        """Keep rows; a transaction for each partition.

        Raises:
            FolderGone: the folder was deleted or replaced.
            DiskFull: there is no room, and nothing old left to remove.
            OSError: the folder cannot be written.
            sqlite3.Error: a file cannot be written for another reason.
        """
        routed: dict[Partition, Parts] = {}
        lost = 0
        for measurement, rows in batch:
            by_partition = split(measurement, rows)
            lost += len(rows) - sum(len(part.rows) for part in by_partition.values())
            for partition, part in by_partition.items():
                if self._retention.expired(partition, self._now_ms()):
                    lost += len(part.rows)
                else:
                    routed.setdefault(partition, []).append(part)
        self.folder.check()
        self.folder.keep_free(self._min_free, self._now_ms(), routed)
        for partition, parts in routed.items():
            lost += self._with_room(routed, partial(self.folder.use, partition, partial(_put, parts)))
            self._note(partition, parts)
        self.refused += lost
        self.written += sum(len(rows) for _, rows in batch) - lost
        if time.perf_counter() >= self._measure_s:
            self._measure_s = time.perf_counter() + _MEASURE_S
            self.folder.keep_within(DEPTHS, self._retention.depth_bytes, routed)
            self.folder.measure()

    def _note(self, partition: Partition, parts: Parts) -> None:
        due = spans(partition, parts)
        if due:
            self._due.setdefault(partition, set()).update(due)
        self._newer(max((key[0] for part in parts for key in part.bars), default=None))

    def _with_room(self, spared: Collection[Partition], work: Callable[[], _T]) -> _T:
        """Do it, and make room as often as that helps."""
        tidied = False
        while True:
            try:
                return work()
            except (OSError, sqlite3.Error) as error:
                if not is_full(error, self.folder.path):
                    raise
                self.folder.close()  # moves the logs into the files, which frees what they take
                if tidied and not self.folder.make_room(self._now_ms(), spared):
                    raise DiskFull(str(error)) from error
                tidied = True

    def roll_up(self) -> bool:
        """Sum up some of the hours and days that are over; whether more are due now.

        Raises:
            FolderGone: the folder was deleted or replaced.
            DiskFull: there is no room for the sums; they stay due.
            OSError: the folder cannot be written.
            sqlite3.Error: a file cannot be written for another reason.
        """
        self.folder.check()
        now_ms = self._now_ms()
        over = [
            (partition, span)
            for partition, spans in self._due.items()
            for span in sorted(spans)
            if span + rollup.SUMS[partition.kind].target.ms <= now_ms
        ]
        for partition, span in over[:_SUMS_AT_ONCE]:
            self._with_room((), partial(self._sum_up, partition, span))
        return len(over) > _SUMS_AT_ONCE

    def _sum_up(self, partition: Partition, span: int) -> None:
        if partition not in self._due:
            return  # it was removed for room
        bars = self.folder.use(partition, lambda file: rollup.summed_up(file, span))
        if bars:
            target = Partition.of(HOURS, span)
            days = self.folder.use(target, lambda file: rollup.keep(file, span, bars))
            if days:
                self._due.setdefault(target, set()).update(days)
        self.folder.use(partition, lambda file: rollup.strike_out(file, span))
        spans = self._due.get(partition, set())
        spans.discard(span)
        if not spans:
            self._due.pop(partition, None)

    def expired(self) -> list[Partition]:
        """What is older than is kept, the oldest first.

        Raises:
            OSError: the folder cannot be read.
        """
        now_ms = self._now_ms()
        return [p for p in partitions.listed(self.folder.path) if self._retention.expired(p, now_ms)]

    def close(self) -> None:
        """Close the files of the folder; an `OSError` is ignored."""
        with suppress(OSError):
            self.folder.close()


def _put(parts: Parts, file: PartitionFile) -> int:
    """Put rows into a file, in one transaction; how many were refused."""
    with file.transaction():
        refused = sum(file.insert(part.measurement, part.rows) for part in parts)
        rollup.note(file, spans(file.partition, parts))
    return refused

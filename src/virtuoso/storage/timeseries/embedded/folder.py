"""The folder of partitions as the writing thread has it: files open, set aside, removed for room."""

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import structlog

from virtuoso.storage.timeseries.embedded import partitions
from virtuoso.storage.timeseries.embedded.faults import FolderGone, free_bytes, identity_of, is_broken
from virtuoso.storage.timeseries.embedded.file import PartitionFile
from virtuoso.storage.timeseries.embedded.partitions import DEPTHS, Kind, Partition

log = structlog.get_logger(__name__)

ARCHIVE: Final = "archive"
_OPEN: Final = 8
_T = TypeVar("_T")


class Folder:
    """Opens, counts and removes the partition files of a folder; for one thread at a time.

    Args:
        path: it is made.
        on_gone: told of a partition that was removed or set aside.

    Attributes:
        shed: files removed to make room.
        shed_bytes: what they took.
        broken: files set aside.
        vanished: files that somebody else removed while they were open.
        files: partitions at the last `measure`.
        bytes: what they took then, without the archive.

    Raises:
        OSError: it cannot be made or read.
    """

    def __init__(self, path: Path, on_gone: Callable[[Partition], None]) -> None:
        self.path = path
        self._on_gone = on_gone
        self._open: OrderedDict[Partition, PartitionFile] = OrderedDict()
        self.shed = self.shed_bytes = self.broken = self.vanished = self.files = self.bytes = 0
        path.mkdir(parents=True, exist_ok=True)
        self._identity = identity_of(path)
        partitions.tidy(path)
        self.measure()

    def use(self, partition: Partition, work: Callable[[PartitionFile], _T]) -> _T:
        """Do something with a file; one that is damaged is set aside, and it is done with a new one.

        Raises:
            OSError: the folder cannot be written.
            sqlite3.Error: the file cannot be written.
        """
        try:
            return work(self._file(partition))
        except sqlite3.DatabaseError as error:
            if not is_broken(error):
                raise
            self._close(partition)
            aside = partitions.set_aside(self.path, partition)
            self.broken += 1
            self._on_gone(partition)
            log.exception("a file of the time series is damaged; its rows are lost", aside=str(aside))
            return work(self._file(partition))

    def check(self) -> None:
        """See that the folder and the files that are open are there still.

        SQLite goes on writing to a deleted file, and says that all is well. A file that is gone is begun anew; a folder
        that is gone took everything, and is not made again behind its owner's back.

        Raises:
            FolderGone: the folder was deleted, or another has its name.
            OSError: it cannot be seen.
        """
        if identity_of(self.path) != self._identity:
            raise FolderGone(f"{self.path} was deleted or replaced while its files were open")
        for partition, file in list(self._open.items()):
            if identity_of(self.path / partition.name) != file.identity:
                self._close(partition)
                self.vanished += 1
                self._on_gone(partition)
                log.error("a file of the time series was removed while it was open; its rows are lost",
                          file=partition.name)  # fmt: skip

    def _file(self, partition: Partition) -> PartitionFile:
        file = self._open.get(partition)
        if file is None:
            if len(self._open) >= _OPEN:
                self._close(next(iter(self._open)))
            file = self._open[partition] = PartitionFile(self.path, partition)
        self._open.move_to_end(partition)
        return file

    def _close(self, partition: Partition) -> None:
        file = self._open.pop(partition, None)
        if file is not None:
            file.close()

    def remove(self, partition: Partition) -> None:
        """Close a partition and unlink its file.

        Raises:
            OSError: it cannot be removed.
        """
        self._close(partition)
        partitions.remove(self.path, partition)
        self._on_gone(partition)

    def make_room(self, now_ms: int, spared: Collection[Partition]) -> bool:
        """Remove what is oldest, archived or not; `False` when only what is written now is left."""
        oldest = next((p for p in self._past(now_ms) if p not in spared), None)
        archived = self._archived()
        depth = oldest is not None and oldest.kind is DEPTHS
        if archived and not depth and (oldest is None or archived[0].stem <= oldest.date):
            size = archived[0].stat().st_size
            archived[0].unlink(missing_ok=True)
            log.warning("the disk is full; the oldest archive was removed", file=str(archived[0]), bytes=size)
        elif oldest is not None:
            size = partitions.bytes_of(self.path, oldest)
            self.remove(oldest)
            log.warning("the disk is full; the oldest rows were removed", file=oldest.name, bytes=size)
        else:
            return False
        self.shed += 1
        self.shed_bytes += size
        return True

    def keep_free(self, least_bytes: int, now_ms: int, spared: Collection[Partition]) -> None:
        """Make room for so much before it is needed, if what is old takes as much: others may be filling the disk."""
        free = free_bytes(self.path)
        if free >= least_bytes:
            return
        past = [partitions.bytes_of(self.path, p) for p in self._past(now_ms) if p not in spared]
        if free + sum(past) + sum(path.stat().st_size for path in self._archived()) >= least_bytes:
            while free_bytes(self.path) < least_bytes and self.make_room(now_ms, spared):
                pass

    def keep_within(self, kind: Kind, most_bytes: int, spared: Collection[Partition]) -> None:
        """Remove the oldest files of a kind while all of them take more than so much.

        The newest stays, as do those `spared`: it is being written, whether or not rows for it came this time.

        Raises:
            OSError: one cannot be removed.
        """
        found = [partition for partition in partitions.listed(self.path) if partition.kind is kind]
        sizes = {partition: partitions.bytes_of(self.path, partition) for partition in found}
        total = sum(sizes.values())
        for partition in found[:-1]:
            if total <= most_bytes:
                break
            if partition not in spared:
                self.remove(partition)
                total -= sizes[partition]
                log.info("a file was removed to keep to a budget", file=partition.name, bytes=sizes[partition])

    def _past(self, now_ms: int) -> list[Partition]:
        """Partitions whose span is over, in the order in which they are given up: depth first, then the oldest."""
        past = [partition for partition in partitions.listed(self.path) if partition.end_ms <= now_ms]
        return sorted(past, key=lambda partition: partition.kind is not DEPTHS)

    def _archived(self) -> list[Path]:
        """Archived files, the oldest first."""
        return sorted((self.path / ARCHIVE).glob("*/*/*.parquet"), key=lambda path: (path.stem, path))

    def measure(self) -> None:
        """Count the folder's files and their bytes anew."""
        found = partitions.listed(self.path)
        self.files = len(found)
        self.bytes = sum(partitions.bytes_of(self.path, partition) for partition in found)

    def close(self) -> None:
        """Close the files, with their logs moved into them."""
        while self._open:
            with suppress(sqlite3.Error):
                self._close(next(iter(self._open)))

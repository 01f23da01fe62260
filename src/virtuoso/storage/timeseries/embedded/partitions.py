"""Partitions: a file for each span of time, so that forgetting a span is removing a file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from virtuoso.model.timeframe import DAY_MS, Timeframe
from virtuoso.storage.timeseries.schema import BARS, DEPTH, Measurement

_MONDAY_MS: Final = 4 * DAY_MS
"""The epoch began on a Thursday; spans of weeks begin on Mondays."""
_BLOCKS: Final = 144
SUFFIX: Final = ".db"
COMPANIONS: Final = ("-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Kind:
    """A class of rows that are kept in the same files, for as long.

    Attributes:
        name: begins the names of its files.
        span_ms: that a file spans, in milliseconds: whole days, or a part of one by hours.
        durable: each commit is synced to the disk; without it a power cut may take the last of them.
    """

    name: str
    span_ms: int
    durable: bool

    @property
    def block_ms(self) -> int:
        """What a block spans, ms: rows are clustered by block, then by series (see the decision record)."""
        return self.span_ms // _BLOCKS


MINUTES: Final = Kind("minutes", DAY_MS, durable=False)
MIDDLE: Final = Kind("middle", 7 * DAY_MS, durable=True)
HOURS: Final = Kind("hours", 364 * DAY_MS, durable=True)
DEPTHS: Final = Kind("depth", DAY_MS // 8, durable=False)
"""Short files, so that a budget can be kept by removing the oldest."""
KINDS: Final = {kind.name: kind for kind in (MINUTES, MIDDLE, HOURS, DEPTHS)}
_OF_BARS: Final = [MINUTES, MIDDLE, HOURS]

KIND_OF_TIMEFRAME: Final = {
    tf.value: MINUTES if tf.minutes == 1 else MIDDLE if tf.minutes < 60 else HOURS for tf in Timeframe
}


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition file: what is in it, and when its span begins.

    Attributes:
        kind: what is in it.
        start_ms: of its span, epoch ms.
    """

    kind: Kind
    start_ms: int

    @classmethod
    def of(cls, kind: Kind, time_ms: int) -> "Partition":
        """That in whose span the instant is."""
        return cls(kind, time_ms - (time_ms - _MONDAY_MS) % kind.span_ms)

    @property
    def end_ms(self) -> int:
        """The first instant after its span, epoch ms."""
        return self.start_ms + self.kind.span_ms

    @property
    def date(self) -> str:
        """When the span begins (UTC): `2024-01-31`, of a span that is shorter than a day `2024-01-31T03`."""
        start = datetime.fromtimestamp(self.start_ms / 1000, UTC)
        return start.date().isoformat() if self.kind.span_ms >= DAY_MS else start.isoformat(timespec="hours")[:13]

    @property
    def name(self) -> str:
        """The name of the file: kind, date and suffix."""
        return f"{self.kind.name}-{self.date}{SUFFIX}"

    def block(self, time_ms: int) -> int:
        """Which block of it an instant is in; clamped to its span."""
        return min(max(time_ms - self.start_ms, 0), self.kind.span_ms - 1) // self.kind.block_ms


def named(name: str) -> Partition | None:
    """The partition of a file name, if it is the name of one."""
    kind, _, date = name.removesuffix(SUFFIX).partition("-")
    if not name.endswith(SUFFIX) or kind not in KINDS:
        return None
    try:
        start = datetime.fromisoformat(date).replace(tzinfo=UTC)
    except ValueError:
        return None
    partition = Partition.of(KINDS[kind], int(start.timestamp()) * 1000)
    return partition if partition.name == name else None


def kinds_of(measurement: Measurement, timeframes: Sequence[str] | None) -> list[Kind]:
    """The kinds that hold rows of a measurement; of bars, those of these timeframes (`None`: of all)."""
    if measurement is not BARS:
        return [DEPTHS if measurement is DEPTH else MINUTES]
    if timeframes is None:
        return _OF_BARS
    return list(dict.fromkeys(KIND_OF_TIMEFRAME[tf] for tf in timeframes if tf in KIND_OF_TIMEFRAME))


def listed(folder: Path) -> list[Partition]:
    """The partitions there are, by the end of their span, then by its length; none when there is no folder.

    Raises:
        OSError: the folder cannot be read.
    """
    try:
        found = [partition for path in folder.iterdir() if (partition := named(path.name)) is not None]
    except FileNotFoundError:
        return []
    return sorted(found, key=lambda partition: (partition.end_ms, partition.kind.span_ms))


def files_of(folder: Path, partition: Partition) -> Iterator[Path]:
    """Its file and what SQLite may have beside it, the file first."""
    path = folder / partition.name
    yield path
    for companion in COMPANIONS:
        yield path.with_name(path.name + companion)


def bytes_of(folder: Path, partition: Partition) -> int:
    """Sum the bytes that a partition's files take on the disk."""
    return sum(_size(path) for path in files_of(folder, partition))


def remove(folder: Path, partition: Partition) -> None:
    """Unlink it. The file first: a write-ahead log without its file is ignored, the other way would be damage.

    Raises:
        OSError: it cannot be removed.
    """
    for path in files_of(folder, partition):
        path.unlink(missing_ok=True)


def set_aside(folder: Path, partition: Partition) -> Path:
    """Rename a file that cannot be read as `….broken`; its new path.

    Raises:
        OSError: it cannot be renamed.
    """
    path = folder / partition.name
    number, aside = 1, path.with_name(f"{path.name}.broken")
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.broken{number}")
    path.rename(aside)
    for companion in COMPANIONS:
        path.with_name(path.name + companion).unlink(missing_ok=True)
    return aside


def tidy(folder: Path) -> None:
    """Remove what a process that was killed left half made: new files, and logs whose file is gone.

    Raises:
        OSError: the folder cannot be read or written.
    """
    for path in list(folder.iterdir()):
        owner = next((path.name.removesuffix(end) for end in COMPANIONS if path.name.endswith(end)), None)
        if NEW in path.name or (owner is not None and named(owner) and not (folder / owner).exists()):
            path.unlink(missing_ok=True)


NEW: Final = f"{SUFFIX}.new"
"""Part of the name of a file that is being made."""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0

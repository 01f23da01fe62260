"""Which partition a row belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from virtuoso.storage.timeseries.embedded import rollup
from virtuoso.storage.timeseries.embedded.partitions import KIND_OF_TIMEFRAME, Partition, kinds_of
from virtuoso.storage.timeseries.schema import BARS, Measurement, Row


@dataclass(slots=True)
class Part:
    """Rows for one partition; of bars, their times and timeframes."""

    measurement: Measurement
    rows: list[Row]
    bars: set[tuple[Any, ...]]


Parts = list[Part]


def spans(partition: Partition, parts: Parts) -> set[int]:
    """The longer bars that these are parts of: their open times, epoch ms."""
    of = rollup.SUMS.get(partition.kind)
    return set() if of is None else of.spans(key for part in parts for key in part.bars)


def split(measurement: Measurement, rows: list[Row]) -> dict[Partition, Part]:
    """Rows by partition; without those that have no time, or are bars of no known timeframe.

    Most often all are of one minute: what is looked at is the few different times and timeframes.
    """
    key = slice(0, 3, 2) if measurement is BARS else slice(0, 1)
    found: dict[Partition, Part] = {}
    part_of: dict[tuple[Any, ...], Part] = {}
    plain: Sequence[tuple[Any, ...]] = rows
    keys = {row[key] for row in plain}
    (only,) = (None,) if measurement is BARS else kinds_of(measurement, None)
    for each in keys:
        kind = only or KIND_OF_TIMEFRAME.get(str(each[-1]))
        if kind is not None and each[0] >= 0:
            partition = Partition.of(kind, each[0])
            part = part_of[each] = found.setdefault(partition, Part(measurement, [], set()))
            if measurement is BARS:
                part.bars.add(each)
    if len(found) == 1 and len(part_of) == len(keys):
        next(iter(found.values())).rows = rows
        return found
    for row, whole in zip(plain, rows, strict=True):
        if (at := part_of.get(row[key])) is not None:
            at.rows.append(whole)
    return found

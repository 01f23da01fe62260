"""The parts of the embedded time series that need no file: names and spans of partitions, the queue of rows."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.model.timeframe import DAY_MS, Timeframe
from virtuoso.storage.timeseries.embedded.backlog import Backlog
from virtuoso.storage.timeseries.embedded.partitions import HOURS, KIND_OF_TIMEFRAME, KINDS, Partition, named
from virtuoso.storage.timeseries.schema import BARS, TICKERS


@given(st.sampled_from(list(KINDS.values())), st.integers(0, 4 * 10**12))
def test_every_instant_is_in_one_partition_that_its_name_tells(kind: Any, time_ms: int) -> None:
    partition = Partition.of(kind, time_ms)
    assert partition.start_ms <= time_ms < partition.end_ms
    assert (Partition.of(kind, partition.start_ms), Partition.of(kind, partition.end_ms - 1)) == (partition, partition)
    assert Partition.of(kind, partition.end_ms).start_ms == partition.end_ms
    assert named(partition.name) == partition
    assert partition.block(partition.start_ms) == 0
    assert partition.block(partition.end_ms - 1) == partition.block(partition.end_ms + 10**9) == 143
    if kind.span_ms % (7 * DAY_MS) == 0:
        assert datetime.fromtimestamp(partition.start_ms / 1000, UTC).weekday() == 0


@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_no_bar_is_cut_by_the_end_of_its_file(timeframe: Timeframe) -> None:
    kind = KIND_OF_TIMEFRAME[timeframe]
    start = Partition.of(kind, 1_779_667_200_000).start_ms
    assert timeframe.floor(start) == start
    assert kind.block_ms % 60_000 == 0
    assert kind is not HOURS or timeframe.minutes >= 60


@pytest.mark.parametrize(
    "name", ["minutes-2026-05-25.db.new", "minutes-2026-05-25.db-wal", "years-2026-05-25.db", "minutes-x.db",
             "middle-2026-05-26.db", "minutes-20260525.db", "notes.txt", "minutes-2026-05-25.db.broken"]
)  # fmt: skip
def test_other_files_are_left_alone(name: str) -> None:
    assert named(name) is None


@given(
    st.integers(1, 30),
    st.lists(
        st.tuples(st.sampled_from(["put", "take and keep", "take and fail"]), st.integers(0, 40)), max_size=30
    ),
)  # fmt: skip
def test_the_queue_loses_only_the_oldest_and_counts_them(most: int, steps: list[tuple[str, int]]) -> None:
    backlog, given_, kept = Backlog(most), 0, []
    for what, number in steps:
        if what == "put":
            rows: Any = [(given_ + i,) for i in range(number)]
            backlog.put(BARS if number % 2 else TICKERS, rows)
            given_ += number
        else:
            batch = backlog.take(number)
            if what == "take and keep":
                kept += [row[0] for _, part in batch for row in part]
                backlog.done()
            else:
                backlog.put_back(batch)
        assert backlog.pending <= most
        assert backlog.taken == given_ == backlog.pending + backlog.dropped + len(kept)
    while backlog.pending:
        kept += [row[0] for _, part in backlog.take(7) for row in part]
        backlog.done()
    assert kept == sorted(set(kept)), "in order, none twice"
    assert len(kept) == given_ - backlog.dropped
    assert not given_ or kept[-1] == given_ - 1, "the newest is never dropped"

"""The embedded time series answers as a plain dictionary does, whatever is written in whatever order and pieces."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.embedded import DAY_MS, HOUR_MS, MINUTE_MS, START_MS, Oracle, bars, kept, running_store

from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.timeseries.embedded.reader import EmbeddedReader
from virtuoso.storage.timeseries.schema import BARS, CYCLES, FACTORS, FEEDS, MARKET, MEASUREMENTS, TICKERS, Measurement

TIMEFRAMES = {"1m": MINUTE_MS, "5m": 5 * MINUTE_MS, "30m": 30 * MINUTE_MS, "4h": 4 * HOUR_MS, "1w": 7 * DAY_MS}
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
_VALUES: dict[type, st.SearchStrategy[Any]] = {
    float: st.none() | st.floats(allow_nan=False),
    int: st.none() | st.integers(-(2**63), 2**63 - 1),
    bool: st.none() | st.booleans(),
    str: st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
}


@st.composite
def _rows(draw: st.DrawFn) -> tuple[Measurement, list[Any]]:
    measurement = draw(st.sampled_from([BARS, BARS, TICKERS, FACTORS, MARKET, CYCLES, FEEDS]))
    rows = []
    for _ in range(draw(st.integers(1, 12))):
        timeframe = draw(st.sampled_from(list(TIMEFRAMES)))
        step = TIMEFRAMES[timeframe] if measurement is BARS else MINUTE_MS
        tags = [draw(st.sampled_from("ABC")) for _ in measurement.tags]
        if measurement is BARS:
            tags[1] = timeframe
        edge = START_MS + draw(st.sampled_from([0, DAY_MS, 7 * DAY_MS, -300 * DAY_MS]))
        rows.append((
            edge + step * draw(st.integers(-40, 40)), *tags,
            *(draw(_VALUES[kind]) for kind in measurement.fields.values()),
        ))  # fmt: skip
    return measurement, rows


@st.composite
def _question(draw: st.DrawFn) -> dict[str, Any]:
    measurement = draw(st.sampled_from(list(MEASUREMENTS.values())))
    choices = {"symbol": ["A", "B", "C", "none"], "timeframe": [*TIMEFRAMES, "7m"], "topic": ["A", "B"]}
    tags = {
        tag: draw(st.lists(st.sampled_from(choices[tag]), max_size=4))
        for tag in measurement.tags if draw(st.booleans())
    }  # fmt: skip
    first = START_MS + draw(st.integers(-400, 8)) * DAY_MS + draw(st.integers(0, 50)) * MINUTE_MS
    return {
        "measurement": measurement, "first_ms": first, "last_ms": first + draw(st.integers(0, 500)) * DAY_MS,
        "tags": tags,
        "fields": draw(st.none() | st.lists(st.sampled_from(list(measurement.fields)), min_size=1, unique=True)),
        "limit": draw(st.none() | st.integers(1, 30)),
    }  # fmt: skip


@settings(max_examples=25)
@given(st.lists(_rows(), max_size=8), st.lists(_question(), min_size=4, max_size=10), st.integers(0, 7))
def test_it_answers_as_a_dictionary_does(
    writes: list[tuple[Measurement, list[Any]]], questions: list[dict[str, Any]], reopen: int
) -> None:
    async def run(folder: Path) -> None:
        oracle = Oracle()
        for part in (writes[:reopen], writes[reopen:]):
            async with running_store(folder) as store:
                for measurement, rows in part:
                    await kept(store, measurement, rows)
                    oracle.write(measurement, rows)
                assert store.status().counts["written"] == sum(len(rows) for _, rows in part)
                for question in questions:
                    measurement, first, last, tags, fields, limit = question.values()
                    found = await store.read(measurement, first, last, tags=tags, fields=fields, limit=limit)
                    assert found == oracle.read(measurement, first, last, tags, fields, limit)

    with TemporaryDirectory(dir=MEMORY) as folder:
        asyncio.run(run(Path(folder)))


async def test_values_come_back_as_they_were(tmp_path: Path) -> None:
    async with running_store(tmp_path) as store:
        await kept(store, CYCLES, [(START_MS + 1, True, 600, 0.1, None, float("inf"), 1e-300, -2.5)])
        found = (await store.read(CYCLES, START_MS, START_MS + 1, tags={}))[()]
    assert repr(found) == repr([(START_MS + 1, True, 600, 0.1, None, float("inf"), 1e-300, -2.5)])


async def test_what_is_no_row_is_counted_and_the_others_are_kept(tmp_path: Path) -> None:
    good = bars(["A", "B"], [START_MS])
    bad: list[Any] = [
        good[0][:-1], (START_MS, None, "1m", *good[0][3:]), (START_MS, "A", "7m", *good[0][3:]),
        (START_MS, "A", "1m", 2**70, *good[0][4:]), (-1, *good[0][1:]), (START_MS, "A\ud800", *good[0][2:]),
    ]  # fmt: skip
    async with running_store(tmp_path) as store:
        store.write(BARS, [*bad[:3], *good, *bad[3:]])
        assert not await store.settle(60), "some were not kept"
        counts = store.status().counts
        assert (counts["written"], counts["dropped"], counts["pending"]) == (2, len(bad), 0)
        found = await store.read(BARS, 0, START_MS, tags={})
        assert found == {row[1:3]: [(START_MS, *row[3:])] for row in good}
        await kept(store, BARS, bars(["C"], [START_MS]))


async def test_nothing_recorded_reads_as_nothing(tmp_path: Path) -> None:
    reader = EmbeddedReader(tmp_path / "not there")
    assert await reader.read(BARS, 0, START_MS, tags={}) == {}
    assert await reader.span_ms(BARS) is None
    with pytest.raises(KeyError, match="bars has no spread"):
        await reader.read(BARS, 0, START_MS, tags={}, fields=["spread"])
    await reader.close()
    (tmp_path / "file").write_text("")
    reader = EmbeddedReader(tmp_path / "file")
    with pytest.raises(StoreUnavailable, match="file: cannot be read"):
        await reader.read(BARS, 0, START_MS, tags={})
    await reader.close()


async def test_more_than_may_wait_drops_the_oldest(tmp_path: Path) -> None:
    async with running_store(tmp_path, max_pending=100) as store:
        for minute in range(30):
            store.write(BARS, bars(["A", "B", "C", "D", "E"], [START_MS + minute * MINUTE_MS]))
        assert (store.status().counts["dropped"], store.status().counts["pending"]) == (50, 100)
        assert await store.settle(60)
        found = await store.read(BARS, 0, START_MS + DAY_MS, tags={"symbol": ["A"]})
        assert [row[0] for row in found["A", "1m"]] == [START_MS + m * MINUTE_MS for m in range(10, 30)]


async def test_a_file_of_an_older_program_gains_the_new_columns(tmp_path: Path) -> None:
    import sqlite3

    from virtuoso.storage.timeseries.embedded.partitions import MINUTES, Partition

    async with running_store(tmp_path) as store:
        await kept(store, BARS, bars(["A"], [START_MS]))
    path = tmp_path / Partition.of(MINUTES, START_MS).name
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE bars DROP COLUMN buy_volume")
    connection.execute("DROP TABLE feeds")
    connection.close()
    reader = EmbeddedReader(tmp_path)
    found = await reader.read(BARS, 0, START_MS, tags={}, fields=["close", "buy_volume"])
    assert [row[2] for row in found["A", "1m"]] == [None]
    assert await reader.read(FEEDS, 0, START_MS, tags={}) == {}
    await reader.close()
    async with running_store(tmp_path) as store:
        more = bars(["A"], [START_MS + MINUTE_MS])
        await kept(store, BARS, more)
        found = await store.read(BARS, 0, START_MS + DAY_MS, tags={}, fields=["buy_volume"])
        assert [row[1] for row in found["A", "1m"]] == [None, more[0][9]]

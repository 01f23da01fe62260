"""What goes into a real InfluxDB comes back, value for value; what it refuses stands alone."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.influx import START_MS, Oracle, known, read_back, rows_of_minute, running, store_for, symbols
from tests.support.servers import Server, influx_server

from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.timeseries.influx.client import InfluxClient
from virtuoso.storage.timeseries.influx.store import InfluxStore
from virtuoso.storage.timeseries.schema import BARS, CYCLES, FACTORS, MARKET, MEASUREMENTS, SIGNALS, Measurement, Row


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with influx_server(tmp_path_factory.mktemp("influx")) as running_server:
        yield running_server


def bar(minute: int, symbol: str = "BTCUSDT", close: Any = 1.0) -> Row:
    return (START_MS + minute * 60_000, symbol, "1m", 1.0, 2.0, 0.5, close, 10.0, 10.0, 5.0)


async def test_every_measurement_comes_back_equal(server: Server, tmp_path: Path) -> None:
    oracle = Oracle()
    async with running(server, tmp_path, database="all") as store:
        for minute in range(10):
            oracle.write(store, rows_of_minute(minute, symbols(20)))
        assert await store.settle(20)
        found = await read_back(store)
        counts = store.status().counts
    assert found.kept == oracle.kept
    assert all(found.kept[name] for name in MEASUREMENTS)
    for name, measurement in MEASUREMENTS.items():
        for values in found.kept[name].values():
            for value, kind in zip(values, measurement.fields.values(), strict=True):
                assert value is None or type(value) is kind
    assert counts["written"] == oracle.rows
    assert not any(counts[name] for name in ("rejected", "dropped", "pending", "spooled", "empty"))


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
floats = st.floats() | st.sampled_from([5e-324, 1.7976931348623157e308, 0.1 + 0.2, -0.0, 1e21, 123456789012345680.0])
ODD = Measurement('odd, "name"', ("tag a", "b=c"), {"f 1": float, "i,2": int, "s=3": str, "b4": bool})
tags = texts.filter(lambda text: not {"\n", "\r"} & set(text) and not text.endswith("\\"))
odd_rows = st.tuples(
    tags, texts.map(str.strip).filter(str.isalnum),
    st.none() | floats, st.none() | st.integers(-(2**63), 2**63 - 1), st.none() | texts, st.none() | st.booleans(),
)  # fmt: skip


@pytest.mark.slow
async def test_strange_names_texts_and_numbers_come_back(server: Server, tmp_path: Path) -> None:
    async with running(server, tmp_path, database='odd "name"', flush_s=0.001) as store:
        await _strange(store)


async def _strange(store: InfluxStore) -> None:
    cases: list[list[Any]] = []

    @settings(max_examples=60, suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(odd_rows, min_size=1, max_size=20))
    def collect(rows: list[Any]) -> None:
        cases.append(rows)

    collect()
    wanted: dict[tuple[Any, int], tuple[Any, ...]] = {}
    for number, rows in enumerate(cases):
        made = [(START_MS + 1_000 * number + at, *row) for at, row in enumerate(rows)]
        store.write(ODD, made)
        for row in made:
            if any(value is not None for value in known(row[3:])):
                wanted[(row[1], row[2]), row[0]] = known(row[3:])
    assert await store.settle(30)
    assert store.status().counts["rejected"] == 0, store.status()
    series = await store.read(ODD, 0, 2 * START_MS, tags={})
    found = {(tags, row[0]): row[1:] for tags, rows in series.items() for row in rows}
    assert found == wanted
    for key, values in wanted.items():
        if isinstance(values[0], float):
            assert math.copysign(1, values[0]) == math.copysign(1, found[key][0]) or values[0] == 0
    some = sorted({key[0][0] for key in wanted})[:120]
    for value in some[:20]:
        one = await store.read(ODD, 0, 2 * START_MS, tags={"tag a": [value]})
        assert {(t, row[0]): row[1:] for t, rows in one.items() for row in rows} == {
            key: row for key, row in wanted.items() if key[0][0] == value
        }
    many = await store.read(ODD, 0, 2 * START_MS, tags={"tag a": some}, fields=["i,2"])
    assert {(t, row[0]): row[1:] for t, rows in many.items() for row in rows} == {
        key: (row[1],) for key, row in wanted.items() if key[0][0] in some and row[1] is not None
    }


async def test_a_later_row_of_the_same_time_replaces_the_earlier(server: Server, tmp_path: Path) -> None:
    async with running(server, tmp_path, database="replaced") as store:
        store.write(BARS, [bar(1, close=1.0), bar(2, close=1.0)])
        store.write(BARS, [bar(1, close=2.0)])
        assert await store.settle(10)
        found = await store.read(BARS, 0, 2 * START_MS, tags={}, fields=["close"])
    assert found == {("BTCUSDT", "1m"): [(bar(1)[0], 2.0), (bar(2)[0], 1.0)]}


async def test_reading_by_time_symbol_field_and_number(server: Server, tmp_path: Path) -> None:
    names = symbols(250)
    async with running(server, tmp_path, database="reads") as store:
        for minute in range(12):
            store.write(BARS, [bar(minute, name, minute + number / 1000) for number, name in enumerate(names)])
        assert await store.settle(10)
        wanted = names[3:240]
        found = await store.read(
            BARS, bar(2)[0], bar(9)[0], tags={"symbol": wanted, "timeframe": ["1m", "1h"]}, fields=["close", "open"],
            limit=3,
        )  # fmt: skip
        assert found == {
            (name, "1m"): [(bar(minute)[0], minute + names.index(name) / 1000, 1.0) for minute in (7, 8, 9)]
            for name in wanted
        }
        whole = await store.read(BARS, 0, 2**62, tags={"symbol": [names[0], names[0]]})
        assert [row[0] for row in whole[names[0], "1m"]] == [bar(minute)[0] for minute in range(12)]
        assert await store.read(BARS, 0, 2**62, tags={"symbol": []}) == {}
        assert await store.read(BARS, 0, 2**62, tags={"symbol": ["' OR 1 = 1 --", "\\", "\\'", "a\nb"]}) == {}
        assert await store.read(BARS, -(2**62), -1, tags={}) == {}
        assert await store.read(FACTORS, 0, 2**62, tags={}) == {}
        with pytest.raises(ValueError, match="no such tag or field"):
            await store.read(BARS, 0, 1, tags={'symbol" OR "x': ["a"]})
        with pytest.raises(ValueError, match="no such tag or field"):
            await store.read(BARS, 0, 1, tags={}, fields=["price"])


async def test_more_rows_than_a_document_holds(server: Server, tmp_path: Path) -> None:
    async with running(server, tmp_path, database="long") as store:
        store.write(CYCLES, [(START_MS + number, True, 600, 1.5, 1.0, 0.25, 0.25, 0.0) for number in range(25_000)])
        assert await store.settle(20)
        found = await store.read(CYCLES, 0, 2**62, tags={})
        assert [row[0] for row in found[()]] == [START_MS + number for number in range(25_000)]
        assert found[()][7] == (START_MS + 7, True, 600, 1.5, 1.0, 0.25, 0.25, 0.0)
        last = await store.read(CYCLES, 0, 2**62, tags={}, limit=12_000, fields=["symbols"])
        assert [row[0] for row in last[()]] == [START_MS + number for number in range(13_000, 25_000)]


async def test_bad_lines_stand_alone_and_the_rest_is_kept(server: Server, tmp_path: Path) -> None:
    good = [bar(minute, name) for minute in range(5) for name in symbols(60)]
    bad = [
        (2**62, "FAR", "1m", *[1.0] * 7),
        (START_MS, "TEXT", "1m", "not a number", *[1.0] * 6),
        (START_MS, "CASE", "1m", True, *[1.0] * 6),
    ]
    rows: list[Any] = [*good[:100], bad[0], *good[100:250], *bad[1:], *good[250:]]
    async with running(server, tmp_path, database="bad") as store:
        store.write(BARS, [bar(99, "FIRST")])  # it says what the fields are
        assert await store.settle(10)
        store.write(BARS, rows)
        store.write(BARS, [(START_MS, "no\nway", "1m", *[1.0] * 7)])
        store.write(BARS, [(START_MS, "A", "1m", *[None] * 7)])
        assert await store.settle(20)
        found = await store.read(BARS, 0, 2**62, tags={})
        status = store.status()
    kept = {(row[0], *tags, *row[1:]) for tags, rows in found.items() for row in rows if tags[0].startswith("S")}
    assert kept == set(good)
    assert status.state == "up"
    assert status.counts["rejected"] == len(bad) + 1
    assert status.counts["empty"] == 1
    assert status.counts["written"] == len(good) + 1


async def test_a_batch_of_which_all_is_bad_ends(server: Server, tmp_path: Path) -> None:
    conflict = Measurement("market", (), {"regime": float})
    async with running(server, tmp_path, database="conflict") as store:
        store.write(MARKET, [(START_MS, "calm", 1, 2, 3, *[1.0] * 9)])
        assert await store.settle(10)
        store._packer._encoders.clear()
        store.write(conflict, [(START_MS + number, 1.0) for number in range(200)])
        assert await store.settle(30)
        assert store.status().counts["rejected"] == 200
        store._packer._encoders.clear()
        store.write(SIGNALS, [(START_MS, "A", "LONG", "SHORT", "x", 1.0, 1.0, 1.0)])
        assert await store.settle(10)
        assert store.status().counts["written"] == 2


async def test_nothing_written_yet_is_an_empty_answer(server: Server, tmp_path: Path) -> None:
    store = store_for(server, tmp_path, database="never made")
    assert await store.read(BARS, 0, 2**62, tags={}) == {}
    await store.close()


async def test_a_database_dropped_under_it_is_made_again(server: Server, tmp_path: Path) -> None:
    client = InfluxClient(
        url=f"http://{server.address}", version=1, database="x", org=None, token=None, username=None, password=None,
        timeout_s=5,
    )  # fmt: skip
    async with running(server, tmp_path, database="dropped") as store:
        store.write(BARS, [bar(1)])
        assert await store.settle(10)
        async for _ in client.query('DROP DATABASE "dropped"'):
            pass
        store.write(BARS, [bar(2)])
        assert await store.settle(10)
        assert store.status().counts["spooled"] == 0
        assert await store.read(BARS, 0, 2**62, tags={}, fields=["open"]) == {("BTCUSDT", "1m"): [(bar(2)[0], 1.0)]}
    await client.close()


async def test_version_2_does_not_read(server: Server, tmp_path: Path) -> None:
    store = store_for(server, tmp_path, version=2, token="t", org="o")
    with pytest.raises(StoreUnavailable, match="written to only"):
        await store.read(BARS, 0, 1, tags={})
    await store.close()

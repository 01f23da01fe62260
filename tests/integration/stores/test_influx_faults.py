"""The server dies or stalls, the writer is killed: nothing that was acknowledged is lost."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession
from tests.support import warm
from tests.support.influx import (
    START_MS,
    Oracle,
    bars,
    counts,
    drained,
    read_back,
    rows_of_minute,
    running,
    store_for,
    symbols,
    until,
)
from tests.support.servers import Server, free_port, influx_server
from tests.support.soak import soak_only

from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.timeseries.influx.store import InfluxStore
from virtuoso.storage.timeseries.schema import BARS, MEASUREMENTS


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with influx_server(tmp_path / "influx") as running_server:
        yield running_server


async def through_an_outage(server: Server, folder: Path, names: list[str], minutes: int, limit_s: float) -> float:
    """Minutes before, during and after; the minute before is given again with other values, which must win."""
    oracle = Oracle()

    def write(store: InfluxStore, minute: int) -> None:
        oracle.write(store, rows_of_minute(minute, names))
        oracle.write(store, rows_of_minute(minute - 1, names, seed=1))

    async with running(server, folder, timeout_s=30.0, spool_bytes=1 << 30) as store:
        write(store, 1)
        assert await store.settle(30)
        server.kill()
        for minute in range(2, 2 + minutes):
            write(store, minute)
            if minute % 5 == 0:
                assert await store.settle(60)
        assert await store.settle(60)
        assert store.status().state == "down"
        away = counts(store)
        assert away["spooled"] > 0
        assert away["written"] + away["spooled"] == oracle.rows
        server.start()
        began = time.perf_counter()
        write(store, 2 + minutes)
        await drained(store, limit_s)
        took = time.perf_counter() - began
        assert await store.settle(30)
        found = await read_back(store)
        after = counts(store)
    assert found.sums() == oracle.sums()
    assert found.kept == oracle.kept
    assert after["written"] == oracle.rows
    assert after["drained"] >= away["spooled"]
    assert (after["dropped"], after["rejected"]) == (0, 0)
    assert store.status().state == "up"
    assert not list((folder / "spool").iterdir())
    return took


async def test_an_hour_without_a_server_loses_nothing(server: Server, tmp_path: Path) -> None:
    await through_an_outage(server, tmp_path, symbols(15), 60, 60)


@pytest.mark.slow
@pytest.mark.timeout(900)
@soak_only("an hour of 600 symbols")
async def test_an_hour_of_600_symbols_drains_in_five_minutes(
    server: Server, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    took = await through_an_outage(server, tmp_path, symbols(600), 60, 300)
    record_property("drained_s", round(took, 1))
    print(f"drained in {took:.1f} s")


@pytest.mark.slow
@pytest.mark.parametrize("down", [True, False])
async def test_a_writer_killed_at_any_moment_loses_nothing_acknowledged(
    server: Server, tmp_path: Path, down: bool
) -> None:
    names = symbols(15)
    for kill_after in (3, 9):
        if down:
            server.kill()
        command = [sys.executable, "-m", "tests.support.influx_writer", server.address, str(tmp_path), str(len(names))]
        process = warm.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        acknowledged: set[int] = set()
        for line in process.stdout:
            if line.startswith("kept"):
                acknowledged.add(int(line.split()[1]))
            if len(acknowledged) == kill_after:
                process.kill()  # it may be anywhere in the next minute
        process.stdout.close()
        process.wait(10)
        if down:
            server.start()
        oracle = Oracle()
        for minute in acknowledged:
            for name, rows in rows_of_minute(minute, names).items():
                oracle.remember(MEASUREMENTS[name], rows)
        async with running(server, tmp_path) as store:
            assert not down or counts(store)["spooled"] > 0
            await drained(store)
            found = await read_back(store)
            assert not counts(store)["dropped"]
        for name, wanted in oracle.kept.items():
            assert wanted.items() <= found.kept[name].items()


async def test_the_spool_sheds_the_oldest_and_counts_them(server: Server, tmp_path: Path) -> None:
    server.kill()
    async with running(server, tmp_path, spool_bytes=40_000, batch_points=200) as store:
        store.write(BARS, bars(20_000))
        await store.settle(30)
        away = counts(store)
        assert away["dropped"] > 0
        assert away["spool_bytes"] <= 40_000
        assert away["spooled"] + away["dropped"] == 20_000
        server.start()
        await drained(store)
        found = await store.read(BARS, 0, 2**62, tags={}, fields=["close"])
        after = counts(store)
    assert after["written"] + after["dropped"] == 20_000
    kept = [int(row[1]) for row in found["A", "1m"]]  # type: ignore[arg-type]
    assert kept == list(range(20_000 - len(kept), 20_000))
    assert len(kept) == after["written"]


async def test_a_stalled_server_holds_up_nobody(server: Server, tmp_path: Path) -> None:
    async with running(server, tmp_path, timeout_s=1.0) as store:
        store.write(BARS, bars(10))
        assert await store.settle(10)
        server.stall()
        try:
            slowest = 0.0
            for number in range(200):
                began = time.perf_counter()
                store.write(BARS, bars(50, 50 * number))
                slowest = max(slowest, time.perf_counter() - began)
                await asyncio.sleep(0.005)
            assert slowest < 0.25
            assert await store.settle(30)
            assert store.status().state == "down"
            assert "did not answer within 1 s" in (store.status().error or "")
            with pytest.raises(StoreUnavailable, match="did not answer"):
                await store.read(BARS, 0, 2**62, tags={})
        finally:
            server.go_on()
        await drained(store)
        assert store.status().state == "up"
        found = await store.read(BARS, 0, 2**62, tags={}, fields=["close"])
        assert len(found["A", "1m"]) == 10_000


@pytest.mark.slow
async def test_what_is_left_at_the_end_is_drained_by_the_next_start(server: Server, tmp_path: Path) -> None:
    server.stall()
    store = store_for(server, tmp_path, timeout_s=20.0, batch_points=100)
    await store.start()
    store.write(BARS, bars(1_234))
    began = time.perf_counter()
    await store.close()
    assert time.perf_counter() - began < 10
    assert counts(store)["spooled"] == 1_234
    server.go_on()
    async with running(server, tmp_path) as store:
        await drained(store)
        found = await store.read(BARS, 0, 2**62, tags={}, fields=["close"])
    assert len(found["A", "1m"]) == 1_234


async def test_no_server_at_the_start_is_no_error(tmp_path: Path) -> None:
    async with running(f"127.0.0.1:{free_port()}", tmp_path) as store:
        await until(lambda: store.status().since_ms is not None, "tried")
        assert store.status().state == "down"
        assert "refused" in (store.status().error or "")
        with pytest.raises(StoreUnavailable, match="refused"):
            await store.read(BARS, 0, 1, tags={})


async def test_memory_is_bounded_and_what_gives_way_is_counted(server: Server, tmp_path: Path) -> None:
    async with running(server, tmp_path, queue_rows=1_000) as store:
        store.write(BARS, bars(3_500))
        assert counts(store)["dropped"] == 2_500
        assert counts(store)["pending"] == 1_000
        assert await store.settle(10)
        found = await store.read(BARS, 0, 2**62, tags={}, fields=["close"])
    assert [row[1] for row in found["A", "1m"]] == list(range(2_500, 3_500))


async def test_what_another_program_wrote_of_another_type_makes_the_server_refuse(
    server: Server, tmp_path: Path
) -> None:
    """As in home-assistant #4709 and unpoller #946: `bars.close` and `feeds.count` were of other types before."""
    store = store_for(server, tmp_path)
    await store.start()
    try:
        await until(lambda: store.status().state == "up", "it is reached, and the database made")
        others = f"bars,symbol=OTHER,timeframe=1m close=5i {START_MS}\nfeeds,topic=x count=1.5 {START_MS}\n"
        async with ClientSession() as session:
            address = f"http://{server.address}"
            async with session.post(f"{address}/write?db=virtuoso&precision=ms", data=others) as answer:
                assert answer.status == 204
            for name, rows in rows_of_minute(0, symbols(3)).items():
                store.write(MEASUREMENTS[name], rows)
            assert await store.settle(30)
            status = store.status()
            assert status.state == "refusing"
            assert "the server refuses 3 of 3 lines of bars, 2 of 2 lines of feeds (HTTP 400: " in (status.error or "")
            assert "field type conflict" in (status.error or "")
            assert "such as bars," in (status.error or "")
            assert counts(store)["written"] > 5
            for name in ("bars", "feeds"):
                query = {"db": "virtuoso", "q": f"DROP MEASUREMENT {name}"}
                async with session.post(f"{address}/query", data=query) as answer:
                    assert answer.status == 200
        for name, rows in rows_of_minute(1, symbols(3)).items():
            store.write(MEASUREMENTS[name], rows)
        assert await store.settle(30)
        assert (store.status().state, store.status().error) == ("up", None)
    finally:
        await store.close()

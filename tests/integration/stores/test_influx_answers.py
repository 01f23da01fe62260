"""A server that talks nonsense or says no, wholly or in part; a disk that fills up."""

import asyncio
import subprocess
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.support.influx import START_MS, bars, counts, drained, rows_of_minute, running, until

from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.timeseries.influx.store import InfluxStore
from virtuoso.storage.timeseries.schema import BARS, MEASUREMENTS


@pytest.mark.parametrize(
    "answer", [b"\x00\xff nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", b""]
)
async def test_garbage_is_no_acknowledgement(tmp_path: Path, answer: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await reader.read(1_000)
            writer.write(answer)
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with running(f"127.0.0.1:{port}", tmp_path) as store:
            store.write(BARS, bars(10))
            assert await store.settle(20)
            assert counts(store)["written"] == 0
            assert counts(store)["spooled"] == 10
            with pytest.raises(StoreUnavailable):
                await store.read(BARS, 0, 1, tags={})


class Picky:
    """A server that takes all of a batch or nothing, as newer ones do; `answer` judges the lines."""

    def __init__(self, answer: Callable[[list[bytes]], int]) -> None:
        self.answer = answer
        self.lines: list[bytes] = []
        self.posts = 0
        self.headers: dict[str, str] = {}
        self.query: dict[str, str] = {}

    async def write(self, request: web.Request) -> web.Response:
        """`/write`."""
        self.posts += 1
        self.headers, self.query = dict(request.headers), dict(request.query)
        raw = await request.read()
        lines = (zlib.decompress(raw, 31) if raw[:2] == b"\x1f\x8b" else raw).splitlines()
        status = self.answer(lines)
        if status == 204:
            self.lines += lines
            return web.Response(status=204)
        return web.json_response({"error": f"no,\nbecause of {status}"}, status=status)

    async def ask(self, request: web.Request) -> web.Response:
        """`/query`."""
        status = self.answer([])
        return web.json_response({"results": []}, status=200 if status == 204 else status)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Its address."""
        app = web.Application()
        app.router.add_post("/write", self.write)
        app.router.add_post("/api/v2/write", self.write)
        app.router.add_post("/query", self.ask)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


async def test_a_server_that_refuses_whole_batches_gets_all_but_the_bad_lines(tmp_path: Path) -> None:
    bad = {b"close=7.0", b"close=77.0", b"close=777.0"}
    picky = Picky(lambda lines: 400 if any(mark in line.split(b" ")[1].split(b",") for line in lines for mark in bad)
                  else 204)  # fmt: skip
    async with picky.listening() as address, running(address, tmp_path) as store:
        store.write(BARS, bars(1_000))
        assert await store.settle(30)
        assert counts(store)["written"] == 997
        assert counts(store)["rejected"] == 3
    assert sorted({int(line.split(b" ")[2]) - START_MS for line in picky.lines}) == [
        number for number in range(1_000) if number not in {7, 77, 777}
    ]
    assert picky.posts < 80


async def test_a_server_that_refuses_a_measurement_is_not_up_until_it_takes_it(tmp_path: Path) -> None:
    """Another program wrote `bars.close` as an integer before: each line of bars is refused, all others are taken."""
    minute = rows_of_minute(0, ["BTCUSDT", "ETHUSDT"])

    def write(store: InfluxStore) -> None:
        for name, rows in minute.items():
            store.write(MEASUREMENTS[name], rows)

    picky = Picky(lambda lines: 400 if any(line.startswith(b"bars") for line in lines) else 204)
    async with picky.listening() as address, running(address, tmp_path) as store:
        write(store)
        assert await store.settle(10)
        status = store.status()
        assert status.state == "refusing"
        assert (status.error or "").startswith(
            "the server refuses 2 of 2 lines of bars (HTTP 400: no, because of 400; such as bars,"
        )
        assert counts(store)["rejected"] == 2
        assert counts(store)["written"] == sum(map(len, minute.values())) - 2
        store.write(MEASUREMENTS["tickers"], minute["tickers"])
        assert await store.settle(10)
        assert store.status().state == "refusing", "what it takes of others says nothing of bars"
        picky.answer = lambda _: 204
        write(store)
        assert await store.settle(10)
        assert (store.status().state, store.status().error) == ("up", None)


async def test_a_line_refused_among_many_is_no_state(tmp_path: Path) -> None:
    picky = Picky(lambda lines: 400 if any(int(line.split(b" ")[2]) % 100 == 7 for line in lines) else 204)
    async with picky.listening() as address, running(address, tmp_path) as store:
        store.write(BARS, bars(1_000))
        assert await store.settle(30)
        assert (store.status().state, counts(store)["rejected"]) == ("up", 10)


async def test_a_batch_too_large_is_split(tmp_path: Path) -> None:
    picky = Picky(lambda lines: 413 if len(lines) > 30 else 204)
    async with picky.listening() as address, running(address, tmp_path) as store:
        store.write(BARS, bars(1_000))
        assert await store.settle(30)
        assert counts(store)["written"] == 1_000
    assert [int(line.split(b" ")[2]) - START_MS for line in picky.lines] == list(range(1_000))


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "check the token"), (403, "may not write to 'virtuoso'"), (404, "check that the database 'virtuoso'"),
     (429, "HTTP 429: no, because of 429"), (500, "HTTP 500"), (302, "HTTP 302")],
)  # fmt: skip
async def test_no_server_for_these_lines_is_down_and_the_points_wait(tmp_path: Path, status: int, says: str) -> None:
    picky = Picky(lambda _: status)
    async with picky.listening() as address, running(address, tmp_path) as store:
        store.write(BARS, bars(10))
        assert await store.settle(10)
        await until(lambda: says in (store.status().error or ""), "the error is said")
        assert store.status().state == "down"
        assert "\n" not in (store.status().error or "")
        assert counts(store)["spooled"] == 10
        picky.answer = lambda _: 204
        await drained(store)
        assert store.status().state == "up"
        assert counts(store)["drained"] == counts(store)["written"] == 10


async def test_who_writes_and_where_is_said_as_each_version_wants_it(tmp_path: Path) -> None:
    picky = Picky(lambda _: 204)
    async with picky.listening() as address:
        options: dict[str, Any] = {"username": "me", "password": "secret"}
        async with running(address, tmp_path, **options) as store:
            store.write(BARS, bars(1))
            assert await store.settle(10)
        assert picky.query == {"db": "virtuoso", "precision": "ms"}
        assert picky.headers["Authorization"] == "Basic bWU6c2VjcmV0"
        assert picky.headers["Content-Encoding"] == "gzip"
        options = {"version": 2, "org": "o & o", "database": "b", "token": "t"}
        async with running(address, tmp_path, **options) as store:
            store.write(BARS, bars(1))
            assert await store.settle(10)
        assert picky.query == {"org": "o & o", "bucket": "b", "precision": "ms"}
        assert picky.headers["Authorization"] == "Token t"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_a_full_disk_drops_and_says_so_until_there_is_room(small_disk: Path, tmp_path: Path) -> None:
    picky = Picky(lambda _: 503)
    async with picky.listening() as address, running(address, small_disk, batch_points=500) as store:
        with suppress(OSError), (small_disk / "others").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4_096))
        store.write(BARS, bars(5_000))
        assert not await store.settle(10)
        assert store.status().state == "full"
        assert "No space left" in (store.status().error or "")
        assert counts(store)["dropped"] == 5_000
        (small_disk / "others").unlink()
        store.write(BARS, bars(500, 5_000))
        assert await store.settle(10)
        assert store.status().state == "down"
        store.write(BARS, bars(50_000, 5_500))  # more than the disk holds: the oldest make room
        assert not await store.settle(30)
        assert store.status().state == "down"
        picky.answer = lambda _: 204
        await drained(store)
        assert store.status().state == "up"
        written = counts(store)["written"]
        assert written + counts(store)["dropped"] == 55_500
    times = [int(line.split(b" ")[2]) - START_MS for line in picky.lines]
    assert times == list(range(55_500 - written, 55_500))
    assert written > 1_000

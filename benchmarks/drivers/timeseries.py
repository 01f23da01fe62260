"""Minutes of bars into files, one participant: a sample for every line on standard input (see `peers/minutes`).

    python -m benchmarks.drivers.timeseries virtuoso | keyed | table | parquet | warm-up

`virtuoso` is the embedded store from `write` to `settle`; `keyed` a table of SQLite clustered by symbol and time,
`table` one without a key, each by executemany; `parquet` a row group a minute, which is neither synced nor readable
until the file is closed. `warm-up` reads the last 300 bars of 600 symbols in four timeframes, seconds.
"""

import asyncio
import json
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.peers import minutes
from virtuoso.model.clock import ManualClock
from virtuoso.model.timeframe import Timeframe
from virtuoso.storage.timeseries.embedded.reader import EmbeddedReader
from virtuoso.storage.timeseries.embedded.store import EmbeddedStore
from virtuoso.storage.timeseries.schema import BARS

DAY_MS = 86_400_000
WARM = (Timeframe.M1, Timeframe.M5, Timeframe.M30, Timeframe.H4)
WARM_BARS = 300


def virtuoso(folder: Path) -> None:
    with asyncio.Runner() as runner:
        store = EmbeddedStore(folder, clock=ManualClock(minutes.START_MS * 10**6))
        runner.run(store.start())

        async def keep(rows: list[minutes.Row]) -> None:
            store.write(BARS, rows)
            if not await store.settle(60):
                raise SystemExit(f"not kept: {store.status()}")

        async def read(name: str) -> int:
            tags = {"symbol": [name], "timeframe": ["1m"]}
            found = await store.read(BARS, minutes.START_MS, minutes.START_MS + 30 * DAY_MS, tags=tags)
            return len(found[name, "1m"])

        minutes.sample(lambda rows: runner.run(keep(rows)), lambda name: runner.run(read(name)))
        runner.run(store.close())


def sqlite(folder: Path, *, keyed: bool) -> None:
    columns = ", ".join(f'"{name}" REAL' for name in minutes.FIELDS)
    key = ", PRIMARY KEY (symbol, timeframe, time)) WITHOUT ROWID" if keyed else ")"
    with closing(sqlite3.connect(folder / "bars.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(f"CREATE TABLE bars (time INTEGER, symbol TEXT, timeframe TEXT, {columns}{key}")
        insert = f"INSERT OR REPLACE INTO bars VALUES ({', '.join('?' * (3 + len(minutes.FIELDS)))})"
        select = f"SELECT time, {', '.join(minutes.FIELDS)} FROM bars WHERE symbol = ? AND timeframe = '1m'"

        def write(rows: list[minutes.Row]) -> None:
            database.execute("BEGIN")
            database.executemany(insert, rows)
            database.execute("COMMIT")

        minutes.sample(write, (lambda name: len(database.execute(select, (name,)).fetchall())) if keyed else None)


def parquet(folder: Path) -> None:
    names = ["time", "symbol", "timeframe", *minutes.FIELDS]
    first = pa.table(dict(zip(names, map(list, zip(*minutes.minute(0), strict=True)), strict=True)))
    with pq.ParquetWriter(folder / "bars.parquet", first.schema, compression="zstd") as writer:

        def write(rows: list[minutes.Row]) -> None:
            writer.write_table(pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))))

        minutes.sample(write, None)


async def _fill(folder: Path, end_ms: int) -> None:
    store = EmbeddedStore(folder, clock=ManualClock(end_ms * 10**6), max_pending=10**7)
    await store.start()
    for timeframe in WARM:
        for n in range(WARM_BARS):
            at = timeframe.floor(end_ms) - (n + 1) * timeframe.ms
            store.write(BARS, [(at, row[1], timeframe.value, *row[3:]) for row in minutes.minute(n)])
    if not await store.settle(120):
        raise SystemExit(f"not kept: {store.status()}")
    await store.close()


async def _warm_up(reader: EmbeddedReader, end_ms: int) -> float:
    began = time.perf_counter()
    rows = 0
    for timeframe in WARM:
        found = await reader.read(BARS, 0, end_ms, tags={"timeframe": [timeframe.value]}, limit=WARM_BARS)
        rows += sum(map(len, found.values()))
    took = time.perf_counter() - began
    if rows != len(WARM) * minutes.SYMBOLS * WARM_BARS:
        raise SystemExit(f"{rows} rows were read back")
    return took


def warm_up(folder: Path) -> None:
    end_ms = minutes.START_MS + DAY_MS
    asyncio.run(_fill(folder, end_ms))
    with asyncio.Runner() as runner:
        reader = EmbeddedReader(folder)
        for _ in sys.stdin:
            print(json.dumps({"seconds": runner.run(_warm_up(reader, end_ms))}), flush=True)
        runner.run(reader.close())


def main(what: str) -> None:
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        if what in {"keyed", "table"}:
            sqlite(folder, keyed=what == "keyed")
        else:
            {"virtuoso": virtuoso, "parquet": parquet, "warm-up": warm_up}[what](folder)


if __name__ == "__main__":
    main(sys.argv[1])

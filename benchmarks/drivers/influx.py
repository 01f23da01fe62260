"""Points into a running InfluxDB, by one of three ways; a sample for every line on standard input.

    python -m benchmarks.drivers.influx PORT {ready,virtuoso,influxdb-client}

Each sample fills a database of its own with bars, tickers and factors of 600 symbols, 5,000 points a request, gzip:
`ready` posts bodies made before; the others start from rows. Seconds from the first row to the last acknowledgement.
"""

import asyncio
import gc
import json
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import structlog

from virtuoso.model.clock import SystemClock
from virtuoso.storage.timeseries.influx.batch import Packer
from virtuoso.storage.timeseries.influx.client import InfluxClient
from virtuoso.storage.timeseries.influx.store import InfluxStore
from virtuoso.storage.timeseries.schema import BARS, FACTORS, TICKERS, Measurement, Row

SYMBOLS, MINUTES, BATCH = 600, 30, 5_000
START_MS = 1_767_225_600_000
Minutes = list[tuple[Measurement, list[Row]]]


def minutes() -> Minutes:
    """Rows as the monitor makes them: prices to two digits or more, all fields known but one ticker's."""
    rng = np.random.default_rng(1)
    found: Minutes = []
    for minute in range(MINUTES):
        for measurement in (BARS, TICKERS, FACTORS):
            kinds = list(measurement.fields.values())
            values = rng.lognormal(3, 3, (SYMBOLS, len(kinds))).round(6).tolist()
            rows: list[Any] = []
            for number, row in enumerate(values):
                tags = (f"S{number:03d}USDT", "1m")[: len(measurement.tags)]
                fields = [value if kind is float else "NEUTRAL" for kind, value in zip(kinds, row, strict=True)]
                rows.append((START_MS + minute * 60_000, *tags, *fields))
            found.append((measurement, rows))
    return found


def batches(written: Minutes) -> list[Minutes]:
    """Of `BATCH` rows each."""
    flat = [(measurement, row) for measurement, rows in written for row in rows]
    return [
        [(measurement, [row]) for measurement, row in flat[start : start + BATCH]]
        for start in range(0, len(flat), BATCH)
    ]


def ready(port: int) -> Callable[[str, Minutes], float]:
    """Nothing is left to do but to post."""
    packer = Packer()
    bodies = [packer.pack(batch).body for batch in batches(minutes())]

    async def post(database: str) -> float:
        client = InfluxClient(
            url=f"http://127.0.0.1:{port}", version=1, database=database, org=None, token=None, username=None,
            password=None, timeout_s=60.0,
        )  # fmt: skip
        await client.create()
        began = time.perf_counter()
        for body in bodies:
            await client.post(body)
        took = time.perf_counter() - began
        await client.close()
        return took

    return lambda database, _: asyncio.run(post(database))


def ours(port: int) -> Callable[[str, Minutes], float]:
    """The store as the monitor uses it."""

    async def write(database: str, written: Minutes, spool: Path) -> float:
        store = InfluxStore(
            url=f"http://127.0.0.1:{port}", version=1, database=database, spool=spool, clock=SystemClock(),
            batch_points=BATCH, timeout_s=60.0,
        )  # fmt: skip
        await store.start()
        while store.status().state != "up":
            await asyncio.sleep(0.01)
        began = time.perf_counter()
        for measurement, rows in written:
            store.write(measurement, rows)
        if not await store.settle(60):
            raise SystemExit(f"not settled: {store.status()}")
        took = time.perf_counter() - began
        counts = store.status().counts
        if counts["drained"] or counts["rejected"] or counts["dropped"]:
            raise SystemExit(f"not written straight: {counts}")
        await store.close()
        return took

    def sample(database: str, written: Minutes) -> float:
        with TemporaryDirectory() as folder:
            return asyncio.run(write(database, written, Path(folder)))

    return sample


def theirs(port: int) -> Callable[[str, Minutes], float]:
    """influxdb-client with `Point` objects, synchronous; InfluxDB 1.6 has its write path under another name."""
    from influxdb_client import InfluxDBClient, Point, WritePrecision
    from influxdb_client._sync.rest import RESTClientObject
    from influxdb_client.client.write_api import SYNCHRONOUS

    request = RESTClientObject.request

    def renamed(self: Any, method: str, url: str, query_params: Any = None, **options: Any) -> Any:
        bucket = dict(query_params)["bucket"]
        url = url.replace("/api/v2/write", "/write")
        return request(self, method, url, query_params=[("db", bucket), ("precision", "ms")], **options)

    RESTClientObject.request = renamed

    def sample(database: str, written: Minutes) -> float:
        query(port, f'CREATE DATABASE "{database}"')
        with InfluxDBClient(f"http://127.0.0.1:{port}", token="-", org="-", enable_gzip=True) as client:
            api = client.write_api(write_options=SYNCHRONOUS)
            began = time.perf_counter()
            points: list[Point] = []
            for measurement, rows in written:
                first = 1 + len(measurement.tags)
                for row in rows:
                    point = Point(measurement.name).time(row[0], WritePrecision.MS)
                    for name, tag in zip(measurement.tags, row[1:first], strict=True):
                        point.tag(name, tag)
                    for name, value in zip(measurement.fields, row[first:], strict=True):
                        point.field(name, value)
                    points.append(point)
                    if len(points) == BATCH:
                        api.write(database, record=points, write_precision=WritePrecision.MS)
                        points = []
            if points:
                api.write(database, record=points, write_precision=WritePrecision.MS)
            return time.perf_counter() - began

    return sample


def query(port: int, text: str) -> Any:
    """The answer to a query."""
    form = urllib.parse.urlencode({"q": text}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/query", form, timeout=60) as answer:
        return json.load(answer)


def main(port: int, way: str) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    sample = {"ready": ready, "virtuoso": ours, "influxdb-client": theirs}[way](port)
    written = minutes()
    points = sum(len(rows) for _, rows in written)
    packages = ["influxdb-client"] if way == "influxdb-client" else ["aiohttp", "msgspec"]
    versions = {package: version(package) for package in packages}
    for number, _ in enumerate(sys.stdin):
        database = f"{way}-{number}"
        gc.collect()
        seconds = sample(database, written)
        answer = query(port, f'SELECT count(close) FROM "{database}"..bars')
        kept = answer["results"][0]["series"][0]["values"][0][1]
        if kept != SYMBOLS * MINUTES:
            raise SystemExit(f"{way}: {kept} of {SYMBOLS * MINUTES} bars are there")
        query(port, f'DROP DATABASE "{database}"')
        print(json.dumps({"points": points, "seconds": seconds, "versions": versions}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])

"""The write path of version 2, into VictoriaMetrics; what it holds is read by its own export."""

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.influx import DATABASE, rows_of_minute, running, symbols, until
from tests.support.servers import Server, victoria_server

from virtuoso.storage.timeseries.schema import MEASUREMENTS, Row


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with victoria_server(tmp_path / "victoria") as running_server:
        yield running_server


def ask(server: Server, path: str, **parameters: str) -> bytes:
    url = f"http://{server.address}{path}?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        body: bytes = answer.read()
        return body


def exported(server: Server) -> dict[tuple[Any, ...], dict[int, float]]:
    """By name of the series and tags: value by time."""
    ask(server, "/internal/force_flush")
    found: dict[tuple[Any, ...], dict[int, float]] = {}
    for line in ask(server, "/api/v1/export", **{"match[]": '{__name__!=""}'}).splitlines():
        series = json.loads(line)
        labels = {key: value for key, value in series["metric"].items() if key != "db"}
        key = tuple(sorted(labels.items()))
        found.setdefault(key, {}).update(zip(series["timestamps"], series["values"], strict=True))
    return found


def expected(minutes: list[dict[str, list[Row]]]) -> dict[tuple[Any, ...], dict[int, float]]:
    """Numbers only, under `measurement_field`: it keeps no texts."""
    wanted: dict[tuple[Any, ...], dict[int, float]] = {}
    for minute in minutes:
        for name, rows in minute.items():
            measurement = MEASUREMENTS[name]
            first = 1 + len(measurement.tags)
            for row in rows:
                labels = dict(zip(measurement.tags, row[1:first], strict=True))
                for (field, kind), value in zip(measurement.fields.items(), row[first:], strict=True):
                    if kind is not str and value is not None:
                        key = tuple(sorted({**labels, "__name__": f"{name}_{field}"}.items()))
                        wanted.setdefault(key, {})[row[0]] = float(value)  # type: ignore[arg-type]
    return wanted


async def test_every_number_is_there_also_after_the_server_was_away(server: Server, tmp_path: Path) -> None:
    minutes = [_rounded(rows_of_minute(minute, symbols(5))) for minute in range(6)]
    async with running(server, tmp_path, version=2, org="o", database=DATABASE, token="any") as store:

        def write(chosen: list[dict[str, list[Row]]]) -> None:
            for minute in chosen:
                for name, rows in minute.items():
                    store.write(MEASUREMENTS[name], rows)

        write(minutes[:2])
        assert await store.settle(20)
        server.stop()
        write(minutes[2:4])
        assert await store.settle(20)
        assert store.status().state == "down"
        server.start()
        write(minutes[4:])
        await until(lambda: not any(store.status().counts[name] for name in ("spooled", "pending")), "drained")
        assert store.status().state == "up"
        assert store.status().counts["dropped"] == store.status().counts["rejected"] == 0
    found, wanted = exported(server), expected(minutes)
    texts = {key for key in found if dict(key)["__name__"] in _texts()}
    assert {key: values for key, values in found.items() if key not in texts} == wanted


def _rounded(minute: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """It keeps the values of a series as decimals of one exponent: about 15 digits of the largest."""
    return {
        name: [(row[0], *(round(value, 3) if isinstance(value, float) else value for value in row[1:])) for row in rows]
        for name, rows in minute.items()
    }


def _texts() -> set[str]:
    return {
        f"{measurement.name}_{field}"
        for measurement in MEASUREMENTS.values()
        for field, kind in measurement.fields.items()
        if kind is str
    }

"""The Grafana dashboard: every query in it finds something in an InfluxDB filled with rows of the schema."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.influx import DATABASE, MINUTE_MS, START_MS, rows_of_minute, running, symbols
from tests.support.servers import Server, influx_server

from virtuoso.storage.timeseries.influx.client import InfluxClient
from virtuoso.storage.timeseries.schema import MEASUREMENTS

MINUTES = 30
VALUES = {
    "$timeFilter": f"time >= {START_MS}ms and time <= {START_MS + MINUTES * MINUTE_MS}ms",
    "$__interval": "5m",
    "${symbol:regex}": "S000USDT",
    "${timeframe:regex}": "1m",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with influx_server(tmp_path_factory.mktemp("influx")) as running_server:
        yield running_server


@pytest.fixture(scope="module")
def dashboard(root: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((root / "deploy/grafana/dashboards/virtuoso.json").read_text())
    return loaded


def queries(dashboard: dict[str, Any]) -> list[str]:
    """Of panels, variables and annotations."""
    found = [target["query"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    found += [one["query"] for one in dashboard["templating"]["list"] if one["type"] == "query"]
    return found + [one["query"] for one in dashboard["annotations"]["list"]]


async def test_every_query_finds_rows(server: Server, dashboard: dict[str, Any], tmp_path: Path) -> None:
    async with running(server, tmp_path) as store:
        for minute in range(MINUTES):
            for name, rows in rows_of_minute(minute, symbols(3)).items():
                store.write(MEASUREMENTS[name], rows)
        assert await store.settle(20)
    client = InfluxClient(
        url=f"http://{server.address}", version=1, database=DATABASE, org=None, token=None, username=None,
        password=None, timeout_s=10,
    )  # fmt: skip
    try:
        for query in queries(dashboard):
            text = query
            for name, value in VALUES.items():
                text = text.replace(name, value)
            assert "$" not in re.sub(r"\$/", "", text), f"an unknown variable in {query}"
            documents = [json.loads(document) async for document in client.query(text) if document]
            (result,) = documents[0]["results"]
            assert "error" not in result, f"{query}: {result}"
            assert result.get("series"), f"{query} finds nothing"
            rows = [row for series in result["series"] for row in series["values"]]
            for column in range(len(rows[0])):
                assert any(row[column] is not None for row in rows), f"{query}: column {column} is empty"
    finally:
        await client.close()


def test_every_measurement_is_shown(dashboard: dict[str, Any]) -> None:
    text = " ".join(queries(dashboard))
    assert {name for name in MEASUREMENTS if f'FROM "{name}"' in text} == set(MEASUREMENTS)


def test_the_parts_fit_together(dashboard: dict[str, Any], root: Path) -> None:
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for one, other in combinations((panel["gridPos"] for panel in panels), 2):
        apart = (
            one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        )  # fmt: skip
        assert apart, f"panels overlap: {one}, {other}"
        assert one["x"] + one["w"] <= 24
    sources = [
        part["datasource"] for panel in panels for part in (panel, *panel.get("targets", ())) if "datasource" in part
    ]
    assert all(source == {"type": "influxdb", "uid": "${datasource}"} for source in sources)
    folder = root / "deploy/grafana/provisioning"
    (source,) = yaml.safe_load((folder / "datasources/virtuoso.yaml").read_text())["datasources"]
    (variable,) = (one for one in dashboard["templating"]["list"] if one["type"] == "datasource")
    assert (source["uid"], source["type"]) == (variable["current"]["value"], variable["query"])
    (provider,) = yaml.safe_load((folder / "dashboards/virtuoso.yaml").read_text())["providers"]
    assert provider["type"] == "file"

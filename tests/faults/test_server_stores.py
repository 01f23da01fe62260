"""PostgreSQL and InfluxDB under a running program: killed in turn, nothing lost, and a restart goes on from them."""

import http.client
import json
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.databases import postgres
from tests.support.exchange import running_exchange
from tests.support.pace import STORES_SPEED
from tests.support.servers import Server, influx_server
from tests.support.services import Service, ask, quality, started, url_of, write_settings
from tests.support.services import until as wait_until

pytestmark = pytest.mark.slow


@dataclass
class Stores:
    folder: Path
    influx: Server
    postgres: Server
    program: Service


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    with ExitStack() as stack:
        exchange = stack.enter_context(running_exchange(speed=STORES_SPEED))
        influx = stack.enter_context(influx_server(tmp_path / "influx"))
        database = stack.enter_context(postgres())
        config = write_settings(
            tmp_path, exchange,
            database=f"{{url: 'postgresql://monitor@{database.address}/postgres'}}",
            timeseries=f"{{store: influx, influx: {{url: 'http://{influx.address}', flush: 0.2}}}}",
        )  # fmt: skip
        yield Stores(tmp_path, influx, database, Service(tmp_path, "up", "up", "-c", str(config), pace=exchange.pace))


def kept(url: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(f"{url}/api/monitoring/status")[1]["stores"][name]
    return found


def minutes(server: Server) -> dict[str, list[int]]:
    """Open times (epoch ms) of the minutes in InfluxDB, by symbol."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    query = urllib.parse.urlencode(
        {"db": "virtuoso", "epoch": "ms", "q": "SELECT close FROM bars WHERE timeframe = '1m' GROUP BY symbol"}
    )
    connection.request("GET", f"/query?{query}")
    answer = json.loads(connection.getresponse().read())
    connection.close()
    series = answer["results"][0].get("series", [])
    return {s["tags"]["symbol"]: [row[0] for row in s["values"]] for s in series}


def test_each_is_killed_and_nothing_is_lost(stores: Stores) -> None:
    program, pace = stores.program, stores.program.pace
    until = partial(wait_until, pace=pace)
    with started(program):
        url = url_of(program)
        until("live", lambda: quality(url) == "live")
        until("histories stored", lambda: len(minutes(stores.influx)) == 4)
        stores.influx.kill()
        stores.postgres.kill()
        until("influx down", lambda: kept(url, "influx")["state"] == "down", 20)
        until("database down", lambda: kept(url, "database")["state"] == "down", 20)
        assert ask(f"{url}/health")[0] == 200
        assert quality(url) == "live"
        assert kept(url, "lease")["may_publish"] is True
        assert ask(f"{url}/api/signals")[1]["reason"]
        bars = ask(f"{url}/api/symbols/BTCUSDT/scores")
        assert (bars[0], bars[1]["scores"]) == (200, [])
        assert bars[1]["reason"]
        closes = pace.now_s() // 60
        until("a minute closes meanwhile", lambda: pace.now_s() // 60 > closes, 70)
        until("points wait in the spool", lambda: kept(url, "influx")["spooled"] > 0, 20)
        stores.influx.start()
        stores.postgres.start()
        until("influx up", lambda: kept(url, "influx")["state"] == "up", 20)
        until("database up", lambda: kept(url, "database")["state"] == "up", 20)
        until("drained", lambda: kept(url, "influx")["spooled"] == 0, 20)
        until("committed", lambda: ask(f"{url}/api/monitoring/status")[1]["stores"]["committed_close"], 20)
        until("no reason", lambda: ask(f"{url}/api/signals")[1]["reason"] is None, 20)
        program.kill()
        program.start()
        url = url_of(program)
        until("live again", lambda: quality(url) == "live")
        log = program.log.read_text()
        assert '"event": "history recalled"' in log
        assert '"event": "resumed"' in log
        assert program.stop() == 0
    found = minutes(stores.influx)
    assert len(found) == 4
    for symbol, times in found.items():
        np.testing.assert_array_equal(np.diff(times), 60_000, err_msg=symbol)

"""Whom a validation asks: names that come late, symbols that leave, and an exchange of the deployment's own machine."""

from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from virtuoso.model.clock import SystemClock
from virtuoso.operations.validate.sampling.asking import Asker
from virtuoso.operations.validate.sampling.exchange import address_of
from virtuoso.operations.validate.sampling.naming import Naming

DOCUMENT: dict[str, Any] = {"paths": {"/api/symbols/{symbol}": {"get": {}}, "/api/alerts/{alert_id}": {"get": {}}}}


def of(*symbols: str) -> dict[str, Any]:
    return {"symbols": [{"symbol": symbol} for symbol in symbols]}


async def test_names_that_come_late_are_found_and_one_that_left_is_replaced() -> None:
    alerts: list[dict[str, str]] = []

    async def listed(_: web.Request) -> web.Response:
        return web.json_response({"alerts": alerts})

    app = web.Application()
    app.router.add_get("/api/alerts", listed)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        asker, naming = Asker(session, str(server.make_url("")), SystemClock()), Naming(DOCUMENT)
        assert await naming.look_up(asker)
        assert [route.asked for route in naming.routes] == [None, None]
        alerts.append({"id": "7"})
        naming.watched(of("AUSDT", "BUSDT"))
        assert await naming.look_up(asker)
        assert [route.asked for route in naming.routes] == ["/api/symbols/AUSDT", "/api/alerts/7"]
        assert not await naming.look_up(asker)
        naming.watched(of("BUSDT", "CUSDT"))
        assert await naming.look_up(asker)
        assert naming.routes[0].asked == "/api/symbols/BUSDT"


def test_the_same_symbols_go_on_being_asked_for() -> None:
    naming = Naming(DOCUMENT)
    naming.watched(of("AUSDT", "BUSDT"))
    naming.watched(of("CUSDT", "BUSDT", "AUSDT"))
    assert naming.symbols == ("AUSDT", "BUSDT", "CUSDT")
    naming.watched({"status": 503})
    assert naming.symbols == ("AUSDT", "BUSDT", "CUSDT"), "an answer that holds none says nothing of them"


@pytest.mark.parametrize("host", ["127.0.0.1:8003", "localhost:8003", "[::1]:8003"])
def test_an_exchange_of_the_deployments_own_machine_is_asked_from_there_alone(host: str) -> None:
    status = {"exchange": {"name": "bybit", "address": f"http://{host}"}}
    assert address_of(status, here=True) == (f"http://{host}", None)
    found, why = address_of(status, here=False)
    assert found is None
    assert "the deployment's own machine" in (why or "")


def test_an_exchange_elsewhere_is_asked_from_everywhere() -> None:
    status = {"exchange": {"name": "bybit", "address": "https://api.bybit.com"}}
    assert address_of(status, here=False) == ("https://api.bybit.com", None)

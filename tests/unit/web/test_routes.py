"""Every route of the application stands in its OpenAPI document; nothing is published yet, and it says so."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from fastapi.routing import APIRoute

from virtuoso.model import documents as docs
from virtuoso.model.alerts import documents as alert_docs
from virtuoso.model.alpha_documents import AlphaDocument
from virtuoso.model.backtested import BACKTESTED, BacktestedForecast
from virtuoso.model.catalogue import alert_examples, examples, performance_example
from virtuoso.model.catalogue.documents import DOCUMENTS, empty_body
from virtuoso.model.clock import ManualClock
from virtuoso.model.documents.signal_detail import hash_of
from virtuoso.model.timeframe import Timeframe
from virtuoso.operations.health import HealthState, Observed
from virtuoso.storage.cache.memory import MemoryCache, Version
from virtuoso.web.access import Access
from virtuoso.web.addresses import DASHBOARD
from virtuoso.web.app import application, create_app
from virtuoso.web.routes import (
    added_rules,
    alerts,
    deliveries,
    documents,
    health,
    monitoring,
    one_signal,
    pages,
    session,
    signals,
    silences,
    stream,
    symbols,
)
from virtuoso.web.routes.documents import HOT, WHOLE
from virtuoso.web.routes.symbol import cones, depths, series, tapes


class NoViews:
    """Nothing is watched."""

    def timeframes(self) -> tuple[Timeframe, ...]:
        return (Timeframe.M1, Timeframe.H4)

    async def bars(
        self, symbol: str, timeframe: Timeframe, limit: int, until_ms: int | None = None
    ) -> docs.Bars | None:
        return None

    async def book(self, symbol: str, depth: int) -> docs.Book | None:
        return None

    async def series(self, symbol: str, names: Sequence[str], limit: int) -> docs.SymbolSeries | None:
        return None

    async def scores(self, symbol: str, limit: int) -> docs.ScoreHistory | None:
        return None


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def board(clock: ManualClock) -> HealthState:
    return HealthState(clock, 10.0, "embedded")


@pytest.fixture
def cache(clock: ManualClock) -> MemoryCache:
    return MemoryCache(clock)


@dataclass
class Answer:
    status_code: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""

    def json(self) -> Any:
        return msgspec.json.decode(self.content)


class Client:
    """Asks the ASGI application without a server."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        given = {"Host": "testserver"} | (headers or {})
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": path,
            "raw_path": path.encode(), "query_string": b"", "scheme": "http", "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
            "server": ("testserver", 80), "client": ("127.0.0.1", 1),
        }  # fmt: skip
        answer = Answer()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer.status_code = message["status"]
                answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                answer.content += message.get("body", b"")

        asyncio.run(self._app(scope, receive, send))
        return answer


def client(cache: MemoryCache, board: HealthState, token: str | None = None) -> Client:
    return Client(
        create_app(
            cache=cache,
            board=board,
            views=NoViews(),
            database=None,
            identity="m",
            clock=ManualClock(),
            access=Access(["testserver"], token),
        )
    )


def test_every_route_stands_in_the_document(cache: MemoryCache, board: HealthState) -> None:
    access = Access(["testserver"], None)
    app = application(cache, board, NoViews(), None, "m", ManualClock(), access)
    routers = [
        health.router(board), documents.router(cache), symbols.router(NoViews(), cache), signals.router(None),
        stream.router(cache, ManualClock(), access), pages.router(), alerts.router(cache, None, ManualClock()),
        silences.router(None, ManualClock()),
        deliveries.router(None, "m", ManualClock()), session.router(access, ManualClock()),
        cones.router(cache, None, "m"), tapes.router(cache), series.router(NoViews()), depths.router(None, cache),
        monitoring.router(None),
        one_signal.router(None, "m", ManualClock()), added_rules.router(cache, None, "m", ManualClock(), None),
    ]  # fmt: skip
    served = {route.path_format for router in routers for route in router.routes if isinstance(route, APIRoute)}
    assert len(served) >= 20
    parts = {path for path in served if path.startswith("/static/")}  # of the pages: nothing for people
    addresses = set(DASHBOARD) - {"/"}  # of the one page
    addresses = {path.replace(":path", "") for path in addresses}
    assert served - parts - addresses == set(app.openapi()["paths"])
    assert set(HOT) <= served


@pytest.mark.parametrize(
    ("example", "schema"),
    [
        (examples.SIGNALS, docs.TopSignals), (examples.OVERVIEW, docs.MarketOverview),
        (examples.DASHBOARD, docs.Dashboard), (examples.STATUS, docs.MonitoringStatus),
        (examples.SYMBOLS, docs.SymbolList), (examples.SYMBOL, docs.SymbolDetail), (examples.BARS, docs.Bars),
        (examples.SIGNAL_HISTORY, docs.SignalHistory), (performance_example.BACKTESTED, docs.BacktestedQuality),
        (examples.SCORES, docs.ScoreHistory),
        (examples.SIGNAL_DETAIL, docs.SignalDetail), (examples.CONES, docs.Cones),
        (examples.SERIES, docs.SymbolSeries), (examples.TAPE, docs.Tape),
        (examples.REGIME, docs.RegimeDocument), (examples.BOOK, docs.Book), (examples.HEALTH, docs.Health),
        (examples.ALPHA, AlphaDocument), (alert_examples.ALERT, alert_docs.Alert),
        (alert_examples.HISTORY, alert_docs.AlertHistory), (alert_examples.DETAIL, alert_docs.AlertDetail),
        (alert_examples.ACKNOWLEDGING, alert_docs.NewAcknowledgement),
        (alert_examples.ADDING, alert_docs.NewRule), (alert_examples.ADDED, alert_docs.AddedRuleItem),
        (alert_examples.SILENCING, alert_docs.NewSilence), (alert_examples.SILENCE, alert_docs.SilenceItem),
        (alert_examples.SILENCES, alert_docs.Silences), (alert_examples.RULES, alert_docs.AlertRules),
        (alert_examples.PIPELINE, alert_docs.AlertPipeline), (alert_examples.DELIVERY, alert_docs.DeliveryItem),
        (alert_examples.DELIVERIES, alert_docs.Deliveries),
    ],
)  # fmt: skip
def test_every_example_is_a_whole_document(example: object, schema: type[msgspec.Struct]) -> None:
    assert msgspec.json.decode(msgspec.json.encode(msgspec.convert(example, schema))) == example


def test_the_hash_of_the_example_is_that_of_what_it_says() -> None:
    detail = msgspec.convert(examples.SIGNAL_DETAIL, docs.SignalDetail)
    assert detail.hash == hash_of(detail.said, detail.build)


def test_before_the_first_publication_there_are_nulls_and_reasons(cache: MemoryCache, board: HealthState) -> None:
    asked = client(cache, board)
    for path, document in WHOLE.items():
        answer = asked.get(path)
        assert answer.status_code == 200
        msgspec.json.decode(answer.content, type=document.schema)
    overview = asked.get("/api/market/overview").json()
    assert (overview["btc_price"], overview["data_quality"]) == (None, "unavailable")
    assert overview["reasons"]
    assert asked.get("/api/signals/top").json()["reason"]
    alpha = asked.get("/api/alpha").json()
    assert (alpha["benchmark"], alpha["rows"], alpha["found"]) == (None, [], 0)
    assert alpha["reason"]
    assert asked.get("/api/alerts/recent").json() == []
    assert asked.get("/health").status_code == 503


def test_documents_are_the_same_in_the_catalogue_the_api_and_before_the_first_publication(
    cache: MemoryCache, board: HealthState
) -> None:
    """Each is served where the catalogue says, described by its schema and example, and answered by its empty form."""
    asked = client(cache, board)
    paths = asked.get("/openapi.json").json()["paths"]
    for path, name in HOT.items():
        document, said = DOCUMENTS[name], paths[path]["get"]["responses"]["200"]["content"]["application/json"]
        if document.path is not None:
            assert (path, document.summary) == (document.path, paths[path]["get"]["summary"])
            assert said["schema"]["$ref"] == f"#/components/schemas/{document.schema.__name__}"
        assert said["example"] == msgspec.json.decode(msgspec.json.encode(document.example))
        assert asked.get(path).content == empty_body(name)
    empty = {name for name, document in DOCUMENTS.items() if document.empty is not None}
    assert set(HOT.values()) == empty - {"signals"}  # whose first rows are `signals:top`


def test_health_is_more_than_liveness(cache: MemoryCache, board: HealthState, clock: ManualClock) -> None:
    asked = client(cache, board)
    board.succeeded()
    board.observed(Observed(watched=1, live=1, connected=5, close_age_s=1.0, empty=None))
    for path in ("/health", "/health/ready"):
        assert (asked.get(path).status_code, asked.get(path).json()["status"]) == (200, "healthy")
    board.observed(Observed(watched=1, live=0, connected=5, close_age_s=1.0, empty=None))
    for path in ("/health", "/health/ready"):
        answer = asked.get(path)
        assert (answer.status_code, answer.json()["status"]) == (503, "unhealthy")
        assert answer.json()["reasons"] == ["none of the 1 watched symbols is live"]
    assert (asked.get("/health/live").status_code, asked.get("/health/live").json()) == (200, {"status": "alive"})
    clock.advance(31_000_000_000)
    assert "31 s old" in asked.get("/health").json()["reasons"][0]
    assert (asked.get("/health/live").status_code, asked.get("/health/live").json()) == (503, {"status": "stalled"})


def test_a_published_document_is_answered_as_it_is(cache: MemoryCache, board: HealthState) -> None:
    asked = client(cache, board)
    cache.put("dashboard", b'{"a":1}', Version(7, 3), 60)
    answer = asked.get("/api/dashboard/data")
    assert (answer.content, answer.headers["etag"]) == (b'{"a":1}', '"7-3"')
    assert asked.get("/api/dashboard/data", headers={"If-None-Match": '"7-3"'}).status_code == 304
    cache.put("dashboard", b'{"a":2}', Version(7, 4), 60)
    again = asked.get("/api/dashboard/data", headers={"If-None-Match": '"7-3"'})
    assert (again.status_code, again.content) == (200, b'{"a":2}')


def test_a_symbol_of_another_script_is_a_symbol(cache: MemoryCache, board: HealthState) -> None:
    cache.put("symbol:币安人生USDT", b'{"a":1}', Version(1, 1), 60)
    assert client(cache, board).get("/api/symbols/币安人生USDT").content == b'{"a":1}'


def test_a_symbol_with_a_slash_is_a_symbol(cache: MemoryCache, board: HealthState) -> None:
    """A server hands the path on with `%2F` decoded."""
    cache.put("symbol:BTC/USDC:USDC", b'{"a":1}', Version(1, 1), 60)
    asked = client(cache, board)
    assert asked.get("/api/symbols/BTC/USDC:USDC").content == b'{"a":1}'
    missing = asked.get("/api/symbols/BTC/EUR/bars")
    assert (missing.status_code, missing.json()["detail"].split()[0]) == (404, "BTC/EUR")


def test_a_token_is_required_when_there_is_one(cache: MemoryCache, board: HealthState) -> None:
    asked = client(cache, board, token="hush")
    cache.put("dashboard", b"{}", Version(1, 1), 60)
    for path in ("/api/dashboard/data", "/health", "/openapi.json"):
        refused = asked.get(path)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert asked.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert asked.get(path, headers={"Authorization": "Bearer hush"}).status_code in {200, 503}


def test_a_strange_host_is_refused_however_often_it_asks(cache: MemoryCache, board: HealthState) -> None:
    asked = client(cache, board)
    cache.put("dashboard", b"{}", Version(1, 1), 60)
    for _ in range(3):
        assert asked.get("/api/dashboard/data", headers={"Host": "evil.example"}).status_code == 421
        assert asked.get("/api/dashboard/data").status_code == 200


def test_what_was_measured_on_files_is_told_apart(cache: MemoryCache, board: HealthState) -> None:
    found = client(cache, board).get("/api/signals/backtested").json()
    assert found["origin"] == "files"
    assert {one["set"] for horizon in found["horizons"] for one in horizon["forecasts"]} == {
        one["set"] for one in found["sets"]
    }
    minutes = [horizon["horizon_min"] for horizon in found["horizons"]]
    assert minutes == sorted(BACKTESTED.horizons)
    assert (
        msgspec.convert(found["horizons"][0]["forecasts"][0], BacktestedForecast) == BACKTESTED.horizons[minutes[0]][0]
    )
